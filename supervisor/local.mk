# supervisor: libc, libcap, libseccomp.
bin_PROGRAMS += ipwarden
ipwarden_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) $(SANDBOX_INC)
ipwarden_CFLAGS = $(AM_CFLAGS) $(CAP_CFLAGS) $(SECCOMP_CFLAGS)
ipwarden_LDADD = proto/libcontrol.a base/libbase.a $(CAP_LIBS) $(SECCOMP_LIBS)
ipwarden_SOURCES = \
	supervisor/children.c \
	supervisor/feed.c \
	supervisor/filter.c \
	supervisor/forward.c \
	supervisor/identities.c \
	supervisor/kubeconfig.c \
	supervisor/links.c \
	supervisor/listen.c \
	supervisor/main.c \
	supervisor/options.c supervisor/options.h \
	supervisor/options_footprint.c supervisor/options_state.h \
	supervisor/roles.c \
	supervisor/separate.c \
	supervisor/spawn.c \
	supervisor/supervisor.h \
	supervisor/token.c \
	supervisor/usage.c \
	supervisor/verify.c

# An empty root for processes with uids of their own (supervisor/separate.c).
install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(pkglibexecdir)/empty'
	chmod 555 '$(DESTDIR)$(pkglibexecdir)/empty'

uninstall-local:
	rmdir '$(DESTDIR)$(pkglibexecdir)/empty'
