# cloudworker: observes and moves addresses at the cloud; holds its credentials.
# libcloudworker is all but the shell around it; order, orders and observe have no I/O and
# no clock of their own, and the simulation links them.
CLOUDWORKER_INC = -iquote $(top_srcdir)/cloudworker
noinst_LIBRARIES += cloudworker/libcloudworker.a
cloudworker_libcloudworker_a_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) \
	$(HTTP_INC) $(CLOUDWORKER_INC)
cloudworker_libcloudworker_a_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
cloudworker_libcloudworker_a_SOURCES = \
	cloudworker/cloud.c cloudworker/cloud.h \
	cloudworker/breaker.c cloudworker/breaker.h \
	cloudworker/observe.c cloudworker/observe.h \
	cloudworker/order.c cloudworker/order.h \
	cloudworker/orders.c cloudworker/orders.h \
	cloudworker/gcp.c cloudworker/gcp.h \
	cloudworker/token.c cloudworker/token.h \
	cloudworker/gcp_error.c cloudworker/gcp_error.h \
	cloudworker/gcp_reply.c cloudworker/gcp_reply.h \
	cloudworker/gcp_request.c cloudworker/gcp_request.h \
	http/json_read.c http/json_read.h \
	cloudworker/token_text.c cloudworker/token_text.h
pkglibexec_PROGRAMS += ipwarden-cloudworker
ipwarden_cloudworker_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) \
	$(SANDBOX_INC) $(HTTP_INC) $(CLOUDWORKER_INC)
ipwarden_cloudworker_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
ipwarden_cloudworker_LDADD = cloudworker/libcloudworker.a http/libhttp.a proto/liblink.a proto/libcontrol.a \
	proto/libshim.a sandbox/libsandbox.a base/libbase.a \
	$(CURL_LIBS) $(OPENSSL_LIBS) $(JSON_LIBS) $(NANOMSG_LIBS) $(SECCOMP_LIBS)
ipwarden_cloudworker_SOURCES = \
	cloudworker/main.c \
	cloudworker/role.c cloudworker/role.h \
	cloudworker/shell.c cloudworker/shell.h
