/* Single values out of JSON that came from outside: bounded, each checked for type and
 * size. `object` may be NULL or of any type; a value that is null counts as absent. */
#ifndef IPW_JSON_READ_H
#define IPW_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"

struct json_object;

/* Nesting that a reply may have; GCE's go to about eight. */
#define JSON_READ_DEPTH_MAX 24

/* One JSON object that is the whole body (UTF-8). The caller's: json_object_put. NULL:
 * it is none. */
struct json_object *json_read_object(const char *body, size_t len);

/* The member, borrowed; NULL when it is absent. */
struct json_object *json_read_member(struct json_object *object, const char *key);
/* The text of a string value without a NUL in it, borrowed; else NULL. */
const char *json_read_string(struct json_object *value);
/* Elements of an array; 0 when it is none. */
size_t json_read_length(struct json_object *value);

/* The following return 1 when the value was there and read, 0 when it is absent, and
 * -EINVAL when it is of another type or (texts) longer than `size` - 1 or holds a NUL;
 * the out parameter is touched only with 1. */
int json_read_text(struct json_object *object, const char *key, char *out, size_t size);
/* A text, or an integer as its decimal digits. */
int json_read_id(struct json_object *object, const char *key, char *out, size_t size);
int json_read_number(struct json_object *object, const char *key, int64_t *ret_value);
int json_read_bool(struct json_object *object, const char *key, bool *ret_value);
int json_read_time(
    struct json_object *object, const char *key, struct wall_time *ret_time);
/* Borrowed. */
int json_read_array(
    struct json_object *object, const char *key, struct json_object **ret_value);
int json_read_part(
    struct json_object *object, const char *key, struct json_object **ret_value);

#endif
