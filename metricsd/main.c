/* ipwarden-metricsd: /metrics, /healthz and /readyz, from what the three workers and
 * the supervisor tell it. It holds two listeners and nothing else. */
#include <errno.h>
#include <unistd.h>

#include "control.h"
#include "health.h"
#include "link.h"
#include "log.h"
#include "registry.h"
#include "role.h"
#include "server.h"
#include "worker.h"

struct metricsd;

struct feed {
	struct metricsd *metricsd;
	enum producer producer;
	struct link *link;
	bool refused; /* said once that there are too many series */
};

struct metricsd {
	struct worker worker;
	struct registry *registry;
	struct health health;
	struct server *server;
	struct feed feeds[PRODUCER_SELF];
};

/* The same checks as the endpoints, as gauges. */
static void
set_own(struct metricsd *metricsd)
{
	const struct settings *settings = &metricsd->worker.settings;
	const char *pod = settings_get(settings, SETTING_POD_NAME, "");
	char scratch[HEALTH_REASON_MAX];

	registry_set(metricsd->registry, METRIC_CONTROLLER_READY,
	    health_missing(&metricsd->health, scratch) == NULL ? 1 : 0, pod, NULL);
	registry_set(metricsd->registry, METRIC_CONTROLLER_HEALTHY,
	    health_is_healthy(&metricsd->health) ? 1 : 0, pod, NULL);
}

static void
on_up(void *arg)
{
	struct feed *feed = arg;

	registry_forget(feed->metricsd->registry, feed->producer);
}

static void
on_down(void *arg)
{
	struct feed *feed = arg;

	health_forget(&feed->metricsd->health, feed->producer);
	set_own(feed->metricsd);
}

static void
on_message(void *arg, const struct message *message)
{
	struct feed *feed = arg;
	struct metricsd *metricsd = feed->metricsd;
	int rc = 0;

	if (message->type == MSG_SAMPLE) {
		rc = registry_sample(
		    metricsd->registry, feed->producer, &message->u.sample);
	} else if (message->type == MSG_SAMPLE_DROP) {
		rc = registry_drop(
		    metricsd->registry, feed->producer, &message->u.sample_drop);
	} else if (message->type == MSG_READINESS) {
		health_readiness(
		    &metricsd->health, feed->producer, message->u.readiness.reason);
		set_own(metricsd);
	}
	if (rc == -EINVAL)
		link_violation(feed->link, "no such metric");
	if (rc == -E2BIG && !feed->refused) {
		feed->refused = true;
		log_warn("series_refused", LOG_N("most", REGISTRY_SERIES_MAX));
	}
}

static const struct link_handlers link_handlers = {
    .up = on_up, .down = on_down, .message = on_message};

static void
on_process(void *arg, const struct control_process *process)
{
	struct metricsd *metricsd = arg;
	const char *role;
	static const struct {
		uint32_t bit;
		const char *name;
	} layers[] = {
#define LAYER_ENTRY(constant, bit, name) {constant, name},
	    SANDBOX_LAYER_LIST(LAYER_ENTRY)
#undef LAYER_ENTRY
	};

	if (process->role >= ROLE_COUNT)
		return;
	role = role_name((enum role)process->role);
	health_process(&metricsd->health, process);
	registry_set(
	    metricsd->registry, METRIC_PROCESS_READY, process->ready, role, NULL);
	registry_set(
	    metricsd->registry, METRIC_PROCESS_RESTARTS, process->restarts, role, NULL);
	registry_set(metricsd->registry, METRIC_PROCESS_VIOLATIONS, process->violations,
	    role, NULL);
	for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
		registry_set(metricsd->registry, METRIC_SANDBOX_LAYER,
		    (process->layers & layers[i].bit) != 0 ? 1 : 0, role,
		    layers[i].name, NULL);
	set_own(metricsd);
}

static const struct worker_hooks hooks = {.process = on_process};

static void
open_feed(struct metricsd *metricsd, enum producer producer, enum link_id link)
{
	struct feed *feed = &metricsd->feeds[producer];

	feed->metricsd = metricsd;
	feed->producer = producer;
	feed->link =
	    link_open(metricsd->worker.loop, link, ROLE_METRICSD, &link_handlers, feed);
}

int
main(void)
{
	static struct metricsd metricsd;
	const struct settings *settings = &metricsd.worker.settings;

	worker_open(&metricsd.worker, &metricsd_sandbox, &hooks, &metricsd);
	metricsd.registry = registry_new();
	open_feed(&metricsd, PRODUCER_WATCHER, LINK_METRICS_WATCHER);
	open_feed(&metricsd, PRODUCER_RECONCILER, LINK_METRICS_RECONCILER);
	open_feed(&metricsd, PRODUCER_CLOUDWORKER, LINK_METRICS_CLOUD);
	metricsd.server =
	    server_open(metricsd.worker.loop, metricsd.registry, &metricsd.health);
	worker_lock(&metricsd.worker);
	registry_set(metricsd.registry, METRIC_BUILD_INFO, 1,
	    settings_get(settings, SETTING_VERSION, ""), NULL);
	set_own(&metricsd);
	server_start(
	    metricsd.server, settings_get(settings, SETTING_CLUSTER_NAME, NULL));
	worker_ready(&metricsd.worker);
	return worker_run(&metricsd.worker);
}
