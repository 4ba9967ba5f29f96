# dialer: opens connections and passes them on. Links libseccomp only; of http it sees the
# wire format of a dial.
pkglibexec_PROGRAMS += ipwarden-dialer
ipwarden_dialer_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) $(SANDBOX_INC) \
	$(HTTP_INC) -iquote $(top_srcdir)/dialer
ipwarden_dialer_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS)
ipwarden_dialer_LDADD = proto/libcontrol.a sandbox/libsandbox.a base/libbase.a \
	$(SECCOMP_LIBS)
ipwarden_dialer_SOURCES = \
	dialer/client.c dialer/client.h \
	dialer/dials.c dialer/dials.h \
	dialer/entries.c dialer/entries.h \
	dialer/filter.c dialer/filter.h \
	dialer/main.c
