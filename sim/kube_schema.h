/* The openAPIV3Schema of a CRD (structural schemas, apiextensions.k8s.io/v1), as far as
 * it can be written without CEL: pruning, defaulting and validation. A NULL schema lets
 * everything pass. */
#ifndef IPW_SIM_KUBE_SCHEMA_H
#define IPW_SIM_KUBE_SCHEMA_H

#include <json-c/json.h>
#include <stddef.h>

#include "buf.h"
#include "kube_status.h"

/* Where in an object a check is: a list of steps on the stack, innermost first. */
struct kube_path {
	const struct kube_path *parent;
	const char *key; /* NULL: an element of an array */
	size_t index;
};

/* "spec.reservedIPs[0]" */
void kube_path_write(const struct kube_path *path, struct buf *out);
/* Longest path that is written. */
#define KUBE_PATH_MAX 4096u

/* Removes what the schema does not know; the paths of what went are added to the array
 * `unknown` (may be NULL). apiVersion, kind and metadata stay. */
void kube_schema_prune(const struct json_object *schema, struct json_object *json,
    struct json_object *unknown);
/* Fills in defaults, nested ones too; nulls where none are allowed are dropped. */
void kube_schema_default(const struct json_object *schema, struct json_object *json);
void kube_schema_validate(const struct json_object *schema, struct json_object *json,
    struct kube_causes *causes);

#endif
