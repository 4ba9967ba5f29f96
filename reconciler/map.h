/* Text → value maps over json-c's lh_table: what was put in first comes first, so that
 * every walk over one is deterministic. */
#ifndef IPW_MAP_H
#define IPW_MAP_H

#include <stddef.h>

#include <json-c/linkhash.h>

struct map {
	struct lh_table *table;
	int dropped; /* since the table was laid out anew */
	void (*value_free)(void *value);
};

/* `value_free` may be NULL: the values are not the map's. */
struct map *map_new(void (*value_free)(void *value));
void map_free(struct map *map);

void *map_get(const struct map *map, const char *key);
/* `key` must live as long as the value (it is best a member of it). An older value
 * under that key is freed first. Not while walking. */
void map_put(struct map *map, const char *key, void *value);
/* Takes the value out and frees it. Allowed for the current one while walking. */
void map_drop(struct map *map, const char *key);
size_t map_count(const struct map *map);

/* MAP_EACH(map, entry) { struct x *x = lh_entry_v(entry); … } */
#define MAP_EACH(map, entry)                                                           \
	for (struct lh_entry *entry = lh_table_head((map)->table),                     \
			     *entry##_next = entry != NULL ? entry->next : NULL;       \
	     entry != NULL;                                                            \
	     entry = entry##_next, entry##_next = entry != NULL ? entry->next : NULL)

#endif
