#include "stay.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "json_read.h"

/* "", or a name as nodes, zones and allocations have: what is shown is no escape. */
static bool
is_name(const char *text)
{
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.")] == '\0';
}

static int
read_stay(struct json_object *json, struct stay *ret_stay)
{
	char source[16];
	struct stay stay = {0};

	if (json_read_text(json, "node", stay.node, sizeof stay.node) != 1 ||
	    json_read_text(json, "zone", stay.zone, sizeof stay.zone) != 1 ||
	    json_read_text(
		json, "allocation", stay.allocation, sizeof stay.allocation) != 1 ||
	    json_read_time(json, "from", &stay.from) != 1 ||
	    json_read_time(json, "until", &stay.until) != 1 ||
	    json_read_text(json, "source", source, sizeof source) != 1 ||
	    stay.until.ms < stay.from.ms || !is_name(stay.node) ||
	    !is_name(stay.zone) || !is_name(stay.allocation))
		return -EBADMSG;
	stay.operation = strcmp(source, "operation") == 0;
	if (!stay.operation && strcmp(source, "observed") != 0)
		return -EBADMSG;
	*ret_stay = stay;
	return 1;
}

int
stay_next(const char **text, struct stay *ret_stay)
{
	const char *line = *text;
	size_t len = strcspn(line, "\n");
	struct json_object *json;
	int rc;

	if (line[0] == '\0')
		return 0;
	*text += len + (line[len] == '\n' ? 1 : 0);
	if (len > STAY_LINE_MAX)
		return -EBADMSG;
	json = json_read_object(line, len);
	rc = read_stay(json, ret_stay);
	json_object_put(json);
	return rc;
}

static void
put_text(struct buf *out, const char *key, const char *value)
{
	buf_printf(out, "\"%s\":\"", key);
	buf_put_json(out, value, strlen(value));
	buf_puts(out, "\",");
}

/* Milliseconds: what the seconds of clock_format lack. */
void
stay_format_time(struct wall_time time, char out[CLOCK_TEXT_MAX])
{
	clock_format(time, true, out, CLOCK_TEXT_MAX);
	memcpy(out + sizeof "2026-11-28T10:00:00.000" - 1, "Z", 2);
}

static void
put_time(struct buf *out, const char *key, struct wall_time time)
{
	char text[CLOCK_TEXT_MAX];

	stay_format_time(time, text);
	buf_printf(out, "\"%s\":\"%s\",", key, text);
}

void
stay_print(const struct stay *stay, struct buf *out)
{
	buf_putc(out, '{');
	put_text(out, "node", stay->node);
	put_text(out, "zone", stay->zone);
	put_text(out, "allocation", stay->allocation);
	put_time(out, "from", stay->from);
	put_time(out, "until", stay->until);
	buf_printf(
	    out, "\"source\":\"%s\"}\n", stay->operation ? "operation" : "observed");
}

bool
stay_is_there(const struct stay *one, const struct stay *other)
{
	return strcmp(one->node, other->node) == 0 &&
	       strcmp(one->zone, other->zone) == 0 &&
	       strcmp(one->allocation, other->allocation) == 0;
}
