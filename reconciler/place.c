#include "place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* Copies text up to `end` (or its end) and returns what follows, or NULL when it is
 * empty, too long or not ended so. */
static const char *
place_part(const char *text, char end, char *out, size_t size)
{
	size_t len = strcspn(text, "/");

	if (len == 0 || len >= size || text[len] != end)
		return NULL;
	memcpy(out, text, len);
	out[len] = '\0';
	return end == '\0' ? text + len : text + len + 1;
}

static const char *
place_prefix(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return text != NULL && strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

bool
place_parse_provider_id(const char *provider_id, struct place *ret_place)
{
	struct place place = {0};
	const char *at = place_prefix(provider_id, "gce://");

	if (at != NULL)
		at = place_part(at, '/', place.project, sizeof place.project);
	if (at != NULL)
		at = place_part(at, '/', place.zone, sizeof place.zone);
	if (at != NULL)
		at = place_part(at, '\0', place.instance, sizeof place.instance);
	if (at == NULL)
		return false;
	place_region_of(place.zone, place.region, sizeof place.region);
	if (place.region[0] == '\0')
		return false;
	*ret_place = place;
	return true;
}

bool
place_parse_user(const char *user, struct place *ret_place)
{
	struct place place = {0};
	const char *at = place_prefix(user, "projects/");

	if (at != NULL)
		at = place_part(at, '/', place.project, sizeof place.project);
	at = place_prefix(at, "zones/");
	if (at != NULL)
		at = place_part(at, '/', place.zone, sizeof place.zone);
	at = place_prefix(at, "instances/");
	if (at != NULL)
		at = place_part(at, '\0', place.instance, sizeof place.instance);
	if (at == NULL)
		return false;
	place_region_of(place.zone, place.region, sizeof place.region);
	*ret_place = place;
	return true;
}

void
place_region_of(const char *zone, char *out, size_t size)
{
	const char *dash = strrchr(zone, '-');
	size_t len = dash != NULL ? (size_t)(dash - zone) : 0;

	if (len >= size)
		len = 0;
	memcpy(out, zone, len);
	out[len] = '\0';
}

bool
place_name_sound(const char *name)
{
	return name[0] != '\0' && name[0] != '.' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == strlen(name);
}

void
texts_set(struct texts *texts, const char *data, size_t len)
{
	free(texts->data);
	*texts = (struct texts){0};
	if (len == 0)
		return;
	texts->data = mem_calloc(len, 1);
	memcpy(texts->data, data, len);
	texts->len = len;
}

void
texts_free(struct texts *texts)
{
	free(texts->data);
	*texts = (struct texts){0};
}

const char *
texts_next(const struct texts *texts, size_t *cursor)
{
	const char *text;

	if (*cursor >= texts->len)
		return NULL;
	text = texts->data + *cursor;
	*cursor += strlen(text) + 1;
	return text;
}

const char *
texts_value(const struct texts *texts, const char *key)
{
	size_t cursor = 0;
	const char *found, *value;

	while ((found = texts_next(texts, &cursor)) != NULL &&
	       (value = texts_next(texts, &cursor)) != NULL)
		if (strcmp(found, key) == 0)
			return value;
	return NULL;
}
