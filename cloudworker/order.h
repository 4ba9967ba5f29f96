/* One order from its first read to its result. Pure: the time and the cloud's answers
 * come in; the next call and the result are read from it. orders.c owns the orders. */
#ifndef IPW_ORDER_H
#define IPW_ORDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "clock.h"
#include "cloud.h"
#include "messages.h"

/* An order that has not ended by then ends as UNKNOWN if it may have had its effect,
 * else as FAILED. An access-config operation takes 5 to 40 s; the reconciler goes on
 * with an unknown one by its request id. */
#define ORDER_BUDGET_MS 120000

/* A change is decided on a read of the instance that is at most this old when the
 * request starts. */
#define ORDER_READ_FRESH_MS 5000

enum order_stage {
	STAGE_QUEUED,  /* another order has its instance or address */
	STAGE_READ,    /* reads the instance and decides */
	STAGE_CHANGE,  /* the one call that changes something */
	STAGE_WAIT,    /* for the operation to end */
	STAGE_CONFIRM, /* reads the instance back */
	STAGE_ENDED,
};

struct order {
	struct msg_order msg;
	struct msg_result result;
	enum order_stage stage;
	uint64_t ticket; /* of the open call; 0: none */
	struct mono_time begun;
	struct mono_time due;  /* of the next call, when none is open */
	struct mono_time read; /* when the read that `change` rests on was answered */
	struct mono_time ended;
	unsigned int tries;    /* failed ones in a row; sets the back-off */
	unsigned int rereads;  /* changes refused because of what the read had missed */
	unsigned int confirms; /* reads that did not show the change yet */
	bool maybe_done;       /* a change may have had its effect */
	bool polling;	       /* `wait` was refused: asks with `get` */
	bool paced;	       /* holds a place in the rate of changes */
	bool untold;	       /* the result is still to be sent */
	char nic[CLOUD_NIC_MAX + 1];
	char operation[CLOUD_OPERATION_MAX + 1];
	TAILQ_ENTRY(order) entry;
};

void order_init(struct order *order, const struct msg_order *msg, struct mono_time now);

/* The call that the stage needs; texts are borrowed from `order`. Not for QUEUED and
 * ENDED. */
void order_call(
    const struct order *order, int64_t timeout_ms, struct cloud_call *ret_call);

/* `random` spreads the retries. */
void order_answer(struct order *order, struct mono_time now, uint32_t random,
    const struct cloud_answer *answer);

/* Ends it because its budget is used up. */
void order_expire(struct order *order, struct mono_time now);

/* Ends it with FAILED or REFUSED; UNKNOWN when a change may have had its effect. */
void order_fail(struct order *order, struct mono_time now, enum order_outcome outcome,
    const char *reason, const char *message);

/* The same thing is asked for, to the last letter (but for the term). */
bool order_same(const struct msg_order *a, const struct msg_order *b);

#endif
