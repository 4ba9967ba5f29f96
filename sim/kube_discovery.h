/* Discovery: which groups, versions and resources there are, in the old form and in the
 * aggregated one; and the paths that tell version and health. */
#ifndef IPW_SIM_KUBE_DISCOVERY_H
#define IPW_SIM_KUBE_DISCOVERY_H

#include "kube_world.h"

/* Answers when the path is one of these; false: it is not. */
bool kube_discovery_answer(struct kube_call *call);

/* Registers the built-in resources with a new store. */
void kube_discovery_install(struct kube_store *store);

#endif
