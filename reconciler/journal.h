/* An open intent, carried on from three things only: the journal, a fresh observation,
 * and what is known of its orders. So it does not matter whether the program that began
 * it is the one that goes on. */
#ifndef IPW_JOURNAL_H
#define IPW_JOURNAL_H

#include "act.h"
#include "orders.h"

/* What became of a request of the intent. */
enum journal_outcome {
	JOURNAL_SEND,	/* never sent, or outcome unknown: (again) with this id */
	JOURNAL_WAIT,	/* under way, or backing off */
	JOURNAL_FAILED, /* definitely */
	JOURNAL_RENEW,	/* it ended, yet its effect is not there: needs a fresh id */
};

/* The step of an open intent. */
void journal_step(struct act *act);

/* *ret_order: the request's order, NULL when it is not remembered. */
enum journal_outcome journal_outcome_of(
    struct act *act, const char *request_id, struct order **ret_order);
/* Sends the order of a journaled request; a repeat backs off first. False: not now. */
bool journal_order(struct act *act, enum order_kind kind,
    const struct intent_place *place, const char *address, const char *fence,
    const char *request_id);
/* A definite failure takes a fresh request id, journaled before it is used. */
void journal_renew(struct act *act, char *request_id);
/* The zone as it was seen since the address last changed? */
bool journal_sees(const struct act *act, const char *project, const char *zone);
/* NULL: it is not there, or cannot be seen now. */
const struct view_instance *journal_instance(
    const struct act *act, const char *project, const char *zone, const char *id);
/* Somebody else put the address somewhere: it is not ours to finish. */
void journal_abandon(struct act *act);

/* --- journal_off.c: taking an address off, giving an ephemeral one back */

/* Of a move or a release. */
void journal_off_detach(struct act *act);
/* It is on no node, and is to be on none: debts paid, closed. */
void journal_off_release(struct act *act);
/* True when there is nothing (more) to do: the target that is given up has back what we
 * took off it; so has the node that the address left. */
bool journal_off_given_back(struct act *act);
bool journal_off_left_well(struct act *act);

/* --- journal_place.c: making room at the target, putting it on */

void journal_place_ephemeral(struct act *act);
void journal_place_attach(struct act *act);
/* The target will not do: the next eligible node, then back, else the plan waits. */
void journal_place_retarget(struct act *act, const char *reason, const char *message);

/* --- journal_tell.c: what is told of an intent that has come to its end */

void journal_tell(struct act *act, const struct intent *intent);

#endif
