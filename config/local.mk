# config: turns a kubeconfig into settings and ends. Links libyaml and libseccomp.
CONFIG_INC = -iquote $(top_srcdir)/config
pkglibexec_PROGRAMS += ipwarden-config
ipwarden_config_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) $(SANDBOX_INC) \
	$(KUBECONFIG_INC) $(CONFIG_INC)
ipwarden_config_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS)
ipwarden_config_LDADD = kubeconfig/libkubeconfig.a proto/libcontrol.a \
	sandbox/libsandbox.a base/libbase.a $(SECCOMP_LIBS) $(YAML_LIBS)
ipwarden_config_SOURCES = \
	config/filter.c config/filter.h \
	config/main.c
