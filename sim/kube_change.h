/* From an object and its wanted new state to a change in the store: what may change,
 * whether anything does, and what follows from it. */
#ifndef IPW_SIM_KUBE_CHANGE_H
#define IPW_SIM_KUBE_CHANGE_H

#include "kube_world.h"

/* Replaces `old` by `json` (in the form of the call's view, taken over) as far as the
 * call's subresource allows, and answers. */
void kube_change_apply(
    struct kube_call *call, struct kube_object *old, struct json_object *json);

/* Stores without any check; takes over `json`, in stored form. A CRD is installed. */
struct kube_object *kube_change_store(
    struct sim_kube *kube, struct kube_resource *resource, struct json_object *json);

/* Sets the generation of `json`, the successor of `old`. */
void kube_change_count(const struct kube_resource *resource,
    const struct json_object *old, struct json_object *json);

/* As sim_kube_put, for one parsed object of that view; takes over `json`. */
void kube_change_put(
    struct sim_kube *kube, const struct kube_view *view, struct json_object *json);

#endif
