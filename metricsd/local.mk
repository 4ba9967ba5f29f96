# metricsd: no TLS, no JSON, no curl. libmetricsd has no I/O; tests link it.
METRICSD_INC = -iquote $(top_srcdir)/metricsd
noinst_LIBRARIES += metricsd/libmetricsd.a
metricsd_libmetricsd_a_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) $(METRICSD_INC)
metricsd_libmetricsd_a_SOURCES = \
	metricsd/connections.c metricsd/connections.h \
	metricsd/exposition.c metricsd/exposition.h \
	metricsd/health.c metricsd/health.h \
	metricsd/negotiate.c \
	metricsd/registry.c metricsd/registry.h
pkglibexec_PROGRAMS += ipwarden-metricsd
ipwarden_metricsd_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) $(SANDBOX_INC) \
	$(METRICSD_INC)
ipwarden_metricsd_CFLAGS = $(AM_CFLAGS) $(MHD_CFLAGS) $(SECCOMP_CFLAGS)
ipwarden_metricsd_LDADD = metricsd/libmetricsd.a proto/liblink.a proto/libcontrol.a proto/libshim.a \
	sandbox/libsandbox.a base/libbase.a $(MHD_LIBS) $(NANOMSG_LIBS) $(SECCOMP_LIBS)
ipwarden_metricsd_SOURCES = \
	metricsd/main.c \
	metricsd/role.c metricsd/role.h \
	metricsd/server.c metricsd/server.h
