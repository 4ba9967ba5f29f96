# tests: unit (criterion), fuzz corpora, system tests on the staged programs.
#
# Criterion is itself a nanomsg program, so no test of it links the shim.
TESTS_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) -iquote $(top_srcdir)/tests/unit \
	-DTESTS_JUDGE_DIR='"$(abs_top_srcdir)/tests/judge"' \
	-DTESTS_CONTRACTS='"$(abs_top_srcdir)/tests/contracts"'
TESTS_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS) $(JSON_CFLAGS)

UNIT_TESTS =

UNIT_TESTS += tests/unit/test_base
tests_unit_test_base_CPPFLAGS = $(TESTS_CPPFLAGS)
tests_unit_test_base_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_base_LDADD = base/libbase.a $(CRITERION_LIBS)
tests_unit_test_base_SOURCES = tests/unit/test_base.c

UNIT_TESTS += tests/unit/test_selector
tests_unit_test_selector_CPPFLAGS = $(TESTS_CPPFLAGS)
tests_unit_test_selector_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_selector_LDADD = base/libbase.a $(CRITERION_LIBS)
tests_unit_test_selector_SOURCES = tests/unit/test_selector.c

UNIT_TESTS += tests/unit/test_messages
tests_unit_test_messages_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC)
tests_unit_test_messages_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_messages_LDADD = proto/liblink.a proto/libcontrol.a base/libbase.a \
	$(CRITERION_LIBS)
tests_unit_test_messages_SOURCES = tests/unit/test_messages.c

UNIT_TESTS += tests/unit/test_session
tests_unit_test_session_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC)
tests_unit_test_session_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_session_LDADD = proto/liblink.a base/libbase.a $(CRITERION_LIBS)
tests_unit_test_session_SOURCES = tests/unit/test_session.c

UNIT_TESTS += tests/unit/test_meter
tests_unit_test_meter_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC)
tests_unit_test_meter_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_meter_LDADD = proto/liblink.a base/libbase.a $(CRITERION_LIBS)
tests_unit_test_meter_SOURCES = tests/unit/test_meter.c

UNIT_TESTS += tests/unit/test_rate
tests_unit_test_rate_CPPFLAGS = $(TESTS_CPPFLAGS)
tests_unit_test_rate_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_rate_LDADD = base/libbase.a $(CRITERION_LIBS)
tests_unit_test_rate_SOURCES = tests/unit/test_rate.c

UNIT_TESTS += tests/unit/test_worker
tests_unit_test_worker_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(SANDBOX_INC)
tests_unit_test_worker_CFLAGS = $(TESTS_CFLAGS) $(SECCOMP_CFLAGS)
tests_unit_test_worker_LDADD = proto/libcontrol.a sandbox/libsandbox.a base/libbase.a \
	$(SECCOMP_LIBS) $(CRITERION_LIBS)
tests_unit_test_worker_SOURCES = tests/unit/test_worker.c

UNIT_TESTS += tests/unit/test_scan
tests_unit_test_scan_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(HTTP_INC) $(KUBE_INC)
tests_unit_test_scan_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_scan_LDADD = kube/libkube.a base/libbase.a $(JSON_LIBS) \
	$(CRITERION_LIBS)
tests_unit_test_scan_SOURCES = tests/unit/test_scan.c

UNIT_TESTS += tests/unit/test_scan_json
tests_unit_test_scan_json_CPPFLAGS = $(tests_unit_test_scan_CPPFLAGS)
tests_unit_test_scan_json_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_scan_json_LDADD = $(tests_unit_test_scan_LDADD)
tests_unit_test_scan_json_SOURCES = tests/unit/test_scan_json.c

UNIT_TESTS += tests/unit/test_footprint
tests_unit_test_footprint_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(HTTP_INC) \
	$(KUBE_INC) $(FOOTPRINT_INC)
tests_unit_test_footprint_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_footprint_LDADD = footprint/libfootprint.a kube/libkube.a base/libbase.a \
	$(JSON_LIBS) $(OPENSSL_LIBS) $(CRITERION_LIBS)
tests_unit_test_footprint_SOURCES = tests/unit/test_footprint.c http/json_read.c

UNIT_TESTS += tests/unit/test_hour
tests_unit_test_hour_CPPFLAGS = $(tests_unit_test_footprint_CPPFLAGS)
tests_unit_test_hour_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_hour_LDADD = $(tests_unit_test_footprint_LDADD)
tests_unit_test_hour_SOURCES = tests/unit/test_hour.c http/json_read.c

UNIT_TESTS += tests/unit/test_watched
tests_unit_test_watched_CPPFLAGS = $(tests_unit_test_footprint_CPPFLAGS)
tests_unit_test_watched_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_watched_LDADD = $(tests_unit_test_footprint_LDADD)
tests_unit_test_watched_SOURCES = tests/unit/test_watched.c http/json_read.c

UNIT_TESTS += tests/unit/test_notes
tests_unit_test_notes_CPPFLAGS = $(tests_unit_test_footprint_CPPFLAGS)
tests_unit_test_notes_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_notes_LDADD = $(tests_unit_test_footprint_LDADD)
tests_unit_test_notes_SOURCES = tests/unit/test_notes.c

UNIT_TESTS += tests/unit/test_flags
tests_unit_test_flags_CPPFLAGS = $(TESTS_CPPFLAGS) $(CTL_INC)
tests_unit_test_flags_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_flags_LDADD = ctl/libctl.a base/libbase.a $(CRITERION_LIBS)
tests_unit_test_flags_SOURCES = tests/unit/test_flags.c

UNIT_TESTS += tests/unit/test_inventory
tests_unit_test_inventory_CPPFLAGS = $(tests_unit_test_scan_CPPFLAGS) $(CTL_INC)
tests_unit_test_inventory_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_inventory_LDADD = ctl/libctl.a $(tests_unit_test_scan_LDADD)
tests_unit_test_inventory_SOURCES = tests/unit/test_inventory.c

UNIT_TESTS += tests/unit/test_who
tests_unit_test_who_CPPFLAGS = $(tests_unit_test_footprint_CPPFLAGS) $(CTL_INC)
tests_unit_test_who_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_who_LDADD = ctl/libctl.a $(tests_unit_test_footprint_LDADD)
tests_unit_test_who_SOURCES = tests/unit/test_who.c

UNIT_TESTS += tests/unit/test_track
tests_unit_test_track_CPPFLAGS = $(tests_unit_test_footprint_CPPFLAGS) $(CTL_INC)
tests_unit_test_track_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_track_LDADD = ctl/libctl.a $(tests_unit_test_footprint_LDADD)
tests_unit_test_track_SOURCES = tests/unit/test_track.c

UNIT_TESTS += tests/unit/test_diary
tests_unit_test_diary_CPPFLAGS = $(tests_unit_test_footprint_CPPFLAGS)
tests_unit_test_diary_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_diary_LDADD = $(tests_unit_test_store_LDADD)
tests_unit_test_diary_SOURCES = tests/unit/test_diary.c tests/unit/store_rig.c \
	tests/unit/store_rig.h http/json_read.c

UNIT_TESTS += tests/unit/test_store
tests_unit_test_store_CPPFLAGS = $(tests_unit_test_footprint_CPPFLAGS)
tests_unit_test_store_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_store_LDADD = footprint/libfootprint.a kube/libkube.a http/libhttp.a \
	proto/libcontrol.a sandbox/libsandbox.a base/libbase.a $(CURL_LIBS) $(OPENSSL_LIBS) \
	$(JSON_LIBS) $(SECCOMP_LIBS) $(CRITERION_LIBS)
tests_unit_test_store_SOURCES = tests/unit/test_store.c tests/unit/store_rig.c \
	tests/unit/store_rig.h http/json_read.c

UNIT_TESTS += tests/unit/test_store_watched
tests_unit_test_store_watched_CPPFLAGS = $(tests_unit_test_store_CPPFLAGS)
tests_unit_test_store_watched_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_store_watched_LDADD = $(tests_unit_test_store_LDADD)
tests_unit_test_store_watched_SOURCES = tests/unit/test_store_watched.c \
	tests/unit/store_rig.c tests/unit/store_rig.h http/json_read.c

UNIT_TESTS += tests/unit/test_dial
tests_unit_test_dial_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(HTTP_INC)
tests_unit_test_dial_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_dial_LDADD = http/libhttp.a proto/libcontrol.a base/libbase.a \
	$(CRITERION_LIBS)
tests_unit_test_dial_SOURCES = tests/unit/test_dial.c

UNIT_TESTS += tests/unit/test_http
tests_unit_test_http_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(HTTP_INC)
tests_unit_test_http_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_http_LDADD = http/libhttp.a proto/libcontrol.a base/libbase.a \
	$(CURL_LIBS) $(OPENSSL_LIBS) $(CRITERION_LIBS)
tests_unit_test_http_SOURCES = tests/unit/test_http.c tests/unit/web.c \
	tests/unit/web.h tests/unit/http_rig.h tests/unit/http_rig.c

UNIT_TESTS += tests/unit/test_http2
tests_unit_test_http2_CPPFLAGS = $(tests_unit_test_http_CPPFLAGS)
tests_unit_test_http2_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_http2_LDADD = $(tests_unit_test_http_LDADD)
tests_unit_test_http2_SOURCES = tests/unit/test_http2.c tests/unit/web.c \
	tests/unit/web.h tests/unit/http_rig.h tests/unit/http_rig.c

UNIT_TESTS += tests/unit/test_kube
tests_unit_test_kube_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(HTTP_INC) $(KUBE_INC)
tests_unit_test_kube_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_kube_LDADD = kube/libkube.a http/libhttp.a proto/libcontrol.a \
	sandbox/libsandbox.a base/libbase.a $(CURL_LIBS) $(OPENSSL_LIBS) $(JSON_LIBS) \
	$(SECCOMP_LIBS) $(CRITERION_LIBS)
tests_unit_test_kube_SOURCES = tests/unit/test_kube.c tests/unit/web.c \
	tests/unit/web.h tests/unit/kube_rig.h tests/unit/kube_rig.c

UNIT_TESTS += tests/unit/test_kube_turns
tests_unit_test_kube_turns_CPPFLAGS = $(tests_unit_test_kube_CPPFLAGS)
tests_unit_test_kube_turns_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_kube_turns_LDADD = $(tests_unit_test_kube_LDADD)
tests_unit_test_kube_turns_SOURCES = tests/unit/test_kube_turns.c tests/unit/web.c \
	tests/unit/web.h tests/unit/kube_rig.h tests/unit/kube_rig.c

UNIT_TESTS += tests/unit/test_http_answer
tests_unit_test_http_answer_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(HTTP_INC)
tests_unit_test_http_answer_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_http_answer_LDADD = http/libhttp.a proto/libcontrol.a base/libbase.a \
	$(CURL_LIBS) $(OPENSSL_LIBS) $(CRITERION_LIBS)
tests_unit_test_http_answer_SOURCES = tests/unit/test_http_answer.c \
	tests/unit/http_rig.h tests/unit/http_rig.c tests/unit/web.h tests/unit/web.c

UNIT_TESTS += tests/unit/test_informer
tests_unit_test_informer_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(HTTP_INC) \
	$(KUBE_INC)
tests_unit_test_informer_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_informer_LDADD = kube/libkube.a http/libhttp.a proto/libcontrol.a \
	sandbox/libsandbox.a base/libbase.a $(CURL_LIBS) $(OPENSSL_LIBS) $(JSON_LIBS) \
	$(SECCOMP_LIBS) $(CRITERION_LIBS)
tests_unit_test_informer_SOURCES = tests/unit/test_informer.c tests/unit/kube_rig.h \
	tests/unit/kube_rig.c tests/unit/web.h tests/unit/web.c

UNIT_TESTS += tests/unit/test_informer_hold
tests_unit_test_informer_hold_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(HTTP_INC) \
	$(KUBE_INC)
tests_unit_test_informer_hold_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_informer_hold_LDADD = kube/libkube.a http/libhttp.a proto/libcontrol.a \
	sandbox/libsandbox.a base/libbase.a $(CURL_LIBS) $(OPENSSL_LIBS) $(JSON_LIBS) \
	$(SECCOMP_LIBS) $(CRITERION_LIBS)
tests_unit_test_informer_hold_SOURCES = tests/unit/test_informer_hold.c \
	tests/unit/kube_rig.h tests/unit/kube_rig.c tests/unit/web.h tests/unit/web.c

UNIT_TESTS += tests/unit/test_informer_hostile
tests_unit_test_informer_hostile_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(HTTP_INC) \
	$(KUBE_INC)
tests_unit_test_informer_hostile_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_informer_hostile_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_mono \
	-Wl,--wrap=clock_boot
tests_unit_test_informer_hostile_LDADD = kube/libkube.a http/libhttp.a \
	proto/libcontrol.a sandbox/libsandbox.a base/libbase.a $(CURL_LIBS) \
	$(OPENSSL_LIBS) $(JSON_LIBS) $(SECCOMP_LIBS) $(CRITERION_LIBS)
tests_unit_test_informer_hostile_SOURCES = tests/unit/test_informer_hostile.c \
	tests/unit/kube_rig.h tests/unit/kube_rig.c tests/unit/web.h tests/unit/web.c

UNIT_TESTS += tests/unit/test_kubeconfig
tests_unit_test_kubeconfig_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(KUBECONFIG_INC)
tests_unit_test_kubeconfig_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_kubeconfig_LDADD = kubeconfig/libkubeconfig.a proto/libcontrol.a \
	base/libbase.a $(YAML_LIBS) $(CRITERION_LIBS)
tests_unit_test_kubeconfig_SOURCES = tests/unit/test_kubeconfig.c

UNIT_TESTS += tests/unit/test_dns
tests_unit_test_dns_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(RESOLVER_INC)
tests_unit_test_dns_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_dns_LDADD = resolver/libdns.a base/libbase.a -lresolv \
	$(CRITERION_LIBS)
tests_unit_test_dns_SOURCES = tests/unit/test_dns.c

UNIT_TESTS += tests/unit/test_project
tests_unit_test_project_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(KUBE_INC) \
	$(WATCHER_INC)
tests_unit_test_project_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_project_LDADD = watcher/libproject.a kube/libkube.a proto/liblink.a \
	base/libbase.a $(JSON_LIBS) $(CRITERION_LIBS)
tests_unit_test_project_SOURCES = tests/unit/test_project.c tests/unit/test_project_recorded.c \
	tests/unit/test_project_tracker.c

UNIT_TESTS += tests/unit/test_choose
tests_unit_test_choose_CPPFLAGS = $(tests_unit_test_project_CPPFLAGS)
tests_unit_test_choose_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_choose_LDADD = watcher/libproject.a kube/libkube.a proto/liblink.a \
	proto/libcontrol.a base/libbase.a $(JSON_LIBS) $(CRITERION_LIBS)
tests_unit_test_choose_SOURCES = tests/unit/test_choose.c

UNIT_TESTS += tests/unit/test_exposition
tests_unit_test_exposition_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(METRICSD_INC)
tests_unit_test_exposition_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_exposition_LDADD = metricsd/libmetricsd.a proto/liblink.a \
	base/libbase.a $(CRITERION_LIBS)
tests_unit_test_exposition_SOURCES = tests/unit/test_exposition.c

UNIT_TESTS += tests/unit/test_registry
tests_unit_test_registry_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(METRICSD_INC)
tests_unit_test_registry_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_registry_LDADD = metricsd/libmetricsd.a proto/liblink.a base/libbase.a \
	$(CRITERION_LIBS)
tests_unit_test_registry_SOURCES = tests/unit/test_registry.c

UNIT_TESTS += tests/unit/test_health
tests_unit_test_health_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(METRICSD_INC)
tests_unit_test_health_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_health_LDADD = metricsd/libmetricsd.a proto/liblink.a base/libbase.a \
	$(CRITERION_LIBS)
tests_unit_test_health_SOURCES = tests/unit/test_health.c

UNIT_TESTS += tests/unit/test_connections
tests_unit_test_connections_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(METRICSD_INC)
tests_unit_test_connections_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_connections_LDADD = metricsd/libmetricsd.a proto/liblink.a base/libbase.a \
	$(CRITERION_LIBS)
tests_unit_test_connections_SOURCES = tests/unit/test_connections.c

UNIT_TESTS += tests/unit/test_gcp
tests_unit_test_gcp_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(HTTP_INC) \
	$(CLOUDWORKER_INC)
tests_unit_test_gcp_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_gcp_LDADD = cloudworker/libcloudworker.a proto/liblink.a \
	base/libbase.a $(JSON_LIBS) $(CRITERION_LIBS)
tests_unit_test_gcp_SOURCES = tests/unit/test_gcp.c

UNIT_TESTS += tests/unit/test_breaker
tests_unit_test_breaker_CPPFLAGS = $(TESTS_CPPFLAGS) $(CLOUDWORKER_INC)
tests_unit_test_breaker_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_breaker_LDADD = cloudworker/libcloudworker.a base/libbase.a $(CRITERION_LIBS)
tests_unit_test_breaker_SOURCES = tests/unit/test_breaker.c

UNIT_TESTS += tests/unit/test_gcp_calls
tests_unit_test_gcp_calls_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(HTTP_INC) \
	$(CLOUDWORKER_INC)
tests_unit_test_gcp_calls_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_gcp_calls_LDADD = cloudworker/libcloudworker.a proto/liblink.a \
	base/libbase.a $(JSON_LIBS) $(CRITERION_LIBS)
tests_unit_test_gcp_calls_SOURCES = tests/unit/test_gcp_calls.c

UNIT_TESTS += tests/unit/test_order
tests_unit_test_order_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(HTTP_INC) \
	$(CLOUDWORKER_INC)
tests_unit_test_order_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_order_LDADD = cloudworker/libcloudworker.a proto/liblink.a \
	base/libbase.a $(JSON_LIBS) $(CRITERION_LIBS)
tests_unit_test_order_SOURCES = tests/unit/test_order.c tests/unit/test_order_table.c \
	tests/unit/orders_rig.c tests/unit/orders_rig.h

UNIT_TESTS += tests/unit/test_orders
tests_unit_test_orders_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(HTTP_INC) \
	$(CLOUDWORKER_INC)
tests_unit_test_orders_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_orders_LDADD = cloudworker/libcloudworker.a proto/liblink.a \
	base/libbase.a $(JSON_LIBS) $(CRITERION_LIBS)
tests_unit_test_orders_SOURCES = tests/unit/test_orders.c \
	tests/unit/test_orders_edges.c tests/unit/orders_rig.c \
	tests/unit/orders_rig.h

UNIT_TESTS += tests/unit/test_observe
tests_unit_test_observe_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(HTTP_INC) \
	$(CLOUDWORKER_INC)
tests_unit_test_observe_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_observe_LDADD = cloudworker/libcloudworker.a proto/liblink.a \
	base/libbase.a $(JSON_LIBS) $(CRITERION_LIBS)
tests_unit_test_observe_SOURCES = tests/unit/test_observe.c

UNIT_TESTS += tests/unit/test_allocation
tests_unit_test_allocation_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(SANDBOX_INC) \
	$(HTTP_INC) $(KUBE_INC) $(RECONCILER_INC)
tests_unit_test_allocation_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_allocation_LDADD = reconciler/libreconciler.a proto/liblink.a \
	proto/libcontrol.a base/libbase.a $(JSON_LIBS) $(CRITERION_LIBS)
tests_unit_test_allocation_SOURCES = tests/unit/test_allocation.c \
	tests/unit/allocation_rig.c tests/unit/allocation_rig.h

UNIT_TESTS += tests/unit/test_allocation_status
tests_unit_test_allocation_status_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) \
	$(SANDBOX_INC) $(HTTP_INC) $(KUBE_INC) $(RECONCILER_INC)
tests_unit_test_allocation_status_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_allocation_status_LDADD = reconciler/libreconciler.a proto/liblink.a \
	proto/libcontrol.a base/libbase.a $(JSON_LIBS) $(CRITERION_LIBS)
tests_unit_test_allocation_status_SOURCES = tests/unit/test_allocation_status.c \
	tests/unit/allocation_rig.c tests/unit/allocation_rig.h

UNIT_TESTS += tests/unit/test_event_body
tests_unit_test_event_body_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(HTTP_INC) \
	$(KUBE_INC) $(RECONCILER_INC)
tests_unit_test_event_body_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_event_body_LDADD = reconciler/libreconciler.a proto/liblink.a \
	proto/libcontrol.a base/libbase.a $(JSON_LIBS) $(CRITERION_LIBS)
tests_unit_test_event_body_SOURCES = tests/unit/test_event_body.c

UNIT_TESTS += tests/unit/test_elect
tests_unit_test_elect_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(SANDBOX_INC) \
	$(HTTP_INC) $(KUBE_INC) $(RECONCILER_INC)
tests_unit_test_elect_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_elect_LDADD = reconciler/libreconciler.a proto/liblink.a \
	proto/libcontrol.a base/libbase.a $(JSON_LIBS) $(CRITERION_LIBS)
tests_unit_test_elect_SOURCES = tests/unit/test_elect.c tests/unit/test_elect_yield.c \
	tests/unit/test_elect_edges.c tests/unit/test_elect_watch.c \
	tests/unit/elect_rig.c tests/unit/elect_rig.h

UNIT_TESTS += tests/unit/test_elect_race
tests_unit_test_elect_race_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(SANDBOX_INC) \
	$(HTTP_INC) $(KUBE_INC) $(RECONCILER_INC)
tests_unit_test_elect_race_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_elect_race_LDADD = reconciler/libreconciler.a proto/liblink.a \
	proto/libcontrol.a base/libbase.a $(JSON_LIBS) $(CRITERION_LIBS)
tests_unit_test_elect_race_SOURCES = tests/unit/test_elect_race.c

UNIT_TESTS += tests/unit/test_review
tests_unit_test_review_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(HTTP_INC) $(KUBE_INC) \
	$(RECONCILER_INC)
tests_unit_test_review_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_review_LDADD = kube/libkube.a http/libhttp.a proto/libcontrol.a \
	sandbox/libsandbox.a base/libbase.a $(CURL_LIBS) $(OPENSSL_LIBS) $(JSON_LIBS) \
	$(SECCOMP_LIBS) $(CRITERION_LIBS)
tests_unit_test_review_SOURCES = tests/unit/test_review.c tests/unit/web.c \
	tests/unit/web.h tests/unit/kube_rig.h tests/unit/kube_rig.c \
	reconciler/access.c reconciler/access.h

UNIT_TESTS += tests/unit/test_mint
tests_unit_test_mint_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(SANDBOX_INC) \
	$(HTTP_INC) $(KUBE_INC) $(RECONCILER_INC)
tests_unit_test_mint_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_mint_LDADD = reconciler/libreconciler.a proto/liblink.a \
	proto/libcontrol.a base/libbase.a $(JSON_LIBS) $(CRITERION_LIBS)
tests_unit_test_mint_SOURCES = tests/unit/test_mint.c

UNIT_TESTS += tests/unit/test_audit
tests_unit_test_audit_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(SANDBOX_INC) \
	$(HTTP_INC) $(KUBE_INC) $(RECONCILER_INC)
tests_unit_test_audit_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_audit_LDADD = reconciler/libreconciler.a proto/libchain.a \
	proto/liblink.a proto/libcontrol.a base/libbase.a $(JSON_LIBS) \
	$(OPENSSL_LIBS) $(CRITERION_LIBS)
tests_unit_test_audit_SOURCES = tests/unit/test_audit.c reconciler/audit.c

UNIT_TESTS += tests/unit/test_verify
tests_unit_test_verify_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(CTL_INC)
tests_unit_test_verify_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_verify_LDADD = ctl/libctl.a proto/libchain.a base/libbase.a \
	$(JSON_LIBS) $(OPENSSL_LIBS) $(CRITERION_LIBS)
tests_unit_test_verify_SOURCES = tests/unit/test_verify.c

UNIT_TESTS += tests/unit/test_crd
tests_unit_test_crd_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(SANDBOX_INC) \
	$(HTTP_INC) $(KUBE_INC) $(RECONCILER_INC)
tests_unit_test_crd_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_crd_LDADD = reconciler/libreconciler.a proto/liblink.a \
	proto/libcontrol.a base/libbase.a $(JSON_LIBS) $(YAML_LIBS) $(CRITERION_LIBS)
tests_unit_test_crd_SOURCES = tests/unit/test_crd.c

UNIT_TESTS += tests/unit/test_plan
tests_unit_test_plan_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(SANDBOX_INC) \
	$(HTTP_INC) $(KUBE_INC) $(RECONCILER_INC)
tests_unit_test_plan_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_plan_LDADD = reconciler/libreconciler.a proto/liblink.a \
	proto/libcontrol.a base/libbase.a $(JSON_LIBS) $(CRITERION_LIBS)
tests_unit_test_plan_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=leave_pod_is_of
tests_unit_test_plan_SOURCES = tests/unit/test_plan.c tests/unit/test_plan_spec.c \
	tests/unit/test_plan_release.c tests/unit/test_holder.c \
	tests/unit/plan_rig.c tests/unit/plan_rig.h

# The plan as tables of worlds and steps, and walks through random worlds (tests/plan).
check_PROGRAMS += tests/plan/test_tables
tests_plan_test_tables_CPPFLAGS = $(tests_unit_test_plan_CPPFLAGS) \
	-iquote $(top_srcdir)/tests/plan \
	-DTESTS_PLAN_TABLES='"$(abs_top_srcdir)/tests/plan/tables"'
tests_plan_test_tables_CFLAGS = $(TESTS_CFLAGS)
tests_plan_test_tables_LDADD = reconciler/libreconciler.a proto/liblink.a \
	proto/libcontrol.a base/libbase.a $(JSON_LIBS)
tests_plan_test_tables_SOURCES = tests/plan/sketch.c tests/plan/sketch.h \
	tests/plan/sketch_make.c tests/plan/sketch_step.c tests/plan/sketch_words.c \
	tests/plan/sketch_words.h tests/plan/tables.c tests/plan/tables.h \
	tests/plan/pairs.c tests/plan/test_tables.c
check_PROGRAMS += tests/plan/test_walk
tests_plan_test_walk_CPPFLAGS = $(tests_plan_test_tables_CPPFLAGS)
tests_plan_test_walk_CFLAGS = $(TESTS_CFLAGS)
tests_plan_test_walk_LDADD = $(tests_plan_test_tables_LDADD)
tests_plan_test_walk_SOURCES = tests/plan/sketch.c tests/plan/sketch.h \
	tests/plan/sketch_make.c tests/plan/sketch_step.c tests/plan/sketch_words.c \
	tests/plan/sketch_words.h tests/plan/walk.c tests/plan/walk.h \
	tests/plan/walk_apply.c tests/plan/walk_check.c tests/plan/test_walk.c
TESTS += tests/plan/test_tables tests/plan/test_walk

UNIT_TESTS += tests/unit/test_view
tests_unit_test_view_CPPFLAGS = $(tests_unit_test_plan_CPPFLAGS)
tests_unit_test_view_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_view_LDADD = $(tests_unit_test_plan_LDADD)
tests_unit_test_view_SOURCES = tests/unit/test_view.c

UNIT_TESTS += tests/unit/test_world
tests_unit_test_world_CPPFLAGS = $(tests_unit_test_plan_CPPFLAGS)
tests_unit_test_world_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_world_LDADD = $(tests_unit_test_plan_LDADD)
tests_unit_test_world_SOURCES = tests/unit/test_world.c

UNIT_TESTS += tests/unit/test_world_pod
tests_unit_test_world_pod_CPPFLAGS = $(tests_unit_test_plan_CPPFLAGS)
tests_unit_test_world_pod_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_world_pod_LDADD = $(tests_unit_test_plan_LDADD)
tests_unit_test_world_pod_SOURCES = tests/unit/test_world_pod.c \
	tests/unit/test_slice_body.c tests/unit/test_tracker_body.c

UNIT_TESTS += tests/unit/test_change
tests_unit_test_change_CPPFLAGS = $(TESTS_CPPFLAGS) $(RECONCILER_INC)
tests_unit_test_change_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_change_LDADD = reconciler/libreconciler.a base/libbase.a $(JSON_LIBS) \
	$(CRITERION_LIBS)
tests_unit_test_change_SOURCES = tests/unit/test_change.c

UNIT_TESTS += tests/unit/test_core
tests_unit_test_core_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(SANDBOX_INC) \
	$(HTTP_INC) $(KUBE_INC) $(RECONCILER_INC) -iquote \
	$(top_srcdir)/tests/simulation
tests_unit_test_core_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_core_LDADD = reconciler/libreconciler.a proto/liblink.a \
	proto/libcontrol.a base/libbase.a $(JSON_LIBS) $(CRITERION_LIBS)
tests_unit_test_core_SOURCES = tests/unit/test_core.c tests/unit/test_core_back.c tests/unit/test_core_check.c \
	tests/unit/test_core_cross.c tests/unit/test_core_journal.c \
	tests/unit/test_core_heard.c tests/unit/test_core_message.c tests/unit/test_fresh.c \
	tests/unit/test_core_tracker.c tests/unit/test_core_slice.c \
	tests/unit/test_release.c \
	tests/unit/test_core_handover.c tests/unit/test_core_identity.c \
	tests/unit/test_core_moves.c tests/unit/test_pod_moves.c \
	tests/unit/test_core_peers.c tests/unit/test_core_refused.c \
	tests/unit/test_core_release.c tests/unit/test_core_unlisted.c tests/unit/test_core_spec.c \
	tests/unit/test_core_trail.c tests/unit/test_core_whereabouts.c tests/unit/core_rig.c tests/unit/core_rig.h \
	tests/simulation/fake.c tests/simulation/fake.h tests/simulation/fake_api.c \
	tests/simulation/fake_cloud.c tests/simulation/fake_slice.c tests/simulation/fake_facts.c \
	tests/simulation/fake_judge.c tests/simulation/fake_trail.c

UNIT_TESTS += tests/unit/test_agent
tests_unit_test_agent_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(SANDBOX_INC) \
	$(HTTP_INC) $(KUBE_INC) $(RECONCILER_INC)
tests_unit_test_agent_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_agent_LDADD = reconciler/libreconciler.a proto/liblink.a \
	proto/libcontrol.a base/libbase.a $(JSON_LIBS) $(CRITERION_LIBS)
tests_unit_test_agent_SOURCES = tests/unit/test_agent.c tests/unit/agent_rig.c \
	tests/unit/agent_rig.h

UNIT_TESTS += tests/unit/test_sim_http
tests_unit_test_sim_http_CPPFLAGS = $(TESTS_CPPFLAGS) $(SIM_INC)
tests_unit_test_sim_http_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_sim_http_LDADD = sim/libsim.a base/libbase.a $(CURL_LIBS) $(MHD_LIBS) \
	$(GNUTLS_LIBS) $(OPENSSL_LIBS) $(JSON_LIBS) $(CRITERION_LIBS)
tests_unit_test_sim_http_SOURCES = tests/unit/test_sim_http.c

UNIT_TESTS += tests/unit/test_sim_fault
tests_unit_test_sim_fault_CPPFLAGS = $(TESTS_CPPFLAGS) $(SIM_INC)
tests_unit_test_sim_fault_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_sim_fault_LDADD = sim/libsim.a base/libbase.a $(JSON_LIBS) \
	$(CRITERION_LIBS)
tests_unit_test_sim_fault_SOURCES = tests/unit/test_sim_fault.c

UNIT_TESTS += tests/unit/test_sim_gce
tests_unit_test_sim_gce_CPPFLAGS = $(TESTS_CPPFLAGS) $(SIM_INC)
tests_unit_test_sim_gce_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_sim_gce_LDADD = sim/libsim.a base/libbase.a $(JSON_LIBS) \
	$(CRITERION_LIBS)
tests_unit_test_sim_gce_SOURCES = tests/unit/test_sim_gce.c \
	tests/unit/test_sim_gce_control.c tests/unit/sim_gce_rig.c \
	tests/unit/sim_gce_rig.h tests/unit/sim_gce_schema.c \
	tests/unit/sim_gce_schema.h

UNIT_TESTS += tests/unit/test_sim_judge
tests_unit_test_sim_judge_CPPFLAGS = $(TESTS_CPPFLAGS) $(SIM_INC)
tests_unit_test_sim_judge_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_sim_judge_LDADD = sim/libsim.a base/libbase.a $(JSON_LIBS) \
	$(CRITERION_LIBS)
tests_unit_test_sim_judge_SOURCES = tests/unit/test_sim_judge.c

UNIT_TESTS += tests/unit/test_sim_kube
tests_unit_test_sim_kube_CPPFLAGS = $(TESTS_CPPFLAGS) $(SIM_INC)
tests_unit_test_sim_kube_CFLAGS = $(TESTS_CFLAGS)
tests_unit_test_sim_kube_LDADD = sim/libsim.a base/libbase.a $(JSON_LIBS) \
	$(CRITERION_LIBS)
tests_unit_test_sim_kube_SOURCES = tests/unit/test_sim_kube_schema.c \
	tests/unit/test_sim_kube.c \
	tests/unit/test_sim_kube_fault.c tests/unit/test_sim_kube_rbac.c \
	tests/unit/test_sim_kube_record.c \
	tests/unit/test_sim_kube_watch.c tests/unit/sim_kube_rig.c \
	tests/unit/sim_kube_rig.h

UNIT_TESTS += tests/wire/test_wire
tests_wire_test_wire_CPPFLAGS = $(TESTS_CPPFLAGS) $(SIM_INC) \
	-DWIRE_DEVIATIONS='"$(abs_top_srcdir)/tests/wire/deviations.txt"'
tests_wire_test_wire_CFLAGS = $(TESTS_CFLAGS)
tests_wire_test_wire_LDADD = sim/libsim.a base/libbase.a $(JSON_LIBS) \
	$(CRITERION_LIBS)
tests_wire_test_wire_SOURCES = tests/wire/test_wire.c tests/wire/test_kubectl.c \
	tests/wire/deviations.c tests/wire/deviations.h tests/wire/replay.c \
	tests/wire/replay.h tests/unit/sim_kube_rig.c tests/unit/sim_kube_rig.h

if HAVE_CRITERION
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
endif

# Each fuzz target runs its corpus in `make check`; with clang and libFuzzer it goes on
# (HACKING.md).
FUZZ_TARGETS =
FUZZ_TARGETS += tests/fuzz/fuzz_dns
tests_fuzz_fuzz_dns_CPPFLAGS = $(TESTS_CPPFLAGS) -DFUZZ_STANDALONE $(PROTO_INC) \
	$(RESOLVER_INC)
tests_fuzz_fuzz_dns_CFLAGS = $(TESTS_CFLAGS)
tests_fuzz_fuzz_dns_LDADD = resolver/libdns.a base/libbase.a -lresolv
tests_fuzz_fuzz_dns_SOURCES = tests/fuzz/fuzz_dns.c
FUZZ_TARGETS += tests/fuzz/fuzz_kubeconfig
tests_fuzz_fuzz_kubeconfig_CPPFLAGS = $(TESTS_CPPFLAGS) -DFUZZ_STANDALONE $(PROTO_INC) \
	$(KUBECONFIG_INC)
tests_fuzz_fuzz_kubeconfig_CFLAGS = $(TESTS_CFLAGS)
tests_fuzz_fuzz_kubeconfig_LDADD = kubeconfig/libkubeconfig.a proto/libcontrol.a \
	base/libbase.a $(YAML_LIBS)
tests_fuzz_fuzz_kubeconfig_SOURCES = tests/fuzz/fuzz_kubeconfig.c
FUZZ_TARGETS += tests/fuzz/fuzz_scan
tests_fuzz_fuzz_scan_CPPFLAGS = $(TESTS_CPPFLAGS) -DFUZZ_STANDALONE $(PROTO_INC) \
	$(HTTP_INC) $(KUBE_INC)
tests_fuzz_fuzz_scan_CFLAGS = $(TESTS_CFLAGS)
tests_fuzz_fuzz_scan_LDADD = kube/libkube.a base/libbase.a $(JSON_LIBS)
tests_fuzz_fuzz_scan_SOURCES = tests/fuzz/fuzz_scan.c
FUZZ_TARGETS += tests/fuzz/fuzz_watch
tests_fuzz_fuzz_watch_CPPFLAGS = $(tests_fuzz_fuzz_scan_CPPFLAGS)
tests_fuzz_fuzz_watch_CFLAGS = $(TESTS_CFLAGS)
tests_fuzz_fuzz_watch_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=http_start \
	-Wl,--wrap=http_cancel -Wl,--wrap=http_resume
tests_fuzz_fuzz_watch_LDADD = kube/libkube.a http/libhttp.a proto/libcontrol.a \
	sandbox/libsandbox.a base/libbase.a $(CURL_LIBS) $(OPENSSL_LIBS) $(JSON_LIBS) \
	$(SECCOMP_LIBS)
tests_fuzz_fuzz_watch_SOURCES = tests/fuzz/fuzz_watch.c
FUZZ_TARGETS += tests/fuzz/fuzz_answer
tests_fuzz_fuzz_answer_CPPFLAGS = $(tests_fuzz_fuzz_scan_CPPFLAGS)
tests_fuzz_fuzz_answer_CFLAGS = $(TESTS_CFLAGS) $(CURL_CFLAGS)
tests_fuzz_fuzz_answer_LDADD = $(tests_fuzz_fuzz_watch_LDADD)
tests_fuzz_fuzz_answer_SOURCES = tests/fuzz/fuzz_answer.c
FUZZ_TARGETS += tests/fuzz/fuzz_project
tests_fuzz_fuzz_project_CPPFLAGS = $(TESTS_CPPFLAGS) -DFUZZ_STANDALONE $(PROTO_INC) \
	$(KUBE_INC) $(WATCHER_INC)
tests_fuzz_fuzz_project_CFLAGS = $(TESTS_CFLAGS)
tests_fuzz_fuzz_project_LDADD = watcher/libproject.a kube/libkube.a proto/liblink.a \
	base/libbase.a $(JSON_LIBS)
tests_fuzz_fuzz_project_SOURCES = tests/fuzz/fuzz_project.c
FUZZ_TARGETS += tests/fuzz/fuzz_messages
tests_fuzz_fuzz_messages_CPPFLAGS = $(TESTS_CPPFLAGS) -DFUZZ_STANDALONE $(PROTO_INC)
tests_fuzz_fuzz_messages_CFLAGS = $(TESTS_CFLAGS)
tests_fuzz_fuzz_messages_LDADD = proto/liblink.a base/libbase.a
tests_fuzz_fuzz_messages_SOURCES = tests/fuzz/fuzz_messages.c
FUZZ_TARGETS += tests/fuzz/fuzz_session
tests_fuzz_fuzz_session_CPPFLAGS = $(TESTS_CPPFLAGS) -DFUZZ_STANDALONE $(PROTO_INC)
tests_fuzz_fuzz_session_CFLAGS = $(TESTS_CFLAGS)
tests_fuzz_fuzz_session_LDADD = proto/liblink.a base/libbase.a
tests_fuzz_fuzz_session_SOURCES = tests/fuzz/fuzz_session.c
FUZZ_TARGETS += tests/fuzz/fuzz_log
tests_fuzz_fuzz_log_CPPFLAGS = $(TESTS_CPPFLAGS) -DFUZZ_STANDALONE
tests_fuzz_fuzz_log_CFLAGS = $(TESTS_CFLAGS)
tests_fuzz_fuzz_log_LDADD = base/libbase.a $(JSON_LIBS)
tests_fuzz_fuzz_log_SOURCES = tests/fuzz/fuzz_log.c
check_PROGRAMS += $(FUZZ_TARGETS)
TESTS += tests/fuzz/corpora.sh

# The reconciler's core against a simulated API and cloud, from a seed.
check_PROGRAMS += tests/simulation/sim_small
tests_simulation_sim_small_CPPFLAGS = $(TESTS_CPPFLAGS) -iquote $(top_srcdir)/tests/simulation \
	$(PROTO_INC) $(SANDBOX_INC) $(HTTP_INC) $(KUBE_INC) $(RECONCILER_INC)
tests_simulation_sim_small_CFLAGS = $(TESTS_CFLAGS)
tests_simulation_sim_small_LDADD = reconciler/libreconciler.a proto/liblink.a \
	proto/libcontrol.a base/libbase.a $(JSON_LIBS)
tests_simulation_sim_small_SOURCES = tests/simulation/fake.c tests/simulation/fake.h \
	tests/simulation/fake_api.c tests/simulation/fake_cloud.c \
	tests/simulation/fake_slice.c tests/simulation/fake_facts.c tests/simulation/fake_judge.c \
	tests/simulation/fake_trail.c \
	tests/simulation/sim_small.c tests/simulation/sim_small.h tests/simulation/sim_users.c
TESTS += tests/simulation/small.sh

# The production cores and shells of watcher, reconciler and cloudworker, several replicas of
# them, in one process against a simulated API server, cloud and clocks. Each program is one
# relocatable object in which only its `struct program` is visible: as in production, they
# may use the same names.
WHOLE = tests/simulation/whole
WHOLE_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) $(SANDBOX_INC) $(HTTP_INC) \
	$(KUBE_INC) -iquote $(top_srcdir)/$(WHOLE)
check_LIBRARIES = tests/simulation/whole/libwatcher.a tests/simulation/whole/libreconciler.a \
	tests/simulation/whole/libcloudworker.a
tests_simulation_whole_libwatcher_a_CPPFLAGS = $(WHOLE_CPPFLAGS) $(WATCHER_INC)
tests_simulation_whole_libwatcher_a_SOURCES = tests/simulation/whole/program_watcher.c \
	watcher/choose.c watcher/facts.c watcher/project.c watcher/project_pod.c \
	watcher/project_slice.c watcher/project_tracker.c kube/scan.c kube/walk.c
tests_simulation_whole_libreconciler_a_CPPFLAGS = $(WHOLE_CPPFLAGS) $(FOOTPRINT_INC) $(RECONCILER_INC)
tests_simulation_whole_libreconciler_a_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_simulation_whole_libreconciler_a_SOURCES = tests/simulation/whole/program_reconciler.c \
	reconciler/access.c reconciler/shell.c reconciler/shell_effects.c \
	reconciler/shell_ask.c reconciler/shell_footprints.c reconciler/shell_history.c \
	reconciler/shell_identity.c reconciler/shell_lease.c \
	footprint/day.c footprint/diary.c footprint/stay.c footprint/hour.c footprint/moment.c \
	footprint/notes.c footprint/parts.c footprint/round.c footprint/store.c \
	footprint/sweep.c footprint/watched.c \
	$(RECONCILER_PURE) $(RECONCILER_CORE)
tests_simulation_whole_libcloudworker_a_CPPFLAGS = $(WHOLE_CPPFLAGS) $(CLOUDWORKER_INC)
tests_simulation_whole_libcloudworker_a_SOURCES = \
	tests/simulation/whole/program_cloudworker.c cloudworker/breaker.c cloudworker/cloud.c \
	cloudworker/observe.c cloudworker/order.c cloudworker/orders.c cloudworker/shell.c
WHOLE_PARTS = tests/simulation/whole/watcher.o tests/simulation/whole/reconciler.o tests/simulation/whole/cloudworker.o
$(WHOLE_PARTS): tests/simulation/whole/%.o: tests/simulation/whole/lib%.a
	$(AM_V_GEN)$(CC) -r -nostdlib -o $@ -Wl,--whole-archive $< && \
		$(OBJCOPY) --keep-global-symbol=program_$* $@
CLEANFILES = $(WHOLE_PARTS)
TESTS += tests/simulation/whole.sh
check_PROGRAMS += tests/simulation/whole/whole
tests_simulation_whole_whole_CPPFLAGS = $(WHOLE_CPPFLAGS) $(CLOUDWORKER_INC) $(FOOTPRINT_INC) \
	$(RECONCILER_INC)
tests_simulation_whole_whole_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_simulation_whole_whole_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_mono \
	-Wl,--wrap=clock_boot -Wl,--wrap=clock_wall -Wl,--wrap=getrandom
tests_simulation_whole_whole_LDADD = $(WHOLE_PARTS) proto/liblink.a \
	proto/libcontrol.a base/libbase.a $(JSON_LIBS) $(OPENSSL_LIBS)
tests_simulation_whole_whole_DEPENDENCIES = $(WHOLE_PARTS) proto/liblink.a \
	proto/libcontrol.a base/libbase.a
tests_simulation_whole_whole_SOURCES = tests/simulation/whole/program.h cloudworker/cloud.c http/json_read.c \
	tests/simulation/whole/allocations.c tests/simulation/whole/allocations.h \
	tests/simulation/whole/hosts.c tests/simulation/whole/hosts.h tests/simulation/whole/judge.c tests/simulation/whole/judge.h \
	tests/simulation/whole/configmaps.c tests/simulation/whole/configmaps.h \
	tests/simulation/whole/judge_footprint.c tests/simulation/whole/judge_history.c \
	tests/simulation/whole/judge_release.c tests/simulation/whole/judge_tracker.c footprint/stay.c \
	tests/simulation/whole/trackers.c tests/simulation/whole/trackers.h \
	tests/simulation/whole/nodes.c tests/simulation/whole/nodes.h \
	tests/simulation/whole/provider.c tests/simulation/whole/provider.h tests/simulation/whole/provider_serve.c \
	tests/simulation/whole/rest.c tests/simulation/whole/rest.h tests/simulation/whole/server.c tests/simulation/whole/server.h \
	tests/simulation/whole/server_object.c tests/simulation/whole/stage.c tests/simulation/whole/stage.h tests/simulation/whole/libraries.c \
	tests/simulation/whole/troubles.c tests/simulation/whole/users.c tests/simulation/whole/users.h tests/simulation/whole/watches.c \
	tests/simulation/whole/whole.c tests/simulation/whole/wires.c

# System tests: programs that play the supervisor, and scripts that play a user. They run
# on what `make install` puts into $(STAGE).
check_PROGRAMS += tests/system/inject
tests_system_inject_SOURCES = tests/system/inject.c tests/system/inject_attempts.h
check_PROGRAMS += tests/system/relay tests/system/i386 tests/system/outer
tests_system_outer_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS)
tests_system_outer_LDADD = $(SECCOMP_LIBS)
tests_system_outer_SOURCES = tests/system/outer.c
tests_system_i386_SOURCES = tests/system/i386.c
tests_system_relay_SOURCES = tests/system/relay.c
# beside which bench/podtracker measures memory: every library that any of us has
check_PROGRAMS += tests/system/floor
tests_system_floor_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS) $(SECCOMP_CFLAGS) $(CAP_CFLAGS) $(CURL_CFLAGS) $(NANOMSG_CFLAGS)
tests_system_floor_LDADD = $(CURL_LIBS) $(JSON_LIBS) $(NANOMSG_LIBS) $(SECCOMP_LIBS) $(CAP_LIBS)
tests_system_floor_SOURCES = tests/system/floor.c
check_PROGRAMS += tests/system/pod
tests_system_pod_CFLAGS = $(AM_CFLAGS) $(CAP_CFLAGS) $(SECCOMP_CFLAGS)
tests_system_pod_LDADD = $(CAP_LIBS) $(SECCOMP_LIBS)
tests_system_pod_SOURCES = tests/system/pod.c
check_PROGRAMS += tests/system/evil_watcher
tests_system_evil_watcher_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) \
	$(SANDBOX_INC) $(HTTP_INC)
tests_system_evil_watcher_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS)
tests_system_evil_watcher_LDADD = proto/libcontrol.a sandbox/libsandbox.a \
	base/libbase.a $(SECCOMP_LIBS)
tests_system_evil_watcher_SOURCES = tests/system/evil_watcher.c
check_PROGRAMS += tests/system/edge_test tests/system/cloud_test
tests_system_edge_test_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(SANDBOX_INC) $(HTTP_INC)
tests_system_edge_test_LDADD = proto/libcontrol.a base/libbase.a
tests_system_edge_test_SOURCES = tests/system/edge.h tests/system/edge_child.c \
	tests/system/edge_config.c tests/system/edge_dialer.c tests/system/edge_dns.c \
	tests/system/edge_names.c tests/system/edge_resolver.c \
	tests/system/edge_test.c proto/resolve.h
tests_system_cloud_test_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(SANDBOX_INC) $(HTTP_INC)
tests_system_cloud_test_LDADD = proto/liblink.a proto/libcontrol.a proto/libshim.a \
	base/libbase.a $(NANOMSG_LIBS)
tests_system_cloud_test_SOURCES = tests/system/cloud_rig.c tests/system/cloud_rig.h \
	tests/system/cloud_test.c tests/system/cloud_world.c \
	tests/system/cloud_world.h
check_PROGRAMS += tests/system/metricsd_test
tests_system_metricsd_test_CPPFLAGS = $(TESTS_CPPFLAGS) $(PROTO_INC) $(SANDBOX_INC) \
	$(HTTP_INC) $(METRICSD_INC)
tests_system_metricsd_test_LDADD = metricsd/libmetricsd.a proto/liblink.a \
	proto/libcontrol.a base/libbase.a $(NANOMSG_LIBS)
tests_system_metricsd_test_SOURCES = tests/system/metricsd_crowds.c \
	tests/system/metricsd_hostile.c tests/system/metricsd_http.c \
	tests/system/metricsd_links.c tests/system/metricsd_peer.c \
	tests/system/metricsd_rig.c tests/system/metricsd_rig.h \
	tests/system/metricsd_test.c tests/system/edge.h tests/system/edge_child.c \
	tests/system/edge_dns.c

SYSTEM_TESTS = tests/system/edge_test tests/system/cloud_test \
	tests/system/metricsd_test
SYSTEM_SHELL =
SYSTEM_SHELL += tests/system/admission.sh
SYSTEM_SHELL += tests/system/agents_at_once.sh
SYSTEM_SHELL += tests/system/adopt.sh
SYSTEM_SHELL += tests/system/agent.sh
SYSTEM_SHELL += tests/system/agent_rights.sh
SYSTEM_SHELL += tests/system/alerts.sh
SYSTEM_SHELL += tests/system/api_outage.sh
SYSTEM_SHELL += tests/system/bad_input.sh
SYSTEM_SHELL += tests/system/deny.sh
SYSTEM_SHELL += tests/system/deploy.sh
SYSTEM_SHELL += tests/system/deploy_manifests.sh
SYSTEM_SHELL += tests/system/deploy_rights.sh
SYSTEM_SHELL += tests/system/eligible.sh
SYSTEM_SHELL += tests/system/events.sh
SYSTEM_SHELL += tests/system/evict.sh
SYSTEM_SHELL += tests/system/evict_policies.sh
SYSTEM_SHELL += tests/system/footprint.sh
SYSTEM_SHELL += tests/system/footprint_store.sh
SYSTEM_SHELL += tests/system/footprint_operator.sh
SYSTEM_SHELL += tests/system/footprint_rights.sh
SYSTEM_SHELL += tests/system/address_history.sh
SYSTEM_SHELL += tests/system/handover.sh
SYSTEM_SHELL += tests/system/http2.sh
SYSTEM_SHELL += tests/system/identity.sh
SYSTEM_SHELL += tests/system/hostile.sh
SYSTEM_SHELL += tests/system/kill_matrix.sh
SYSTEM_SHELL += tests/system/kills.sh
SYSTEM_SHELL += tests/system/leaving.sh
SYSTEM_SHELL += tests/system/lifecycle.sh
SYSTEM_SHELL += tests/system/lost.sh
SYSTEM_SHELL += tests/system/moves.sh
SYSTEM_SHELL += tests/system/needed.sh
SYSTEM_SHELL += tests/system/nodes.sh
SYSTEM_SHELL += tests/system/not_ready.sh
SYSTEM_SHELL += tests/system/old_controller.sh
SYSTEM_SHELL += tests/system/options.sh
SYSTEM_SHELL += tests/system/outage.sh
SYSTEM_SHELL += tests/system/own_node.sh
SYSTEM_SHELL += tests/system/owners.sh
SYSTEM_SHELL += tests/system/path.sh
SYSTEM_SHELL += tests/system/pods.sh
SYSTEM_SHELL += tests/system/podtracker.sh
SYSTEM_SHELL += tests/system/podtracker_large.sh
SYSTEM_SHELL += tests/system/podtracker_recorded.sh
SYSTEM_SHELL += tests/system/policies.sh
SYSTEM_SHELL += tests/system/proc.sh
SYSTEM_SHELL += tests/system/prometheus.sh
SYSTEM_SHELL += tests/system/sim_faults.sh
SYSTEM_SHELL += tests/system/sim_kubectl.sh
SYSTEM_SHELL += tests/system/soak.sh
SYSTEM_SHELL += tests/system/sim_kubectls.sh
SYSTEM_SHELL += tests/system/steady.sh
SYSTEM_SHELL += tests/system/health.sh
SYSTEM_SHELL += tests/system/metrics.sh
SYSTEM_SHELL += tests/system/rest.sh
SYSTEM_SHELL += tests/system/reasons.sh
SYSTEM_SHELL += tests/system/refused.sh
SYSTEM_SHELL += tests/system/release.sh
SYSTEM_SHELL += tests/system/rights.sh
SYSTEM_SHELL += tests/system/rootfs.sh
SYSTEM_SHELL += tests/system/rotation.sh
SYSTEM_SHELL += tests/system/separate_uids.sh
SYSTEM_SHELL += tests/system/stop.sh
SYSTEM_SHELL += tests/system/switch.sh
SYSTEM_SHELL += tests/system/two_replicas.sh
SYSTEM_SHELL += tests/system/uninstall.sh
SYSTEM_SHELL += tests/system/logs.sh
SYSTEM_SHELL += tests/system/who.sh
SYSTEM_SHELL += tests/system/workloads.sh

# Instrumented programs have no filter that kills and no memory limit: the tests of
# those would say nothing. One way through all processes is enough there.
if INSTRUMENTED
TESTS += tests/system/path.sh
else
TESTS += $(SYSTEM_TESTS) $(SYSTEM_SHELL) tests/system/api_access.sh
endif
EXTRA_DIST += $(SYSTEM_SHELL) tests/deploy tests/system/lib.sh tests/system/old_tool.sh \
	tests/system/installed.sh \
	tests/system/pod.sh \
	tests/system/api_access.sh \
	tests/system/README bench/move bench/podtracker \
	tests/fuzz/corpora.sh \
	tests/system/footprint_lib.sh \
	tests/soak tests/system/soak_faults.sh tests/system/soak_memory.sh \
	tests/mutants tests/mutants.equivalent tests/alerts \
	tests/system/prometheus.queries tests/system/prometheus.reasons \
	tests/simulation/small.sh tests/simulation/whole.sh tests/plan/tables tests/fuzz/corpus tests/judge tests/contracts \
	tests/wire/deviations.txt tests/lsan.supp

include tests/regressions/local.mk

STAGE = $(abs_builddir)/stage
TEST_EXTENSIONS = .sh
SH_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = \
	STAGE='$(STAGE)'; BUILD='$(abs_builddir)'; SRC='$(abs_top_srcdir)'; \
	IPW_PROGRAMS='$(STAGE)/libexec/ipwarden'; IPW_SIM='$(STAGE)/bin/ipwarden-sim'; \
	SIM='$(STAGE)/bin/ipwarden-sim'; : $${KUBECTL:=kubectl}; \
	SYSTEM_SHELL='$(SYSTEM_SHELL)'; \
	REST_SECONDS="$${REST_SECONDS:-15}"; export REST_SECONDS; \
	export STAGE BUILD SRC IPW_PROGRAMS IPW_SIM SIM KUBECTL SYSTEM_SHELL;

# What takes long, and is not part of make check.
.PHONY: check-long
check-long: $(check_PROGRAMS)
	TWICE=yes $(MAKE) $(AM_MAKEFLAGS) check TESTS=tests/system/rootfs.sh
	'$(abs_top_srcdir)/tests/mutants'

# Staged anew whenever a program has changed.
check_DATA = stage.stamp
CLEANFILES += stage.stamp
stage.stamp: $(bin_PROGRAMS) $(pkglibexec_PROGRAMS) $(dist_crds_DATA)
	$(MAKE) $(AM_MAKEFLAGS) install prefix='$(STAGE)' >/dev/null
	touch $@

# The shell tests need what they test.
$(SYSTEM_SHELL:.sh=.log): stage.stamp tests/system/inject$(EXEEXT) \
	tests/system/i386$(EXEEXT) tests/system/outer$(EXEEXT) \
	tests/system/evil_watcher$(EXEEXT) tests/system/relay$(EXEEXT) \
	tests/system/pod$(EXEEXT)

# The last one: it looks at what all the others have asked of the API server.
tests/system/api_access.log: $(SYSTEM_SHELL:.sh=.log)

clean-local:
	rm -rf '$(STAGE)' '$(abs_builddir)/requests' '$(abs_builddir)/regressions'
