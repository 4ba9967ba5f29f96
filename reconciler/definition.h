/* Our CustomResourceDefinition: while it is being deleted all NetIPAllocations are, and
 * that is no wish to have addresses taken off. Read afresh for each object that is
 * found to be deleted, before anything of it is released. */
#ifndef IPW_DEFINITION_H
#define IPW_DEFINITION_H

#include "state.h"

/* What was read is good for so long. */
#define DEFINITION_GOOD_MS 30000

/* An object is found to be deleted: only what is read from now on counts, because a
 * definition is marked before its objects are. */
void definition_expire(struct core *core);

/* The lease was won: answers to what was asked before it was lost do not come. */
void definition_forget(struct core *core);

/* What is known of it; reads it when an object's release depends on that. */
enum definition_state definition_look(struct core *core);

/* The API server answers again (backoff_recover). */
void definition_recover(struct core *core);

#endif
