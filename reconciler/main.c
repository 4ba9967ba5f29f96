/* ipwarden-reconciler: keeps the world model, elects the leader, decides, and makes
 * every write to the API. It cannot open, connect or resolve anything: its connections
 * come from its dialer, its changes of the cloud go as orders to the cloudworker. The
 * only process with the audit stream. */
#include "dial.h"
#include "exits.h"
#include "fds.h"
#include "http.h"
#include "moment.h"
#include "shell.h"

/* Allocations, nodes and pods of a large cluster live here. */
#define DATA_MAX (128u * 1024u * 1024u)
/* Fixed descriptors, links, and a few connections to the API server. */
#define FILES_MAX 64

static const struct sandbox reconciler_sandbox = {
    .role = "reconciler",
    .groups =
	{
	    &sandbox_process,
	    &sandbox_wait,
	    &sandbox_base,
	    &sandbox_control,
	    &sandbox_nanomsg,
	    &sandbox_https,
	    &sandbox_files,
	},
    .data_max = DATA_MAX,
    .files_max = FILES_MAX,
};

int
main(void)
{
	struct worker worker;
	struct shell *shell = shell_new(&worker);
	struct shell_parts parts;
	int code = EXIT_CONFIG;

	worker_open(&worker, &reconciler_sandbox, &shell_hooks, shell);
	parts = (struct shell_parts){
	    .facts = link_open(
		worker.loop, LINK_FACTS, ROLE_RECONCILER, &shell_facts_handlers, shell),
	    .cloud = link_open(
		worker.loop, LINK_CLOUD, ROLE_RECONCILER, &shell_cloud_handlers, shell),
	    .meter = meter_open(worker.loop, LINK_METRICS_RECONCILER, ROLE_RECONCILER),
	    .audit = audit_new(worker.loop, FD_AUDIT, shell_audit_trouble, shell),
	    .dial = dial_new(worker.loop, FD_DIAL),
	};
	parts.http = http_new(worker.loop, parts.dial);

	moment_zone(false); /* a file, which cannot be opened later */

	worker_lock(&worker);
	/* the first foreign byte comes only now */
	if (shell_start(shell, &parts) == 0) {
		worker_ready(&worker);
		code = worker_run(&worker);
	}
	shell_free(shell);
	audit_free(parts.audit);
	settings_free(&worker.settings);
	return code;
}
