/* POST, PUT and PATCH of objects. */
#ifndef IPW_SIM_KUBE_WRITE_H
#define IPW_SIM_KUBE_WRITE_H

#include "kube_world.h"

void kube_write_create(struct kube_call *call);
void kube_write_update(struct kube_call *call);
void kube_write_patch(struct kube_call *call);

/* The request's body as JSON object, its media type checked. Returns 0 or -ECANCELED;
 * the caller owns *ret_json. */
int kube_write_body(struct kube_call *call, struct json_object **ret_json);

#endif
