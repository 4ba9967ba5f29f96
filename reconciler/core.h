/* The reconciler without its I/O: world, plan, act. Facts, answers and results go in
 * with the time, effects come out. */
#ifndef IPW_CORE_H
#define IPW_CORE_H

#include "allocation.h"
#include "effects.h"
#include "world.h"

struct core;

struct core_options {
	const char *identity;	       /* the pod's name: metrics, audit, events */
	const char *namespace;	       /* the pod's, and its replicas' */
	const char *lease;	       /* as "namespace/name": audit */
	enum allocation_policy policy; /* of objects that name none */
	bool dry_run;		       /* policy Observe for all, whatever they name */
	/* set: the core is that node's agent, which needs no lease and orders nothing
	 */
	const char *agent_node;
};

struct core *core_new(
    const struct core_options *options, const struct effects *effects);
void core_free(struct core *core);

/* The watcher's link came up (it will resend everything) or went down. */
void core_watcher(struct core *core, struct core_time now, bool up);
/* The cloudworker's link; after up nothing is planned before orders_end. */
void core_cloud(struct core *core, struct core_time now, bool up);
/* A message from either. Returns 0, or -EPROTO when it makes no sense (a violation). */
int core_message(
    struct core *core, struct core_time now, const struct message *message);
/* The answer to a call. */
void core_answer(struct core *core, struct core_time now, uint64_t ticket,
    const struct kube_reply *reply);

/* The lease. `term` grows with each change of leader; a grant follows at once. */
void core_lead(struct core *core, struct core_time now, uint64_t term);
void core_grant(struct core *core, struct core_time now, struct boot_time until,
    int64_t call_timeout_ms, int64_t margin_ms);
void core_unlead(struct core *core, struct core_time now);

void core_wake(struct core *core, struct core_time now);

/* True when no call and no order is open: the lease can be given away. From the call
 * of core_stop on nothing new is begun, but for CORE_LAST_MS what core_ask is asked. */
#define CORE_LAST_MS 2000
void core_stop(struct core *core, struct core_time now);
bool core_quiet(const struct core *core);

/* True after an event: the lease is to be given to another replica now (elect_yield),
 * and nothing that is open matters any more. */
bool core_yields(const struct core *core);

/* Whether a call or order may begin: we lead, the grant lasts long enough, no stop. */
bool core_may_start(const struct core *core);

/* --- for what is kept besides (shell_footprints.c) ---------------------------------
 */

/* What the watcher told; borrowed. */
const struct world *core_world(const struct core *core);

/* A request of who decides nothing, sent as one of the core's own: while we lead, and
 * with its line in the audit stream. After core_stop it gets CORE_LAST_MS to be
 * answered. Texts are copied, but `right`. */
struct core_request {
	struct kube_call call;
	const char *right;  /* that it needs, as "get configmaps"; constant */
	const char *object; /* that it is about */
	const char *what;   /* for the audit stream, as are the others; NULL: a read */
	const char *why, *before, *after;
};
/* Returns 0, and `done` is called with the answer unless the lease is lost before; or
 * -ECANCELED: nothing may begin now. */
int core_ask(struct core *core, struct core_time now,
    const struct core_request *request, kube_done_fn *done, void *arg);

#endif
