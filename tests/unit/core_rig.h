/* The world that the tests of the core begin with (tests/simulation/fake.h). */
#ifndef IPW_CORE_RIG_H
#define IPW_CORE_RIG_H

#include "fake.h"

extern struct fake *fake;

/* Three nodes in two zones, two of them with pods of Deployment sip. */
void rig_make_world(void);
/* Nothing was done that must not be. */
void rig_end_world(void);

bool rig_on(const char *address, const char *node);
/* For fake_until: allocation web is at rest with both of its addresses. */
bool rig_both_attached(struct fake *unused);
/* Starts the core on allocation web, and waits until it is so. */
void rig_attach_both(void);
/* As kubectl drain does: the node is cordoned, its pod goes elsewhere. */
void rig_drain(const char *node, const char *pod, const char *elsewhere);
/* The core dies once, at each effect of the story in turn (or before it); each time
 * everything ends well. */
void rig_crash_everywhere(void (*story)(void), bool before);

#endif
