/* The reconciler's I/O: carries out what core and elect ask for, and hands them what
 * comes back. */
#ifndef IPW_SHELL_H
#define IPW_SHELL_H

#include "audit.h"
#include "dial.h"
#include "link.h"
#include "meter.h"
#include "worker.h"

struct shell;

/* What was opened before the lock; borrowed, outlives the shell. */
struct shell_parts {
	struct link *facts;
	struct link *cloud;
	struct meter *meter;
	struct dial *dial;
	struct http *http;
	struct audit *audit;
};

/* `worker` need not be open yet. */
struct shell *shell_new(struct worker *worker);
void shell_free(struct shell *shell);

/* For worker_open, link_open and audit_new; their arg is the shell. */
extern const struct worker_hooks shell_hooks;
extern const struct link_handlers shell_facts_handlers;
extern const struct link_handlers shell_cloud_handlers;
audit_trouble_fn shell_audit_trouble;

/* After the lock: the API client, the election and the core, from the worker's
 * settings. Returns 0, or -EINVAL when they make no sense (logged). */
int shell_start(struct shell *shell, const struct shell_parts *parts);

#endif
