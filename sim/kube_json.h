/* Small helpers over json-c. Nothing here keeps what it is given; objects that are
 * returned "borrowed" live as long as the object they were found in. */
#ifndef IPW_SIM_KUBE_JSON_H
#define IPW_SIM_KUBE_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* Deepest nesting that is parsed: a CRD's schema goes far deeper than objects do. */
#define KUBE_JSON_DEPTH_MAX 128

/* Parses exactly one value. Returns NULL and a message in the words of the API server
 * (Go's encoding/json) when it is no JSON. The caller owns the result; `null` is
 * refused like an error, no object of the API is one. */
struct json_object *kube_json_parse(
    const char *text, size_t len, char *error, size_t error_size);

/* Value at a dotted path ("metadata.name"), borrowed, or NULL. */
struct json_object *kube_json_at(const struct json_object *json, const char *path);
/* Text at a dotted path; "" when it is absent or no string. */
const char *kube_json_text(const struct json_object *json, const char *path);
int64_t kube_json_int(
    const struct json_object *json, const char *path, int64_t otherwise);
bool kube_json_true(const struct json_object *json, const char *path);
/* Member of an object, borrowed; NULL when it is absent or `json` is no object. */
struct json_object *kube_json_member(const struct json_object *json, const char *key);
/* Member that is an object, made when it is absent or something else. */
struct json_object *kube_json_section(struct json_object *json, const char *key);

void kube_json_set_text(struct json_object *json, const char *key, const char *text);
void kube_json_set_int(struct json_object *json, const char *key, int64_t number);
/* Puts a new reference to `value` (may be NULL: null) under the key. */
void kube_json_set(
    struct json_object *json, const char *key, struct json_object *value);

/* A deep copy; the caller owns it. */
struct json_object *kube_json_copy(struct json_object *json);
/* The compact text, owned by `json` until it is serialised again. */
const char *kube_json_write(struct json_object *json, size_t *ret_len);
/* Members of an object in order: first, entry->next, NULL at the end; none for all that
 * is no object. The object must not lose members meanwhile. */
const struct lh_entry *kube_json_first(const struct json_object *json);
const char *kube_json_key(const struct lh_entry *entry);
struct json_object *kube_json_value(const struct lh_entry *entry);

/* Number of members or elements; 0 for all else. */
size_t kube_json_count(const struct json_object *json);
/* Puts `value` (ownership taken) before element `index`; index == length appends. */
void kube_json_insert(
    struct json_object *array, size_t index, struct json_object *value);

/* `text` in double quotes as Go's %q writes it. */
void kube_json_quote(struct buf *out, const char *text);

/* An object from constant text; our own bug when it is no JSON (assert). */
struct json_object *kube_json_constant(const char *text);

#endif
