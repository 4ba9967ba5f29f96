# reconciler: world model, leader election, decisions, every write to the API.
# libreconciler has no I/O and no clock of its own; tests and the simulation link it.
RECONCILER_INC = -iquote $(top_srcdir)/reconciler
RECONCILER_PURE = \
	reconciler/allocation.c reconciler/allocation.h \
	reconciler/allocation_finalizer.c reconciler/allocation_finalizer.h \
	reconciler/allocation_spec.c reconciler/allocation_spec.h \
	reconciler/allocation_status.c \
	reconciler/amount.c reconciler/amount.h \
	reconciler/effects.c \
	reconciler/event_body.c reconciler/event_body.h \
	reconciler/elect.c reconciler/elect.h \
	reconciler/intent.c reconciler/intent.h \
	http/json_read.c http/json_read.h \
	reconciler/mint.c reconciler/mint.h \
	reconciler/lease.c reconciler/lease.h
include reconciler/core.mk
noinst_LIBRARIES += reconciler/libreconciler.a
reconciler_libreconciler_a_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) \
	$(SANDBOX_INC) $(HTTP_INC) $(KUBE_INC) $(RECONCILER_INC)
reconciler_libreconciler_a_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
reconciler_libreconciler_a_SOURCES = $(RECONCILER_PURE) $(RECONCILER_CORE)
pkglibexec_PROGRAMS += ipwarden-reconciler
ipwarden_reconciler_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) $(SANDBOX_INC) \
	$(HTTP_INC) $(KUBE_INC) $(FOOTPRINT_INC) $(RECONCILER_INC)
ipwarden_reconciler_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
ipwarden_reconciler_LDADD = reconciler/libreconciler.a footprint/libfootprint.a \
	proto/libchain.a kube/libkube.a http/libhttp.a proto/liblink.a \
	proto/libcontrol.a proto/libshim.a sandbox/libsandbox.a base/libbase.a \
	$(CURL_LIBS) $(OPENSSL_LIBS) $(JSON_LIBS) $(NANOMSG_LIBS) $(SECCOMP_LIBS)
ipwarden_reconciler_SOURCES = \
	reconciler/access.c reconciler/access.h \
	reconciler/audit.c reconciler/audit.h \
	reconciler/main.c \
	reconciler/shell.c reconciler/shell.h \
	reconciler/shell_effects.c reconciler/shell_state.h \
	reconciler/shell_ask.c \
	reconciler/shell_footprints.c \
	reconciler/shell_history.c \
	reconciler/shell_identity.c \
	reconciler/shell_lease.c
