#include "day.h"

#include <stdio.h>
#include <string.h>

void
day_key(const char *address, char *out, size_t out_size)
{
	snprintf(out, out_size, "%s", address);
	for (; *out != '\0'; out++)
		if (*out == ':')
			*out = '_';
}

void
day_date(struct wall_time time, char *out, size_t out_size)
{
	char text[CLOCK_TEXT_MAX];

	clock_format(time, false, text, sizeof text);
	snprintf(out, out_size, "%.4s%.2s%.2s", text, text + 5, text + 8);
}

void
day_part_name(const char *date, size_t index, char *out, size_t out_size)
{
	if (index == 0)
		snprintf(out, out_size, DAY_PREFIX "%s", date);
	else
		snprintf(out, out_size, DAY_PREFIX "%s-p%zu", date, index + 1);
}
