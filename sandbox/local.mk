# sandbox: the engine that applies a role's const description. Links libseccomp only.
SANDBOX_INC = -iquote $(top_srcdir)/sandbox
noinst_LIBRARIES += sandbox/libsandbox.a
sandbox_libsandbox_a_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) $(SANDBOX_INC)
sandbox_libsandbox_a_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS)
sandbox_libsandbox_a_SOURCES = \
	sandbox/groups.c \
	sandbox/landlock.c sandbox/landlock.h \
	sandbox/sandbox.c sandbox/sandbox.h
