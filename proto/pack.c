#include "pack.h"

#include <errno.h>
#include <string.h>

void
pack_clear(struct pack *pack)
{
	pack->len = 0;
}

int
pack_add(struct pack *pack, const char *text)
{
	size_t size = strlen(text) + 1;

	if (size > sizeof pack->data - pack->len)
		return -E2BIG;
	memcpy(pack->data + pack->len, text, size);
	pack->len += (uint32_t)size;
	return 0;
}

const char *
pack_next(const struct pack *pack, size_t *cursor)
{
	const char *text = pack->data + *cursor;

	if (*cursor >= pack->len)
		return NULL;
	*cursor += strlen(text) + 1;
	return text;
}

const char *
pack_value(const struct pack *pack, const char *key)
{
	size_t cursor = 0;
	const char *found, *value;

	while ((found = pack_next(pack, &cursor)) != NULL) {
		value = pack_next(pack, &cursor);
		if (value != NULL && strcmp(found, key) == 0)
			return value;
	}
	return NULL;
}

bool
pack_valid(const char *data, size_t len)
{
	return len == 0 || data[len - 1] == '\0';
}
