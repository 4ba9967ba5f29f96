/* The three kinds of PATCH. Each works on `target` in place, which must be an object of
 * the caller's own; after a failure it is in an undefined state and only to be freed.
 */
#ifndef IPW_SIM_KUBE_PATCH_H
#define IPW_SIM_KUBE_PATCH_H

#include <json-c/json.h>
#include <stddef.h>

/* Operations of one JSON patch. */
#define KUBE_PATCH_OPERATIONS_MAX 10000u

/* RFC 7386. */
void kube_patch_merge(struct json_object *target, const struct json_object *patch);

/* Strategic merge patch: lists with a merge key (conditions by type, taints by key,
 * containers by name, …) merge by element; the directives $patch,
 * $deleteFromPrimitiveList, $setElementOrder and $retainKeys are understood. */
void kube_patch_strategic(struct json_object *target, const struct json_object *patch);

/* RFC 6902. Returns 0, -EINVAL when the patch is malformed, -ENOENT when a path does
 * not exist or a test fails. `error` says which. */
int kube_patch_json(struct json_object *target, const struct json_object *patch,
    char *error, size_t error_size);

#endif
