/* From a request to what it asks for: path, verb, format, caller; then to who answers.
 */
#ifndef IPW_SIM_KUBE_ROUTE_H
#define IPW_SIM_KUBE_ROUTE_H

#include "kube_world.h"

/* Fills in view, space, name and subresource of the call. False: no such resource. */
bool kube_route_path(struct kube_call *call, const char *path);
void kube_route_answer(struct kube_call *call);

#endif
