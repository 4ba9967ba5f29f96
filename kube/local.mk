# kube: the Kubernetes API client.
KUBE_INC = -iquote $(top_srcdir)/kube
noinst_LIBRARIES += kube/libkube.a
kube_libkube_a_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) $(SANDBOX_INC) \
	$(HTTP_INC) $(KUBE_INC)
kube_libkube_a_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
kube_libkube_a_SOURCES = \
	kube/call.c \
	kube/client.h \
	kube/events.c \
	kube/frame.c kube/frame.h \
	kube/informer.c kube/informer.h \
	kube/kube.c kube/kube.h \
	kube/review.c kube/review.h \
	kube/scan.c kube/scan.h \
	kube/status.c \
	kube/walk.c kube/walk.h
