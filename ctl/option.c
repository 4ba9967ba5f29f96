#include "option.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duration.h"

void
option_usage(const struct option_set *set)
{
	static const char *const values[] = {"TEXT", "", "DURATION", "NUMBER"};

	fputs(set->usage, stderr);
	for (size_t i = 0; i < set->count; i++) {
		char option[64];

		snprintf(option, sizeof option, "%s%s %s",
		    set->options[i].name[1] == '\0' ? "-" : "--", set->options[i].name,
		    values[set->options[i].kind]);
		fprintf(stderr, "  %-22s %s\n", option, set->options[i].help);
	}
}

int
option_refuse(const struct option_set *set, const char *what, const char *word)
{
	fprintf(stderr, "ipwardenctl: %s: %s\n", what, word);
	option_usage(set);
	return -EINVAL;
}

/* --- values -------------------------------------------------------------------------
 */

/* Go's strconv.ParseBool. */
static int
read_bool(const char *text, bool *ret_value)
{
	static const char *const words[] = {"1", "t", "T", "true", "TRUE", "True", "0",
	    "f", "F", "false", "FALSE", "False"};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(text, words[i]) == 0) {
			*ret_value = i < 6;
			return 0;
		}
	return -EINVAL;
}

static int
read_number(const char *text, int64_t *ret_value)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
	    value > OPTION_NUMBER_MAX)
		return -EINVAL;
	*ret_value = value;
	return 0;
}

static int
set_value(void *to, const struct option *option, const char *value)
{
	void *member = (char *)to + option->offset;

	switch (option->kind) {
	case OPTION_TEXT:
		*(const char **)member = value;
		return 0;
	case OPTION_SWITCH:
		return read_bool(value, member);
	case OPTION_DURATION:
		return duration_parse(value, member);
	case OPTION_NUMBER:
		return read_number(value, member);
	}
	return -EINVAL;
}

/* --- words --------------------------------------------------------------------------
 */

static const struct option *
find_option(const struct option_set *set, const char *name, size_t len)
{
	for (size_t i = 0; i < set->count; i++)
		if (strlen(set->options[i].name) == len &&
		    strncmp(set->options[i].name, name, len) == 0)
			return &set->options[i];
	return NULL;
}

/* Takes one option, and the word after it where that is its value. */
static int
take_option(const struct option_set *set, const char *const **argv, void *to)
{
	const char *word = **argv;
	const char *name = word + (word[1] == '-' ? 2 : 1);
	size_t len = strcspn(name, "=");
	const struct option *option = find_option(set, name, len);
	const char *value = name[len] == '=' ? name + len + 1 : NULL;

	if (name[0] == '-' || name[0] == '=')
		return option_refuse(set, "no option", word);
	if (option == NULL && ((len == 1 && name[0] == 'h') ||
				  (len == 4 && strncmp(name, "help", 4) == 0)))
		return 1;
	if (option == NULL)
		return option_refuse(set, "no such option", word);
	if (value == NULL && option->kind == OPTION_SWITCH)
		value = "true";
	if (value == NULL && (value = *++*argv) == NULL)
		return option_refuse(set, "this option needs a value", word);
	++*argv;
	return set_value(to, option, value) == 0
		   ? 0
		   : option_refuse(set, "invalid value", word);
}

int
option_read(const struct option_set *set, const char *const **argv, void *to)
{
	while (**argv != NULL && (**argv)[0] == '-' && (**argv)[1] != '\0') {
		int rc;

		if (strcmp(**argv, "--") == 0) {
			++*argv;
			break;
		}
		rc = take_option(set, argv, to);
		if (rc != 0)
			return rc;
	}
	return 0;
}
