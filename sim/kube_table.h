/* Tables (meta.k8s.io) as kubectl asks for them, and the columns of each kind. */
#ifndef IPW_SIM_KUBE_TABLE_H
#define IPW_SIM_KUBE_TABLE_H

#include <json-c/json.h>

#include "kube_store.h"

/* A Table without rows. `list_metadata` is taken over. */
struct json_object *kube_table_new(const struct kube_view *view, const char *version,
    struct json_object *list_metadata);
/* `include`: "None", "Metadata" or "Object", what stands beside the cells. `json` is in
 * the form of the view. */
void kube_table_add(struct json_object *table, const struct kube_view *view,
    struct json_object *json, const char *include);

/* {"kind":"PartialObjectMetadata",…} of an object; new. */
struct json_object *kube_table_metadata(struct json_object *json);

/* The first value at a JSONPath of a printer column, borrowed, or NULL. Understood:
 * .a.b, ['a'], [0], [*], [?(@.a=="b")], a\.b, with or without braces. */
struct json_object *kube_column_find(const char *path, struct json_object *json);
/* How long ago, as kubectl says it: "5m", "3d4h". */
void kube_column_age(const char *time, char *out, size_t out_size);

#endif
