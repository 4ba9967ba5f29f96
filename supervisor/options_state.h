/* What the parts of options.h share. Private to options*.c. */
#ifndef IPW_OPTIONS_STATE_H
#define IPW_OPTIONS_STATE_H

#include <getopt.h>

#include "options.h"

/* Says what is wrong, and ends the process with EXIT_CONFIG. */
void options_bad(const char *format, ...)
    __attribute__((noreturn, format(printf, 1, 2)));
/* The environment's value, or NULL when it is unset or empty. */
const char *options_env(const char *name);
bool options_env_bool(const char *name);
void options_set(
    struct options *options, enum setting key, const char *name, const char *value);
/* The same of a name of Kubernetes: an RFC 1123 subdomain. */
void options_set_name(
    struct options *options, enum setting key, const char *name, const char *value);

/* --- options_footprint.c: Pod Ashiato's --------------------------------------------
 */

enum options_footprint {
	OPT_STORE_IN_CM = 256,
	OPT_CM_NAMESPACE,
	OPT_CM_RETENTION,
	OPT_CM_TOTAL,
	OPT_HISTORY_RETENTION,
	OPT_INTERVAL,
	OPT_NAMESPACE,
	OPT_NAME,
	OPT_LABEL,
	OPT_UTC,
	OPTIONS_FOOTPRINT_END,
};

#define OPTIONS_FOOTPRINT                                                              \
	{"store-in-cm", optional_argument, NULL, OPT_STORE_IN_CM},                     \
	    {"cm-namespace", required_argument, NULL, OPT_CM_NAMESPACE},               \
	    {"cm-retention", required_argument, NULL, OPT_CM_RETENTION},               \
	    {"cm-total", required_argument, NULL, OPT_CM_TOTAL},                       \
	    {"history-retention", required_argument, NULL, OPT_HISTORY_RETENTION},     \
	    {"interval", required_argument, NULL, OPT_INTERVAL},                       \
	    {"namespace", required_argument, NULL, OPT_NAMESPACE},                     \
	    {"name", required_argument, NULL, OPT_NAME},                               \
	    {"label", required_argument, NULL, OPT_LABEL},                             \
	{                                                                              \
		"utc", optional_argument, NULL, OPT_UTC                                \
	}

#define OPTIONS_FOOTPRINT_HELP                                                         \
	"      --store-in-cm              keep which pod is on which node in\n"        \
	"                                 ConfigMaps pod-ashiato-YYYYMMDDHH\n"         \
	"      --cm-namespace NAME        of those (default)\n"                        \
	"      --interval DURATION        between two writes (30s)\n"                  \
	"      --namespace NAME, --name PREFIX, --label SELECTOR\n"                    \
	"                                 of which pods (all)\n"                       \
	"      --utc                      hours of UTC, not of the local zone\n"       \
	"      --cm-retention DURATION    older ones are deleted (72h; 0: none)\n"     \
	"      --cm-total MIB             of all; the oldest are deleted (64; 0: no\n" \
	"                                 limit)\n"                                    \
	"      --history-retention DURATION\n"                                         \
	"                                 of ipwarden-addresses-YYYYMMDD (2160h)\n"

/* Takes that option; false when it is none of these. */
bool options_take_footprint(struct options *options, int option, const char *value);
/* What no option has said: the environment. */
void options_footprint(struct options *options);

#endif
