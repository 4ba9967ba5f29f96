#include "replay.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mem.h"

#ifndef TESTS_CONTRACTS
#define TESTS_CONTRACTS "tests/contracts"
#endif

/* Values of the recording that have become known. */
#define TRANSLATIONS_MAX 1024u

static struct {
	char *theirs;
	char *ours;
} translations[TRANSLATIONS_MAX];
static size_t translations_len;

/* --- differences --- */

static struct {
	size_t count;
	bool quiet;
} differences;

size_t
replay_differences(void)
{
	return differences.count;
}

void
replay_forgive(bool quiet)
{
	differences.count = 0;
	differences.quiet = quiet;
}

void
replay_differ(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	differences.count++;
	if (!differences.quiet)
		cr_expect(false, "%s", text);
}

/* --- reading --- */

const char *
recordings_dir(void)
{
	static char path[1024];
	const char *dir = getenv("CONTRACTS_DIR");

	snprintf(
	    path, sizeof path, "%s/kube-wire", dir != NULL ? dir : TESTS_CONTRACTS);
	return path;
}

static char *
file_read(const char *name)
{
	char path[1024];
	char *data = mem_calloc(REPLAY_SIZE_MAX, 1);
	size_t len;
	FILE *file;

	snprintf(path, sizeof path, "%.900s/%.100s.http", recordings_dir(), name);
	file = fopen(path, "r");
	cr_assert_not_null(file, "no recording %s", path);
	len = fread(data, 1, REPLAY_SIZE_MAX - 1, file);
	cr_assert_lt(len, REPLAY_SIZE_MAX - 1);
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

/* Ends the word at `text` and returns the next one. */
static char *
word_end(char *text)
{
	char *end = strchr(text, ' ');

	cr_assert_not_null(end);
	*end = '\0';
	return end + 1;
}

struct recording
recording_read(const char *name)
{
	struct recording recording = {.data = file_read(name)};
	char *answer = strstr(recording.data, "\nHTTP/1.1 ");
	char *headers;
	size_t len;

	cr_assert_not_null(answer, "%s", name);
	*answer++ = '\0';
	recording.method = recording.data;
	recording.target = word_end(recording.method);
	headers = line_end(word_end(recording.target));
	recording.body = headers_read(headers, &recording.accept, &recording.type);
	for (len = strlen(recording.body); len > 0 && recording.body[len - 1] == '\n';)
		recording.body[--len] = '\0';
	recording.status = (int)strtol(answer + strlen("HTTP/1.1 "), NULL, 10);
	headers = line_end(answer);
	recording.answer = headers_read(headers, NULL, &recording.answer_type);
	return recording;
}

void
recording_free(struct recording *recording)
{
	free(recording->data);
}

/* --- translating --- */

void
replay_learn(const char *theirs, const char *ours)
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

void
replay_forget(void)
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
		replay_learn(kube_json_text(a, keys[i]), kube_json_text(b, keys[i]));
}

/* `text` with known values of theirs, where they stand as a whole, turned into ours. */
char *
replay_translate(const char *text)
{
	struct buf out;

	buf_init(&out, REPLAY_SIZE_MAX);
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

/* --- comparing --- */

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
    {".status.acceptedNames.singular", "accepted at once"},
    {".status.acceptedNames.shortNames", "accepted at once"},
    {".status.acceptedNames.listKind", "accepted at once"},
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

void
replay_compare_shape(const char *name, const char *path, struct json_object *theirs,
    struct json_object *ours)
{
	for (const struct lh_entry *at = kube_json_first(theirs); at != NULL;
	     at = at->next) {
		const char *key = kube_json_key(at);
		char *deeper = mem_printf("%s.%s", path, key);

		if (json_object_object_get_ex(ours, key, NULL)) {
			if (strcmp(key, "managedFields") != 0)
				replay_compare_shape(name, deeper, kube_json_value(at),
				    kube_json_member(ours, key));
		} else if (!may_be_absent(deeper)) {
			replay_differ("%s: %s is missing", name, deeper);
		}
		free(deeper);
	}
	for (const struct lh_entry *at = kube_json_first(ours); at != NULL;
	     at = at->next) {
		char *deeper = mem_printf("%s.%s", path, kube_json_key(at));

		if (!json_object_object_get_ex(theirs, kube_json_key(at), NULL) &&
		    !may_be_absent(deeper))
			replay_differ("%s: %s is too much", name, deeper);
		free(deeper);
	}
	if (!json_object_is_type(theirs, json_type_object) && theirs != NULL &&
	    json_object_get_type(theirs) != json_object_get_type(ours))
		replay_differ("%s: type of %s", name, path);
	if (!json_object_is_type(theirs, json_type_array) || may_be_absent(path))
		return;
	if (kube_json_count(theirs) != kube_json_count(ours))
		replay_differ("%s: length of %s", name, path);
	for (size_t i = 0; i < kube_json_count(theirs) && i < kube_json_count(ours);
	     i++)
		replay_compare_shape(name, path, json_object_array_get_idx(theirs, i),
		    json_object_array_get_idx(ours, i));
}

static void
compare_text(const char *name, const char *path, struct json_object *theirs)
{
	char *wanted = replay_translate(kube_json_text(theirs, path));

	if (strcmp(rig_text(path), wanted) != 0)
		replay_differ(
		    "%s: %s is '%s', not '%s'", name, path, rig_text(path), wanted);
	free(wanted);
}

static void
compare_number(const char *name, const char *path, struct json_object *theirs)
{
	int64_t wanted = kube_json_int(theirs, path, -1);

	if (rig_int(path) != wanted)
		replay_differ("%s: %s is %lld, not %lld", name, path,
		    (long long)rig_int(path), (long long)wanted);
}

/* Values that do not depend on the server: what was asked for, and what it was made. */
void
replay_compare_values(const char *name, struct json_object *theirs)
{
	static const char *const paths[] = {"spec", "data", "details", "generation"};

	compare_text(name, "kind", theirs);
	compare_text(name, "apiVersion", theirs);
	compare_text(name, "metadata.name", theirs);
	compare_text(name, "metadata.namespace", theirs);
	compare_text(name, "reason", theirs);
	compare_text(name, "message", theirs);
	compare_number(name, "metadata.generation", theirs);
	compare_number(name, "code", theirs);
	/* a node's spec has a taint of an admission plugin */
	if (strcmp(rig_text("kind"), "Node") == 0)
		return;
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		struct json_object *ours = kube_json_member(rig.json, paths[i]);

		if (!json_object_equal(kube_json_member(theirs, paths[i]), ours))
			replay_differ("%s: %s is %s", name, paths[i],
			    kube_json_write(ours, NULL));
	}
}

/* Only the first line of a text counts. */
static void
compare_plain(const char *name, const struct recording *recording)
{
	const char *ours = rig.reply.body.data != NULL ? rig.reply.body.data : "";

	if (strncmp(ours, recording->answer, strcspn(recording->answer, "\n")) != 0)
		replay_differ("%s: %s", name, ours);
}

static void
compare_json(const char *name, const struct recording *recording)
{
	char error[128];
	struct json_object *theirs = kube_json_parse(
	    recording->answer, strlen(recording->answer), error, sizeof error);

	if (theirs == NULL || rig.json == NULL) {
		replay_differ("%s: %s", name, theirs == NULL ? error : "no JSON");
		json_object_put(theirs);
		return;
	}
	replay_compare_shape(name, "", theirs, rig.json);
	replay_compare_values(name, theirs);
	learn_metadata(theirs, rig.json);
	json_object_put(theirs);
}

void
replay_compare(const char *name, const struct recording *recording)
{
	if (rig.reply.status != recording->status)
		replay_differ(
		    "%s: status %d, not %d", name, rig.reply.status, recording->status);
	if (strcmp(rig.reply.content_type, recording->answer_type) != 0)
		replay_differ("%s: type %s", name, rig.reply.content_type);
	if (recording->answer[0] == '{')
		compare_json(name, recording);
	else
		compare_plain(name, recording);
}

/* --- playing --- */

void
replay_send(const struct recording *recording, const char *body)
{
	char *target = replay_translate(recording->target);
	char *text = replay_translate(body);

	rig.accept = recording->accept;
	rig_send_typed(recording->method, target, recording->type, text, strlen(text));
	rig.accept = NULL;
	free(target);
	free(text);
}

void
replay(const char *name)
{
	struct recording recording = recording_read(name);

	replay_send(&recording, recording.body);
	replay_compare(name, &recording);
	recording_free(&recording);
}

/* Puts items of a recorded list into the world, those with an index from `first`. */
void
replay_put_items(const char *name, const char *kind, size_t first)
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
void
replay_put_answer(const char *name)
{
	struct recording recording = recording_read(name);

	cr_assert_eq(sim_kube_put(rig.kube, recording.answer), 0);
	recording_free(&recording);
}
