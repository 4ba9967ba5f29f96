/* The ConfigMaps that one thing is kept in, such as an hour: NAME, NAME-p2, NAME-p3 …,
 * as the API server has them. Pure. */
#ifndef IPW_FOOTPRINT_PARTS_H
#define IPW_FOOTPRINT_PARTS_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;

/* Keys and values of one ConfigMap (bytes): far from the 1 MiB that it may have, so
 * that one change does not write it all. */
#define PART_MAX (128u * 1024u)
/* Name of one (bytes, NUL included). */
#define PART_NAME_MAX 64u
#define PARTS_MAX     512u

/* In order; NULL: there is none with that number. Owned. */
struct parts {
	struct json_object *objects[PARTS_MAX];
	bool changed[PARTS_MAX];
	size_t count;
	/* NULL: none does. One that is there already is written after the others, and
	 * says so only if they could be. */
	struct part_claim *claim;
};

void parts_clear(struct parts *parts);

/* The part with that number vouches for all of them, in an annotation: that is set, and
 * counts as a change when `due`. */
void parts_claim(
    struct parts *parts, size_t index, const char *key, const char *value, bool due);
/* It does not: the annotation is as it was. */
void parts_disclaim(struct parts *parts);
/* The next one to write: `count` when there is none. */
size_t parts_next(const struct parts *parts);
/* It has no resourceVersion: the server does not have it. */
bool part_is_new(struct json_object *part);

/* What they are kept for is over: they are immutable from now on. */
void parts_close(struct parts *parts);

/* What a key with its value adds to the size. */
size_t part_key_size(size_t key_len, size_t value_len);
/* All take NULL. */
size_t part_size(struct json_object *part);
size_t part_keys(struct json_object *part);
bool part_is_immutable(struct json_object *part);
/* Borrowed; NULL: it has no such text. */
const char *part_value(struct json_object *part, const char *key);

/* The member of that name, made when it is none; borrowed. */
struct json_object *part_map_in(struct json_object *object, const char *key);
const char *part_text_of(struct json_object *map, const char *key);
void part_set_text(struct json_object *map, const char *key, const char *value);

/* What labels the parts of a kind have. */
struct part_labels {
	const char *app, *type;
};
/* Sets the key of the part with that number, which is made when it is not there, gives
 * it the labels, and marks it as changed. Other keys and labels stay. */
void parts_set(struct parts *parts, size_t index, const char *name,
    const struct part_labels *labels, const char *key, const char *value);

#endif
