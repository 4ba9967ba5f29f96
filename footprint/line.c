#include "line.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "mem.h"
#include "walk.h"

#define IP_MAX	      64u
#define PHASE_MAX     64u
#define CONDITION_MAX (NAME_MAX_LEN + 1u + LABEL_MAX_LEN + 1u)

/* Go's zero time, whatever the zone. */
#define NO_TIME "0001-01-01T00:00:00Z"

struct reading {
	char namespace[NAME_MAX_LEN + 1];
	char name[NAME_MAX_LEN + 1];
	char uid[UID_MAX_LEN + 1];
	char node[NAME_MAX_LEN + 1];
	char ip[IP_MAX];
	char phase[PHASE_MAX];
	struct buf conditions;
};

/* The letter of those control characters that have one. */
static char
short_escape(char c)
{
	static const char letters[][2] = {
	    {'\b', 'b'}, {'\f', 'f'}, {'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}};

	for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
		if (letters[i][0] == c)
			return letters[i][1];
	return c == '"' || c == '\\' ? c : '\0';
}

/* As Go's encoding/json: also what would mean something in HTML (< > &) and JavaScript
 * (U+2028, U+2029) is escaped. */
static void
put_text(struct buf *out, const char *text)
{
	buf_putc(out, '"');
	for (; *text != '\0'; text++) {
		char letter = short_escape(*text);

		if (letter != '\0') {
			buf_printf(out, "\\%c", letter);
		} else if ((unsigned char)*text < 0x20 ||
			   strchr("<>&", *text) != NULL) {
			buf_printf(out, "\\u%04x", (unsigned int)*text);
		} else if (strncmp(text, "\u2028", 3) == 0 ||
			   strncmp(text, "\u2029", 3) == 0) {
			buf_puts(out, text[2] == '\xa8' ? "\\u2028" : "\\u2029");
			text += 2;
		} else {
			buf_putc(out, *text);
		}
	}
	buf_putc(out, '"');
}

static void
put_member(struct buf *out, const char *key, const char *value)
{
	buf_printf(out,
	    "%s\"%s\":", out->len > 0 && out->data[out->len - 1] != '{' ? "," : "",
	    key);
	put_text(out, value);
}

/* --- reading ------------------------------------------------------------------------
 */

struct condition {
	char type[CONDITION_MAX];
	char status[CONDITION_MAX];
	char time[MOMENT_TEXT_MAX];
};

static void
read_time(struct scan *scan, struct condition *condition)
{
	char text[MOMENT_TEXT_MAX];
	struct moment moment;

	scan_string(scan, text, sizeof text);
	if (scan->error != 0 || text[0] == '\0')
		return;
	if (moment_parse(text, &moment) < 0)
		scan->error = -EBADMSG;
	else
		moment_format(moment, condition->time, sizeof condition->time);
}

static bool
condition_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct condition *condition = arg;

	if (walk_text(
		scan, key, len, "type", condition->type, sizeof condition->type) ||
	    walk_text(
		scan, key, len, "status", condition->status, sizeof condition->status))
		return true;
	if (!scan_key_is(key, len, "lastTransitionTime"))
		return false;
	read_time(scan, condition);
	return true;
}

static void
read_conditions(struct scan *scan, struct buf *out)
{
	if (!scan_enter_array(scan))
		return;
	while (scan_next_element(scan)) {
		struct condition condition = {.time = NO_TIME};

		walk_members(scan, condition_member, &condition);
		buf_puts(out, out->len > 0 ? ",{" : "{");
		put_member(out, "type", condition.type);
		put_member(out, "status", condition.status);
		put_member(out, "last_transition_time", condition.time);
		buf_putc(out, '}');
	}
}

static bool
metadata_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct reading *pod = arg;

	return walk_text(scan, key, len, "name", pod->name, sizeof pod->name) ||
	       walk_text(scan, key, len, "uid", pod->uid, sizeof pod->uid) ||
	       walk_text(
		   scan, key, len, "namespace", pod->namespace, sizeof pod->namespace);
}

static bool
spec_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct reading *pod = arg;

	return walk_text(scan, key, len, "nodeName", pod->node, sizeof pod->node);
}

static bool
status_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct reading *pod = arg;

	if (walk_text(scan, key, len, "podIP", pod->ip, sizeof pod->ip) ||
	    walk_text(scan, key, len, "phase", pod->phase, sizeof pod->phase))
		return true;
	if (!scan_key_is(key, len, "conditions"))
		return false;
	read_conditions(scan, &pod->conditions);
	return true;
}

static bool
pod_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	if (scan_key_is(key, len, "metadata"))
		walk_members(scan, metadata_member, arg);
	else if (scan_key_is(key, len, "spec"))
		walk_members(scan, spec_member, arg);
	else if (scan_key_is(key, len, "status"))
		walk_members(scan, status_member, arg);
	else
		return false;
	return true;
}

/* Pods are held by the ten thousand: as small as their texts are. */
static struct footprint *
pack(const struct reading *pod)
{
	const char *conditions = pod->conditions.len > 0 ? pod->conditions.data : "";
	size_t path_size = strlen(pod->namespace) + strlen(pod->name) + 2;
	size_t size = 2 * path_size + strlen(pod->uid) + strlen(pod->node) +
		      strlen(pod->ip) + strlen(pod->phase) + strlen(conditions) + 5;
	struct footprint *print = mem_calloc(1, sizeof *print + size);
	char *at = (char *)(print + 1);

	print->path = at;
	at = stpcpy(stpcpy(stpcpy(at, pod->namespace), "/"), pod->name) + 1;
	print->namespace = mem_keep(&at, pod->namespace, strlen(pod->namespace));
	print->name = mem_keep(&at, pod->name, strlen(pod->name));
	print->uid = mem_keep(&at, pod->uid, strlen(pod->uid));
	print->node = mem_keep(&at, pod->node, strlen(pod->node));
	print->ip = mem_keep(&at, pod->ip, strlen(pod->ip));
	print->phase = mem_keep(&at, pod->phase, strlen(pod->phase));
	print->conditions = mem_keep(&at, conditions, strlen(conditions));
	return print;
}

struct footprint *
footprint_read(const char *json, size_t len)
{
	struct footprint *print = NULL;
	struct reading pod = {0};
	struct scan scan;

	buf_init(&pod.conditions, LINE_MAX_LEN / 2);
	scan_init(&scan, json, len);
	walk_members(&scan, pod_member, &pod);
	if (scan_finish(&scan) == 0 && !pod.conditions.refused)
		print = pack(&pod);
	buf_free(&pod.conditions);
	return print;
}

/* --- writing ------------------------------------------------------------------------
 */

static void
put_pod(const struct footprint *print, struct moment now, struct buf *out)
{
	char time[MOMENT_TEXT_MAX];

	moment_format(now, time, sizeof time);
	buf_putc(out, '{');
	put_member(out, "namespace", print->namespace);
	put_member(out, "pod_name", print->name);
	put_member(out, "node_name", print->node);
	put_member(out, "pod_ip", print->ip);
	put_member(out, "phase", print->phase);
	put_member(out, "timestamp", time);
	if (print->conditions[0] != '\0')
		buf_printf(out, ",\"conditions\":[%s]", print->conditions);
}

int
footprint_line(const struct footprint *print, struct moment now, struct buf *out)
{
	put_pod(print, now, out);
	return buf_puts(out, "}\n");
}

int
footprint_event(const struct footprint *print, struct moment now, const char *event,
    const char *key, const char *was, struct buf *out)
{
	put_pod(print, now, out);
	put_member(out, "event", event);
	if (key != NULL)
		put_member(out, key, was);
	return buf_puts(out, "}\n");
}
