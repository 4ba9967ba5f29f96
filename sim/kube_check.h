/* Validation of metadata and of the built-in types that ipwarden writes. */
#ifndef IPW_SIM_KUBE_CHECK_H
#define IPW_SIM_KUBE_CHECK_H

#include "kube_status.h"
#include "kube_world.h"

/* What a typed decoder would refuse with 400: labels that are no text, times that are
 * no times. Returns 0 or -ECANCELED. */
int kube_check_types(struct kube_call *call, const struct json_object *json);
/* Names, labels, ConfigMap keys, Leases, Events, CRDs: all complaints. */
void kube_check_object(const struct kube_view *view, const struct json_object *json,
    struct kube_causes *causes);

#endif
