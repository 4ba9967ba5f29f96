/* A number of things, or a percentage of all of them: Kubernetes' IntOrString. Pure. */
#ifndef IPW_AMOUNT_H
#define IPW_AMOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

struct amount {
	uint32_t value;
	bool percent; /* `value` is at most 100 then */
};

enum amount_rounding { AMOUNT_DOWN, AMOUNT_UP };

/* An integer of at least `least`, or a text like "50%". Returns 1 when it was there and
 * read, 0 when it is absent, -EINVAL for anything else; *ret_amount is touched only
 * with 1. */
int amount_read(struct json_object *object, const char *key, uint32_t least,
    struct amount *ret_amount);

/* How many of `total` that is; a number may be more than `total`. */
size_t amount_of(
    const struct amount *amount, size_t total, enum amount_rounding rounding);

#endif
