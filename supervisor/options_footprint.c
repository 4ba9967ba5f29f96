/* The options of footprints: each has a variable, which it goes before. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "duration.h"
#include "options_state.h"
#include "selector.h"

/* The facts come by themselves; a write more often than that shows nothing more. */
#define INTERVAL_LEAST_MS 1000
#define INTERVAL_MOST_MS  3600000

#define TOTAL_MOST_MIB (1024 * 1024)

typedef void take_fn(
    struct options *options, enum setting key, const char *name, const char *value);

static take_fn take_flag, take_name, take_label, take_prefix, take_interval,
    take_retention, take_total;

static const struct {
	enum options_footprint option;
	enum setting key;
	const char *name;
	const char *variable;
	take_fn *take;
} rows[] = {
    {OPT_STORE_IN_CM, SETTING_STORE_IN_CM, "--store-in-cm", "IPWARDEN_STORE_IN_CM",
	take_flag},
    {OPT_CM_NAMESPACE, SETTING_CM_NAMESPACE, "--cm-namespace", "IPWARDEN_CM_NAMESPACE",
	take_name},
    {OPT_CM_RETENTION, SETTING_CM_RETENTION_S, "--cm-retention",
	"IPWARDEN_CM_RETENTION", take_retention},
    {OPT_CM_TOTAL, SETTING_CM_TOTAL_MIB, "--cm-total", "IPWARDEN_CM_TOTAL", take_total},
    {OPT_HISTORY_RETENTION, SETTING_HISTORY_RETENTION_S, "--history-retention",
	"IPWARDEN_HISTORY_RETENTION", take_retention},
    {OPT_INTERVAL, SETTING_FOOTPRINT_INTERVAL_MS, "--interval", "IPWARDEN_INTERVAL",
	take_interval},
    {OPT_NAMESPACE, SETTING_FOOTPRINT_NAMESPACE, "--namespace", "IPWARDEN_NAMESPACE",
	take_name},
    {OPT_NAME, SETTING_FOOTPRINT_NAME, "--name", "IPWARDEN_NAME", take_prefix},
    {OPT_LABEL, SETTING_FOOTPRINT_LABEL, "--label", "IPWARDEN_LABEL", take_label},
    {OPT_UTC, SETTING_FOOTPRINT_UTC, "--utc", "IPWARDEN_UTC", take_flag},
};

#define ROWS (sizeof rows / sizeof rows[0])

/* --- values ------------------------------------------------------------------------
 */

/* Here "" is a value: an option that says false, or all, goes before the variable. */
static void
take_flag(
    struct options *options, enum setting key, const char *name, const char *value)
{
	bool yes = strcmp(value, "true") == 0;

	if (!yes && strcmp(value, "false") != 0)
		options_bad("%s must be true or false, not \"%s\"", name, value);
	options_set(options, key, name, yes ? "yes" : "");
}

static void
take_name(
    struct options *options, enum setting key, const char *name, const char *value)
{
	if (value[0] == '\0')
		options_set(options, key, name, value);
	else
		options_set_name(options, key, name, value);
}

static void
take_label(
    struct options *options, enum setting key, const char *name, const char *value)
{
	struct selector *selector = selector_new(value);

	if (selector == NULL)
		options_bad("%s is no label selector: \"%s\"", name, value);
	selector_free(selector);
	options_set(options, key, name, value);
}

static void
take_prefix(
    struct options *options, enum setting key, const char *name, const char *value)
{
	if (strlen(value) > NAME_MAX_LEN)
		options_bad("%s is longer than a pod's name", name);
	options_set(options, key, name, value);
}

static void
set_number(struct options *options, enum setting key, const char *name, int64_t number)
{
	char text[32];

	snprintf(text, sizeof text, "%lld", (long long)number);
	options_set(options, key, name, text);
}

static void
take_interval(
    struct options *options, enum setting key, const char *name, const char *value)
{
	int64_t ms;

	if (duration_parse(value, &ms) < 0 || ms < INTERVAL_LEAST_MS ||
	    ms > INTERVAL_MOST_MS)
		options_bad(
		    "%s must be a duration from 1s to 1h, not \"%s\"", name, value);
	set_number(options, key, name, ms);
}

static void
take_retention(
    struct options *options, enum setting key, const char *name, const char *value)
{
	int64_t ms;

	if (duration_parse(value, &ms) < 0 || ms < 0)
		options_bad(
		    "%s must be a duration such as 72h, not \"%s\"", name, value);
	set_number(options, key, name, ms / 1000);
}

static void
take_total(
    struct options *options, enum setting key, const char *name, const char *value)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(value, &end, 10);
	if (errno != 0 || value[0] < '0' || value[0] > '9' || *end != '\0' ||
	    number > TOTAL_MOST_MIB)
		options_bad("%s must be a number of MiB, not \"%s\"", name, value);
	set_number(options, key, name, number);
}

/* --- where they come from ----------------------------------------------------------
 */

bool
options_take_footprint(struct options *options, int option, const char *value)
{
	for (size_t i = 0; i < ROWS; i++) {
		if ((int)rows[i].option != option)
			continue;
		rows[i].take(
		    options, rows[i].key, rows[i].name, value != NULL ? value : "true");
		return true;
	}
	return false;
}

static void
unset(struct options *options, enum setting key)
{
	free(options->settings.values[key]);
	options->settings.values[key] = NULL;
}

void
options_footprint(struct options *options)
{
	for (size_t i = 0; i < ROWS; i++) {
		const char *value = options_env(rows[i].variable);
		const char *said = settings_get(&options->settings, rows[i].key, NULL);

		if (said == NULL && value != NULL)
			rows[i].take(options, rows[i].key, rows[i].variable, value);
		said = settings_get(&options->settings, rows[i].key, NULL);
		if (said != NULL && said[0] == '\0')
			unset(options, rows[i].key);
	}
}
