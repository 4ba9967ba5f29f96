/* A hash table whose entries live in what they stand for: no memory but its buckets.
 * Walks go in an order that the keys and the past alone decide. */
#ifndef IPW_TABLE_H
#define IPW_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first member of what is held. */
struct table_entry {
	struct table_entry *chain;
	uint32_t hash; /* table_hash of its key; set by who puts it in */
};

struct table {
	struct table_entry **buckets; /* NULL until the first one */
	size_t size;		      /* a power of two */
	size_t count;
};

uint32_t table_hash(const char *key, size_t len);

/* Whether the entry has that key. */
typedef bool table_is_fn(const struct table_entry *entry, const char *key, size_t len);
struct table_entry *table_get(
    const struct table *table, const char *key, size_t len, table_is_fn *is);
/* No other entry may have its key. Not while walking. */
void table_put(struct table *table, struct table_entry *entry);
/* The next one is to be found before that, while walking. */
void table_drop(struct table *table, const struct table_entry *entry);
/* The buckets alone; it is empty then. */
void table_free(struct table *table);

/* `entry` NULL: the first one. NULL after the last. */
struct table_entry *table_next(
    const struct table *table, const struct table_entry *entry);

#endif
