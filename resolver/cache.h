/* Names that were resolved a short while ago. Only successes are kept, and only as long
 * as their records say. */
#ifndef IPW_RESOLVER_CACHE_H
#define IPW_RESOLVER_CACHE_H

#include <stdbool.h>

#include "clock.h"
#include "resolve.h"

/* Names kept at one time: the dialers have a handful. */
#define CACHE_NAMES_MAX 64

/* No answer is believed for longer. */
#define CACHE_TTL_MAX_S 300u

struct cache_entry {
	char name[RESOLVE_NAME_SIZE]; /* "": free */
	struct mono_time until;
	uint32_t count;
	struct resolve_address addresses[RESOLVE_ADDRESSES_MAX];
};

struct cache {
	struct cache_entry entries[CACHE_NAMES_MAX];
};

/* Copies the addresses of `name` (as it was asked for) into the reply; false when they
 * are not known any more. */
bool cache_find(const struct cache *cache, const char *name, struct mono_time now,
    struct resolve_reply *ret_reply);

/* Keeps a successful reply. A full cache forgets what would be forgotten first. */
void cache_put(struct cache *cache, const char *name, struct mono_time now,
    uint32_t ttl_s, const struct resolve_reply *reply);

/* Forgets everything: the servers are others now. */
void cache_clear(struct cache *cache);

#endif
