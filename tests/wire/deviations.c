#include "deviations.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#ifndef WIRE_DEVIATIONS
#define WIRE_DEVIATIONS "tests/wire/deviations.txt"
#endif

/* Index of the name, or the length. */
static size_t
find(const struct deviations *deviations, const char *name)
{
	size_t i = 0;

	while (i < deviations->len && strcmp(deviations->list[i].name, name) != 0)
		i++;
	return i;
}

static void
line_read(struct deviations *deviations, const char *prefix, const char *line)
{
	bool of_kubectl = strncmp(line, "kubectl:", strlen("kubectl:")) == 0;
	size_t len = strcspn(line, " \n");
	struct deviation *deviation;

	if (of_kubectl != (prefix[0] != '\0'))
		return;
	cr_assert_lt(deviations->len, DEVIATIONS_MAX);
	cr_assert_lt(len, DEVIATION_NAME_SIZE);
	cr_expect_gt(strlen(line), len + 2, "no reason: %s", line);
	deviation = &deviations->list[deviations->len];
	*deviation = (struct deviation){.used = false};
	snprintf(deviation->name, sizeof deviation->name, "%.*s", (int)len, line);
	cr_expect_not(deviations_have(deviations, deviation->name),
	    "%s is listed twice", deviation->name);
	deviations->len++;
}

void
deviations_read(struct deviations *deviations, const char *prefix)
{
	FILE *file = fopen(WIRE_DEVIATIONS, "r");
	char line[256];

	cr_assert_not_null(file, "no file " WIRE_DEVIATIONS);
	deviations->len = 0;
	while (fgets(line, sizeof line, file) != NULL)
		if (line[0] != '#' && line[0] != '\n')
			line_read(deviations, prefix, line);
	fclose(file);
}

bool
deviations_have(const struct deviations *deviations, const char *name)
{
	return find(deviations, name) < deviations->len;
}

void
deviations_use(struct deviations *deviations, const char *name)
{
	size_t at = find(deviations, name);

	cr_assert_lt(at, deviations->len, "%s differs and is not listed", name);
	deviations->list[at].used = true;
}

size_t
deviations_used(const struct deviations *deviations)
{
	size_t used = 0;

	for (size_t i = 0; i < deviations->len; i++)
		used += deviations->list[i].used;
	return used;
}
