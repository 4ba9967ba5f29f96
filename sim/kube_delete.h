/* How objects go: finalizers, grace periods, and what hangs on a CRD or a namespace. */
#ifndef IPW_SIM_KUBE_DELETE_H
#define IPW_SIM_KUBE_DELETE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "kube_world.h"

/* Grace period of a pod that names none (core/v1). */
#define KUBE_GRACE_SECONDS 30

/* DeleteOptions (meta/v1). */
struct kube_delete_options {
	int64_t grace_s;     /* -1: the object's own */
	const char *uid;     /* "" = any; borrowed from `body` */
	const char *version; /* "" = any; borrowed from `body` */
	bool dry_run;
	struct json_object *body; /* owned, may be NULL */
};

/* From the body (at the dotted `path` in it, "" = the body itself) and the query.
 * Returns 0 or -ECANCELED; to be freed in either case. */
int kube_delete_options_read(
    struct kube_delete_options *options, struct kube_call *call, const char *path);
void kube_delete_options_free(struct kube_delete_options *options);
/* The preconditions: 0, or -ECANCELED (409). */
int kube_delete_check(struct kube_call *call, const struct kube_delete_options *options,
    const struct kube_object *object);

void kube_delete_one(struct kube_call *call);
void kube_delete_collection(struct kube_call *call);
/* POST …/pods/NAME/eviction (kube_evict.c). */
void kube_delete_evict(struct kube_call *call);

/* Starts the end of an object that holds no others. The result is a reference of the
 * caller's to its last state; *ret_gone tells whether it went at once. */
struct kube_object *kube_delete_object(struct sim_kube *kube,
    struct kube_resource *resource, struct kube_object *object, int64_t grace_s,
    bool *ret_gone);
/* Takes an object out at once, whatever holds it, and what waited for that. */
void kube_delete_finish(
    struct sim_kube *kube, struct kube_resource *resource, const char *key);
/* True when nothing holds back an object that is being deleted. */
bool kube_delete_is_due(const struct json_object *json);

#endif
