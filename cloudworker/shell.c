#include "shell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "breaker.h"
#include "fds.h"
#include "gcp.h"
#include "http.h"
#include "link.h"
#include "log.h"
#include "mem.h"
#include "meter.h"
#include "observe.h"
#include "orders.h"
#include "worker.h"

#define GCP_ENDPOINT_DEFAULT  "https://compute.googleapis.com/compute/v1"
#define METADATA_HOST_DEFAULT "169.254.169.254"

/* How often the link's counts go into the metrics. */
#define METRICS_MS 1000

struct shell {
	struct loop *loop;
	struct link *link;
	struct meter *meter;
	struct dial *dial;
	struct http *http;
	struct http_target *metadata;
	struct http_target *compute;
	struct gcp *gcp;
	struct orders *orders;
	struct observe *observe;
	struct loop_timer *wake; /* orders_wake */
	struct loop_timer *metrics;
	char *ca; /* of the compute target; NULL: none came yet */
	size_t ca_len;
	char readiness[TEXT_MAX + 1];
};

static struct orders_time
shell_now(void)
{
	return (struct orders_time){.mono = clock_mono(), .boot = clock_boot()};
}

/* After each event: what may be told is told, what is due later gets its timer. */
static void
shell_settle(struct shell *shell)
{
	int64_t next_ms = orders_next_ms(shell->orders, shell_now());

	if (orders_told(shell->orders))
		observe_room(shell->observe);
	if (next_ms >= 0)
		loop_timer_arm(shell->wake, next_ms);
	else
		loop_timer_disarm(shell->wake);
}

/* --- what the orders may do ---------------------------------------------------- */

static void
order_answered(void *arg, uint64_t ticket, struct cloud_answer *answer)
{
	struct shell *shell = arg;

	orders_answer(shell->orders, shell_now(), ticket, answer);
	shell_settle(shell);
}

static void
order_call(void *arg, uint64_t ticket, const struct cloud_call *call)
{
	struct shell *shell = arg;

	if (cloud_op_changes(call->op))
		log_info("change_sent", LOG_S("instance", call->instance),
		    LOG_S("address", call->address), LOG_S("fence", call->fence),
		    LOG_S("request", call->request_id));
	gcp_call(shell->gcp, ticket, call, order_answered, shell);
}

static int
order_send(void *arg, enum message_type type, const void *msg)
{
	struct shell *shell = arg;

	return link_send(shell->link, type, msg);
}

static uint32_t
order_random(void *arg)
{
	(void)arg;
	return breaker_random();
}

static const char *
kind_name(unsigned int kind)
{
	static const char *const names[] = {"attach", "detach", "ephemeral"};

	return names[kind];
}

static void
order_failed(void *arg, unsigned int kind, const char *reason)
{
	struct shell *shell = arg;
	enum cloud_op op =
	    kind == ORDER_DETACH ? CLOUD_DELETE_CONFIG : CLOUD_ADD_CONFIG;

	meter_add(shell->meter, METRIC_GCP_ERRORS, 1, cloud_op_group(op), reason);
}

static void
order_begun(void *arg, const struct msg_order *order)
{
	(void)arg;
	log_info("order_begun", LOG_S("order", order->id), LOG_N("term", order->term),
	    LOG_S("kind", kind_name(order->kind)), LOG_S("instance", order->instance),
	    LOG_S("zone", order->zone), LOG_S("address", order->address),
	    LOG_S("fence", order->fence), LOG_S("request", order->request_id));
}

static void
order_ended(void *arg, const struct msg_result *result)
{
	static const char *const outcomes[] = {
	    "running", "done", "failed", "refused", "unknown"};

	(void)arg;
	log_write(result->outcome == OUTCOME_DONE ? LOG_INFO : LOG_WARN, "order_ended",
	    (const struct log_field[]){
		LOG_S("order", result->id),
		LOG_S("kind", kind_name(result->kind)),
		LOG_S("outcome", outcomes[result->outcome]),
		LOG_S("instance", result->instance),
		LOG_S("address", result->address),
		LOG_S("fence", result->fence),
		LOG_S("reason", result->reason),
		LOG_S("error", result->message),
		LOG_N("duration_ms", result->duration_ms),
	    },
	    9);
}

/* --- what the observer may do -------------------------------------------------- */

static void
observe_answered(void *arg, uint64_t ticket, struct cloud_answer *answer)
{
	struct shell *shell = arg;

	observe_answer(shell->observe, ticket, answer);
	shell_settle(shell);
}

static void
observe_call(void *arg, uint64_t ticket, const struct cloud_call *call)
{
	struct shell *shell = arg;

	gcp_call(shell->gcp, ticket, call, observe_answered, shell);
}

/* Nothing comes before the list of orders. */
static int
observe_send(void *arg, enum message_type type, const void *msg)
{
	struct shell *shell = arg;

	if (!orders_told(shell->orders))
		return -EAGAIN;
	return link_send(shell->link, type, msg);
}

/* --- what the cloud's client asks and tells ------------------------------------ */

static int
gcp_permit(void *arg, uint64_t ticket)
{
	const struct shell *shell = arg;

	return orders_permit(shell->orders, shell_now(), ticket);
}

static void
gcp_measured(void *arg, enum cloud_op op, const char *code, const char *reason,
    int64_t duration_ms)
{
	struct shell *shell = arg;
	const char *group = cloud_op_group(op);

	meter_add(shell->meter, METRIC_CLOUD_CALLS, 1, cloud_op_name(op), code);
	meter_observe(
	    shell->meter, METRIC_GCP_SECONDS, (double)duration_ms / 1000, group);
	if (reason[0] != '\0')
		meter_add(shell->meter, METRIC_GCP_ERRORS, 1, group, reason);
}

static void
gcp_opened(void *arg)
{
	struct shell *shell = arg;

	orders_hurry(shell->orders, shell_now());
	shell_settle(shell);
}

static void
gcp_breaker(void *arg, const char *endpoint, bool open)
{
	struct shell *shell = arg;

	meter_set(shell->meter, METRIC_CLOUD_BREAKER, open ? 1 : 0, endpoint);
}

static void
gcp_credentials(void *arg, const char *why)
{
	struct shell *shell = arg;
	char reason[TEXT_MAX + 1];

	snprintf(reason, sizeof reason, "%s%.400s",
	    why[0] != '\0' ? "cloud credentials: " : "", why);
	if (strcmp(reason, shell->readiness) == 0)
		return;
	MESSAGE_TEXT(shell->readiness, reason);
	meter_readiness(shell->meter, reason);
}

/* --- the link ------------------------------------------------------------------ */

static void
link_up(void *arg)
{
	struct shell *shell = arg;

	orders_up(shell->orders, shell_now());
	shell_settle(shell);
}

static void
link_down(void *arg)
{
	struct shell *shell = arg;

	orders_down(shell->orders);
	observe_drop(shell->observe);
}

static void
link_room(void *arg)
{
	struct shell *shell = arg;

	orders_room(shell->orders);
	shell_settle(shell);
}

static int
take_message(struct shell *shell, const struct message *message)
{
	switch ((int)message->type) {
	case MSG_GRANT:
		return orders_grant(shell->orders, &message->u.grant);
	case MSG_ORDER:
		return orders_order(shell->orders, shell_now(), &message->u.order);
	case MSG_OBSERVE:
		return observe_request(shell->observe, &message->u.observe,
		    orders_call_timeout_ms(shell->orders));
	default:
		return -EPROTO;
	}
}

static void
link_message(void *arg, const struct message *message)
{
	struct shell *shell = arg;

	if (take_message(shell, message) != 0)
		link_violation(shell->link, message_name(message->type));
	shell_settle(shell);
}

/* --- the life of it ------------------------------------------------------------ */

static void
shell_wake(void *arg)
{
	struct shell *shell = arg;

	orders_wake(shell->orders, shell_now());
	shell_settle(shell);
}

static void
shell_metrics(void *arg)
{
	struct shell *shell = arg;

	meter_link(shell->meter, shell->link, "cloudworker", "cloud");
	loop_timer_arm(shell->metrics, METRICS_MS);
}

struct shell *
shell_open(struct loop *loop)
{
	static const struct link_handlers handlers = {
	    .up = link_up,
	    .down = link_down,
	    .message = link_message,
	    .room = link_room,
	};
	struct shell *shell = mem_calloc(1, sizeof *shell);

	shell->loop = loop;
	shell->link = link_open(loop, LINK_CLOUD, ROLE_CLOUDWORKER, &handlers, shell);
	shell->meter = meter_open(loop, LINK_METRICS_CLOUD, ROLE_CLOUDWORKER);
	shell->dial = dial_new(loop, FD_DIAL);
	shell->http = http_new(loop, shell->dial);
	shell->orders = orders_new(&(struct orders_effects){
	    .arg = shell,
	    .call = order_call,
	    .send = order_send,
	    .random = order_random,
	    .failed = order_failed,
	    .begun = order_begun,
	    .ended = order_ended,
	});
	shell->observe = observe_new(&(struct observe_effects){
	    .arg = shell,
	    .call = observe_call,
	    .send = observe_send,
	});
	shell->wake = loop_timer_new(loop, shell_wake, shell);
	shell->metrics = loop_timer_new(loop, shell_metrics, shell);
	return shell;
}

static struct http_target *
metadata_target(struct shell *shell, const struct settings *settings)
{
	const char *host =
	    settings_get(settings, SETTING_METADATA_HOST, METADATA_HOST_DEFAULT);
	char *url = mem_printf("http://%s", host);
	struct http_target *target = http_target_new(shell->http, DIAL_METADATA, url);

	free(url);
	return target;
}

int
shell_start(struct shell *shell, const struct settings *settings)
{
	const char *endpoint =
	    settings_get(settings, SETTING_GCP_ENDPOINT, GCP_ENDPOINT_DEFAULT);

	shell->metadata = metadata_target(shell, settings);
	shell->compute = http_target_new(shell->http, DIAL_COMPUTE, endpoint);
	if (shell->metadata == NULL || shell->compute == NULL) {
		log_error("endpoint_invalid", LOG_S("endpoint", endpoint));
		return -EINVAL;
	}
	if (shell->ca != NULL)
		http_target_set_ca(shell->compute, shell->ca, shell->ca_len);
	shell->gcp = gcp_new(shell->loop, shell->metadata, shell->compute,
	    &(struct gcp_hooks){
		.arg = shell,
		.permit = gcp_permit,
		.measured = gcp_measured,
		.opened = gcp_opened,
		.breaker = gcp_breaker,
		.credentials = gcp_credentials,
	    });
	shell_metrics(shell);
	shell_settle(shell);
	return 0;
}

void
shell_close(struct shell *shell)
{
	if (shell == NULL)
		return;
	gcp_free(shell->gcp);
	observe_free(shell->observe);
	orders_free(shell->orders);
	http_target_free(shell->compute);
	http_target_free(shell->metadata);
	http_free(shell->http);
	dial_free(shell->dial);
	loop_timer_free(shell->wake);
	loop_timer_free(shell->metrics);
	free(shell->ca);
	free(shell);
}

void
shell_file(struct shell *shell, enum file_kind kind, int fd)
{
	char *data;
	size_t len;
	int rc;

	if (kind != FILE_CLOUD_CA) {
		close(fd);
		return;
	}
	rc = worker_read_file(fd, CREDENTIAL_MAX, &data, &len);
	if (rc != 0) {
		log_error("cloud_ca_unreadable", LOG_S("error", strerror(-rc)));
		return;
	}
	free(shell->ca);
	shell->ca = data;
	shell->ca_len = len;
	if (shell->compute != NULL)
		http_target_set_ca(shell->compute, data, len);
}

void
shell_again(struct shell *shell)
{
	dial_again(shell->dial);
}
