#include "flags.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest duration that is taken: 100 years of 365 days. */
#define DURATION_MAX_MS (INT64_C(100) * 365 * 86400 * 1000)

/* 1 TiB: more than etcd holds. */
#define TOTAL_MAX_MIB (1024 * 1024)

enum kind { KIND_TEXT, KIND_BOOL, KIND_DURATION, KIND_NUMBER };

struct flag {
	const char *name;
	enum kind kind;
	size_t offset;
	const char *help;
};

#define FLAG(n, k, member, h)                                                          \
	{                                                                              \
		n, k, offsetof(struct flags, member), h                                \
	}

static const struct flag flags[] = {
    FLAG("kubeconfig", KIND_TEXT, kubeconfig,
	"the API server and its credentials (default: $KUBECONFIG, the pod's own,\n"
	"                         ~/.kube/config)"),
    FLAG("interval", KIND_DURATION, interval_ms, "between two looks (default 30s)"),
    FLAG("oneshot", KIND_BOOL, oneshot, "look once, at once, and end"),
    FLAG("namespace", KIND_TEXT, namespace, "pods of this namespace (default: all)"),
    FLAG("name", KIND_TEXT, name, "pods whose name begins so"),
    FLAG("label", KIND_TEXT, label,
	"pods that this selector chooses: app=sip,tier!=dev"),
    FLAG("store-in-cm", KIND_BOOL, store_in_cm,
	"keep pod and node in ConfigMaps pod-ashiato-YYYYMMDDHH"),
    FLAG("cm-namespace", KIND_TEXT, cm_namespace, "of those (default: default)"),
    FLAG("events", KIND_BOOL, events,
	"a line when a pod comes, moves, gets another address\n"
	"                         or goes, in place of all each interval"),
    FLAG("utc", KIND_BOOL, utc, "times and hours in UTC, not in the local zone"),
    FLAG("cm-retention", KIND_DURATION, retention_ms,
	"older ConfigMaps are deleted (default 72h; 0: never)"),
    FLAG("cm-total", KIND_NUMBER, total_mib,
	"MiB of them all; the oldest are deleted (default 64; 0: no\n"
	"                         limit)"),
};

#define FLAGS (sizeof flags / sizeof *flags)

void
flags_usage(void)
{
	static const char *const values[] = {"TEXT", "", "DURATION", "NUMBER"};

	fputs("Usage: ipwardenctl footprint [OPTION]...\n"
	      "\n"
	      "One line of JSON a pod, on standard output, each interval: Pod "
	      "Ashiato's.\n",
	    stderr);
	for (size_t i = 0; i < FLAGS; i++) {
		char option[64];

		snprintf(option, sizeof option, "--%s %s", flags[i].name,
		    values[flags[i].kind]);
		fprintf(stderr, "  %-22s %s\n", option, flags[i].help);
	}
}

/* --- values -------------------------------------------------------------------------
 */

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
flags_duration(const char *text, int64_t *ret_ms)
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
	    value > TOTAL_MAX_MIB)
		return -EINVAL;
	*ret_value = value;
	return 0;
}

static int
set_value(struct flags *to, const struct flag *flag, const char *value)
{
	void *member = (char *)to + flag->offset;

	switch (flag->kind) {
	case KIND_TEXT:
		*(const char **)member = value;
		return 0;
	case KIND_BOOL:
		return read_bool(value, member);
	case KIND_DURATION:
		return flags_duration(value, member);
	case KIND_NUMBER:
		return read_number(value, member);
	}
	return -EINVAL;
}

/* --- words --------------------------------------------------------------------------
 */

static const struct flag *
find_flag(const char *name, size_t len)
{
	for (size_t i = 0; i < FLAGS; i++)
		if (strlen(flags[i].name) == len &&
		    strncmp(flags[i].name, name, len) == 0)
			return &flags[i];
	return NULL;
}

static int
bad_usage(const char *what, const char *word)
{
	fprintf(stderr, "ipwardenctl: %s: %s\n", what, word);
	flags_usage();
	return -EINVAL;
}

/* Takes one option, and the word after it where that is its value. */
static int
take_option(const char *const **argv, struct flags *to)
{
	const char *word = **argv;
	const char *name = word + (word[1] == '-' ? 2 : 1);
	size_t len = strcspn(name, "=");
	const struct flag *flag = find_flag(name, len);
	const char *value = name[len] == '=' ? name + len + 1 : NULL;

	if (name[0] == '-' || name[0] == '=')
		return bad_usage("no option", word);
	if (flag == NULL && ((len == 1 && name[0] == 'h') ||
				(len == 4 && strncmp(name, "help", 4) == 0)))
		return 1;
	if (flag == NULL)
		return bad_usage("no such option", word);
	if (value == NULL && flag->kind == KIND_BOOL)
		value = "true";
	if (value == NULL && (value = *++*argv) == NULL)
		return bad_usage("this option needs a value", word);
	++*argv;
	return set_value(to, flag, value) == 0 ? 0 : bad_usage("invalid value", word);
}

static int
check(const struct flags *to)
{
	if (to->interval_ms <= 0 && !to->oneshot)
		return bad_usage("must be more than nothing", "--interval");
	if (to->retention_ms < 0)
		return bad_usage("must not be negative", "--cm-retention");
	if (to->events && to->oneshot)
		return bad_usage("makes no sense with --oneshot", "--events");
	return 0;
}

int
flags_read(const char *const *argv, struct flags *ret_flags)
{
	struct flags to = {
	    .namespace = "",
	    .name = "",
	    .label = "",
	    .cm_namespace = "default",
	    .interval_ms = 30000,
	    .retention_ms = INT64_C(72) * 3600 * 1000,
	    .total_mib = 64,
	};

	while (*argv != NULL && (*argv)[0] == '-' && (*argv)[1] != '\0') {
		int rc;

		if (strcmp(*argv, "--") == 0) {
			argv++;
			break;
		}
		rc = take_option(&argv, &to);
		if (rc != 0)
			return rc;
	}
	if (*argv != NULL)
		fprintf(stderr,
		    "ipwardenctl: '%s' is no option: it and what follows is ignored\n",
		    *argv);
	if (check(&to) < 0)
		return -EINVAL;
	if (to.cm_namespace[0] == '\0')
		to.cm_namespace = "default";
	*ret_flags = to;
	return 0;
}
