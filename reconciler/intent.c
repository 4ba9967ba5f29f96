#include "intent.h"

#include <assert.h>
#include <json-c/json.h>
#include <string.h>

#include "json_read.h"

static const char *const step_names[] = {
    [INTENT_DETACH] = "Detach",
    [INTENT_EPHEMERAL] = "Ephemeral",
    [INTENT_ATTACH] = "Attach",
    [INTENT_RELEASE] = "Release",
};
#define STEP_NAMES_LEN (sizeof step_names / sizeof step_names[0])

static enum intent_step
step_by_name(const char *name)
{
	for (size_t i = INTENT_DETACH; i < STEP_NAMES_LEN; i++)
		if (strcmp(step_names[i], name) == 0)
			return (enum intent_step)i;
	return INTENT_UNKNOWN;
}

/* Collects failures of many reads into one answer. */
static void
need(int rc, bool *ok)
{
	if (rc < 0)
		*ok = false;
}

#define READ(object, key, field)                                                       \
	need(json_read_text(object, key, field, sizeof(field)), ok)

/* An optional member that must be an object. */
static struct json_object *
part(struct json_object *value, const char *key, bool *ok)
{
	struct json_object *member = NULL;

	need(json_read_part(value, key, &member), ok);
	return member;
}

static void
parse_place(struct json_object *value, struct intent_place *place, bool *ok)
{
	READ(value, "node", place->node);
	READ(value, "nodeUID", place->node_uid);
	READ(value, "project", place->project);
	READ(value, "zone", place->zone);
	READ(value, "instanceID", place->instance);
	READ(value, "fence", place->fence);
}

static void
parse_parts(struct json_object *value, struct intent *intent, bool *ok)
{
	struct json_object *requests = part(value, "requestIDs", ok);
	struct json_object *ephemeral = part(value, "ephemeral", ok);

	READ(requests, "detach", intent->request_detach);
	READ(requests, "ephemeral", intent->request_ephemeral);
	READ(requests, "attach", intent->request_attach);
	READ(ephemeral, "address", intent->ephemeral);
	READ(ephemeral, "fence", intent->ephemeral_fence);
	parse_place(part(value, "from", ok), &intent->from, ok);
	parse_place(part(value, "to", ok), &intent->to, ok);
}

void
intent_parse(struct json_object *value, struct intent *ret_intent)
{
	struct intent intent = {0};
	int64_t version = 0;
	char step[32] = "";
	bool parsed = true;
	bool *ok = &parsed;

	need(json_read_number(value, "schemaVersion", &version), ok);
	READ(value, "id", intent.id);
	READ(value, "step", step);
	READ(value, "fence", intent.fence);
	need(json_read_bool(value, "ephemeralTaken", &intent.ephemeral_taken), ok);
	need(json_read_time(value, "since", &intent.since), ok);
	parse_parts(value, &intent, ok);
	intent.step = step_by_name(step);
	if (!parsed || version != INTENT_SCHEMA || intent.step == INTENT_UNKNOWN)
		intent = (struct intent){.step = INTENT_UNKNOWN};
	*ret_intent = intent;
}

#undef READ

void
intent_put_text(struct buf *out, const char *key, const char *value)
{
	if (value[0] == '\0')
		return;
	buf_printf(out, ",\"%s\":\"", key);
	buf_put_json(out, value, strlen(value));
	buf_puts(out, "\"");
}

/* Members that are all optional, without the comma in front of the first. */
static void
put_object(struct buf *out, const char *key, const struct buf *members)
{
	if (members->len == 0)
		return;
	buf_printf(out, ",\"%s\":{", key);
	buf_put(out, members->data + 1, members->len - 1);
	buf_puts(out, "}");
}

static void
put_place(struct buf *out, const char *key, const struct intent_place *place)
{
	struct buf members;

	buf_init(&members, LINK_FRAME_MAX);
	intent_put_text(&members, "node", place->node);
	intent_put_text(&members, "nodeUID", place->node_uid);
	intent_put_text(&members, "project", place->project);
	intent_put_text(&members, "zone", place->zone);
	intent_put_text(&members, "instanceID", place->instance);
	intent_put_text(&members, "fence", place->fence);
	put_object(out, key, &members);
	buf_free(&members);
}

static void
put_requests(struct buf *out, const struct intent *intent)
{
	struct buf members;

	buf_init(&members, LINK_FRAME_MAX);
	intent_put_text(&members, "detach", intent->request_detach);
	intent_put_text(&members, "ephemeral", intent->request_ephemeral);
	intent_put_text(&members, "attach", intent->request_attach);
	put_object(out, "requestIDs", &members);
	buf_reset(&members);
	intent_put_text(&members, "address", intent->ephemeral);
	intent_put_text(&members, "fence", intent->ephemeral_fence);
	put_object(out, "ephemeral", &members);
	buf_free(&members);
}

void
intent_put(const struct intent *intent, struct buf *out)
{
	char since[CLOCK_TEXT_MAX];

	assert(intent->step != INTENT_NONE && intent->step != INTENT_UNKNOWN);
	buf_printf(out, "{\"schemaVersion\":%d", INTENT_SCHEMA);
	intent_put_text(out, "id", intent->id);
	intent_put_text(out, "step", step_names[intent->step]);
	put_place(out, "from", &intent->from);
	put_place(out, "to", &intent->to);
	intent_put_text(out, "fence", intent->fence);
	put_requests(out, intent);
	if (intent->ephemeral_taken)
		buf_puts(out, ",\"ephemeralTaken\":true");
	clock_format(intent->since, true, since, sizeof since);
	intent_put_text(out, "since", since);
	buf_puts(out, "}");
}
