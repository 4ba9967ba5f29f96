/* Reads what a cloud or metadata server answered: bounded, and strict about types. */
#ifndef IPW_JSON_READ_H
#define IPW_JSON_READ_H

#include <stddef.h>

struct json_object;

/* Nesting that a reply may have; GCE's go to about eight. */
#define JSON_READ_DEPTH_MAX 24

/* One JSON object that is the whole body (UTF-8). The caller's: json_object_put. NULL:
 * it is none. */
struct json_object *json_read_object(const char *body, size_t len);

/* Copies the text of a member; absent or null is "". Returns 0, or -EPROTO when it is
 * no text, holds a NUL or does not fit (*out is then ""). */
int json_read_text(struct json_object *object, const char *key, char *out, size_t size);

/* Like json_read_text, but an integer is taken, too, as its decimal digits. */
int json_read_id(struct json_object *object, const char *key, char *out, size_t size);

/* A member that must be an array, or an object, if it is there: *ret_value is NULL when
 * it is absent. Borrowed. 0 or -EPROTO. */
int json_read_array(
    struct json_object *object, const char *key, struct json_object **ret_value);
int json_read_member(
    struct json_object *object, const char *key, struct json_object **ret_value);

#endif
