#include "map.h"

#include <stdlib.h>

#include "exits.h"
#include "mem.h"

#define MAP_SIZE_FIRST 32

struct map *
map_new(void (*value_free)(void *value))
{
	struct map *map = mem_calloc(1, sizeof *map);

	map->table = lh_kchar_table_new(MAP_SIZE_FIRST, NULL);
	if (map->table == NULL)
		_Exit(EXIT_MEMORY);
	map->value_free = value_free;
	return map;
}

void
map_free(struct map *map)
{
	if (map == NULL)
		return;
	if (map->value_free != NULL)
		MAP_EACH(map, entry)
	map->value_free(lh_entry_v(entry));
	lh_table_free(map->table);
	free(map);
}

void *
map_get(const struct map *map, const char *key)
{
	void *value = NULL;

	lh_table_lookup_ex(map->table, key, &value);
	return value;
}

/* json-c never empties the places of what was deleted: a miss would end up searching
 * the whole table. */
static void
map_compact(struct map *map)
{
	if (map->dropped < map->table->size / 4)
		return;
	if (lh_table_resize(map->table, map->table->size) != 0)
		_Exit(EXIT_MEMORY);
	map->dropped = 0;
}

void
map_put(struct map *map, const char *key, void *value)
{
	map_drop(map, key);
	map_compact(map);
	if (lh_table_insert(map->table, key, value) != 0)
		_Exit(EXIT_MEMORY);
}

void
map_drop(struct map *map, const char *key)
{
	struct lh_entry *entry = lh_table_lookup_entry(map->table, key);
	void *value;

	if (entry == NULL)
		return;
	value = lh_entry_v(entry);
	lh_table_delete_entry(map->table, entry);
	map->dropped++;
	if (map->value_free != NULL)
		map->value_free(value);
}

size_t
map_count(const struct map *map)
{
	return (size_t)lh_table_length(map->table);
}
