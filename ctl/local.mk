# ctl: the user's command line. libctl is what its tests link.
CTL_INC = -iquote $(top_srcdir)/ctl
noinst_LIBRARIES += ctl/libctl.a
ctl_libctl_a_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) $(CTL_INC)
ctl_libctl_a_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
ctl_libctl_a_SOURCES = ctl/verify.c ctl/verify.h
bin_PROGRAMS += ipwardenctl
ipwardenctl_CPPFLAGS = $(ctl_libctl_a_CPPFLAGS)
ipwardenctl_CFLAGS = $(ctl_libctl_a_CFLAGS)
ipwardenctl_LDADD = ctl/libctl.a proto/libchain.a base/libbase.a $(JSON_LIBS) \
	$(OPENSSL_LIBS)
ipwardenctl_SOURCES = ctl/main.c
