# resolver: DNS for the dialers. What reads foreign bytes is a library of its own, so that
# tests and fuzzers reach it. Links libseccomp and, of the C library, libresolv.
RESOLVER_INC = -iquote $(top_srcdir)/resolver
noinst_LIBRARIES += resolver/libdns.a
resolver_libdns_a_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) $(RESOLVER_INC)
resolver_libdns_a_SOURCES = \
	resolver/cache.c resolver/cache.h \
	resolver/conf.c resolver/conf.h \
	resolver/dns.c resolver/dns.h \
	proto/resolve.h

pkglibexec_PROGRAMS += ipwarden-resolver
ipwarden_resolver_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) $(SANDBOX_INC) \
	$(RESOLVER_INC)
ipwarden_resolver_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS)
ipwarden_resolver_LDADD = resolver/libdns.a proto/libcontrol.a sandbox/libsandbox.a \
	base/libbase.a $(SECCOMP_LIBS) -lresolv
ipwarden_resolver_SOURCES = \
	resolver/clients.c resolver/clients.h \
	resolver/filter.c resolver/filter.h \
	resolver/lookup.c resolver/lookup.h \
	resolver/main.c \
	resolver/query.c resolver/query.h
