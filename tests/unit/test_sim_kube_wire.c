/* The simulated API server against the recordings of a real one (tests/contracts). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "sim_kube_replay.h"

static void
teardown(void)
{
	replay_forget();
	rig_teardown();
}

TestSuite(sim_kube_wire, .init = rig_setup, .fini = teardown, .timeout = 60);

static void
play_definition(void)
{
	static const char *const names[] = {"008-crd-create", "009-crd-get-established",
	    "010-discovery-netinfra", NULL};

	replay_all(names);
}

Test(sim_kube_wire, version_and_discovery)
{
	static const char *const names[] = {"001-version", "002-discovery-api-legacy",
	    "086-unknown-path-404", "088-healthz", NULL};

	replay_all(names);
	play_definition();
}

/* Ours serves less; what it serves looks the same. */
Test(sim_kube_wire, core_resources_are_a_part_of_theirs)
{
	struct recording recording = recording_read("006-discovery-core-v1");
	char error[128];
	struct json_object *theirs = kube_json_parse(
	    recording.answer, strlen(recording.answer), error, sizeof error);
	struct json_object *list = kube_json_member(theirs, "resources");
	struct json_object *ours;
	size_t found = 0;

	cr_assert_eq(rig_send("GET", "/api/v1", NULL), 200);
	ours = kube_json_member(rig.json, "resources");
	for (size_t i = 0; i < kube_json_count(ours); i++) {
		struct json_object *a = json_object_array_get_idx(ours, i);

		for (size_t j = 0; j < kube_json_count(list); j++) {
			struct json_object *b = json_object_array_get_idx(list, j);

			if (strcmp(kube_json_text(a, "name"),
				kube_json_text(b, "name")) != 0)
				continue;
			json_object_object_del(b, "storageVersionHash");
			if (strcmp(kube_json_text(a, "name"), "namespaces") == 0)
				cr_expect_eq(
				    kube_json_count(kube_json_member(a, "verbs")), 7);
			cr_expect(json_object_equal(a, b), "%s, not %s",
			    kube_json_write(a, NULL), kube_json_write(b, NULL));
			found++;
		}
	}
	cr_expect_eq(found, kube_json_count(ours));
	cr_expect_geq(found, 10);
	json_object_put(theirs);
	recording_free(&recording);
}

Test(sim_kube_wire, custom_resource)
{
	static const char *const names[] = {"012-nia-create-defaults-applied",
	    "013-nia-create-already-exists-409", "014-nia-create-missing-required-422",
	    "015-nia-create-bad-enum-422", "016-nia-create-wrong-type-422",
	    "017-nia-create-unknown-field-strict-400",
	    "018-nia-create-unknown-field-warn-201", "019-nia-create-bad-name-422",
	    "020-nia-create-not-json-400", "021-nia-create-dry-run", "022-nia-get",
	    "023-nia-get-404", "024-nia-list", "025-nia-list-table",
	    "027-nia-status-merge-patch", "028-nia-status-patch-does-not-touch-spec",
	    "029-nia-merge-patch-finalizer", "030-nia-json-patch-test-fails-422",
	    "031-nia-merge-patch-stale-resourceversion-409",
	    "032-nia-strategic-patch-on-cr-415", "033-nia-put-conflict-409",
	    "035-nia-delete-with-finalizer-200", "036-nia-get-deleting",
	    "037-nia-remove-finalizer-completes-delete", "038-nia-get-after-delete-404",
	    NULL};

	play_definition();
	replay_all(names);
}

Test(sim_kube_wire, a_warning_names_the_unknown_field)
{
	struct recording recording =
	    recording_read("018-nia-create-unknown-field-warn-201");

	play_definition();
	replay_send(&recording, recording.body);
	cr_expect_str_eq(
	    rig_header("Warning"), "299 - \"unknown field \\\"spec.nodeSelectr\\\"\"");
	recording_free(&recording);
}

/* The recorded refusal is protobuf; ours is JSON, which every client reads. */
Test(sim_kube_wire, protobuf_alone_is_refused)
{
	struct recording recording = recording_read("026-nia-list-protobuf-only-406");

	play_definition();
	replay_send(&recording, recording.body);
	cr_expect_eq(rig.reply.status, recording.status);
	cr_expect_str_eq(rig_text("reason"), "NotAcceptable");
	recording_free(&recording);
}

static void
play_nodes_and_pods(void)
{
	static const char *const names[] = {
	    "039-node-create-0", "040-node-status-strategic-patch", NULL};
	static const char *const pods[] = {
	    "041-pod-create", "042-pod-status-patch", NULL};

	replay_all(names);
	replay_put_items("043-nodes-list-json", "Node", 1);
	replay_all(pods);
	replay_put_items("047-pods-list-json", "Pod", 1);
}

Test(sim_kube_wire, nodes_and_pods)
{
	static const char *const names[] = {"043-nodes-list-json",
	    "045-nodes-list-labelselector", "046-nodes-list-bad-selector-400",
	    "047-pods-list-json", "049-pods-list-fieldselector-node",
	    "050-pods-list-bad-fieldselector-400", "051-pods-list-limit-1",
	    "052-pods-list-continue", "053-pods-list-bad-continue-400",
	    "054-pods-list-metadata-only", "060-pod-delete",
	    "062-node-label-merge-patch", "063-node-label-remove-merge-patch",
	    "064-node-patch-404", "065-node-patch-unsupported-type-415", NULL};

	play_nodes_and_pods();
	replay_all(names);
}

Test(sim_kube_wire, eviction)
{
	static const char *const pdb =
	    "{\"kind\":\"PodDisruptionBudget\",\"apiVersion\":\"policy/"
	    "v1\",\"metadata\":"
	    "{\"name\":\"sip\",\"namespace\":\"default\"},\"spec\":{\"minAvailable\":5,"
	    "\"selector\":{\"matchLabels\":{\"app\":\"sip\"}}}}";

	play_nodes_and_pods();
	cr_assert_eq(sim_kube_put(rig.kube, pdb), 0);
	replay("060-pod-delete"); /* two are left, as in the recording */
	replay("066-pod-evict-blocked-by-pdb-429");
	cr_assert_eq(sim_kube_remove(rig.kube,
			 "/apis/policy/v1/namespaces/default/poddisruptionbudgets/sip"),
	    0);
	replay("067-pod-evict-201");
	replay("068-pod-evict-404");
}

Test(sim_kube_wire, leases_events_and_configmaps)
{
	static const char *const names[] = {"069-lease-get-404", "070-lease-create-201",
	    "071-lease-put-200", "072-lease-put-conflict-409", "073-lease-bad-time-400",
	    "074-event-create", "075-event-create-controller-namespace",
	    "076-configmap-create", "077-configmap-merge-patch",
	    "078-configmap-bad-key-422", NULL};

	replay_all(names);
}

/* A body with `count` letters between two texts. */
static void
send_large(const struct recording *recording, const char *before, size_t count,
    const char *after)
{
	char *letters = mem_calloc(count + 1, 1);
	char *body;

	memset(letters, 'x', count);
	body = mem_printf("%s%s%s", before, letters, after);
	rig_send_typed(
	    recording->method, recording->target, recording->type, body, strlen(body));
	free(body);
	free(letters);
}

Test(sim_kube_wire, too_large)
{
	static const char *const config =
	    "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\","
	    "\"metadata\":{\"name\":\"big\"},\"data\":"
	    "{\"x\":\"";
	struct recording recording = recording_read("079-configmap-over-1MiB-422");

	send_large(&recording, config, 1048586, "\"}}");
	replay_compare("079", &recording);
	recording_free(&recording);
	recording = recording_read("080-request-over-3MiB-413");
	send_large(&recording, config, 3145738, "\"}}");
	replay_compare("080", &recording);
	recording_free(&recording);
	play_definition();
	replay_put_answer("034-nia-apply-ssa");
	recording = recording_read("081-cr-status-over-etcd-limit");
	send_large(&recording, "{\"status\":{\"x\":\"", 2200000, "\"}}");
	cr_expect_eq(rig.reply.status, recording.status);
	cr_expect_not_null(
	    strstr(rig_text("message"), "rpc error: code = ResourceExhausted"));
	cr_expect_not_null(strstr(rig_text("message"), "vs. 2097152)"));
	recording_free(&recording);
}

Test(sim_kube_wire, who_may)
{
	cr_assert_eq(
	    sim_kube_put(rig.kube,
		"{\"kind\":\"ServiceAccount\",\"apiVersion\":\"v1\",\"metadata\":"
		"{\"name\":\"ipwarden-watcher\",\"namespace\":\"kube-system\"}}"),
	    0);
	rig.token = NULL;
	rig.certificate = "system:serviceaccount:kube-system:ipwarden-watcher";
	replay("083-rbac-forbidden-list-403");
	replay("084-rbac-forbidden-patch-403");
	rig.certificate = NULL;
	rig.token = "nobody's";
	replay("085-bad-token-401");
	rig.token = RIG_ADMIN;
	replay("082-token-request-201");
}

Test(sim_kube_wire, a_version_of_the_future)
{
	char version[24];

	rig_send("GET", "/api/v1/nodes", NULL);
	snprintf(version, sizeof version, "%s", rig_text("metadata.resourceVersion"));
	replay_learn("325", version); /* the current version, in the message */
	replay("087-list-future-resourceversion-504");
	cr_expect_str_eq(rig_header("Retry-After"), "1");
}

/* What a stream has ready against lines of a recording; returns the next line. */
static const char *
compare_events(
    const char *name, const struct sim_stream *stream, const char *lines, size_t count)
{
	struct json_object *ours = rig_events(stream);
	char error[128];

	cr_assert_not_null(ours, "%s: the watch has ended", name);
	cr_expect_eq(
	    kube_json_count(ours), count, "%s: %s", name, kube_json_write(ours, NULL));
	for (size_t i = 0; i < count && i < kube_json_count(ours); i++) {
		size_t len = strcspn(lines, "\n");
		char *line = mem_strndup(lines, len);
		struct json_object *a = json_object_array_get_idx(ours, i);
		struct json_object *b = kube_json_parse(line, len, error, sizeof error);

		cr_assert_not_null(b, "%s: %s", name, error);
		cr_expect_str_eq(kube_json_text(a, "type"), kube_json_text(b, "type"));
		replay_compare_shape(name, "", b, a);
		json_object_put(b);
		free(line);
		lines += len + 1;
	}
	json_object_put(ours);
	return lines;
}

static struct sim_stream
start_watch(const struct recording *recording)
{
	char *target = replay_translate(recording->target);
	struct sim_stream stream = rig_watch(target);

	cr_expect_eq(rig.reply.status, recording->status);
	cr_expect_str_eq(rig.reply.content_type, recording->answer_type);
	free(target);
	return stream;
}

Test(sim_kube_wire, watch_nodes)
{
	struct recording recording = recording_read("055-nodes-watch-json");
	struct sim_stream stream;

	play_nodes_and_pods();
	replay("043-nodes-list-json");
	sim_kube_set_bookmark_interval(rig.kube, 0);
	stream = start_watch(&recording);
	rig_send(
	    "PATCH", "/api/v1/nodes/gke-pool-0", "{\"spec\":{\"unschedulable\":true}}");
	rig_send(
	    "PATCH", "/api/v1/nodes/gke-pool-0", "{\"spec\":{\"unschedulable\":null}}");
	compare_events("055", &stream, recording.answer, 3);
	stream.close(stream.state);
	recording_free(&recording);
}

Test(sim_kube_wire, watch_with_initial_events)
{
	struct recording recording =
	    recording_read("057-pods-watchlist-json-initial-events");
	struct sim_stream stream;

	play_nodes_and_pods();
	stream = start_watch(&recording);
	compare_events("057", &stream, recording.answer, 4);
	stream.close(stream.state);
	recording_free(&recording);
}

Test(sim_kube_wire, watch_one_pod_go)
{
	struct recording recording = recording_read("061-pods-watch-delete-json");
	struct sim_stream stream;

	play_nodes_and_pods();
	stream = start_watch(&recording);
	replay("060-pod-delete");
	compare_events("061", &stream, recording.answer, 3);
	stream.close(stream.state);
	recording_free(&recording);
}

/* pool-w is made, changed and deleted while the watch stands. */
Test(sim_kube_wire, watch_custom_resources)
{
	static const char *const path =
	    "/apis/netinfra.darkbrains.com/v1alpha1/netipallocations";
	static const char *const one =
	    "/apis/netinfra.darkbrains.com/v1alpha1/netipallocations/pool-w";
	struct recording recording = recording_read("059-nia-watch-json");
	struct sim_stream stream;
	const char *lines;

	play_definition();
	replay_put_answer("034-nia-apply-ssa");
	replay("018-nia-create-unknown-field-warn-201");
	stream = start_watch(&recording);
	lines = compare_events("059", &stream, recording.answer, 3);
	cr_assert_eq(
	    rig_send("POST", path,
		"{\"kind\":\"NetIPAllocation\",\"apiVersion\":"
		"\"netinfra.darkbrains.com/v1alpha1\",\"metadata\":{\"name\":"
		"\"pool-w\"},\"spec\":{\"cloud\":{\"provider\":\"gcp\",\"region\":"
		"\"us-west1\"},\"reservedIPs\":[\"203.0.113.10\","
		"\"203.0.113.11\"]}}"),
	    201);
	rig_send("PATCH", one, "{\"spec\":{\"reconcileInterval\":60}}");
	rig_send("DELETE", one, NULL);
	sim_kube_set_bookmark_interval(rig.kube, 0);
	compare_events("059", &stream, lines, 3);
	stream.close(stream.state);
	recording_free(&recording);
}

Test(sim_kube_wire, watch_from_a_forgotten_version)
{
	struct recording recording =
	    recording_read("089-watch-too-old-410-error-event");
	char floor[24], changes[64];
	struct json_object *events, *theirs;
	struct sim_stream stream;

	play_nodes_and_pods();
	replay("043-nodes-list-json");
	for (unsigned i = 0; i <= KUBE_HISTORY_MAX; i++) {
		snprintf(changes, sizeof changes,
		    "{\"metadata\":{\"labels\":{\"n\":\"%u\"}}}", i);
		cr_assert_eq(
		    rig_send("PATCH", "/api/v1/nodes/gke-pool-0", changes), 200);
	}
	snprintf(floor, sizeof floor, "%lld",
	    strtoll(rig_text("metadata.resourceVersion"), NULL, 10) - KUBE_HISTORY_MAX);
	stream = start_watch(&recording);
	replay_learn("336", floor);
	events = rig_events(&stream);
	theirs = kube_json_parse(
	    recording.answer, strlen(recording.answer), changes, sizeof changes);
	cr_assert_eq(kube_json_count(events), 1);
	rig.json = json_object_get(
	    kube_json_member(json_object_array_get_idx(events, 0), "object"));
	replay_compare_values("089", kube_json_member(theirs, "object"));
	json_object_put(theirs);
	json_object_put(events);
	cr_expect_str_eq(rig_story(&stream), "end");
	stream.close(stream.state);
	recording_free(&recording);
}
