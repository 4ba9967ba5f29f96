#include "clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t
clock_read_ms(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct mono_time
clock_mono(void)
{
	return (struct mono_time){clock_read_ms(CLOCK_MONOTONIC)};
}

struct boot_time
clock_boot(void)
{
	return (struct boot_time){clock_read_ms(CLOCK_BOOTTIME)};
}

struct wall_time
clock_wall(void)
{
	return (struct wall_time){clock_read_ms(CLOCK_REALTIME)};
}

void
clock_format(struct wall_time time, bool micro, char *out, size_t out_size)
{
	int64_t rest_ms = time.ms % 1000;
	time_t seconds = (time_t)(time.ms / 1000);
	struct tm parts;

	if (rest_ms < 0) {
		rest_ms += 1000;
		seconds--;
	}
	gmtime_r(&seconds, &parts);
	if (micro)
		snprintf(out, out_size, "%04d-%02d-%02dT%02d:%02d:%02d.%03d000Z",
		    parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
		    parts.tm_hour, parts.tm_min, parts.tm_sec, (int)rest_ms);
	else
		snprintf(out, out_size, "%04d-%02d-%02dT%02d:%02d:%02dZ",
		    parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
		    parts.tm_hour, parts.tm_min, parts.tm_sec);
}

/* Takes exactly `count` digits at *text. */
static int
take_digits(const char **text, int count, int *ret_value)
{
	int value = 0;

	for (int i = 0; i < count; i++) {
		char c = (*text)[i];

		if (c < '0' || c > '9')
			return -EINVAL;
		value = value * 10 + (c - '0');
	}
	*text += count;
	*ret_value = value;
	return 0;
}

static int
take_char(const char **text, const char *allowed)
{
	if (**text == '\0' || strchr(allowed, **text) == NULL)
		return -EINVAL;
	(*text)++;
	return 0;
}

static int
take_fraction(const char **text, int *ret_ms)
{
	int ms = 0;
	int scale = 100;

	if (**text != '.')
		return 0;
	(*text)++;
	if (**text < '0' || **text > '9')
		return -EINVAL;
	for (; **text >= '0' && **text <= '9'; (*text)++) {
		ms += (**text - '0') * scale;
		scale /= 10;
	}
	*ret_ms = ms;
	return 0;
}

static int
take_zone(const char **text, int *ret_offset_s)
{
	int sign = **text == '-' ? -1 : 1;
	int hours, minutes;

	if (**text == 'Z' || **text == 'z') {
		(*text)++;
		return 0;
	}
	if (take_char(text, "+-") || take_digits(text, 2, &hours) ||
	    take_char(text, ":") || take_digits(text, 2, &minutes) || hours > 23 ||
	    minutes > 59)
		return -EINVAL;
	*ret_offset_s = sign * (hours * 3600 + minutes * 60);
	return 0;
}

int
clock_parse(const char *text, struct wall_time *ret_time)
{
	struct tm parts = {0};
	int ms = 0;
	int offset_s = 0;
	time_t seconds;

	if (take_digits(&text, 4, &parts.tm_year) || take_char(&text, "-") ||
	    take_digits(&text, 2, &parts.tm_mon) || take_char(&text, "-") ||
	    take_digits(&text, 2, &parts.tm_mday) || take_char(&text, "Tt") ||
	    take_digits(&text, 2, &parts.tm_hour) || take_char(&text, ":") ||
	    take_digits(&text, 2, &parts.tm_min) || take_char(&text, ":") ||
	    take_digits(&text, 2, &parts.tm_sec) || take_fraction(&text, &ms) ||
	    take_zone(&text, &offset_s) || *text != '\0')
		return -EINVAL;
	if (parts.tm_mon < 1 || parts.tm_mon > 12 || parts.tm_mday < 1 ||
	    parts.tm_mday > 31 || parts.tm_hour > 23 || parts.tm_min > 59 ||
	    parts.tm_sec > 60)
		return -EINVAL;
	parts.tm_year -= 1900;
	parts.tm_mon -= 1;
	seconds = timegm(&parts);
	ret_time->ms = ((int64_t)seconds - offset_s) * 1000 + ms;
	return 0;
}
