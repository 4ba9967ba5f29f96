/* Lines and hours held to what Pod Ashiato itself wrote (tests/contracts/footprints):
 * each line is made anew from the pod that was listed, at the time that it says, and
 * has to be the same to the byte. */
#include <criterion/criterion.h>
#include <glob.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hour.h"
#include "line.h"
#include "mem.h"
#include "moment.h"

#define SAMPLES TESTS_CONTRACTS "/footprints/"

/* The lists of pods that there were, one after the other. */
static const char *const inputs[] = {"inputs/pods-all-1.json",
    "inputs/pods-2-changed-before-s02.json", "inputs/pods-3-changed-in-s20.json",
    "inputs/reply-67-oddpods.json", "inputs/reply-69-continue.json"};

#define INPUTS (sizeof inputs / sizeof *inputs)

static struct json_object *lists[INPUTS];

static void
put_back(void)
{
	const char *zone = getenv("TZ");

	if (zone != NULL && zone[0] == '/')
		remove(zone);
	for (size_t i = 0; i < INPUTS; i++)
		json_object_put(lists[i]);
}

static void
read_inputs(void)
{
	for (size_t i = 0; i < INPUTS; i++) {
		char path[512];

		snprintf(path, sizeof path, SAMPLES "%s", inputs[i]);
		lists[i] = json_object_from_file(path);
		cr_assert_not_null(lists[i], "%s", path);
	}
}

TestSuite(footprint, .init = read_inputs, .fini = put_back);

/* --- zones --------------------------------------------------------------------------
 */

static void
put_32(FILE *file, int32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		putc((int)((uint32_t)value >> shift & 0xff), file);
}

/* A zone file as the recorder made them (RFC 8536, version 1): `before` seconds east
 * until `turn`, then `after`. */
static void
set_zone(int32_t turn, int32_t before, int32_t after)
{
	static char last[32];
	char path[] = "/tmp/ipwarden-zone.XXXXXX";
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	cr_assert_not_null(file);
	fwrite("TZif", 1, 4, file);
	for (int i = 0; i < 16; i++)
		putc(0, file);
	for (int i = 0; i < 3; i++)
		put_32(file, 0);
	put_32(file, 1);
	put_32(file, 2);
	put_32(file, 4);
	put_32(file, turn);
	putc(1, file);
	put_32(file, before);
	fwrite("\0\0", 1, 2, file);
	put_32(file, after);
	fwrite("\0\0", 1, 2, file);
	fwrite("XYZ", 1, 4, file);
	fclose(file);
	setenv("TZ", path, 1);
	moment_zone(false);
	localtime(&(time_t){0}); /* now it is read */
	/* glibc takes another file of the same number and second for the same */
	remove(last);
	memcpy(last, path, sizeof path);
}

/* As the case's command and the note on its zone file say. */
static void
set_zone_of(const char *text)
{
	const char *note = strstr(text, "zone file: ");
	const char *command = strstr(text, "env TZ=");
	struct moment turn = {0};
	char when[32], zone[64] = "UTC";
	int before, after;

	if (note != NULL &&
	    sscanf(note, "zone file: fixed offset %d s", &before) == 1) {
		set_zone(0, before, before);
	} else if (note != NULL) {
		cr_assert_eq(sscanf(note,
				 "zone file: before %31s = offset %d s; from then on "
				 "offset %d s",
				 when, &before, &after),
		    3);
		cr_assert_eq(moment_parse(when, &turn), 0);
		set_zone((int32_t)turn.seconds, before, after);
	} else {
		if (command != NULL && strncmp(command, "env TZ='' ", 10) == 0)
			zone[0] = '\0';
		else if (command != NULL)
			sscanf(command, "env TZ=%63s", zone);
		setenv("TZ", zone, 1);
		moment_zone(false);
	}
}

static char *
read_text(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = mem_calloc(1, 1 << 20);

	cr_assert_not_null(file, "%s", path);
	cr_assert_lt(fread(text, 1, (1 << 20) - 1, file), (1 << 20) - 1);
	fclose(file);
	return text;
}

/* --- lines --------------------------------------------------------------------------
 */

static const char *
text_in(struct json_object *json, const char *key)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(json, key, &value);
	return value != NULL ? json_object_get_string(value) : "";
}

/* Whether that pod, at the line's own time, makes that line. */
static bool
makes(struct json_object *pod, const char *line, const char *time)
{
	const char *json = json_object_to_json_string(pod);
	struct footprint *print = footprint_read(json, strlen(json));
	struct moment moment;
	struct buf out;
	bool same;

	cr_assert_not_null(print, "%s", json);
	cr_assert_eq(moment_parse(time, &moment), 0);
	buf_init(&out, LINE_MAX_LEN);
	footprint_line(print, moment, &out);
	same = out.len == strlen(line) && memcmp(out.data, line, out.len) == 0;
	buf_free(&out);
	free(print);
	return same;
}

static bool
is_made(const char *line)
{
	struct json_object *read = json_tokener_parse(line);
	bool found = false;

	for (size_t i = 0; i < INPUTS && !found; i++) {
		struct json_object *items = NULL;

		json_object_object_get_ex(lists[i], "items", &items);
		for (size_t j = 0; j < json_object_array_length(items) && !found; j++)
			found = makes(json_object_array_get_idx(items, j), line,
			    text_in(read, "timestamp"));
	}
	json_object_put(read);
	return found;
}

/* The one pod whose JSON was not recorded. */
#define NOT_RECORDED "\"pod_name\":\"short-0\""

static int
compare_lines(const char *path)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	int lines = 0;

	while (getline(&line, &size, file) > 0) {
		if (strstr(line, NOT_RECORDED) != NULL)
			continue;
		cr_assert(is_made(line), "%s: %s", path, line);
		lines++;
	}
	free(line);
	fclose(file);
	return lines;
}

/* The file beside `path` that ends in `ending`. */
static char *
beside(const char *path, const char *ending)
{
	const char *dot = strrchr(path, '/');
	char *other = mem_calloc(1, strlen(path) + strlen(ending) + 1);

	dot = strchr(dot, '.');
	memcpy(other, path, (size_t)(dot - path));
	memcpy(other + (dot - path), ending, strlen(ending));
	return other;
}

Test(footprint, every_recorded_line_is_made_to_the_byte)
{
	glob_t found;
	int lines = 0;

	cr_assert_eq(glob(SAMPLES "*.stdout", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *note = beside(found.gl_pathv[i], ".txt");
		char *text = read_text(note);

		set_zone_of(text);
		lines += compare_lines(found.gl_pathv[i]);
		free(text);
		free(note);
	}
	globfree(&found);
	cr_assert_eq(lines, 101, "%d lines were compared", lines);
}

Test(footprint, other_times_are_formatted_as_go_does)
{
	char text[MOMENT_TEXT_MAX];

	setenv("TZ", "UTC", 1);
	moment_zone(true);
	moment_format((struct moment){-1, 120000000}, text, sizeof text);
	cr_assert_str_eq(text, "1969-12-31T23:59:59.12Z");
	moment_format((struct moment){1795219200, 0}, text, sizeof text);
	cr_assert_str_eq(text, "2026-11-21T00:00:00Z");
	moment_format((struct moment){1795219200, 1}, text, sizeof text);
	cr_assert_str_eq(text, "2026-11-21T00:00:00.000000001Z");
}

Test(footprint, utc_wins_over_the_zone)
{
	char text[MOMENT_TEXT_MAX], hour[MOMENT_HOUR_MAX];

	setenv("TZ", "Asia/Kolkata", 1);
	moment_zone(true);
	moment_format((struct moment){1795219200, 0}, text, sizeof text);
	cr_assert_str_eq(text, "2026-11-21T00:00:00Z");
	moment_hour((struct moment){1795219200, 0}, hour, sizeof hour);
	cr_assert_str_eq(hour, "2026112100");
}

Test(footprint, what_is_no_pod_is_refused)
{
	static const char *const bad[] = {"", "[]x", "{\"metadata\":{\"name\":1}}",
	    "{\"status\":{\"conditions\":[{\"lastTransitionTime\":\"yesterday\"}]}}"};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_assert_null(footprint_read(bad[i], strlen(bad[i])), "%s", bad[i]);
}

Test(footprint, an_event_says_what_was_before)
{
	static const char json[] =
	    "{\"metadata\":{\"name\":\"p\",\"namespace\":\"n\"},\"spec\":{\"nodeName\":"
	    "\"b\"}}";
	struct footprint *print = footprint_read(json, strlen(json));
	struct buf out;

	moment_zone(true);
	buf_init(&out, LINE_MAX_LEN);
	footprint_event(
	    print, (struct moment){0, 0}, "moved", "previous_node", "a", &out);
	cr_assert_str_eq(out.data,
	    "{\"namespace\":\"n\",\"pod_name\":\"p\",\"node_name\":\"b\",\"pod_ip\":"
	    "\"\","
	    "\"phase\":\"\",\"timestamp\":\"1970-01-01T00:00:00Z\","
	    "\"event\":\"moved\",\"previous_node\":\"a\"}\n");
	buf_free(&out);
	free(print);
}

/* --- hours --------------------------------------------------------------------------
 */

struct hours {
	struct hour *hours[2];
	size_t count;
};

static struct hour *
hour_at(struct hours *all, const char *time)
{
	struct moment moment;
	char name[MOMENT_HOUR_MAX];

	cr_assert_eq(moment_parse(time, &moment), 0, "%s", time);
	moment_hour(moment, name, sizeof name);
	for (size_t i = 0; i < all->count; i++)
		if (strcmp(hour_name(all->hours[i]), name) == 0)
			return all->hours[i];
	cr_assert_lt(all->count, 2);
	all->hours[all->count] = hour_new(name);
	return all->hours[all->count++];
}

/* What a run has put out, whole lines or short ones. */
static void
note_lines(struct hours *all, const char *path)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, file) > 0) {
		char time[MOMENT_TEXT_MAX], namespace[64], pod[256], node[256] = "";
		struct json_object *read;

		if (line[0] != '{') {
			cr_assert_geq(sscanf(line, "%47s %63[^/]/%255s node=%255s",
					  time, namespace, pod, node),
			    3);
			hour_note(hour_at(all, time), namespace, pod, node);
			continue;
		}
		read = json_tokener_parse(line);
		hour_note(hour_at(all, text_in(read, "timestamp")),
		    text_in(read, "namespace"), text_in(read, "pod_name"),
		    text_in(read, "node_name"));
		json_object_put(read);
	}
	free(line);
	fclose(file);
}

static struct json_object *
member(struct json_object *json, const char *key)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(json, key, &value);
	return value;
}

/* Name, labels and data as recorded. */
static void
compare_map(const char *path, struct json_object *recorded, struct json_object *made)
{
	struct json_object *was = member(recorded, "metadata");
	struct json_object *is = member(made, "metadata");

	cr_assert_str_eq(text_in(is, "name"), text_in(was, "name"), "%s", path);
	cr_assert(json_object_equal(member(is, "labels"), member(was, "labels")),
	    "%s: %s", path, json_object_to_json_string(is));
	cr_assert(json_object_equal(member(made, "data"), member(recorded, "data")),
	    "%s: %s", path, json_object_to_json_string(made));
}

static void
compare_hours(const char *path, const struct hours *all)
{
	struct json_object *recorded = json_object_from_file(path);
	struct json_object *items = member(recorded, "items");
	static struct parts parts;

	cr_assert_eq(json_object_array_length(items), all->count, "%s", path);
	for (size_t i = 0; i < all->count; i++) {
		cr_assert_eq(hour_fill(all->hours[i], &parts), 0);
		cr_assert_eq(parts.count, 1);
		compare_map(
		    path, json_object_array_get_idx(items, i), parts.objects[0]);
		parts_clear(&parts);
	}
	json_object_put(recorded);
}

/* Those that show no harmful oddity: README.md there has the others. */
Test(footprint, every_recorded_configmap_is_made)
{
	static const char *const cases[] = {"s01-store-first", "s04-store-label",
	    "s15-store-tz-new-york", "s20-store-move-while-running",
	    "s21-store-cm-deleted", "s22-store-hour-turns", "s23-store-clock-goes-back",
	    "s24-store-clock-goes-forward", "s25-store-pass-crosses-hour"};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct hours all = {0};
		char path[512], *text;

		snprintf(path, sizeof path, SAMPLES "%s.txt", cases[i]);
		text = read_text(path);
		set_zone_of(text);
		free(text);
		snprintf(path, sizeof path, SAMPLES "%s.stdout", cases[i]);
		if (access(path, R_OK) < 0)
			strncat(path, "-short", sizeof path - strlen(path) - 1);
		note_lines(&all, path);
		snprintf(path, sizeof path, SAMPLES "%s.cm.json", cases[i]);
		compare_hours(path, &all);
		for (size_t j = 0; j < all.count; j++)
			hour_free(all.hours[j]);
	}
}

Test(footprint, what_others_wrote_in_the_hour_stays)
{
	static struct parts parts;
	struct hour *hour = hour_new("2026112100");
	struct json_object *before =
	    json_object_from_file(SAMPLES "s11-store-over-foreign.before.json");
	struct json_object *metadata;

	parts.objects[parts.count++] = before;
	hour_note(hour, "voice-lab", "tone-0", "node-a");
	cr_assert_eq(hour_fill(hour, &parts), 0);
	cr_assert(parts.changed[0]);
	cr_assert_str_eq(json_object_to_json_string_ext(
			     member(before, "data"), JSON_C_TO_STRING_PLAIN),
	    "{\"somebody\":\"wrote-this\",\"voice-lab_old-0\":\"node-z\","
	    "\"voice-lab_tone-0\":\"node-a\"}");
	cr_assert_not_null(member(before, "binaryData"));
	metadata = member(before, "metadata");
	cr_assert_str_eq(text_in(member(metadata, "annotations"), "note"), "keep-me");
	cr_assert_str_eq(text_in(member(metadata, "labels"), "team"), "ops");
	cr_assert_str_eq(
	    text_in(member(metadata, "labels"), "type"), "pod-node-mapping");
	cr_assert_not_null(member(metadata, "finalizers"));
	parts_clear(&parts);
	hour_free(hour);
}
