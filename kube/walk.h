/* Walking an object or array with kube/scan: the part that all projections share. */
#ifndef IPW_WALK_H
#define IPW_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bounds.h"
#include "scan.h"

/* A label key with its prefix, or an annotation key that we know. */
#define WALK_KEY_MAX (NAME_MAX_LEN + 1 + LABEL_MAX_LEN)

/* Called with each member of an object: consumes its value and returns true, or returns
 * false, and the value is skipped. */
typedef bool member_fn(void *arg, struct scan *scan, const char *key, size_t len);

void walk_members(struct scan *scan, member_fn *member, void *arg);
/* If the key is `name`, reads its string and returns true. */
bool walk_text(struct scan *scan, const char *key, size_t len, const char *name,
    char *out, size_t size);
/* The same; a text that does not fit, or is none, is `other`. For members that anybody
 * may have written: they must not make the rest unreadable. */
bool walk_text_or(struct scan *scan, const char *key, size_t len, const char *name,
    const char *other, char *out, size_t size);
void walk_flag(struct scan *scan, uint8_t *ret_flag);
/* An RFC 3339 time; null is 0. */
void walk_time(struct scan *scan, int64_t *ret_ms);
/* The same; one that is none, whatever the API server took for one, is 0. */
void walk_time_or_none(struct scan *scan, int64_t *ret_ms);
/* Copies the key itself. False when it is too long or has escapes (no label key has).
 */
bool walk_key(char *out, size_t size, const char *key, size_t len);

#endif
