/* From a request to what it asks for: path, verb, format, caller; then to who answers.
 */
#ifndef IPW_SIM_KUBE_ROUTE_H
#define IPW_SIM_KUBE_ROUTE_H

#include "kube_world.h"

/* Fills in view, space, name and subresource of the call. False: no such resource. */
bool kube_route_path(struct kube_call *call, const char *path);
/* Who asks, and what: caller, view and verb of the call, as far as they can be told. */
void kube_route_read(struct kube_call *call);
/* After kube_route_read. */
void kube_route_answer(struct kube_call *call);

#endif
