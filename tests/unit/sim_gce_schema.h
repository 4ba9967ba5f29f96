/* Does a reply fit the schemas of the cloud's own discovery document? */
#ifndef IPW_SIM_GCE_SCHEMA_H
#define IPW_SIM_GCE_SCHEMA_H

#include <json-c/json.h>
#include <stddef.h>

/* The discovery document: $CONTRACTS/gcp-compute.json, by default that of the directory
 * shared/contracts beside the source tree. NULL: there is none, and `path` says where
 * it was looked for. The caller's object. */
struct json_object *schema_load(char *path, size_t path_size);

/* 0; or -EINVAL when `value` has a member that the schema of that name does not know,
 * or one of another type; `why` says which. */
int schema_check(struct json_object *document, const char *name,
    struct json_object *value, char *why, size_t why_size);

#endif
