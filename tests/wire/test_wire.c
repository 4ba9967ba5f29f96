/* Every recorded exchange of a real API server is played, in the order of the
 * recording, against one simulated world; those that may differ stand in the file
 * `deviations`. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deviations.h"
#include "mem.h"
#include "replay.h"

/* Longest name of a recording, and how many there may be. */
#define NAME_SIZE      64u
#define RECORDINGS_MAX 256u
/* Between bookmarks, but where one is waited for: no test takes so long. */
#define BOOKMARK_MS 3600000

/* What lasts from one exchange to a later one. */
static struct {
	struct sim_stream pods; /* the watch of 061, begun before 060 */
	char token[128];	/* of 082 */
} kept;

static void
teardown(void)
{
	if (kept.pods.next != NULL)
		kept.pods.close(kept.pods.state);
	replay_forget();
	rig_teardown();
}

TestSuite(wire, .init = rig_setup, .fini = teardown, .timeout = 120);

/* --- exchanges that need more than to be sent --- */

static struct sim_stream
start_watch(const char *name, const struct recording *recording)
{
	char *target = replay_translate(recording->target);
	struct sim_stream stream = rig_watch(target);

	if (rig.reply.status != recording->status ||
	    strcmp(rig.reply.content_type, recording->answer_type) != 0)
		replay_differ("%s: status %d, type %s", name, rig.reply.status,
		    rig.reply.content_type);
	free(target);
	return stream;
}

/* What a stream has ready against lines of a recording; returns the next line. */
static const char *
compare_events(
    const char *name, const struct sim_stream *stream, const char *lines, size_t count)
{
	struct json_object *ours = rig_events(stream);
	char error[128];

	if (kube_json_count(ours) != count)
		replay_differ(
		    "%s: %zu events, not %zu", name, kube_json_count(ours), count);
	for (size_t i = 0; i < count && i < kube_json_count(ours); i++) {
		size_t len = strcspn(lines, "\n");
		char *line = mem_strndup(lines, len);
		struct json_object *a = json_object_array_get_idx(ours, i);
		struct json_object *b = kube_json_parse(line, len, error, sizeof error);

		cr_assert_not_null(b, "%s: %s", name, error);
		if (strcmp(kube_json_text(a, "type"), kube_json_text(b, "type")) != 0)
			replay_differ(
			    "%s: event %zu is %s", name, i, kube_json_text(a, "type"));
		replay_compare_shape(name, "", b, a);
		json_object_put(b);
		free(line);
		lines += len + 1;
	}
	json_object_put(ours);
	return lines;
}

static void
play_apply(const char *name)
{
	replay(name);
	replay_put_answer(name);
}

/* After the first node and the first pod, the others of the recording are made. */
static void
play_first_node(const char *name)
{
	replay(name);
	replay_put_items("043-nodes-list-json", "Node", 1);
}

static void
play_first_pod(const char *name)
{
	replay(name);
	replay_put_items("047-pods-list-json", "Pod", 1);
}

static void
play_watch_nodes(const char *name)
{
	static const char *const node = "/api/v1/nodes/gke-pool-0";
	struct recording recording = recording_read(name);
	struct sim_stream stream;

	sim_kube_set_bookmark_interval(rig.kube, 0);
	stream = start_watch(name, &recording);
	rig_send("PATCH", node, "{\"spec\":{\"unschedulable\":true}}");
	rig_send("PATCH", node, "{\"spec\":{\"unschedulable\":null}}");
	compare_events(name, &stream, recording.answer, 3);
	sim_kube_set_bookmark_interval(rig.kube, BOOKMARK_MS);
	stream.close(stream.state);
	recording_free(&recording);
}

static void
play_watch_list(const char *name)
{
	struct recording recording = recording_read(name);
	struct sim_stream stream = start_watch(name, &recording);

	compare_events(name, &stream, recording.answer, 4);
	stream.close(stream.state);
	recording_free(&recording);
}

/* pool-w is made, changed and deleted while the watch stands. */
static void
play_watch_custom(const char *name)
{
	static const char *const all =
	    "/apis/netinfra.darkbrains.com/v1alpha1/netipallocations";
	static const char *const one =
	    "/apis/netinfra.darkbrains.com/v1alpha1/netipallocations/pool-w";
	struct recording recording = recording_read(name);
	struct sim_stream stream = start_watch(name, &recording);
	const char *lines = compare_events(name, &stream, recording.answer, 3);

	rig_send("POST", all,
	    "{\"kind\":\"NetIPAllocation\",\"apiVersion\":"
	    "\"netinfra.darkbrains.com/v1alpha1\",\"metadata\":{\"name\":\"pool-w\"},"
	    "\"spec\":{\"cloud\":{\"provider\":\"gcp\",\"region\":\"us-west1\"},"
	    "\"reservedIPs\":[\"203.0.113.10\",\"203.0.113.11\"]}}");
	rig_send("PATCH", one, "{\"spec\":{\"reconcileInterval\":60}}");
	rig_send("DELETE", one, NULL);
	compare_events(name, &stream, lines, 3);
	stream.close(stream.state);
	recording_free(&recording);
}

/* The watch that the recording shows after it stood already. */
static void
play_pod_delete(const char *name)
{
	struct recording watch = recording_read("061-pods-watch-delete-json");

	kept.pods = start_watch(name, &watch);
	replay(name);
	recording_free(&watch);
}

static void
play_watch_pod(const char *name)
{
	struct recording recording = recording_read(name);

	compare_events(name, &kept.pods, recording.answer, 3);
	recording_free(&recording);
}

static void
play_blocked_eviction(const char *name)
{
	static const char *const budget =
	    "{\"kind\":\"PodDisruptionBudget\",\"apiVersion\":\"policy/v1\","
	    "\"metadata\":{\"name\":\"sip\",\"namespace\":\"default\"},\"spec\":{"
	    "\"minAvailable\":5,\"selector\":{\"matchLabels\":{\"app\":\"sip\"}}}}";

	cr_assert_eq(sim_kube_put(rig.kube, budget), 0);
	replay(name);
	cr_assert_eq(sim_kube_remove(rig.kube,
			 "/apis/policy/v1/namespaces/default/poddisruptionbudgets/sip"),
	    0);
}

#define LARGER "larger than max ("

/* A body with `count` letters between two texts, as the recording had one. */
static void
play_large(const char *name, const char *before, size_t count, const char *after)
{
	struct recording recording = recording_read(name);
	char *letters = mem_calloc(count + 1, 1);
	const char *size;
	char *body, digits[24];

	memset(letters, 'x', count);
	body = mem_printf("%s%s%s", before, letters, after);
	rig_send_typed(
	    recording.method, recording.target, recording.type, body, strlen(body));
	/* the size in a message is that of the whole object, managedFields and all */
	size = strstr(rig_text("message"), LARGER);
	if (size != NULL) {
		size += strlen(LARGER);
		snprintf(digits, sizeof digits, "%.*s", (int)strcspn(size, " "), size);
		replay_learn("2200561", digits);
	}
	replay_compare(name, &recording);
	free(body);
	free(letters);
	recording_free(&recording);
}

#define BIG_CONFIG                                                                     \
	"{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"        \
	"\"big\"},\"data\":{\"x\":\""

static void
play_large_config(const char *name)
{
	play_large(name, BIG_CONFIG, 1048586, "\"}}");
}

static void
play_large_request(const char *name)
{
	play_large(name, BIG_CONFIG, 3145738, "\"}}");
}

static void
play_large_status(const char *name)
{
	play_large(name, "{\"status\":{\"x\":\"", 2200000, "\"}}");
}

static void
play_token(const char *name)
{
	cr_assert_eq(
	    sim_kube_put(rig.kube,
		"{\"kind\":\"ServiceAccount\",\"apiVersion\":\"v1\",\"metadata\":"
		"{\"name\":\"ipwarden-watcher\",\"namespace\":\"kube-system\"}}"),
	    0);
	replay(name);
	snprintf(kept.token, sizeof kept.token, "%s", rig_text("status.token"));
}

static void
play_with_token(const char *name)
{
	rig.token = kept.token;
	replay(name);
	rig.token = RIG_ADMIN;
}

static void
play_with_bad_token(const char *name)
{
	rig.token = "nobody's";
	replay(name);
	rig.token = RIG_ADMIN;
}

/* The message has the current version in it. */
static void
play_future(const char *name)
{
	char version[24];

	rig_send("GET", "/api/v1/nodes", NULL);
	snprintf(version, sizeof version, "%s", rig_text("metadata.resourceVersion"));
	replay_learn("325", version);
	replay(name);
}

/* From a version that so many changes have made the server forget. */
static void
play_expired(const char *name)
{
	struct recording recording = recording_read(name);
	struct json_object *events, *theirs;
	struct sim_stream stream;
	char floor[24], change[64], error[128];

	for (unsigned i = 0; i <= KUBE_HISTORY_MAX; i++) {
		snprintf(change, sizeof change,
		    "{\"metadata\":{\"labels\":{\"n\":\"%u\"}}}", i);
		rig_send("PATCH", "/api/v1/nodes/gke-pool-0", change);
	}
	snprintf(floor, sizeof floor, "%lld",
	    strtoll(rig_text("metadata.resourceVersion"), NULL, 10) - KUBE_HISTORY_MAX);
	replay_learn("336", floor);
	stream = start_watch(name, &recording);
	events = rig_events(&stream);
	theirs = kube_json_parse(
	    recording.answer, strlen(recording.answer), error, sizeof error);
	if (kube_json_count(events) != 1)
		replay_differ("%s: %zu events", name, kube_json_count(events));
	rig.json = json_object_get(
	    kube_json_member(json_object_array_get_idx(events, 0), "object"));
	replay_compare_values(name, kube_json_member(theirs, "object"));
	if (strcmp(rig_story(&stream), "end") != 0)
		replay_differ("%s: the watch goes on", name);
	json_object_put(theirs);
	json_object_put(events);
	stream.close(stream.state);
	recording_free(&recording);
}

static const struct {
	const char *name;
	void (*play)(const char *name);
} steps[] = {
    {"034-nia-apply-ssa", play_apply},
    {"040-node-status-strategic-patch", play_first_node},
    {"042-pod-status-patch", play_first_pod},
    {"055-nodes-watch-json", play_watch_nodes},
    {"057-pods-watchlist-json-initial-events", play_watch_list},
    {"059-nia-watch-json", play_watch_custom},
    {"060-pod-delete", play_pod_delete},
    {"061-pods-watch-delete-json", play_watch_pod},
    {"066-pod-evict-blocked-by-pdb-429", play_blocked_eviction},
    {"079-configmap-over-1MiB-422", play_large_config},
    {"080-request-over-3MiB-413", play_large_request},
    {"081-cr-status-over-etcd-limit", play_large_status},
    {"082-token-request-201", play_token},
    {"083-rbac-forbidden-list-403", play_with_token},
    {"084-rbac-forbidden-patch-403", play_with_token},
    {"085-bad-token-401", play_with_bad_token},
    {"087-list-future-resourceversion-504", play_future},
    {"089-watch-too-old-410-error-event", play_expired},
};

static void
play(const char *name)
{
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		if (strcmp(steps[i].name, name) == 0) {
			steps[i].play(name);
			return;
		}
	replay(name);
}

/* --- the whole recording --- */

struct names {
	char names[RECORDINGS_MAX][NAME_SIZE];
	size_t len;
};

static int
by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
names_read(struct names *names)
{
	DIR *dir = opendir(recordings_dir());
	const struct dirent *entry;

	cr_assert_not_null(dir, "no folder %s", recordings_dir());
	names->len = 0;
	while ((entry = readdir(dir)) != NULL) {
		const char *end = strstr(entry->d_name, ".http");

		if (end == NULL)
			continue;
		cr_assert_lt(names->len, RECORDINGS_MAX);
		cr_assert_lt((size_t)(end - entry->d_name), NAME_SIZE);
		snprintf(names->names[names->len++], NAME_SIZE, "%.*s",
		    (int)(end - entry->d_name), entry->d_name);
	}
	closedir(dir);
	qsort(names->names, names->len, NAME_SIZE, by_name);
}

Test(wire, every_exchange)
{
	static struct names names;
	struct deviations deviations;
	size_t agree = 0;

	names_read(&names);
	deviations_read(&deviations, "");
	for (size_t i = 0; i < names.len; i++) {
		bool listed = deviations_have(&deviations, names.names[i]);

		replay_forgive(listed);
		play(names.names[i]);
		if (replay_differences() == 0) {
			agree++;
			cr_expect_not(listed,
			    "%s agrees: it does not belong in the list",
			    names.names[i]);
		} else if (listed) {
			deviations_use(&deviations, names.names[i]);
		}
	}
	printf("wire: %zu exchanges, %zu agree, %zu listed deviations\n", names.len,
	    agree, deviations.len);
	fflush(stdout);
	cr_expect_geq(names.len, 89);
	cr_expect_eq(deviations_used(&deviations), deviations.len,
	    "a listed deviation is none, or no recording");
	cr_expect_eq(agree + deviations.len, names.len);
}

/* --- what the count does not say --- */

/* Each of ours is one of theirs, and the same: ours serves less. */
static void
compare_parts(const char *name, const char *list, const char *key)
{
	struct recording recording = recording_read(name);
	char error[128];
	struct json_object *theirs = kube_json_parse(
	    recording.answer, strlen(recording.answer), error, sizeof error);
	struct json_object *all = kube_json_member(theirs, list);
	struct json_object *ours;
	size_t found = 0;

	replay_send(&recording, recording.body);
	cr_expect_eq(rig.reply.status, recording.status);
	cr_expect_str_eq(rig.reply.content_type, recording.answer_type);
	ours = kube_json_member(rig.json, list);
	for (size_t i = 0; i < kube_json_count(ours); i++)
		for (size_t j = 0; j < kube_json_count(all); j++) {
			struct json_object *a = json_object_array_get_idx(ours, i);
			struct json_object *b = json_object_array_get_idx(all, j);

			if (strcmp(kube_json_text(a, key), kube_json_text(b, key)) != 0)
				continue;
			json_object_object_del(b, "storageVersionHash");
			cr_expect(json_object_equal(a, b), "%s: %s, not %s", name,
			    kube_json_write(a, NULL), kube_json_write(b, NULL));
			found++;
		}
	cr_expect_gt(found, 0, "%s", name);
	cr_expect_eq(found, kube_json_count(ours), "%s", name);
	json_object_put(theirs);
	recording_free(&recording);
}

Test(wire, what_is_served_is_a_part_of_theirs)
{
	compare_parts("006-discovery-core-v1", "resources", "name");
}

Test(wire, a_warning_names_the_unknown_field)
{
	struct recording recording =
	    recording_read("018-nia-create-unknown-field-warn-201");

	replay("008-crd-create");
	replay_send(&recording, recording.body);
	cr_expect_str_eq(
	    rig_header("Warning"), "299 - \"unknown field \\\"spec.nodeSelectr\\\"\"");
	recording_free(&recording);
}

/* The recorded refusal is protobuf; ours is JSON, which every client reads. */
Test(wire, protobuf_alone_is_refused)
{
	struct recording recording = recording_read("026-nia-list-protobuf-only-406");

	replay("008-crd-create");
	replay_send(&recording, recording.body);
	cr_expect_eq(rig.reply.status, recording.status);
	cr_expect_str_eq(rig_text("reason"), "NotAcceptable");
	recording_free(&recording);
}

Test(wire, a_version_of_the_future_is_told_when_to_come_again)
{
	replay_forgive(true);
	replay("087-list-future-resourceversion-504");
	cr_expect_eq(rig.reply.status, 504);
	cr_expect_str_eq(rig_header("Retry-After"), "1");
}

/* The comparison itself notices what it is to notice. */
Test(wire, differences_are_seen)
{
	static const struct {
		const char *theirs;
		const char *ours;
		bool differ;
	} pairs[] = {
	    {"{\"a\":1}", "{\"a\":2}", false},
	    {"{\"a\":1}", "{}", true},
	    {"{}", "{\"a\":1}", true},
	    {"{\"a\":1}", "{\"a\":\"1\"}", true},
	    {"{\"a\":[1]}", "{\"a\":[1,2]}", true},
	    {"{\"a\":[{\"b\":1}]}", "{\"a\":[{\"c\":1}]}", true},
	};

	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		struct json_object *theirs = kube_json_constant(pairs[i].theirs);
		struct json_object *ours = kube_json_constant(pairs[i].ours);

		replay_forgive(true);
		replay_compare_shape("x", "", theirs, ours);
		cr_expect_eq(replay_differences() > 0, pairs[i].differ, "%s %s",
		    pairs[i].theirs, pairs[i].ours);
		json_object_put(theirs);
		json_object_put(ours);
	}
	rig_send("GET", "/api/v1/nodes/none", NULL);
	replay_forgive(true);
	replay_compare_values(
	    "x", kube_json_member(rig.json, "none")); /* theirs says nothing at all */
	cr_expect_gt(replay_differences(), 2);
}
