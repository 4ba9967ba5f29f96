/* The Lease as a follower sees it change: what elect would find at its next read, only
 * sooner. Nothing rests on it; a watch that is refused leaves the reads. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

#include "json_read.h"
#include "log.h"
#include "mem.h"
#include "shell_state.h"

static void
take(struct shell *shell, struct json_object *object)
{
	shell_look_at_clocks(shell);
	elect_observed(shell->elect, shell->now, object);
	shell_stop_step(shell);
}

static int
on_sync_begin(void *arg)
{
	struct shell *shell = arg;

	shell->lease_listed = false;
	return 0;
}

static void
on_sync_end(void *arg)
{
	struct shell *shell = arg;

	log_info("lease_watched", LOG_S("identity", shell->identity));
	shell->lease_watch_failed = false;
	if (!shell->lease_listed)
		take(shell, NULL);
}

static int
on_object(void *arg, enum kube_event event, const char *json, size_t len)
{
	struct shell *shell = arg;
	struct json_object *object = json_read_object(json, len);

	if (object == NULL)
		return -EBADMSG;
	shell->lease_listed = true;
	take(shell, event == KUBE_DELETED ? NULL : object);
	json_object_put(object);
	return 0;
}

static void
on_failed(void *arg, int status, const char *message)
{
	struct shell *shell = arg;

	if (!shell->lease_watch_failed)
		log_event(status == 403 ? LOG_WARN : LOG_INFO, "lease_not_watched",
		    LOG_N("status", status), LOG_S("error", message));
	shell->lease_watch_failed = true;
}

static const struct kube_informer_handlers handlers = {
    .sync_begin = on_sync_begin,
    .sync_end = on_sync_end,
    .object = on_object,
    .failed = on_failed,
};

void
shell_watch_lease(struct shell *shell)
{
	const struct settings *settings = &shell->worker->settings;
	char *path, *query;

	if (shell->lease_watch != NULL || shell->stopping)
		return;
	path = mem_printf("/apis/coordination.k8s.io/v1/namespaces/%s/leases",
	    settings_get(settings, SETTING_LEASE_NAMESPACE, LEASE_NAMESPACE_DEFAULT));
	query = mem_printf("fieldSelector=metadata.name%%3D%s",
	    settings_get(settings, SETTING_LEASE_NAME, LEASE_NAME_DEFAULT));
	shell->lease_watch =
	    kube_informer_new(shell->kube, path, query, &handlers, shell);
	free(query);
	free(path);
}

void
shell_leave_lease(struct shell *shell)
{
	kube_informer_free(shell->lease_watch);
	shell->lease_watch = NULL;
}
