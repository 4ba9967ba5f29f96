/* Single values out of JSON that came from outside: each is checked for type and size.
 * `object` may be NULL or of any type; a value that is null counts as absent. */
#ifndef IPW_JSONREAD_H
#define IPW_JSONREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"

struct json_object;

/* The member, borrowed; NULL when it is absent. */
struct json_object *jsonread_member(struct json_object *object, const char *key);

/* The following return 1 when the value was there and read, 0 when it is absent, and
 * -EINVAL when it is of another type or (texts) longer than `size` - 1 or holds a NUL;
 * the out parameter is touched only with 1. */
int jsonread_text(struct json_object *object, const char *key, char *out, size_t size);
int jsonread_number(struct json_object *object, const char *key, int64_t *ret_value);
int jsonread_bool(struct json_object *object, const char *key, bool *ret_value);
int jsonread_time(
    struct json_object *object, const char *key, struct wall_time *ret_time);

/* The text of a string value without a NUL in it, borrowed; else NULL. */
const char *jsonread_string(struct json_object *value);

#endif
