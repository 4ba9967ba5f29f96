# cloudworker: observes and moves addresses at the cloud; holds its credentials.
# CLOUDWORKER_PURE has no I/O and no clock of its own; tests and the simulation link it.
CLOUDWORKER_INC = -iquote $(top_srcdir)/cloudworker
CLOUDWORKER_PURE = \
	cloudworker/cloud.c cloudworker/cloud.h \
	cloudworker/observe.c cloudworker/observe.h \
	cloudworker/order.c cloudworker/order.h \
	cloudworker/orders.c cloudworker/orders.h
CLOUDWORKER_GCP = \
	cloudworker/gcp_error.c cloudworker/gcp_error.h \
	cloudworker/gcp_reply.c cloudworker/gcp_reply.h \
	cloudworker/gcp_request.c cloudworker/gcp_request.h \
	cloudworker/json_read.c cloudworker/json_read.h \
	cloudworker/token_text.c cloudworker/token_text.h
pkglibexec_PROGRAMS += ipwarden-cloudworker
ipwarden_cloudworker_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) \
	$(SANDBOX_INC) $(HTTP_INC) $(CLOUDWORKER_INC)
ipwarden_cloudworker_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
ipwarden_cloudworker_LDADD = http/libhttp.a proto/liblink.a proto/libcontrol.a \
	proto/libshim.a sandbox/libsandbox.a base/libbase.a \
	$(CURL_LIBS) $(OPENSSL_LIBS) $(JSON_LIBS) $(NANOMSG_LIBS) $(SECCOMP_LIBS)
ipwarden_cloudworker_SOURCES = $(CLOUDWORKER_PURE) $(CLOUDWORKER_GCP) \
	cloudworker/gcp.c cloudworker/gcp.h \
	cloudworker/main.c \
	cloudworker/role.c cloudworker/role.h \
	cloudworker/shell.c cloudworker/shell.h \
	cloudworker/token.c cloudworker/token.h
