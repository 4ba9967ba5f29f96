# kubeconfig: reads a kubeconfig's text. Pure; links libyaml.
KUBECONFIG_INC = -iquote $(top_srcdir)/kubeconfig
noinst_LIBRARIES += kubeconfig/libkubeconfig.a
kubeconfig_libkubeconfig_a_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) \
	$(KUBECONFIG_INC)
kubeconfig_libkubeconfig_a_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS)
kubeconfig_libkubeconfig_a_SOURCES = \
	kubeconfig/base64.c kubeconfig/base64.h \
	kubeconfig/kubeconfig.c kubeconfig/kubeconfig.h \
	kubeconfig/server.c kubeconfig/server.h \
	kubeconfig/tree.c kubeconfig/tree.h
