#include "program.h"

#include <stdlib.h>

#include "mem.h"
#include "shell.h"

/* Seconds; short, so that a schedule sees leaders change. */
#define LEASE_DURATION "15"
#define LEASE_GRACE    "2"
/* Of footprints. */
#define INTERVAL_MS "10000"

struct reconciler {
	struct worker worker;
	struct shell *shell;
};

static void *
reconciler_start(struct loop *loop, const char *pod)
{
	struct reconciler *reconciler = mem_calloc(1, sizeof *reconciler);
	struct settings *settings = &reconciler->worker.settings;
	struct shell_parts parts;

	reconciler->worker.loop = loop;
	settings_set(settings, SETTING_POD_NAME, pod);
	settings_set(settings, SETTING_POD_NAMESPACE, "kube-system");
	settings_set(settings, SETTING_LEASE_DURATION_S, LEASE_DURATION);
	settings_set(settings, SETTING_LEASE_GRACE_S, LEASE_GRACE);
	if (program_keeps) {
		settings_set(settings, SETTING_STORE_IN_CM, "true");
		settings_set(settings, SETTING_FOOTPRINT_UTC, "true");
		settings_set(settings, SETTING_FOOTPRINT_INTERVAL_MS, INTERVAL_MS);
	}
	reconciler->shell = shell_new(&reconciler->worker);
	parts = (struct shell_parts){
	    .facts = link_open(loop, LINK_FACTS, ROLE_RECONCILER, &shell_facts_handlers,
		reconciler->shell),
	    .cloud = link_open(loop, LINK_CLOUD, ROLE_RECONCILER, &shell_cloud_handlers,
		reconciler->shell),
	};
	shell_start(reconciler->shell, &parts);
	return reconciler;
}

static void
reconciler_end(void *state)
{
	struct reconciler *reconciler = state;

	shell_free(reconciler->shell);
	settings_free(&reconciler->worker.settings);
	free(reconciler);
}

static void
reconciler_stop(void *state)
{
	struct reconciler *reconciler = state;

	shell_hooks.stop(reconciler->shell);
}

const struct program program_reconciler = {
    .name = "reconciler",
    .start = reconciler_start,
    .end = reconciler_end,
    .stop = reconciler_stop,
};
