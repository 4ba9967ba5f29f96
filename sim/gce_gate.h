/* Where each request of the cloud and of the metadata server passes: faults are taken
 * from sim_faults here, answers are held back, cut off or replaced. */
#ifndef IPW_SIM_GCE_GATE_H
#define IPW_SIM_GCE_GATE_H

#include "gce_world.h"

/* What is kept of a request between the handler's calls: its fault, since when it is
 * here, and the answer when that is ready and only held back. */
struct gce_held {
	const void *connection;
	struct sim_fault fault; /* zeroed when there is none */
	struct mono_time begun;
	uint64_t hold; /* sim/hold.h; 0: none */
	bool ready;
	struct sim_reply reply;
	TAILQ_ENTRY(gce_held) link;
};

/* Answers a request whose fault, if any, lets it. May set reply->defer_ms to be called
 * again. */
typedef void gce_answer_fn(struct sim_gce *gce, const struct sim_request *request,
    struct sim_reply *reply, const struct gce_held *held);

/* The order of a fault's parts: drop_before or status in place of the answer; else the
 * answer, whose effect is there at once; then drop_after; delay_ms holds back whichever
 * it is. A held request, or answer, waits in its place. `target` as in struct
 * sim_fault. */
void gce_gate_pass(struct sim_gce *gce, const char *target, gce_answer_fn *answer,
    const struct sim_request *request, struct sim_reply *reply);

/* Forgets what is held, at the end of the world. */
void gce_gate_clear(struct sim_gce *gce);

#endif
