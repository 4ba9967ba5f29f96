/* The simulated API server against the recordings of a real one: the recorded requests
 * are played in their order, and what comes back is compared. Uids, versions and times
 * differ, so those of the recording are translated to ours as they turn up; of objects
 * the shape is compared, of refusals the whole Status. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "sim_kube_rig.h"

#ifndef TESTS_CONTRACTS
#define TESTS_CONTRACTS "tests/contracts"
#endif

/* Values of the recording that have become known. */
#define TRANSLATIONS_MAX 256u
/* Largest recording that is read. */
#define FILE_SIZE_MAX (256u * 1024u)

TestSuite(sim_kube_wire, .init = rig_setup, .fini = rig_teardown, .timeout = 60);

struct recording {
	char *data; /* the file; what follows points into it */
	char *method;
	char *target;
	char *accept;
	char *type;
	char *body;
	int status;
	char *answer_type;
	char *answer;
};

static struct {
	char *theirs;
	char *ours;
} translations[TRANSLATIONS_MAX];
static size_t translations_len;

/* --- reading -------------------------------------------------------------------------
 */

static char *
file_read(const char *name)
{
	const char *dir = getenv("CONTRACTS_DIR");
	char path[1024];
	char *data = mem_calloc(FILE_SIZE_MAX, 1);
	size_t len;
	FILE *file;

	snprintf(path, sizeof path, "%s/kube-wire/%s.http",
	    dir != NULL ? dir : TESTS_CONTRACTS, name);
	file = fopen(path, "r");
	cr_assert_not_null(file, "no recording %s", path);
	len = fread(data, 1, FILE_SIZE_MAX - 1, file);
	cr_assert_lt(len, FILE_SIZE_MAX - 1);
	fclose(file);
	return data;
}

/* Ends the line at `text` and returns the next one. */
static char *
line_end(char *text)
{
	char *end = strchr(text, '\n');

	cr_assert_not_null(end);
	*end = '\0';
	return end + 1;
}

/* Takes headers up to the empty line; returns what follows. */
static char *
headers_read(char *text, char **ret_accept, char **ret_type)
{
	while (*text != '\n') {
		char *next = line_end(text);

		if (strncasecmp(text, "Accept: ", 8) == 0 && ret_accept != NULL)
			*ret_accept = text + 8;
		if (strncasecmp(text, "Content-Type: ", 14) == 0)
			*ret_type = text + 14;
		text = next;
	}
	return text + 1;
}

static struct recording
recording_read(const char *name)
{
	struct recording recording = {.data = file_read(name), .answer_type = NULL};
	char *answer = strstr(recording.data, "\nHTTP/1.1 ");
	char *text;

	recording.accept = NULL;
	recording.type = NULL;
	cr_assert_not_null(answer, "%s", name);
	*answer = '\0';
	recording.method = strtok_r(recording.data, " ", &text);
	recording.target = strtok_r(NULL, " ", &text);
	text = strchr(text, '\n') + 1;
	/* a request without a body ends where the answer begins */
	recording.body = strstr(text, "\n\n");
	if (recording.body != NULL)
		recording.body[1] = '\0';
	recording.body =
	    recording.body != NULL ? recording.body + 2 : text + strlen(text);
	for (char *line = strtok_r(text, "\n", &text); line != NULL;
	     line = strtok_r(NULL, "\n", &text)) {
		if (strncasecmp(line, "Accept: ", 8) == 0)
			recording.accept = line + 8;
		if (strncasecmp(line, "Content-Type: ", 14) == 0)
			recording.type = line + 14;
	}
	answer += 1;
	recording.status = (int)strtol(answer + strlen("HTTP/1.1 "), NULL, 10);
	recording.answer =
	    headers_read(strchr(answer, '\n') + 1, NULL, &recording.answer_type);
	return recording;
}

static void
recording_free(struct recording *recording)
{
	free(recording->data);
}

/* --- translating
 * ---------------------------------------------------------------------- */

static void
learn(const char *theirs, const char *ours)
{
	if (theirs[0] == '\0' || ours[0] == '\0')
		return;
	for (size_t i = 0; i < translations_len; i++)
		if (strcmp(translations[i].theirs, theirs) == 0) {
			free(translations[i].ours);
			translations[i].ours = mem_strdup(ours);
			return;
		}
	cr_assert_lt(translations_len, TRANSLATIONS_MAX);
	translations[translations_len].theirs = mem_strdup(theirs);
	translations[translations_len++].ours = mem_strdup(ours);
}

static void
translations_forget(void)
{
	for (size_t i = 0; i < translations_len; i++) {
		free(translations[i].theirs);
		free(translations[i].ours);
	}
	translations_len = 0;
}

static void
learn_metadata(const struct json_object *theirs, const struct json_object *ours)
{
	static const char *const keys[] = {"uid", "resourceVersion", "continue"};
	const struct json_object *a = kube_json_member(theirs, "metadata");
	const struct json_object *b = kube_json_member(ours, "metadata");

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		learn(kube_json_text(a, keys[i]), kube_json_text(b, keys[i]));
}

/* `text` with known values of theirs, where they stand as a whole, turned into ours. */
static char *
translate(const char *text)
{
	struct buf out;

	buf_init(&out, FILE_SIZE_MAX);
	buf_puts(&out, "");
	while (*text != '\0') {
		size_t len =
		    strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
				 "XYZ0123456789-_");
		const char *word = NULL;

		for (size_t i = 0; i < translations_len && len > 0; i++)
			if (strlen(translations[i].theirs) == len &&
			    strncmp(translations[i].theirs, text, len) == 0)
				word = translations[i].ours;
		if (word != NULL)
			buf_puts(&out, word);
		else
			buf_put(&out, text, len > 0 ? len : 1);
		text += len > 0 ? len : 1;
	}
	return out.data;
}

/* --- comparing
 * ------------------------------------------------------------------------ */

/* Fields of theirs that ours has not, and why. */
static const struct {
	const char *path;
	const char *why;
} absent_fields[] = {
    {".metadata.managedFields", "left out throughout"},
    {".storageVersionHash", "a hash of the real server's storage"},
    {".spec.taints", "an admission plugin's not-ready taint"},
    {".metadata.annotations.node.alpha.kubernetes.io/ttl", "the controller manager's"},
    {".metadata.annotations", "of nodes: the controller manager's only"},
    {".metadata.labels.topology.kubernetes.io/region", "copied from the node"},
    {".metadata.labels.topology.kubernetes.io/zone", "copied from the node"},
    {".conditions.lastProbeTime", "null in theirs"},
    {".conditions.lastTransitionTime", "null in theirs"},
    {".status.conditions", "of a CRD: not yet set in theirs, or set"},
    {".metadata.remainingItemCount", "left out at the last page"},
    {".metadata.continue", "empty in lists of custom resources"},
    {".object.spec", "of a bookmark: a typed object's zero values"},
    {".object.status", "of a bookmark: a typed object's zero values"},
};

/* Paths are compared by their end, without the indexes of arrays. */
static bool
may_be_absent(const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < sizeof absent_fields / sizeof absent_fields[0]; i++) {
		size_t end = strlen(absent_fields[i].path);

		if (len >= end && strcmp(path + len - end, absent_fields[i].path) == 0)
			return true;
	}
	return false;
}

static void
compare_shape(const char *name, const char *path, struct json_object *theirs,
    struct json_object *ours)
{
	for (const struct lh_entry *at = kube_json_first(theirs); at != NULL;
	     at = at->next) {
		const char *key = kube_json_key(at);
		char *deeper = mem_printf("%s.%s", path, key);

		if (!json_object_object_get_ex(ours, key, NULL))
			cr_expect(
			    may_be_absent(deeper), "%s: %s is missing", name, deeper);
		else if (strcmp(key, "managedFields") != 0)
			compare_shape(name, deeper, kube_json_value(at),
			    kube_json_member(ours, key));
		free(deeper);
	}
	for (const struct lh_entry *at = kube_json_first(ours); at != NULL;
	     at = at->next) {
		char *deeper = mem_printf("%s.%s", path, kube_json_key(at));

		cr_expect(json_object_object_get_ex(theirs, kube_json_key(at), NULL) ||
			      may_be_absent(deeper),
		    "%s: %s is too much", name, deeper);
		free(deeper);
	}
	if (!json_object_is_type(theirs, json_type_object) && theirs != NULL)
		cr_expect_eq(json_object_get_type(theirs), json_object_get_type(ours),
		    "%s: type of %s", name, path);
	if (!json_object_is_type(theirs, json_type_array) || may_be_absent(path))
		return;
	cr_expect_eq(kube_json_count(theirs), kube_json_count(ours), "%s: length of %s",
	    name, path);
	for (size_t i = 0; i < kube_json_count(theirs) && i < kube_json_count(ours);
	     i++)
		compare_shape(name, path, json_object_array_get_idx(theirs, i),
		    json_object_array_get_idx(ours, i));
}

static void
expect_same_text(const char *name, const char *path, struct json_object *theirs)
{
	char *wanted = translate(kube_json_text(theirs, path));

	cr_expect_str_eq(rig_text(path), wanted, "%s: %s is '%s', not '%s'", name, path,
	    rig_text(path), wanted);
	free(wanted);
}

/* Values that do not depend on the server: what was asked for, and what it was made. */
static void
compare_values(const char *name, struct json_object *theirs)
{
	static const char *const paths[] = {"spec", "data", "details", "generation"};

	expect_same_text(name, "kind", theirs);
	expect_same_text(name, "apiVersion", theirs);
	expect_same_text(name, "metadata.name", theirs);
	expect_same_text(name, "metadata.namespace", theirs);
	expect_same_text(name, "reason", theirs);
	expect_same_text(name, "message", theirs);
	cr_expect_eq(rig_int("metadata.generation"),
	    kube_json_int(theirs, "metadata.generation", -1), "%s: generation", name);
	cr_expect_eq(
	    rig_int("code"), kube_json_int(theirs, "code", -1), "%s: code", name);
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		struct json_object *ours = kube_json_member(rig.json, paths[i]);

		/* a node's spec has a taint of an admission plugin */
		if (strcmp(rig_text("kind"), "Node") != 0)
			cr_expect(
			    json_object_equal(kube_json_member(theirs, paths[i]), ours),
			    "%s: %s is %s", name, paths[i],
			    kube_json_write(ours, NULL));
	}
}

static void
compare(const char *name, const struct recording *recording)
{
	char error[128];
	struct json_object *theirs = NULL;

	cr_expect_eq(rig.reply.status, recording->status, "%s: status %d, not %d", name,
	    rig.reply.status, recording->status);
	cr_expect_str_eq(rig.reply.content_type, recording->answer_type, "%s: type %s",
	    name, rig.reply.content_type);
	if (recording->answer[0] != '{') {
		cr_expect_eq(strncmp(rig.reply.body.data, recording->answer,
				 strcspn(recording->answer, "\n")),
		    0, "%s: %s", name, rig.reply.body.data);
		return;
	}
	theirs = kube_json_parse(
	    recording->answer, strlen(recording->answer), error, sizeof error);
	cr_assert_not_null(theirs, "%s: %s", name, error);
	cr_assert_not_null(rig.json, "%s: %s", name, rig.reply.body.data);
	compare_shape(name, "", theirs, rig.json);
	compare_values(name, theirs);
	learn_metadata(theirs, rig.json);
	json_object_put(theirs);
}

/* --- playing
 * -------------------------------------------------------------------------- */

static void
send_recorded(const struct recording *recording, const char *body)
{
	char *target = translate(recording->target);
	char *text = translate(body);

	rig.accept = recording->accept;
	rig_send_typed(recording->method, target, recording->type, text, strlen(text));
	rig.accept = NULL;
	free(target);
	free(text);
}

static void
play(const char *name)
{
	struct recording recording = recording_read(name);

	send_recorded(&recording, recording.body);
	compare(name, &recording);
	recording_free(&recording);
}

static void
play_all(const char *const *names)
{
	for (size_t i = 0; names[i] != NULL; i++)
		play(names[i]);
}

/* Puts items of a recorded list into the world, those with an index from `first`. */
static void
put_items(const char *name, const char *kind, size_t first)
{
	struct recording recording = recording_read(name);
	char error[128];
	struct json_object *list = kube_json_parse(
	    recording.answer, strlen(recording.answer), error, sizeof error);
	struct json_object *items = kube_json_member(list, "items");

	cr_assert_not_null(list, "%s: %s", name, error);
	for (size_t i = first; i < kube_json_count(items); i++) {
		struct json_object *item = json_object_array_get_idx(items, i);

		kube_json_set_text(item, "kind", kind);
		kube_json_set_text(item, "apiVersion", "v1");
		json_object_object_del(
		    kube_json_member(item, "metadata"), "managedFields");
		cr_assert_eq(sim_kube_put(rig.kube, kube_json_write(item, NULL)), 0);
	}
	json_object_put(list);
	recording_free(&recording);
}

/* What the recorded answer says stands in the world, made by other means there. */
static void
put_answer(const char *name)
{
	struct recording recording = recording_read(name);

	cr_assert_eq(sim_kube_put(rig.kube, recording.answer), 0);
	recording_free(&recording);
}

static void
play_definition(void)
{
	static const char *const names[] = {"008-crd-create", "009-crd-get-established",
	    "010-discovery-netinfra", NULL};

	play_all(names);
}

Test(sim_kube_wire, version_and_discovery)
{
	static const char *const names[] = {"001-version", "002-discovery-api-legacy",
	    "086-unknown-path-404", "088-healthz", NULL};

	play_all(names);
	play_definition();
	translations_forget();
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

			if (strcmp(
				kube_json_text(a, "name"), kube_json_text(b, "name")))
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
	play_all(names);
	translations_forget();
}

Test(sim_kube_wire, a_warning_names_the_unknown_field)
{
	struct recording recording =
	    recording_read("018-nia-create-unknown-field-warn-201");

	play_definition();
	send_recorded(&recording, recording.body);
	cr_expect_str_eq(
	    rig_header("Warning"), "299 - \"unknown field \\\"spec.nodeSelectr\\\"\"");
	recording_free(&recording);
	translations_forget();
}

/* The recorded refusal is protobuf; ours is JSON, which every client reads. */
Test(sim_kube_wire, protobuf_alone_is_refused)
{
	struct recording recording = recording_read("026-nia-list-protobuf-only-406");

	play_definition();
	send_recorded(&recording, recording.body);
	cr_expect_eq(rig.reply.status, recording.status);
	cr_expect_str_eq(rig_text("reason"), "NotAcceptable");
	recording_free(&recording);
	translations_forget();
}

static void
play_nodes_and_pods(void)
{
	static const char *const names[] = {
	    "039-node-create-0", "040-node-status-strategic-patch", NULL};
	static const char *const pods[] = {
	    "041-pod-create", "042-pod-status-patch", NULL};

	play_all(names);
	put_items("043-nodes-list-json", "Node", 1);
	play_all(pods);
	put_items("047-pods-list-json", "Pod", 1);
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
	play_all(names);
	translations_forget();
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
	play("060-pod-delete"); /* two are left, as in the recording */
	play("066-pod-evict-blocked-by-pdb-429");
	cr_assert_eq(sim_kube_remove(rig.kube,
			 "/apis/policy/v1/namespaces/default/poddisruptionbudgets/sip"),
	    0);
	play("067-pod-evict-201");
	play("068-pod-evict-404");
	translations_forget();
}

Test(sim_kube_wire, leases_events_and_configmaps)
{
	static const char *const names[] = {"069-lease-get-404", "070-lease-create-201",
	    "071-lease-put-200", "072-lease-put-conflict-409", "073-lease-bad-time-400",
	    "074-event-create", "075-event-create-controller-namespace",
	    "076-configmap-create", "077-configmap-merge-patch",
	    "078-configmap-bad-key-422", NULL};

	play_all(names);
	translations_forget();
}

/* A body of `format` with that many letters in it. */
static void
send_large(const struct recording *recording, const char *format, size_t count)
{
	char *letters = mem_calloc(count + 1, 1);
	char *body;

	memset(letters, 'x', count);
	body = mem_printf(format, letters);
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
	    "{\"x\":\"%s\"}}";
	struct recording recording = recording_read("079-configmap-over-1MiB-422");

	send_large(&recording, config, 1048586);
	compare("079", &recording);
	recording_free(&recording);
	recording = recording_read("080-request-over-3MiB-413");
	send_large(&recording, config, 3145738);
	compare("080", &recording);
	recording_free(&recording);
	play_definition();
	put_answer("034-nia-apply-ssa");
	recording = recording_read("081-cr-status-over-etcd-limit");
	send_large(&recording, "{\"status\":{\"x\":\"%s\"}}", 2200000);
	cr_expect_eq(rig.reply.status, recording.status);
	cr_expect_not_null(
	    strstr(rig_text("message"), "rpc error: code = ResourceExhausted"));
	cr_expect_not_null(strstr(rig_text("message"), "vs. 2097152)"));
	recording_free(&recording);
	translations_forget();
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
	play("083-rbac-forbidden-list-403");
	play("084-rbac-forbidden-patch-403");
	rig.certificate = NULL;
	rig.token = "nobody's";
	play("085-bad-token-401");
	rig.token = RIG_ADMIN;
	play("082-token-request-201");
	translations_forget();
}

Test(sim_kube_wire, a_version_of_the_future)
{
	char version[24];

	rig_send("GET", "/api/v1/nodes", NULL);
	snprintf(version, sizeof version, "%s", rig_text("metadata.resourceVersion"));
	learn("325", version); /* the current version, in the message */
	play("087-list-future-resourceversion-504");
	cr_expect_str_eq(rig_header("Retry-After"), "1");
	translations_forget();
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
		compare_shape(name, "", b, a);
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
	char *target = translate(recording->target);
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
	play("043-nodes-list-json");
	sim_kube_set_bookmark_interval(rig.kube, 0);
	stream = start_watch(&recording);
	rig_send(
	    "PATCH", "/api/v1/nodes/gke-pool-0", "{\"spec\":{\"unschedulable\":true}}");
	rig_send(
	    "PATCH", "/api/v1/nodes/gke-pool-0", "{\"spec\":{\"unschedulable\":null}}");
	compare_events("055", &stream, recording.answer, 3);
	stream.close(stream.state);
	recording_free(&recording);
	translations_forget();
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
	translations_forget();
}

Test(sim_kube_wire, watch_one_pod_go)
{
	struct recording recording = recording_read("061-pods-watch-delete-json");
	struct sim_stream stream;

	play_nodes_and_pods();
	stream = start_watch(&recording);
	play("060-pod-delete");
	compare_events("061", &stream, recording.answer, 3);
	stream.close(stream.state);
	recording_free(&recording);
	translations_forget();
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
	put_answer("034-nia-apply-ssa");
	play("018-nia-create-unknown-field-warn-201");
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
	translations_forget();
}

Test(sim_kube_wire, watch_from_a_forgotten_version)
{
	struct recording recording =
	    recording_read("089-watch-too-old-410-error-event");
	char floor[24], changes[64];
	struct json_object *events, *theirs;
	struct sim_stream stream;

	play_nodes_and_pods();
	play("043-nodes-list-json");
	for (unsigned i = 0; i <= KUBE_HISTORY_MAX; i++) {
		snprintf(changes, sizeof changes,
		    "{\"metadata\":{\"labels\":{\"n\":\"%u\"}}}", i);
		cr_assert_eq(
		    rig_send("PATCH", "/api/v1/nodes/gke-pool-0", changes), 200);
	}
	snprintf(floor, sizeof floor, "%lld",
	    strtoll(rig_text("metadata.resourceVersion"), NULL, 10) - KUBE_HISTORY_MAX);
	stream = start_watch(&recording);
	learn("336", floor);
	events = rig_events(&stream);
	theirs = kube_json_parse(
	    recording.answer, strlen(recording.answer), changes, sizeof changes);
	cr_assert_eq(kube_json_count(events), 1);
	rig.json = json_object_get(
	    kube_json_member(json_object_array_get_idx(events, 0), "object"));
	compare_values("089", kube_json_member(theirs, "object"));
	json_object_put(theirs);
	json_object_put(events);
	cr_expect_str_eq(rig_story(&stream), "end");
	stream.close(stream.state);
	recording_free(&recording);
	translations_forget();
}
