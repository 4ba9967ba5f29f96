# ctl: the user's command line. libctl is what its tests link. It opens its connections
# itself: connect.c stands before libhttp, whose dial.c is not taken then.
CTL_INC = -iquote $(top_srcdir)/ctl
noinst_LIBRARIES += ctl/libctl.a
ctl_libctl_a_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) $(HTTP_INC) $(KUBE_INC) \
	$(FOOTPRINT_INC) $(CTL_INC)
ctl_libctl_a_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
ctl_libctl_a_SOURCES = \
	ctl/answer.c ctl/answer.h ctl/answer_print.c \
	ctl/flags.c ctl/flags.h \
	ctl/history.c ctl/history.h \
	ctl/inventory.c ctl/inventory.h \
	ctl/kubelets.c ctl/kubelets.h \
	ctl/option.c ctl/option.h \
	ctl/pods_print.c ctl/pods_print.h \
	ctl/question.c ctl/question.h \
	ctl/seen.c ctl/seen.h \
	ctl/show.c ctl/show.h \
	ctl/track.c ctl/track.h \
	ctl/verify.c ctl/verify.h \
	http/json_read.c http/json_read.h
bin_PROGRAMS += ipwardenctl
ipwardenctl_CPPFLAGS = $(ctl_libctl_a_CPPFLAGS) $(SANDBOX_INC) $(KUBECONFIG_INC)
ipwardenctl_CFLAGS = $(ctl_libctl_a_CFLAGS)
ipwardenctl_LDADD = ctl/libctl.a footprint/libfootprint.a kube/libkube.a http/libhttp.a \
	kubeconfig/libkubeconfig.a proto/libchain.a proto/libcontrol.a sandbox/libsandbox.a \
	base/libbase.a $(CURL_LIBS) $(JSON_LIBS) $(OPENSSL_LIBS) $(SECCOMP_LIBS) $(YAML_LIBS)
ipwardenctl_SOURCES = \
	ctl/ask.c ctl/ask.h \
	ctl/client.c ctl/client.h \
	ctl/connect.c ctl/connect.h \
	ctl/find.h ctl/find_hours.c ctl/find_now.c ctl/find_then.c ctl/finding.h \
	ctl/footprint.c ctl/footprint.h \
	ctl/kubelets_ask.c \
	ctl/leads.c ctl/leads.h \
	ctl/main.c \
	ctl/pods.c ctl/pods.h \
	ctl/who.c ctl/who.h
