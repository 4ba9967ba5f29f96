/* What core and elect ask for, carried out. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "mem.h"
#include "shell_state.h"

/* --- readiness --- */

void
shell_put_readiness(struct shell *shell)
{
	const char *reason = shell->token_reason; /* without it core lacks the watch */

	if (reason[0] == '\0')
		reason = shell->core_reason;
	if (reason[0] == '\0')
		reason = shell->audit_reason;
	if (reason[0] == '\0')
		reason = shell->lease_reason;
	meter_readiness(shell->parts.meter, reason);
	meter_set(shell->parts.meter, METRIC_CONTROLLER_READY,
	    reason[0] == '\0' ? 1 : 0, shell->identity);
}

static void
effect_readiness(void *arg, const char *reason)
{
	struct shell *shell = arg;

	MESSAGE_TEXT(shell->core_reason, reason);
	shell_put_readiness(shell);
}

void
shell_audit_trouble(void *arg, const char *reason)
{
	struct shell *shell = arg;

	MESSAGE_TEXT(shell->audit_reason, reason);
	shell_put_readiness(shell);
}

/* --- effects --- */

static void
on_reply(void *arg, const struct kube_reply *reply)
{
	struct shell_call *call = arg;
	struct shell *shell = call->shell;
	uint64_t ticket = call->ticket;

	LIST_REMOVE(call, link);
	free(call);
	shell_look_at_clocks(shell);
	if ((ticket & ELECT_TICKET_BIT) != 0)
		elect_answer(shell->elect, shell->now, ticket, reply);
	else if ((ticket & MINT_TICKET_BIT) != 0)
		mint_answer(shell->mint, shell->now, ticket, reply);
	else
		core_answer(shell->core, shell->now, ticket, reply);
	shell_stop_step(shell);
}

static void
effect_call(void *arg, uint64_t ticket, const struct kube_call *kube_call_made)
{
	struct shell *shell = arg;
	struct shell_call *call = mem_calloc(1, sizeof *call);

	call->shell = shell;
	call->ticket = ticket;
	LIST_INSERT_HEAD(&shell->calls, call, link);
	kube_call(shell->kube, kube_call_made, on_reply, call);
}

static int
effect_cloud(void *arg, enum message_type type, const void *msg)
{
	struct shell *shell = arg;

	return link_send(shell->parts.cloud, type, msg);
}

/* Which labels there are is the metric's table's business; a missing one is "". */
static void
effect_metric(void *arg, enum gauge_op op, enum metric metric, double value,
    const char *const *labels)
{
	struct shell *shell = arg;
	struct meter *meter = shell->parts.meter;
	const char *l[METRIC_LABELS_MAX] = {"", "", "", ""};
	int count = 0;

	for (; labels[count] != NULL; count++) {
		assert(count < METRIC_LABELS_MAX);
		l[count] = labels[count];
	}
	switch (op) {
	case GAUGE_SET:
		meter_set(meter, metric, value, l[0], l[1], l[2], l[3]);
		break;
	case GAUGE_ADD:
		meter_add(meter, metric, value, l[0], l[1], l[2], l[3]);
		break;
	case GAUGE_OBSERVE:
		meter_observe(meter, metric, value, l[0], l[1], l[2], l[3]);
		break;
	case GAUGE_DROP:
		meter_drop(meter, metric, count, l[0], l[1], l[2], l[3]);
		break;
	}
}

static void
effect_audit(void *arg, const char *line)
{
	struct shell *shell = arg;

	audit_write(shell->parts.audit, shell->now.wall, line);
}

static void
effect_random(void *arg, void *out, size_t len)
{
	(void)arg;
	while (len > 0) {
		ssize_t got = getrandom(out, len, 0);

		if (got < 0 && errno == EINTR)
			continue;
		assert(got > 0);
		out = (char *)out + got;
		len -= (size_t)got;
	}
}

void
shell_wake_in(struct wake *wake, int64_t delay_ms)
{
	struct mono_time due = {clock_mono().ms + (delay_ms > 0 ? delay_ms : 0)};

	if (wake->armed && wake->due.ms <= due.ms)
		return;
	wake->armed = true;
	wake->due = due;
	loop_timer_arm(wake->timer, delay_ms);
}

static void
effect_core_wake_in(void *arg, int64_t delay_ms)
{
	struct shell *shell = arg;

	shell_wake_in(&shell->core_wake, delay_ms);
}

static void
effect_elect_wake_in(void *arg, int64_t delay_ms)
{
	struct shell *shell = arg;

	shell_wake_in(&shell->elect_wake, delay_ms);
}

static void
on_core_wake(void *arg)
{
	struct shell *shell = arg;

	shell->core_wake.armed = false;
	shell_look_at_clocks(shell);
	core_wake(shell->core, shell->now);
	shell_stop_step(shell);
}

static void
on_elect_wake(void *arg)
{
	struct shell *shell = arg;

	shell->elect_wake.armed = false;
	shell_look_at_clocks(shell);
	elect_wake(shell->elect, shell->now);
	shell_stop_step(shell);
}

void
shell_open_effects(struct shell *shell)
{
	struct loop *loop = shell->worker->loop;

	shell->core_wake.timer = loop_timer_new(loop, on_core_wake, shell);
	shell->elect_wake.timer = loop_timer_new(loop, on_elect_wake, shell);
	shell->core_effects = (struct effects){
	    .arg = shell,
	    .call = effect_call,
	    .cloud = effect_cloud,
	    .metric = effect_metric,
	    .readiness = effect_readiness,
	    .audit = effect_audit,
	    .random = effect_random,
	    .wake_in = effect_core_wake_in,
	};
	shell->elect_effects = shell->core_effects;
	shell->elect_effects.wake_in = effect_elect_wake_in;
}

void
shell_close_effects(struct shell *shell)
{
	struct shell_call *call;

	while ((call = LIST_FIRST(&shell->calls)) != NULL) {
		LIST_REMOVE(call, link);
		free(call);
	}
	loop_timer_free(shell->core_wake.timer);
	loop_timer_free(shell->elect_wake.timer);
}
