/* cloudworker/gcp.h: the endpoint's back-off and the ways there and back, as gcp.c has
 * them above HTTP. */
#include "provider.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hosts.h"
#include "judge.h"
#include "mem.h"

#define WAY_LEAST_MS   10
#define WAY_MOST_MS    120
#define WAY_SLOW_MS    9000
#define PAUSE_LEAST_MS 500
#define PAUSE_MOST_MS  15000

struct gcp {
	struct loop *loop;
	struct gcp_hooks hooks;
	int64_t paused_ms; /* no call starts before */
	unsigned failures; /* in a row */
};

struct query {
	struct gcp *gcp;
	struct loop *process;
	unsigned life;
	uint64_t ticket;
	gcp_fn *fn;
	void *arg;
	struct cloud_call call; /* its texts are the strings below */
	char texts[8][192];
	struct cloud_answer answer;
};

struct gcp *
gcp_new(struct loop *loop, struct http_target *metadata, struct http_target *compute,
    const struct gcp_hooks *hooks)
{
	struct gcp *gcp = mem_calloc(1, sizeof *gcp);

	(void)metadata;
	(void)compute;
	gcp->loop = loop;
	gcp->hooks = *hooks;
	return gcp;
}

void
gcp_free(struct gcp *gcp)
{
	free(gcp);
}

static void
query_free(void *arg)
{
	struct query *query = arg;

	cloud_answer_clear(&query->answer);
	free(query);
}

/* --- back-off --------------------------------------------------------------------- */

static bool
is_against_endpoint(enum cloud_fault fault)
{
	return fault == FAULT_NOT_SENT || fault == FAULT_LOST ||
	       fault == FAULT_TRANSIENT || fault == FAULT_THROTTLED;
}

static void
gcp_judge(struct gcp *gcp, const struct query *query)
{
	unsigned failures = gcp->failures;
	int64_t pause_ms = PAUSE_LEAST_MS;

	if (!is_against_endpoint(query->answer.fault)) {
		gcp->failures = 0;
		gcp->paused_ms = 0;
		if (failures > 1)
			gcp->hooks.opened(gcp->hooks.arg);
		return;
	}
	if (query->call.op == CLOUD_WAIT_OPERATION || stage.now_ms < gcp->paused_ms)
		return;
	while (failures-- > 0 && pause_ms < PAUSE_MOST_MS)
		pause_ms *= 2;
	if (pause_ms > PAUSE_MOST_MS)
		pause_ms = PAUSE_MOST_MS;
	gcp->failures++;
	gcp->paused_ms = stage.now_ms + stage_between(pause_ms / 2, pause_ms);
}

/* --- the way back ----------------------------------------------------------------- */

static void
query_answer(struct query *query)
{
	query->fn(query->arg, query->ticket, &query->answer);
}

static void
query_answered(void *arg)
{
	struct query *query = arg;

	if (process_enter(query->process, query->life)) {
		gcp_judge(query->gcp, query);
		query_answer(query);
		process_leave(query->process);
	}
	query_free(query);
}

static int64_t
way_ms(void)
{
	return stage_chance(provider.faults.slow)
		   ? stage_between(1000, WAY_SLOW_MS)
		   : stage_between(WAY_LEAST_MS, WAY_MOST_MS);
}

static void
query_lose(struct query *query, enum cloud_fault fault)
{
	cloud_answer_clear(&query->answer);
	cloud_answer_init(&query->answer);
	cloud_answer_fault(&query->answer, fault, "CloudUnreachable", "lost");
}

static void
query_back(struct query *query)
{
	static const enum cloud_fault faults[] = {FAULT_LOST, FAULT_TRANSIENT};
	int64_t delay_ms = way_ms();

	if (stage_chance(provider.faults.lost_after) || query->process->host->no_cloud)
		query_lose(query, faults[stage_pick(2)]);
	if (delay_ms > query->call.timeout_ms) {
		query_lose(query, FAULT_LOST);
		delay_ms = query->call.timeout_ms;
	}
	stage_later(delay_ms, &query->process->host->suspended_until_ms, query_answered,
	    query_free, query);
}

/* --- the way there ---------------------------------------------------------------- */

/* A wait answers when the operation ends, or is given up. */
static void
query_waited(void *arg)
{
	struct query *query = arg;

	provider_serve(&query->call, &query->answer);
	if (query->answer.fault == FAULT_NONE && !query->answer.operation.done)
		query_lose(query, FAULT_LOST);
	query_back(query);
}

static void
query_wait(struct query *query)
{
	int64_t left_ms = provider_end_ms(query->call.operation) - stage.now_ms;

	if (left_ms > query->call.timeout_ms)
		left_ms = query->call.timeout_ms;
	stage_later(
	    left_ms > 0 ? left_ms + 1 : 0, NULL, query_waited, query_free, query);
}

static void
query_arrived(void *arg)
{
	struct query *query = arg;

	if (provider.down || query->process->host->no_cloud ||
	    stage_chance(provider.faults.lost_before)) {
		query_lose(query, stage_chance(500) ? FAULT_NOT_SENT : FAULT_TRANSIENT);
	} else if (stage_chance(provider.faults.throttled)) {
		cloud_answer_fault(
		    &query->answer, FAULT_THROTTLED, "Throttled", "too many");
	} else if (cloud_op_changes(query->call.op) &&
		   stage_chance(provider.faults.busy)) {
		cloud_answer_fault(
		    &query->answer, FAULT_BUSY, "ResourceNotReady", "busy");
	} else if (query->call.op == CLOUD_WAIT_OPERATION) {
		query_wait(query);
		return;
	} else {
		provider_serve(&query->call, &query->answer);
	}
	if (cloud_op_changes(query->call.op))
		stage_tell("cloud", "%s of %s on %s as %s: %s",
		    cloud_op_name(query->call.op), query->call.address,
		    query->call.instance, query->call.fence,
		    query->answer.fault == FAULT_NONE ? "ok" : query->answer.reason);
	query_back(query);
}

/* Handed to the network, if it may go there. */
static void
query_turn(void *arg)
{
	struct query *query = arg;
	struct gcp *gcp = query->gcp;
	struct loop *process = query->process;
	int rc = 0;

	if (!process_enter(process, query->life)) {
		query_free(query);
		return;
	}
	if (gcp->paused_ms > stage.now_ms) {
		hosts.current = NULL;
		stage_later(gcp->paused_ms - stage.now_ms,
		    &process->host->suspended_until_ms, query_turn, query_free, query);
		return;
	}
	if (cloud_op_changes(query->call.op))
		rc = gcp->hooks.permit(gcp->hooks.arg, query->ticket);
	if (rc != 0) {
		cloud_answer_fault(&query->answer,
		    rc == -ESTALE ? FAULT_REREAD : FAULT_NO_GRANT,
		    rc == -ESTALE ? "ReadTooOld" : "NoGrant", "not sent");
		query_answer(query);
		process_leave(process);
		query_free(query);
		return;
	}
	if (cloud_op_changes(query->call.op))
		judge_change(process->host, &query->call);
	stage_later(way_ms(), NULL, query_arrived, query_free, query);
	process_leave(process);
}

static const char *
query_keep(struct query *query, size_t slot, const char *text)
{
	if (text == NULL)
		return NULL;
	MESSAGE_TEXT(query->texts[slot], text);
	return query->texts[slot];
}

void
gcp_call(struct gcp *gcp, uint64_t ticket, const struct cloud_call *call, gcp_fn *fn,
    void *arg)
{
	struct query *query;

	if (process_effect())
		return;
	query = mem_calloc(1, sizeof *query);
	query->gcp = gcp;
	query->process = gcp->loop;
	query->life = gcp->loop->life;
	query->ticket = ticket;
	query->fn = fn;
	query->arg = arg;
	query->call = *call;
	query->call.project = query_keep(query, 0, call->project);
	query->call.place = query_keep(query, 1, call->place);
	query->call.instance = query_keep(query, 2, call->instance);
	query->call.address = query_keep(query, 3, call->address);
	query->call.fence = query_keep(query, 4, call->fence);
	query->call.request_id = query_keep(query, 5, call->request_id);
	query->call.operation = query_keep(query, 6, call->operation);
	query->call.page = query_keep(query, 7, call->page);
	query->call.nic = NULL;
	cloud_answer_init(&query->answer);
	stage_later(stage_between(0, 3), &gcp->loop->host->suspended_until_ms,
	    query_turn, query_free, query);
}
