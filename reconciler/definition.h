/* Our CustomResourceDefinition: while it is being deleted all NetIPAllocations are, and
 * that is no wish to have addresses taken off. Read for each object that is found to be
 * deleted, and once more right before an address of it is taken off (check.c). */
#ifndef IPW_DEFINITION_H
#define IPW_DEFINITION_H

#include "state.h"

#define DEFINITION_PATH                                                                \
	"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/" ALLOCATION_RESOURCE
#define DEFINITION_RIGHT "get customresourcedefinitions.apiextensions.k8s.io"

/* What was read is good for so long. */
#define DEFINITION_GOOD_MS 30000

/* An object is found to be deleted: only what is read from now on counts, because a
 * definition is marked before its objects are. */
void definition_expire(struct core *core);

/* The lease was won: answers to what was asked before it was lost do not come. */
void definition_forget(struct core *core);

/* What is known of it; reads it when an object's release depends on that. */
enum definition_state definition_look(struct core *core);

/* What somebody else has read of it is all that is known of it now. */
enum definition_state definition_take(
    struct core *core, const struct kube_reply *reply);

/* The API server answers again (backoff_recover). */
void definition_recover(struct core *core);

#endif
