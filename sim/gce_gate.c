#include "gce_gate.h"

#include <stdlib.h>
#include <string.h>

#include "gce_operation.h"
#include "hold.h"
#include "mem.h"

static struct gce_held *
held_find(struct sim_gce *gce, const void *connection)
{
	struct gce_held *held;

	TAILQ_FOREACH(held, &gce->held, link)
		if (held->connection == connection)
			return held;
	return NULL;
}

static void
held_free(struct sim_gce *gce, struct gce_held *held)
{
	if (held == NULL)
		return;
	TAILQ_REMOVE(&gce->held, held, link);
	gce->held_len--;
	buf_free(&held->reply.body);
	free(held);
}

static uint64_t
hold(const struct sim_gce *gce, const struct sim_seen *seen, enum sim_hold kind)
{
	return sim_holds_add(sim_faults_holds(gce->faults), seen, kind);
}

/* A client that leaves is not told of: its entry stays until the connection's next
 * request, or until it gives way here. */
static struct gce_held *
held_new(
    struct sim_gce *gce, const struct sim_request *request, const struct sim_seen *seen)
{
	struct gce_held *held;

	if (gce->held_len == GCE_HELD_MAX)
		held_free(gce, TAILQ_FIRST(&gce->held));
	held = mem_calloc(1, sizeof *held);
	held->connection = request->connection;
	held->begun = clock_mono();
	if (!request->again && gce->faults != NULL &&
	    !sim_faults_take(gce->faults, seen, &held->fault))
		held->fault = (struct sim_fault){0};
	if (held->fault.hold == SIM_HOLD_BEFORE)
		held->hold = hold(gce, seen, SIM_HOLD_BEFORE);
	TAILQ_INSERT_TAIL(&gce->held, held, link);
	gce->held_len++;
	return held;
}

/* Moves the finished answer aside, to be given later. */
static void
hold_back(struct gce_held *held, struct sim_reply *reply, int64_t defer_ms)
{
	held->reply = *reply;
	held->ready = true;
	*reply = (struct sim_reply){
	    .status = held->reply.status,
	    .content_type = held->reply.content_type,
	    .defer_ms = defer_ms,
	};
	buf_init(&reply->body, held->reply.body.len_max);
}

static void
give_back(struct gce_held *held, struct sim_reply *reply)
{
	buf_free(&reply->body);
	*reply = held->reply;
	buf_init(&held->reply.body, 0);
}

void
gce_gate_pass(struct sim_gce *gce, const char *target, gce_answer_fn *answer,
    const struct sim_request *request, struct sim_reply *reply)
{
	const struct sim_seen seen = {
	    target, request->method, request->path, "", "", request->body};
	struct gce_held *held = held_find(gce, request->connection);

	gce_operation_advance(gce);
	if (held != NULL && !request->again) {
		held_free(gce, held); /* of a client that left */
		held = NULL;
	}
	if (held == NULL)
		held = held_new(gce, request, &seen);
	if (held->hold != 0 &&
	    sim_holds_last(sim_faults_holds(gce->faults), held->hold)) {
		reply->defer_ms = SIM_HOLD_LOOK_MS;
		return;
	}
	if (held->ready) {
		give_back(held, reply);
		held_free(gce, held);
		return;
	}
	if (held->fault.drop_before) {
		reply->drop = true;
	} else if (held->fault.status > 0) {
		reply->status = held->fault.status;
		buf_puts(&reply->body, held->fault.body);
	} else {
		answer(gce, request, reply, held);
		if (reply->defer_ms > 0)
			return;
		reply->drop = held->fault.drop_after;
	}
	if (held->fault.hold == SIM_HOLD_AFTER) {
		held->hold = hold(gce, &seen, SIM_HOLD_AFTER);
		hold_back(held, reply, SIM_HOLD_LOOK_MS);
	} else if (held->fault.delay_ms > 0)
		hold_back(held, reply, held->fault.delay_ms);
	else
		held_free(gce, held);
}

void
gce_gate_clear(struct sim_gce *gce)
{
	struct gce_held *held;

	while ((held = TAILQ_FIRST(&gce->held)) != NULL) {
		TAILQ_REMOVE(&gce->held, held, link);
		buf_free(&held->reply.body);
		free(held);
	}
	gce->held_len = 0;
}
