#include "notes.h"

#include <errno.h>
#include <json-c/json.h>
#include <json-c/linkhash.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exits.h"
#include "mem.h"

/* In front of each text: where its value is; 0: it is no key. */
#define HEAD	    sizeof(uint32_t)
#define SLOTS_FIRST 64u

struct notes {
	char *texts; /* nothing is at 0 */
	size_t len, cap;
	uint32_t *slots;  /* where the texts are; 0: free */
	size_t slots_len; /* a power of two */
	size_t used;
	size_t count; /* keys */
	/* empty: for its hash, which is seeded, since others choose the texts */
	struct lh_table *hash;
};

struct notes *
notes_new(void)
{
	struct notes *notes = mem_calloc(1, sizeof *notes);

	notes->len = HEAD;
	notes->slots_len = SLOTS_FIRST;
	notes->slots = mem_calloc(notes->slots_len, sizeof *notes->slots);
	notes->hash = lh_kchar_table_new(1, NULL);
	if (notes->hash == NULL)
		_Exit(EXIT_MEMORY);
	return notes;
}

void
notes_free(struct notes *notes)
{
	if (notes == NULL)
		return;
	lh_table_free(notes->hash);
	free(notes->slots);
	free(notes->texts);
	free(notes);
}

static const char *
text_at(const struct notes *notes, size_t at)
{
	return notes->texts + at + HEAD;
}

static size_t
size_of(const char *text)
{
	return HEAD + strlen(text) + 1;
}

static uint32_t
value_of(const struct notes *notes, size_t at)
{
	uint32_t value;

	memcpy(&value, notes->texts + at, sizeof value);
	return value;
}

/* Its slot, or that where it would be. */
static size_t
find_slot(const struct notes *notes, const char *text)
{
	size_t mask = notes->slots_len - 1;
	size_t i = lh_get_hash(notes->hash, text) & mask;

	while (
	    notes->slots[i] != 0 && strcmp(text_at(notes, notes->slots[i]), text) != 0)
		i = (i + 1) & mask;
	return i;
}

static void
grow_slots(struct notes *notes)
{
	free(notes->slots);
	notes->slots_len *= 2;
	notes->slots = mem_calloc(notes->slots_len, sizeof *notes->slots);
	for (size_t at = HEAD; at < notes->len; at += size_of(text_at(notes, at)))
		notes->slots[find_slot(notes, text_at(notes, at))] = (uint32_t)at;
}

/* Where the text is from now on; 0: there is no room. */
static uint32_t
keep_text(struct notes *notes, const char *text)
{
	size_t slot = find_slot(notes, text), size = size_of(text), at = notes->len;

	if (notes->slots[slot] != 0)
		return notes->slots[slot];
	if (at + size > NOTES_TEXTS_MAX)
		return 0;
	while (at + size > notes->cap) {
		notes->cap = notes->cap > 0 ? 2 * notes->cap : 1024;
		notes->texts = mem_realloc(notes->texts, notes->cap, 1);
	}
	memset(notes->texts + at, 0, HEAD);
	memcpy(notes->texts + at + HEAD, text, size - HEAD);
	notes->len += size;
	notes->slots[slot] = (uint32_t)at;
	if (4 * ++notes->used > 3 * notes->slots_len)
		grow_slots(notes);
	return (uint32_t)at;
}

int
notes_set(struct notes *notes, const char *key, const char *value)
{
	uint32_t value_at = keep_text(notes, value);
	uint32_t key_at = value_at != 0 ? keep_text(notes, key) : 0;

	if (key_at == 0)
		return -ENOSPC;
	notes->count += value_of(notes, key_at) == 0;
	memcpy(notes->texts + key_at, &value_at, sizeof value_at);
	return 0;
}

const char *
notes_get(const struct notes *notes, const char *key)
{
	uint32_t at = notes->slots[find_slot(notes, key)];
	uint32_t value_at = at != 0 ? value_of(notes, at) : 0;

	return value_at != 0 ? text_at(notes, value_at) : NULL;
}

size_t
notes_count(const struct notes *notes)
{
	return notes->count;
}

bool
notes_next(
    const struct notes *notes, size_t *at, const char **ret_key, const char **ret_value)
{
	if (*at == 0)
		*at = HEAD;
	while (*at < notes->len) {
		const char *text = text_at(notes, *at);
		uint32_t value_at = value_of(notes, *at);

		*at += size_of(text);
		if (value_at == 0)
			continue;
		*ret_key = text;
		*ret_value = text_at(notes, value_at);
		return true;
	}
	return false;
}
