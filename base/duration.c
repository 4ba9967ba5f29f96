#include "duration.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Longest duration that is taken: 100 years of 365 days. */
#define DURATION_MAX_MS (INT64_C(100) * 365 * 86400 * 1000)

static int
take_unit(const char **text, double *ret_ms)
{
	static const struct {
		const char *name;
		double ms;
	} units[] = {
	    {"ns", 1e-6},
	    {"us", 1e-3},
	    {"µs", 1e-3}, /* U+00B5 */
	    {"μs", 1e-3}, /* U+03BC */
	    {"ms", 1},
	    {"s", 1e3},
	    {"m", 6e4},
	    {"h", 3.6e6},
	};

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		size_t len = strlen(units[i].name);

		if (strncmp(*text, units[i].name, len) != 0)
			continue;
		*text += len;
		*ret_ms = units[i].ms;
		return 0;
	}
	return -EINVAL;
}

/* Digits with at most one point, at least one digit. */
static int
take_decimal(const char **text, double *ret_value)
{
	double value = 0, scale = 1;
	bool point = false;
	int digits = 0;

	for (;; (*text)++) {
		if (**text == '.' && !point) {
			point = true;
			continue;
		}
		if (**text < '0' || **text > '9')
			break;
		digits++;
		value = value * 10 + (**text - '0');
		scale *= point ? 10 : 1;
	}
	*ret_value = value / scale;
	return digits > 0 ? 0 : -EINVAL;
}

int
duration_parse(const char *text, int64_t *ret_ms)
{
	bool negative = text[0] == '-';
	double sum = 0;
	int64_t whole;

	if (text[0] == '-' || text[0] == '+')
		text++;
	if (strcmp(text, "0") == 0) {
		*ret_ms = 0;
		return 0;
	}
	if (text[0] == '\0')
		return -EINVAL;
	while (text[0] != '\0') {
		double number, unit_ms;

		if (take_decimal(&text, &number) < 0 || take_unit(&text, &unit_ms) < 0)
			return -EINVAL;
		sum += number * unit_ms;
		if (sum > (double)DURATION_MAX_MS)
			return -EINVAL;
	}
	whole = (int64_t)sum;
	if (sum > (double)whole)
		whole++;
	*ret_ms = negative ? -whole : whole;
	return 0;
}
