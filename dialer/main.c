/* ipwarden-dialer: opens TCP connections to the entries of its allowlist and passes the
 * connected descriptor to its client. It can open, never speak: the filter pins what it
 * reads and writes to the supervisor, its client and the resolver. */
#include "client.h"
#include "entries.h"
#include "exits.h"
#include "filter.h"
#include "log.h"
#include "opened.h"
#include "worker.h"

struct dialer {
	struct worker worker;
	struct entries entries;
	struct client *client;
};

static void
on_again(void *arg)
{
	struct dialer *dialer = arg;

	if (dialer->client != NULL)
		client_again(dialer->client);
}

int
main(void)
{
	static const struct worker_hooks hooks = {.again = on_again};
	static struct dialer dialer;
	int code = EXIT_CONFIG;

	worker_open(&dialer.worker, &dialer_sandbox, &hooks, &dialer);
	opened_fill();
	worker_lock(&dialer.worker);
	if (entries_read(&dialer.worker.settings, &dialer.entries) == 0)
		dialer.client = client_new(dialer.worker.loop, &dialer.entries);
	if (dialer.client != NULL) {
		worker_ready(&dialer.worker);
		code = worker_run(&dialer.worker);
	}
	client_free(dialer.client);
	settings_free(&dialer.worker.settings);
	return code;
}
