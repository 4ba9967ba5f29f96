#include "trail.h"

#include <stdio.h>
#include <string.h>

#include "chain.h"
#include "log.h"

/* --- the audit stream ------------------------------------------------------------- */

static void
trail_text(struct buf *line, const char *key, const char *value)
{
	buf_printf(line, ",\"%s\":\"", key);
	buf_put_json(line, value, strlen(value));
	buf_putc(line, '"');
}

static void
trail_begin(struct core *core, struct buf *line, const char *process, const char *what)
{
	char when[CLOCK_TEXT_MAX];

	buf_init(line, CHAIN_LINE_MAX);
	clock_format(core->now.wall, true, when, sizeof when);
	buf_printf(line, "{\"time\":\"%s\"", when);
	trail_text(line, "who", core->identity);
	trail_text(line, "process", process);
	trail_text(line, "lease", core->lease);
	buf_printf(line, ",\"term\":%llu", (unsigned long long)core->term);
	trail_text(line, "what", what);
}

static void
trail_end(struct core *core, struct buf *line)
{
	buf_putc(line, '}');
	if (line->refused)
		log_error("audit_line_too_long", LOG_N("bytes", line->len));
	else
		core->effects.audit(core->effects.arg, line->data);
	buf_free(line);
}

void
trail_write(struct core *core, const struct call *call, const struct kube_reply *reply)
{
	char result[128];
	struct buf line;

	trail_begin(core, &line, "reconciler", call->audit);
	trail_text(&line, "object", call->subject);
	trail_text(&line, "why", call->why);
	buf_printf(
	    &line, ",\"before\":%s", call->before != NULL ? call->before : "null");
	buf_printf(&line, ",\"after\":%s", call->after != NULL ? call->after : "null");
	trail_text(&line, "request_id", call->request_id);
	if (reply->error != 0)
		snprintf(result, sizeof result, "%s",
		    reply->maybe_sent ? "unknown" : "not sent");
	else
		snprintf(result, sizeof result, "%d%s%s", reply->status,
		    reply->reason[0] != '\0' ? " " : "", reply->reason);
	trail_text(&line, "result", result);
	buf_printf(&line, ",\"duration_ms\":%lld",
	    (long long)(core->now.mono.ms - call->started.ms));
	trail_end(core, &line);
}

const char *
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

	trail_begin(core, &line, "cloudworker", trail_order_word(order->kind));
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

void
trail_reconciled(
    struct core *core, const char *allocation, bool good, struct mono_time since)
{
	const char *result = good ? "success" : "error";
	double seconds = (double)(core->now.mono.ms - since.ms) / 1000.0;

	trail_metric(
	    core, GAUGE_ADD, METRIC_RECONCILE_TOTAL, 1.0, allocation, result, NULL);
	trail_metric(
	    core, GAUGE_ADD, METRIC_CR_RECONCILES, 1.0, TRAIL_CONTROLLER, result, NULL);
	if (!good)
		trail_metric(core, GAUGE_ADD, METRIC_CR_ERRORS, 1.0, TRAIL_CONTROLLER,
		    NULL, NULL);
	if (since.ms == 0)
		return;
	trail_metric(core, GAUGE_OBSERVE, METRIC_RECONCILE_SECONDS, seconds, allocation,
	    NULL, NULL);
	trail_metric(core, GAUGE_OBSERVE, METRIC_CR_SECONDS, seconds, TRAIL_CONTROLLER,
	    NULL, NULL);
}
