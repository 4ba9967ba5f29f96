#include "flags.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "option.h"

#define FLAG(n, k, member, h)                                                          \
	{                                                                              \
		n, k, offsetof(struct flags, member), h                                \
	}

static const struct option flags[] = {
    FLAG("kubeconfig", OPTION_TEXT, kubeconfig,
	"the API server and its credentials (default: $KUBECONFIG, the pod's own,\n"
	"                         ~/.kube/config)"),
    FLAG("interval", OPTION_DURATION, interval_ms, "between two looks (default 30s)"),
    FLAG("oneshot", OPTION_SWITCH, oneshot, "look once, at once, and end"),
    FLAG("namespace", OPTION_TEXT, namespace, "pods of this namespace (default: all)"),
    FLAG("name", OPTION_TEXT, name, "pods whose name begins so"),
    FLAG("label", OPTION_TEXT, label,
	"pods that this selector chooses: app=sip,tier!=dev"),
    FLAG("store-in-cm", OPTION_SWITCH, store_in_cm,
	"keep pod and node in ConfigMaps pod-ashiato-YYYYMMDDHH"),
    FLAG("cm-namespace", OPTION_TEXT, cm_namespace, "of those (default: default)"),
    FLAG("events", OPTION_SWITCH, events,
	"a line when a pod comes, moves, gets another address\n"
	"                         or goes, in place of all each interval"),
    FLAG("utc", OPTION_SWITCH, utc, "times and hours in UTC, not in the local zone"),
    FLAG("cm-retention", OPTION_DURATION, retention_ms,
	"older ConfigMaps are deleted (default 72h; 0: never)"),
    FLAG("cm-total", OPTION_NUMBER, total_mib,
	"MiB of them all; the oldest are deleted (default 64; 0: no\n"
	"                         limit)"),
};

static const struct option_set set = {
    .usage =
	"Usage: ipwardenctl footprint [OPTION]...\n"
	"\n"
	"One line of JSON a pod, on standard output, each interval: Pod Ashiato's.\n",
    .options = flags,
    .count = sizeof flags / sizeof *flags,
};

void
flags_usage(void)
{
	option_usage(&set);
}

static int
check(const struct flags *to)
{
	if (to->interval_ms <= 0 && !to->oneshot)
		return option_refuse(&set, "must be more than nothing", "--interval");
	if (to->retention_ms < 0)
		return option_refuse(&set, "must not be negative", "--cm-retention");
	if (to->events && to->oneshot)
		return option_refuse(&set, "makes no sense with --oneshot", "--events");
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
	int rc = option_read(&set, &argv, &to);

	if (rc != 0)
		return rc;
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
