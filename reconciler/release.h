/* An address that is no longer wanted where it is: its allocation is being deleted, or
 * its list no longer has it. Whether it is taken off its node; SEMANTICS.md "Release".
 * Pure. */
#ifndef IPW_RELEASE_H
#define IPW_RELEASE_H

#include "holder.h"
#include "leave.h"

/* For so long after its deletion an object waits for the right to read our definition.
 * Then its addresses are left where they are: that is never wrong, and who deletes it
 * does not wait for ever. */
#define RELEASE_PATIENCE_MS 600000

enum release_verdict {
	RELEASE_NOT,   /* it is wanted */
	RELEASE_TAKE,  /* it is taken off once nothing there needs it */
	RELEASE_LEAVE, /* it stays where it is; `text`: why */
	RELEASE_WAIT,  /* that cannot be said yet; `text`: why, "" not worth a word */
};

struct release {
	enum release_verdict verdict;
	const char *text; /* constant */
};

/* Of one address of that allocation, `listed` or not. *ret_next_ms (wall) is lowered to
 * when the answer may change by itself. */
struct release release_judge(const struct scene *scene,
    const struct allocation *allocation, bool listed, int64_t *ret_next_ms);

/* Whether the answer for a deleted object depends on scene->definition. */
bool release_needs_definition(const struct allocation *allocation);

/* Whether pods have a say: not when the node is surely dead. */
bool release_heeds_pods(enum leave_why why);
/* How many pods on a node keep the address there. `missing`: the workload does not
 * exist; then every pod counts that may be meant, those in its namespace and those with
 * its name as a label, so that a slip in workloadRef takes nothing from anybody.
 * `ret_names`: the first few, in the order of their names. */
size_t release_count_pods(const struct world_pod *pods,
    const struct allocation *allocation, bool missing, struct wall_time now,
    int64_t *ret_next_ms, char *ret_names, size_t size);

#endif
