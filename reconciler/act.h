/* Carries a plan out, one journaled step at a time. act.c begins (writes intents);
 * journal.h goes on with what is open. Both only change the draft of the status, which
 * is then written; orders are sent for what the API's answer contained. */
#ifndef IPW_ACT_H
#define IPW_ACT_H

#include "state.h"

/* Events that one pass tells of one allocation, so that a long list of bad addresses
 * does not crowd out everything else. Its status says the rest. */
#define ACT_EVENTS_MAX 16u

struct act {
	struct core *core;
	struct item *item;
	struct slot *slot;
	struct allocation_address *entry;
	struct plan_step *step;
	const struct scene *scene;
	bool complete;	 /* the watcher's facts are whole: things may be taken away */
	bool begins;	 /* its object has what it needs before anything is begun */
	unsigned events; /* told so far */
};

/* One address. May change the entry (and drop nothing from the list). */
void act_step(struct act *act);

/* Writes a new intent into the draft: from `from` (NULL: from nowhere) to `target`. */
void act_begin(
    struct act *act, const struct intent_place *from, const struct target *target);
/* The target's address looks ephemeral: it is not believed before its region was looked
 * at again, since somebody may have reserved it meanwhile. */
void act_suspect(struct act *act);
/* Whether fresh reads, right before something is taken off `from`, have allowed it:
 * starts them. */
bool act_is_checked(
    struct act *act, enum check_purpose purpose, const struct intent_place *from);
/* What was asked for to give an ephemeral address back is over: a next time asks anew.
 */
void act_give_anew(struct act *act);
/* The intent ends in the draft. */
void act_close(struct act *act);
void act_state(
    struct act *act, enum address_state state, const char *reason, const char *message);
/* The entry says that the address is on that instance; that it is with none of ours. */
void act_holder(struct act *act, const struct holder *holder);
void act_no_holder(struct act *act);
/* An event about the allocation; the second, about that node too ("" none). */
void act_event(struct act *act, const char *type, const char *reason,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
void act_event_on(struct act *act, const char *node, const char *node_uid,
    const char *type, const char *reason, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
void act_back_off(struct act *act);

#endif
