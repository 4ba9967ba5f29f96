/* Names of places at the cloud, and short texts. Pure. */
#ifndef IPW_PLACE_H
#define IPW_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "messages.h"

struct place {
	char project[PLACE_MAX + 1];
	char zone[PLACE_MAX + 1];
	char region[PLACE_MAX + 1];
	char instance[PLACE_MAX + 1]; /* its name */
};

/* "gce://PROJECT/ZONE/INSTANCE" (CLOUDS.md §1.7). False: it is none. */
bool place_parse_provider_id(const char *provider_id, struct place *ret_place);
/* "projects/P/zones/Z/instances/NAME", as an address names its user (CLOUDS.md §1.1).
 */
bool place_parse_user(const char *user, struct place *ret_place);
/* The zone without its last "-x"; "" when it has none. */
void place_region_of(const char *zone, char *out, size_t size);

/* RFC 1123: a name that may stand in a path as it is. */
bool place_name_sound(const char *name);

/* Texts one after another, "key\0value\0…", as in a pack but only as large as needed.
 */
struct texts {
	char *data;
	size_t len;
};

struct pack;
void texts_set(struct texts *texts, const char *data, size_t len);
void texts_free(struct texts *texts);
const char *texts_next(const struct texts *texts, size_t *cursor);
/* The value of `key` in a key/value list, or NULL. */
const char *texts_value(const struct texts *texts, const char *key);

#endif
