#include "walk.h"

#include <errno.h>
#include <stdio.h>
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

/* The value that begins here, to be read by itself; false: there is none. */
static bool
walk_apart(struct scan *scan, struct scan *ret_value)
{
	const char *raw;
	size_t len;

	scan_raw(scan, &raw, &len);
	if (scan->error != 0)
		return false;
	scan_init(ret_value, raw, len);
	return true;
}

bool
walk_text_or(struct scan *scan, const char *key, size_t len, const char *name,
    const char *other, char *out, size_t size)
{
	struct scan value;

	if (!scan_key_is(key, len, name))
		return false;
	if (!walk_apart(scan, &value))
		return true;
	scan_string(&value, out, size);
	if (value.error != 0)
		snprintf(out, size, "%s", other);
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

void
walk_time_or_none(struct scan *scan, int64_t *ret_ms)
{
	struct scan value;

	*ret_ms = 0;
	if (walk_apart(scan, &value))
		walk_time(&value, ret_ms);
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
