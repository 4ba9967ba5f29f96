/* ipwarden-metricsd: /metrics, /healthz and /readyz, from what the three workers and
 * the supervisor tell it. It holds two listeners and nothing else. */
#include <errno.h>
#include <unistd.h>

#include "config.h"
#include "control.h"
#include "health.h"
#include "link.h"
#include "log.h"
#include "opened.h"
#include "registry.h"
#include "role.h"
#include "server.h"
#include "worker.h"

#define LOOK_MS 1000

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
	struct loop_timer *look; /* for what fails because nobody says anything */
	struct feed feeds[PRODUCER_SELF];
};

/* The same checks as the endpoints, as gauges. */
static void
set_own(struct metricsd *metricsd)
{
	const struct settings *settings = &metricsd->worker.settings;
	const char *pod = settings_get(settings, SETTING_POD_NAME, "");
	struct mono_time now = loop_now(metricsd->worker.loop);
	char scratch[HEALTH_REASON_MAX];

	registry_set(metricsd->registry, METRIC_CONTROLLER_READY,
	    health_missing(&metricsd->health, now, scratch) == NULL ? 1 : 0, pod, NULL);
	registry_set(metricsd->registry, METRIC_CONTROLLER_HEALTHY,
	    health_is_healthy(&metricsd->health, now) ? 1 : 0, pod, NULL);
}

static void
on_look(void *arg)
{
	struct metricsd *metricsd = arg;

	set_own(metricsd);
	registry_set(metricsd->registry, METRIC_HTTP_ENDED,
	    (double)server_ended(metricsd->server, true), "metrics", NULL);
	registry_set(metricsd->registry, METRIC_HTTP_ENDED,
	    (double)server_ended(metricsd->server, false), "health", NULL);
	loop_timer_arm(metricsd->look, LOOK_MS);
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

/* A value that is not known, and those of a process that is not there, are no series.
 */
static void
set_usage(
    struct registry *registry, const char *name, const struct control_usage *usage)
{
	const struct {
		enum metric metric;
		bool known;
		double value;
	} values[] = {
	    {METRIC_CPU_SECONDS, usage->began_ms != 0, (double)usage->cpu_ms / 1000},
	    {METRIC_RESIDENT_BYTES, usage->resident_bytes != 0,
		(double)usage->resident_bytes},
	    {METRIC_VIRTUAL_BYTES, usage->virtual_bytes != 0,
		(double)usage->virtual_bytes},
	    {METRIC_OPEN_FDS, usage->open_fds != 0, usage->open_fds},
	    {METRIC_MAX_FDS, usage->max_fds != 0, usage->max_fds},
	    {METRIC_START_SECONDS, usage->began_ms != 0,
		(double)usage->began_ms / 1000},
	};

	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		if (values[i].known)
			registry_set(
			    registry, values[i].metric, values[i].value, name, NULL);
		else
			registry_unset(registry, values[i].metric, name);
}

static void
set_process(struct registry *registry, const struct control_process *process)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} layers[] = {
#define LAYER_ENTRY(constant, bit, name) {constant, name},
	    SANDBOX_LAYER_LIST(LAYER_ENTRY)
#undef LAYER_ENTRY
	};
	static const char *const reasons[] = {
#define REASON_ENTRY(constant, name) [constant] = (name),
	    RESTART_REASON_LIST(REASON_ENTRY)
#undef REASON_ENTRY
	};
	const char *name = role_name((enum role)process->role);

	registry_set(registry, METRIC_PROCESS_READY, process->ready, name, NULL);
	registry_set(
	    registry, METRIC_PROCESS_VIOLATIONS, process->violations, name, NULL);
	for (size_t i = 0; i < RESTART_REASON_COUNT; i++)
		registry_set(registry, METRIC_PROCESS_RESTARTS, process->restarts[i],
		    name, reasons[i], NULL);
	for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
		if ((process->layers_wanted & layers[i].bit) != 0)
			registry_set(registry, METRIC_SANDBOX_LAYER,
			    (process->layers & layers[i].bit) != 0 ? 1 : 0, name,
			    layers[i].name, NULL);
}

static void
on_process(void *arg, const struct control_process *process)
{
	struct metricsd *metricsd = arg;
	bool supervisor = process->role >= ROLE_COUNT;

	set_usage(metricsd->registry,
	    supervisor ? "supervisor" : role_name((enum role)process->role),
	    &process->usage);
	health_process(&metricsd->health, process, loop_now(metricsd->worker.loop));
	if (!supervisor && !process->absent)
		set_process(metricsd->registry, process);
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
	opened_fill();
	metricsd.registry = registry_new();
	open_feed(&metricsd, PRODUCER_WATCHER, LINK_METRICS_WATCHER);
	open_feed(&metricsd, PRODUCER_RECONCILER, LINK_METRICS_RECONCILER);
	open_feed(&metricsd, PRODUCER_CLOUDWORKER, LINK_METRICS_CLOUD);
	metricsd.server =
	    server_open(metricsd.worker.loop, metricsd.registry, &metricsd.health);
	metricsd.look = loop_timer_new(metricsd.worker.loop, on_look, &metricsd);
	worker_lock(&metricsd.worker);
	registry_set(metricsd.registry, METRIC_BUILD_INFO, 1, PACKAGE_VERSION, NULL);
	on_look(&metricsd);
	server_start(
	    metricsd.server, settings_get(settings, SETTING_CLUSTER_NAME, NULL));
	worker_ready(&metricsd.worker);
	return worker_run(&metricsd.worker);
}
