# watcher: the read-only side of the API server. libproject has no I/O; tests and fuzzers
# link it.
WATCHER_INC = -iquote $(top_srcdir)/watcher
noinst_LIBRARIES += watcher/libproject.a
watcher_libproject_a_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) $(KUBE_INC) \
	$(WATCHER_INC)
watcher_libproject_a_SOURCES = \
	watcher/choose.c watcher/choose.h \
	watcher/project.c watcher/project.h \
	watcher/project_pod.c watcher/project_tracker.c watcher/project_slice.c
pkglibexec_PROGRAMS += ipwarden-watcher
ipwarden_watcher_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) $(SANDBOX_INC) \
	$(HTTP_INC) $(KUBE_INC) $(WATCHER_INC)
ipwarden_watcher_CFLAGS = $(AM_CFLAGS)
ipwarden_watcher_LDADD = watcher/libproject.a kube/libkube.a http/libhttp.a proto/liblink.a \
	proto/libcontrol.a proto/libshim.a sandbox/libsandbox.a base/libbase.a \
	$(CURL_LIBS) $(OPENSSL_LIBS) $(JSON_LIBS) $(NANOMSG_LIBS) $(SECCOMP_LIBS)
ipwarden_watcher_SOURCES = \
	watcher/access.c watcher/access.h \
	watcher/facts.c watcher/facts.h \
	watcher/main.c \
	watcher/role.c watcher/role.h
