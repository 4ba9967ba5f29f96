/* The life that every process but the supervisor and config shares:
 *
 *	struct worker worker;
 *	worker_open(&worker, &watcher_sandbox, &hooks, state);   limits, loop
 *	… links, TLS, whatever needs the system …
 *	worker_lock(&worker);      filter in force; settings and files arrive; START
 *	… set up from worker.settings …
 *	worker_ready(&worker);
 *	return worker_run(&worker);                         until STOP or the end
 *
 * The end of the control descriptor means that the supervisor is gone: EXIT_ORPHAN. */
#ifndef IPW_WORKER_H
#define IPW_WORKER_H

#include <stdint.h>

#include "loop.h"
#include "sandbox.h"
#include "settings.h"

struct control_process;

struct worker_hooks {
	/* A credential or bundle, at the start and at each rotation; the callee takes
	 * the descriptor, reads it from offset 0 and closes it. */
	void (*file)(void *arg, enum file_kind kind, int fd);
	/* Asked to stop: finish what is open and call worker_stop; NULL: at once. */
	void (*stop)(void *arg);
	/* The dialer (or resolver) of this process started anew. */
	void (*again)(void *arg);
	/* metricsd only. */
	void (*process)(void *arg, const struct control_process *process);
};

struct worker {
	struct loop *loop;
	struct settings settings;
	const struct sandbox *sandbox;
	const struct worker_hooks *hooks;
	void *arg;
	struct loop_timer *tick;
	unsigned int ticks;
	bool started; /* START has come */
	int exit_code;
};

void worker_open(struct worker *worker, const struct sandbox *sandbox,
    const struct worker_hooks *hooks, void *arg);
void worker_lock(struct worker *worker);
void worker_ready(struct worker *worker);
int worker_run(struct worker *worker);
/* Makes worker_run return `exit_code`. */
void worker_stop(struct worker *worker, int exit_code);

/* Reads a whole handed-over file (at most `size_max` bytes) and closes it. *ret_data is
 * NUL-terminated and the caller's; wipe it with explicit_bzero. 0 or a negative errno.
 */
int worker_read_file(int fd, size_t size_max, char **ret_data, size_t *ret_len);

#endif
