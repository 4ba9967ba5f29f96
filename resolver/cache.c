#include "cache.h"

#include <string.h>
#include <strings.h>

bool
cache_find(const struct cache *cache, const char *name, struct mono_time now,
    struct resolve_reply *ret_reply)
{
	for (size_t i = 0; i < CACHE_NAMES_MAX; i++) {
		const struct cache_entry *entry = &cache->entries[i];

		if (entry->until.ms <= now.ms || entry->name[0] == '\0' ||
		    strcasecmp(entry->name, name) != 0)
			continue;
		ret_reply->count = entry->count;
		memcpy(ret_reply->addresses, entry->addresses, sizeof entry->addresses);
		return true;
	}
	return false;
}

void
cache_put(struct cache *cache, const char *name, struct mono_time now, uint32_t ttl_s,
    const struct resolve_reply *reply)
{
	struct cache_entry *entry = &cache->entries[0];

	if (ttl_s == 0)
		return;
	for (size_t i = 0; i < CACHE_NAMES_MAX; i++) {
		if (strcasecmp(cache->entries[i].name, name) == 0) {
			entry = &cache->entries[i];
			break;
		}
		if (cache->entries[i].until.ms < entry->until.ms)
			entry = &cache->entries[i];
	}
	*entry = (struct cache_entry){.count = reply->count};
	memcpy(entry->name, name, strlen(name) + 1);
	memcpy(entry->addresses, reply->addresses, sizeof entry->addresses);
	entry->until.ms =
	    now.ms +
	    1000 * (int64_t)(ttl_s < CACHE_TTL_MAX_S ? ttl_s : CACHE_TTL_MAX_S);
}

void
cache_clear(struct cache *cache)
{
	memset(cache, 0, sizeof *cache);
}
