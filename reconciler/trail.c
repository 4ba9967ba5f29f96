#include "trail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* Bytes of one event's body. */
#define TRAIL_EVENT_MAX 8192u

struct trail_told {
	char *key;
	struct mono_time until;
};

/* --- events ----------------------------------------------------------------------- */

void
trail_told_free(void *value)
{
	struct trail_told *told = value;

	free(told->key);
	free(told);
}

static struct trail_told *
trail_remember(struct core *core, char *key)
{
	struct trail_told *told = mem_calloc(1, sizeof *told);

	if (map_count(core->told) >= TRAIL_TOLD_MAX)
		map_drop(core->told, lh_entry_k(lh_table_head(core->told->table)));
	told->key = key;
	map_put(core->told, told->key, told);
	return told;
}

/* True the first time within TRAIL_QUIET_MS. */
static bool
trail_is_news(
    struct core *core, const char *uid, const char *reason, const char *message)
{
	char *key = mem_printf("%s/%s/%s", uid, reason, message);
	struct trail_told *told = map_get(core->told, key);
	bool news = told == NULL || core->now.mono.ms >= told->until.ms;

	if (told != NULL)
		free(key);
	else
		told = trail_remember(core, key);
	if (news)
		told->until.ms = core->now.mono.ms + TRAIL_QUIET_MS;
	return news;
}

void
trail_event(struct core *core, const struct allocation *allocation, const char *type,
    const char *reason, const char *message)
{
	struct kube_call request = {
	    .method = "POST",
	    .path = EVENT_COLLECTION,
	    .body_kind = KUBE_BODY_JSON,
	};
	char id[UUID_TEXT_SIZE];
	struct buf body;

	if (core->stopping || !trail_is_news(core, allocation->uid, reason, message))
		return;
	effects_uuid(&core->effects, id);
	buf_init(&body, TRAIL_EVENT_MAX);
	allocation_event(allocation, NULL, NULL, type, reason, message, core->identity,
	    id, core->now.wall, &body);
	if (!body.refused) {
		request.body = body.data;
		calls_start(core, &request, NULL);
	}
	buf_free(&body);
}

/* --- the audit stream ------------------------------------------------------------- */

static void
trail_text(struct buf *line, const char *key, const char *value)
{
	buf_printf(line, ",\"%s\":\"", key);
	buf_put_json(line, value, strlen(value));
	buf_putc(line, '"');
}

static void
trail_begin(struct core *core, struct buf *line, const char *what)
{
	char when[CLOCK_TEXT_MAX];

	buf_init(line, LOG_LINE_MAX * 2);
	clock_format(core->now.wall, true, when, sizeof when);
	buf_printf(line, "{\"time\":\"%s\"", when);
	trail_text(line, "who", core->identity);
	buf_printf(line, ",\"term\":%llu", (unsigned long long)core->term);
	trail_text(line, "what", what);
}

static void
trail_end(struct core *core, struct buf *line)
{
	buf_putc(line, '}');
	if (!line->refused)
		core->effects.audit(core->effects.arg, line->data);
	buf_free(line);
}

void
trail_write(struct core *core, const struct call *call, const struct kube_reply *reply)
{
	struct buf line;

	trail_begin(core, &line, call->audit);
	trail_text(&line, "object", call->subject);
	trail_text(&line, "why", call->why);
	if (reply->error != 0)
		trail_text(&line, "result", reply->maybe_sent ? "unknown" : "not sent");
	else
		buf_printf(&line, ",\"result\":\"%d%s%s\"", reply->status,
		    reply->reason[0] != '\0' ? " " : "", reply->reason);
	buf_printf(&line, ",\"duration_ms\":%lld",
	    (long long)(core->now.mono.ms - call->started.ms));
	trail_end(core, &line);
}

static const char *
trail_order_word(enum order_kind kind)
{
	switch (kind) {
	case ORDER_ATTACH:
		return "attach";
	case ORDER_DETACH:
		return "detach";
	case ORDER_EPHEMERAL:
		return "give ephemeral";
	}
	return "";
}

void
trail_order(struct core *core, const struct order *order, const char *result,
    int64_t duration_ms)
{
	bool on = order->kind != ORDER_DETACH;
	struct buf line;

	trail_begin(core, &line, trail_order_word(order->kind));
	trail_text(&line, "object", order->owner);
	trail_text(&line, "address", order->address);
	trail_text(&line, "why", order->why);
	trail_text(&line, "before", on ? "" : order->instance);
	trail_text(&line, "after", on ? order->instance : "");
	trail_text(&line, "request_id", order->request_id);
	trail_text(&line, "result", result);
	trail_text(&line, "reason", order->reason);
	buf_printf(&line, ",\"duration_ms\":%lld", (long long)duration_ms);
	trail_end(core, &line);
}

/* --- metrics ---------------------------------------------------------------------- */

void
trail_metric(struct core *core, enum gauge_op op, enum metric metric, double value,
    const char *first, const char *second, const char *third)
{
	const char *const labels[] = {first, second, third, NULL};

	core->effects.metric(core->effects.arg, op, metric, value, labels);
}
