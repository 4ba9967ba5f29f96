/* A list of short texts in one bounded block: "key\0value\0key\0value\0". Travels in
 * messages (labels, taints, users); a plain value, no memory of its own. */
#ifndef IPW_PACK_H
#define IPW_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a block, terminating NULs included: a node with 60 labels of typical length
 * fills a third of it. */
#define PACK_MAX 12288u

struct pack {
	uint32_t len;
	char data[PACK_MAX];
};

void pack_clear(struct pack *pack);
/* Adds one text. Returns 0 or -E2BIG (nothing added). */
int pack_add(struct pack *pack, const char *text);
/* The next text after *cursor (start with 0), or NULL at the end. */
const char *pack_next(const struct pack *pack, size_t *cursor);
/* For key/value blocks: the value of `key`, or NULL. */
const char *pack_value(const struct pack *pack, const char *key);
/* True when `data` is a whole number of NUL-terminated texts. */
bool pack_valid(const char *data, size_t len);

#endif
