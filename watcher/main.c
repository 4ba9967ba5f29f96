/* ipwarden-watcher: reads the API server and tells the reconciler what it saw. It can
 * get, list and watch; it decides nothing. */
#include <stddef.h>
#include <unistd.h>

#include "access.h"
#include "dial.h"
#include "facts.h"
#include "fds.h"
#include "http.h"
#include "role.h"
#include "worker.h"

struct watcher {
	struct worker worker;
	struct dial *dial;
	struct http *http;
	struct kube *kube;
	struct facts *facts;
};

/* The settings come first, so the client can be made when the first file comes. */
static void
make_kube(struct watcher *watcher)
{
	const struct settings *settings = &watcher->worker.settings;
	bool agent = settings_get(settings, SETTING_AGENT_NODE, NULL) != NULL;

	if (watcher->kube == NULL)
		watcher->kube = kube_new(watcher->worker.loop, watcher->http, settings,
		    agent ? "agent-watcher" : "watcher");
}

static void
on_file(void *arg, enum file_kind kind, int fd)
{
	struct watcher *watcher = arg;

	make_kube(watcher);
	kube_set_file(watcher->kube, kind, fd);
}

static void
on_again(void *arg)
{
	struct watcher *watcher = arg;

	dial_again(watcher->dial);
}

static const struct worker_hooks hooks = {.file = on_file, .again = on_again};

int
main(void)
{
	static struct watcher watcher;

	worker_open(&watcher.worker, &watcher_sandbox, &hooks, &watcher);
	watcher.facts = facts_open(watcher.worker.loop);
	watcher.dial = dial_new(watcher.worker.loop, FD_DIAL);
	watcher.http = http_new(watcher.worker.loop, watcher.dial);
	worker_lock(&watcher.worker);
	make_kube(&watcher);
	facts_start(watcher.facts, watcher.kube, &watcher.worker.settings);
	access_start(
	    watcher.kube, &watcher.worker.settings, facts_meter(watcher.facts));
	worker_ready(&watcher.worker);
	return worker_run(&watcher.worker);
}
