#include "table.h"

#include <assert.h>
#include <stdlib.h>

#include "mem.h"

#define TABLE_SIZE_FIRST 16u

/* FNV-1a. */
uint32_t
table_hash(const char *key, size_t len)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)key[i]) * 16777619u;
	return hash;
}

static struct table_entry **
table_bucket(const struct table *table, uint32_t hash)
{
	return &table->buckets[hash & (table->size - 1)];
}

struct table_entry *
table_get(const struct table *table, const char *key, size_t len, table_is_fn *is)
{
	uint32_t hash = table_hash(key, len);
	struct table_entry *entry = NULL;

	if (table->size > 0)
		entry = *table_bucket(table, hash);
	while (entry != NULL && (entry->hash != hash || !is(entry, key, len)))
		entry = entry->chain;
	return entry;
}

static void
table_link(const struct table *table, struct table_entry *entry)
{
	struct table_entry **bucket = table_bucket(table, entry->hash);

	entry->chain = *bucket;
	*bucket = entry;
}

static void
table_grow(struct table *table)
{
	struct table old = *table;

	table->size = old.size > 0 ? old.size * 2 : TABLE_SIZE_FIRST;
	table->buckets = mem_calloc(table->size, sizeof(struct table_entry *));
	for (size_t i = 0; i < old.size; i++) {
		struct table_entry *entry = old.buckets[i];

		while (entry != NULL) {
			struct table_entry *next = entry->chain;

			table_link(table, entry);
			entry = next;
		}
	}
	free(old.buckets);
}

void
table_put(struct table *table, struct table_entry *entry)
{
	if (table->count >= table->size)
		table_grow(table);
	table_link(table, entry);
	table->count++;
}

void
table_drop(struct table *table, const struct table_entry *entry)
{
	struct table_entry **at = table_bucket(table, entry->hash);

	while (*at != entry) {
		assert(*at != NULL);
		at = &(*at)->chain;
	}
	*at = entry->chain;
	table->count--;
}

void
table_free(struct table *table)
{
	free(table->buckets);
	*table = (struct table){0};
}

struct table_entry *
table_next(const struct table *table, const struct table_entry *entry)
{
	size_t i = 0;

	if (entry != NULL) {
		if (entry->chain != NULL)
			return entry->chain;
		i = (entry->hash & (table->size - 1)) + 1;
	}
	for (; i < table->size; i++)
		if (table->buckets[i] != NULL)
			return table->buckets[i];
	return NULL;
}
