/* Texts with a text each, such as pods with their nodes, in order of when they came:
 * held by the ten thousand, so as small as the texts are, and each text once. */
#ifndef IPW_FOOTPRINT_NOTES_H
#define IPW_FOOTPRINT_NOTES_H

#include <stdbool.h>
#include <stddef.h>

struct notes;

/* All texts (bytes): 131072 pods with names of a hundred characters. */
#define NOTES_TEXTS_MAX (16u * 1024u * 1024u)

struct notes *notes_new(void);
void notes_free(struct notes *notes);

/* Returns 0, or -ENOSPC when there would be more than NOTES_TEXTS_MAX: nothing is set.
 * What a key had before goes on taking its room. `key` is not empty. */
int notes_set(struct notes *notes, const char *key, const char *value);
/* Borrowed until the next notes_set; NULL: it is not there. */
const char *notes_get(const struct notes *notes, const char *key);
size_t notes_count(const struct notes *notes);
/* The next one; *at is 0 before the first. Texts are borrowed as above. */
bool notes_next(const struct notes *notes, size_t *at, const char **ret_key,
    const char **ret_value);

#endif
