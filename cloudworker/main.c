/* ipwarden-cloudworker: observes and moves addresses at the cloud. The only process
 * that reads cloud credentials and speaks to a cloud or metadata endpoint; it checks
 * grant, holder and fence before each change, and changes nothing on its own. */
#include "exits.h"
#include "role.h"
#include "shell.h"
#include "worker.h"

struct cloudworker {
	struct worker worker;
	struct shell *shell;
};

static void
on_file(void *arg, enum file_kind kind, int fd)
{
	struct cloudworker *cloudworker = arg;

	shell_file(cloudworker->shell, kind, fd);
}

static void
on_again(void *arg)
{
	struct cloudworker *cloudworker = arg;

	shell_again(cloudworker->shell);
}

/* There is no stop hook: the reconciler stops first, with no order open, and what was
 * sent is harmless when it ends without us. */
static const struct worker_hooks hooks = {.file = on_file, .again = on_again};

int
main(void)
{
	static struct cloudworker cloudworker;
	struct worker *worker = &cloudworker.worker;
	int code = EXIT_CONFIG;

	worker_open(worker, &cloudworker_sandbox, &hooks, &cloudworker);
	cloudworker.shell = shell_open(worker->loop);
	worker_lock(worker);
	if (shell_start(cloudworker.shell, &worker->settings) == 0) {
		worker_ready(worker);
		code = worker_run(worker);
	}
	shell_close(cloudworker.shell);
	settings_free(&worker->settings);
	return code;
}
