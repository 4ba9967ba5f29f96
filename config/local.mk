# config: turns a kubeconfig into settings and ends. What reads foreign bytes is a library
# of its own, so that tests and fuzzers reach it. Links libyaml and libseccomp.
CONFIG_INC = -iquote $(top_srcdir)/config
noinst_LIBRARIES += config/libkubeconfig.a
config_libkubeconfig_a_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) $(CONFIG_INC)
config_libkubeconfig_a_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS)
config_libkubeconfig_a_SOURCES = \
	config/base64.c config/base64.h \
	config/kubeconfig.c config/kubeconfig.h \
	config/server.c config/server.h \
	config/tree.c config/tree.h

pkglibexec_PROGRAMS += ipwarden-config
ipwarden_config_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) $(SANDBOX_INC) \
	$(CONFIG_INC)
ipwarden_config_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS)
ipwarden_config_LDADD = config/libkubeconfig.a proto/libcontrol.a \
	sandbox/libsandbox.a base/libbase.a $(SECCOMP_LIBS) $(YAML_LIBS)
ipwarden_config_SOURCES = \
	config/filter.c config/filter.h \
	config/main.c
