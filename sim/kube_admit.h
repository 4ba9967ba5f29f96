/* What a server makes of an object before it stores it: metadata, defaults of the
 * built-in types, and their validation. Custom resources go by their schema. */
#ifndef IPW_SIM_KUBE_ADMIT_H
#define IPW_SIM_KUBE_ADMIT_H

#include "kube_status.h"
#include "kube_world.h"

/* Largest values of one ConfigMap together (core/v1 MaxSecretSize). */
#define KUBE_CONFIGMAP_MAX (1024u * 1024u)
/* Largest object that etcd takes, and the largest that its client sends at all. */
#define KUBE_ETCD_OBJECT_MAX  (1536u * 1024u)
#define KUBE_ETCD_MESSAGE_MAX (2u * 1024u * 1024u)

/* Fresh uid, creationTimestamp, generation; what only the server may set is dropped. */
void kube_admit_stamp(const struct kube_resource *resource, struct json_object *json);
/* Name from generateName, when there is no name. */
void kube_admit_name(struct json_object *json);
/* What a built-in type has when it was not given. */
void kube_admit_defaults(
    const struct kube_resource *resource, struct json_object *json);

/* Prunes, fills in and validates. Unknown fields go by the query's fieldValidation:
 * Strict refuses them, Warn (the default) sends Warning headers. `json` is in the form
 * of the call's view, metadata and status in place. Returns 0 or -ECANCELED. */
int kube_admit_object(struct kube_call *call, struct json_object *json);

/* The current time in RFC 3339, whole seconds, under the key. */
void kube_admit_set_time(struct json_object *json, const char *key, int64_t later_s);

#endif
