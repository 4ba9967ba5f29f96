# sim: the embedded world. One program with the judge in it. GnuTLS is the TLS library
# under libmicrohttpd; the client's certificate is read from its session.
SIM_INC = -iquote $(top_srcdir)/sim
noinst_LIBRARIES += sim/libsim.a
sim_libsim_a_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(SIM_INC)
sim_libsim_a_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS) $(MHD_CFLAGS) $(GNUTLS_CFLAGS) \
	$(OPENSSL_CFLAGS)
sim_libsim_a_SOURCES = \
	sim/kube_proto.h \
	sim/kube_proto.c \
	sim/control.c sim/control.h \
	sim/fault.c \
	sim/gce_api.c sim/gce_api.h \
	sim/gce_change.c \
	sim/gce_control.c \
	sim/gce_fields.c sim/gce_fields.h \
	sim/gce_gate.c sim/gce_gate.h \
	sim/gce_json.c sim/gce_json.h \
	sim/gce_list.c sim/gce_list.h \
	sim/gce_operation.c sim/gce_operation.h \
	sim/gce_read.c \
	sim/gce_reply.c sim/gce_reply.h \
	sim/gce_state.c sim/gce_state.h \
	sim/gce_world.c sim/gce_world.h \
	sim/hold.c sim/hold.h \
	sim/http.c sim/http.h \
	sim/journal.c sim/journal.h \
	sim/judge.c sim/judge.h \
	sim/kube_admit.c sim/kube_admit.h \
	sim/kube_auth.c sim/kube_auth.h \
	sim/kube_builtin.c \
	sim/kube_change.c sim/kube_change.h \
	sim/kube_check.c sim/kube_check.h \
	sim/kube_column.c \
	sim/kube_continue.c \
	sim/kube_control.c \
	sim/kube_convert.c sim/kube_convert.h \
	sim/kube_custom.c sim/kube_custom.h \
	sim/kube_delete.c sim/kube_delete.h \
	sim/kube_discovery.c sim/kube_discovery.h \
	sim/kube_bend.c \
	sim/kube_evict.c \
	sim/kube_fault.c sim/kube_fault.h \
	sim/kube_handle.c \
	sim/kube_json.c sim/kube_json.h \
	sim/kube_managed.c sim/kube_managed.h \
	sim/kube_kubelet.c sim/kube_kubelet.h \
	sim/kube_patch.c sim/kube_patch.h \
	sim/kube_rbac.c sim/kube_rbac.h \
	sim/kube_rbac_check.c \
	sim/kube_read.c sim/kube_read.h \
	sim/kube_record.c sim/kube_record.h \
	sim/kube_review.c sim/kube_review.h \
	sim/kube_roles.c sim/kube_roles.h \
	sim/kube_route.c sim/kube_route.h \
	sim/kube_schema.c sim/kube_schema.h \
	sim/kube_selector.c sim/kube_selector.h \
	sim/kube_stale.c \
	sim/kube_status.c sim/kube_status.h \
	sim/kube_store.c sim/kube_store.h \
	sim/kube_strategic.c \
	sim/kube_table.c sim/kube_table.h \
	sim/kube_token.c sim/kube_token.h \
	sim/kube_validate.c \
	sim/kube_watch.c sim/kube_watch.h \
	sim/kube_world.h \
	sim/kube_write.c sim/kube_write.h \
	sim/metadata.c \
	sim/options.c sim/options.h \
	sim/pki.c sim/pki.h \
	sim/serve.c sim/serve.h \
	sim/serve_files.c \
	sim/serve_nodes.c \
	sim/sim.h

bin_PROGRAMS += ipwarden-sim
ipwarden_sim_CPPFLAGS = $(sim_libsim_a_CPPFLAGS)
ipwarden_sim_LDADD = sim/libsim.a base/libbase.a $(JSON_LIBS) $(MHD_LIBS) $(GNUTLS_LIBS) \
	$(OPENSSL_LIBS)
ipwarden_sim_SOURCES = sim/main.c
