/* The world that the tests of the core begin with (tests/simulation/fake.h). */
#ifndef IPW_CORE_RIG_H
#define IPW_CORE_RIG_H

#include "fake.h"

extern struct fake *fake;

/* Three nodes in two zones, two of them with pods of Deployment sip. What must not be
 * done fails the test as soon as it is. */
void rig_make_world(void);
void rig_end_world(void);

bool rig_on(const char *address, const char *node);
/* For fake_until: allocation web is at rest with both of its addresses. */
bool rig_both_attached(struct fake *unused);
/* Starts the core on allocation web, and waits until it is so. */
void rig_attach_both(void);
/* Its label `pool`, for nodeSelector. */
void rig_pool(const char *node, const char *pool);
/* Allocation `name` with 60 addresses that are none; starts the core. */
void rig_start_bad_list(const char *name);
/* As kubectl drain does: the node is cordoned, its pod goes elsewhere. */
void rig_drain(const char *node, const char *pod, const char *elsewhere);
/* The core dies once, at each effect of the story in turn (or before it); each time
 * everything ends well. */
void rig_crash_everywhere(void (*story)(void), bool before);

/* --- what is released */

#define RIG_WEB FAKE_ALLOCATIONS "/web"

/* For fake_until: the allocation is no more. */
bool rig_gone(struct fake *unused);
bool rig_is(
    const char *name, const char *address, const char *state, const char *reason);
bool rig_labelled(const char *node);
/* Our finalizer is on. */
bool rig_held(const char *path);
void rig_delete_web(void);
/* The pod goes, and nothing speaks for an address there any more: for the judge. */
void rig_unused(const char *node, const char *pod);
void rig_nobody_uses_them(void);
/* Both addresses are off and the nodes as before; they are where they were. */
void rig_released(void);
void rig_left(void);

#endif
