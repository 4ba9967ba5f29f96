/* The allocations as the API has them: listed once after the lease was won, then read
 * when a hint says that they changed, and written by compare-and-set. */
#ifndef IPW_ITEMS_H
#define IPW_ITEMS_H

#include "calls.h"

/* Allocations one cluster may have. */
#define ITEMS_MAX 4096u
/* Addresses of all of them together: each takes up to 8 KiB here. */
#define ITEMS_ADDRESSES_MAX 6144u

void items_free(void *item);

/* The first LIST, with no resourceVersion: what it says is current. */
void items_list(struct core *core);
/* Forgets all of them (a new term). */
void items_forget(struct core *core);

/* A hint that the allocation is at that resourceVersion now ("" = gone). */
void items_hint(struct core *core, const char *name, const char *resource_version);
/* Those of which a complete watch does not tell may be gone. */
void items_hint_missing(struct core *core);
/* Reads what is stale. */
void items_read(struct core *core);

/* True when the item is as the API last said, and neither read nor written now. */
bool items_settled(const struct item *item);
struct slot *items_slot(struct item *item, const char *address);

/* The API server answers again (backoff_recover). */
void items_recover(struct core *core);

/* The answer to a write of an object: taken as it is now, or it is to be read. Returns
 * the item, NULL when it is no more; *ret_taken: it was taken. */
struct item *items_answer(struct core *core, const struct call *call,
    const struct kube_reply *reply, bool *ret_taken);
/* Sends the draft if it differs from what was read. */
void items_write(struct core *core, struct item *item);

#endif
