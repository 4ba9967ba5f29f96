#include "walk.h"

#include <errno.h>
#include <string.h>

#include "clock.h"

/* An RFC 3339 time as the API server writes it. */
#define TIME_MAX 40

void
walk_members(struct scan *scan, member_fn *member, void *arg)
{
	const char *key;
	size_t len;

	if (!scan_enter_object(scan))
		return;
	while (scan_next_key(scan, &key, &len))
		if (!member(arg, scan, key, len))
			scan_skip(scan);
}

bool
walk_text(struct scan *scan, const char *key, size_t len, const char *name, char *out,
    size_t size)
{
	if (!scan_key_is(key, len, name))
		return false;
	scan_string(scan, out, size);
	return true;
}

void
walk_flag(struct scan *scan, uint8_t *ret_flag)
{
	bool value = false;

	scan_bool(scan, &value);
	*ret_flag = value;
}

void
walk_time(struct scan *scan, int64_t *ret_ms)
{
	char text[TIME_MAX];
	struct wall_time time = {0};

	scan_string(scan, text, sizeof text);
	if (scan->error == 0 && text[0] != '\0' && clock_parse(text, &time) < 0)
		scan->error = -EBADMSG;
	*ret_ms = time.ms;
}

bool
walk_key(char *out, size_t size, const char *key, size_t len)
{
	if (len >= size || memchr(key, '\\', len) != NULL)
		return false;
	memcpy(out, key, len);
	out[len] = '\0';
	return true;
}
