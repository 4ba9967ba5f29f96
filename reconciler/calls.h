/* Calls of the API server under way, and who waits for which answer. */
#ifndef IPW_CALLS_H
#define IPW_CALLS_H

#include "state.h"

/* A right that is refused again and again is told that often. */
#define CALLS_DENIED_MS 600000

struct call;
typedef void call_done_fn(
    struct core *core, struct call *call, const struct kube_reply *reply);

struct call {
	struct call *next;
	uint64_t ticket;
	uint64_t epoch;
	call_done_fn *done;		/* NULL: nobody waits */
	char subject[NAME_MAX_LEN + 1]; /* allocation or node */
	char uid[UID_MAX_LEN + 1];
	char address[ADDRESS_MAX + 1];
	char about[NAME_MAX_LEN + 1]; /* the node of a slice */
	char audit[64];		      /* what, for the audit stream; "" a read */
	const char
	    *right; /* that it needs, as "patch nodes"; constant; NULL not told */
	char why[TEXT_MAX + 1];
	kube_done_fn *asked; /* who waits outside of the core; NULL nobody */
	void *asked_arg;
	char *before, *after; /* of what it changes, as JSON; the call's own */
	/* of a write: the API server's audit log has it as auditID */
	char request_id[ID_MAX + 1];
	struct mono_time started;
};

/* Starts one. The answer's `done` runs only while we still lead the same term. The
 * returned call is for filling in subject, uid, address, audit, why; it is freed after
 * the answer. */
struct call *calls_start(
    struct core *core, const struct kube_call *call, call_done_fn *done);
/* What a write changes, for the audit stream: two JSON values, copied. */
void calls_change(struct call *call, const char *before, const char *after);
struct call *calls_get(struct core *core, const char *path, call_done_fn *done);

/* The server did not look at it: no answer, an error of its own, or too much to do. */
bool calls_unheard(const struct kube_reply *reply);
/* The server is why, not what was asked for. */
bool calls_is_outage(const struct kube_reply *reply);
/* A write that names a uid: the object is not there, or another one of that name. */
bool calls_is_another(const struct kube_reply *reply);

void calls_answer(struct core *core, uint64_t ticket, const struct kube_reply *reply);
void calls_free(struct core *core);

#endif
