#include "orders.h"

#include <errno.h>
#include <string.h>

#include "mem.h"
#include "trail.h"

/* An order that could not be queued is tried again after that. */
#define ORDERS_RETRY_MS 1000

static const char *const outcome_words[] = {
    [OUTCOME_RUNNING] = "running",
    [OUTCOME_DONE] = "done",
    [OUTCOME_FAILED] = "failed",
    [OUTCOME_REFUSED] = "refused",
    [OUTCOME_UNKNOWN] = "unknown",
};

struct order *
orders_find(const struct core *core, const char *request_id)
{
	return request_id[0] != '\0' ? map_get(core->orders, request_id) : NULL;
}

size_t
orders_open(const struct core *core)
{
	size_t open = 0;

	MAP_EACH(core->orders, entry)
	{
		const struct order *order = lh_entry_v(entry);

		open += order->open;
	}
	return open;
}

/* False: all that are remembered are open. */
static bool
orders_make_room(struct core *core)
{
	if (map_count(core->orders) < ORDERS_KEPT_MAX)
		return true;
	MAP_EACH(core->orders, entry)
	{
		const struct order *order = lh_entry_v(entry);

		if (order->open)
			continue;
		map_drop(core->orders, order->request_id);
		return true;
	}
	return false;
}

static struct order *
orders_keep(struct core *core, const struct order_wish *wish, const char *id)
{
	struct order *order = mem_calloc(1, sizeof *order);

	MESSAGE_TEXT(order->request_id, wish->request_id);
	MESSAGE_TEXT(order->id, id);
	order->kind = wish->kind;
	order->open = true;
	MESSAGE_TEXT(order->address, wish->address);
	MESSAGE_TEXT(order->instance, wish->instance);
	MESSAGE_TEXT(order->project, wish->project);
	MESSAGE_TEXT(order->zone, wish->zone);
	MESSAGE_TEXT(order->owner, wish->owner);
	MESSAGE_TEXT(order->about, wish->about);
	MESSAGE_TEXT(order->why, wish->why);
	order->sent = core->now.mono;
	map_put(core->orders, order->request_id, order);
	return order;
}

bool
orders_send(struct core *core, const struct order_wish *wish)
{
	struct msg_order order = {0};
	char id[UUID_TEXT_SIZE];

	if (!core_may_start(core) || !core->cloud_up || !core->orders_told ||
	    orders_open(core) >= ORDERS_OPEN_MAX || !orders_make_room(core)) {
		core_wake_at(core, core->now.mono.ms + ORDERS_RETRY_MS);
		return false;
	}
	/* Each sending is an order of its own; the request id ties repeats together. */
	effects_uuid(&core->effects, id);
	MESSAGE_TEXT(order.id, id);
	order.kind = (uint8_t)wish->kind;
	order.term = core->term;
	MESSAGE_TEXT(order.project, wish->project);
	MESSAGE_TEXT(order.zone, wish->zone);
	MESSAGE_TEXT(order.instance, wish->instance);
	MESSAGE_TEXT(order.address, wish->address);
	MESSAGE_TEXT(order.fence, wish->fence);
	MESSAGE_TEXT(order.request_id, wish->request_id);
	if (core->effects.cloud(core->effects.arg, MSG_ORDER, &order) != 0) {
		core_wake_at(core, core->now.mono.ms + ORDERS_RETRY_MS);
		return false;
	}
	orders_keep(core, wish, id);
	return true;
}

/* --- results ---------------------------------------------------------------------- */

/* What was seen before it ended says nothing any more. */
static void
orders_unsettle(struct core *core, const struct order *order)
{
	view_require(core->view, order->address);
	if (order->about[0] != '\0')
		view_require(core->view, order->about);
	if (order->zone[0] != '\0')
		view_touch_region(core->view, order->project, order->zone);
	else
		view_touch_all(core->view);
}

static void
orders_count(struct core *core, const struct order *order)
{
	bool attach = order->kind == ORDER_ATTACH;

	if (order->owner[0] == '\0' || order->kind == ORDER_EPHEMERAL)
		return;
	trail_metric(core, GAUGE_ADD,
	    attach ? METRIC_ATTACH_TOTAL : METRIC_DETACH_TOTAL, 1.0, order->owner,
	    order->outcome == OUTCOME_DONE ? "success" : "error", NULL);
}

static struct order *
orders_by_id(const struct core *core, const char *id)
{
	MAP_EACH(core->orders, entry)
	{
		struct order *order = lh_entry_v(entry);

		if (strcmp(order->id, id) == 0)
			return order;
	}
	return NULL;
}

/* Told at link-up, or left over from before: remembered, so that an open intent finds
 * what became of its request. */
static int
orders_adopt(struct core *core, const struct msg_result *result)
{
	struct order_wish wish = {
	    .kind = (enum order_kind)result->kind,
	    .project = "",
	    .zone = "",
	    .instance = result->instance,
	    .address = result->address,
	    .fence = result->fence,
	    .request_id = result->request_id,
	    .owner = "",
	    .about = "",
	    .why = "begun before",
	};
	const struct order *known = orders_find(core, result->request_id);
	struct order *order;

	/* Of two orders with one request id only the later one, ours, counts. */
	if (result->request_id[0] == '\0' || (known != NULL && known->open))
		return 0;
	if (!orders_make_room(core))
		return 0;
	order = orders_keep(core, &wish, result->id);
	order->open = result->outcome == OUTCOME_RUNNING;
	order->outcome = (enum order_outcome)result->outcome;
	MESSAGE_TEXT(order->reason, result->reason);
	MESSAGE_TEXT(order->message, result->message);
	if (!order->open)
		orders_unsettle(core, order);
	core_touch(core);
	return 0;
}

struct mono_time
orders_ended(const struct core *core, const char *request_id)
{
	const struct order *order = orders_find(core, request_id);

	if (order == NULL || order->open || order->ended.ms == 0)
		return core->now.mono;
	return order->ended;
}

int
orders_result(struct core *core, const struct msg_result *result)
{
	struct order *order = orders_by_id(core, result->id);

	if (result->id[0] == '\0')
		return -EPROTO;
	if (order == NULL)
		return orders_adopt(core, result);
	if (strcmp(order->request_id, result->request_id) != 0 ||
	    order->kind != (enum order_kind)result->kind ||
	    (order->kind != ORDER_EPHEMERAL &&
		strcmp(order->address, result->address) != 0))
		return -EPROTO;
	if (!order->open || result->outcome == OUTCOME_RUNNING)
		return 0;
	/* which ephemeral address it is the cloud decides */
	MESSAGE_TEXT(order->address, result->address);
	order->open = false;
	order->outcome = (enum order_outcome)result->outcome;
	order->ended = core->now.mono;
	MESSAGE_TEXT(order->reason, result->reason);
	MESSAGE_TEXT(order->message, result->message);
	orders_unsettle(core, order);
	trail_order(core, order, outcome_words[order->outcome], result->duration_ms);
	orders_count(core, order);
	core_touch(core);
	return 0;
}

void
orders_link_down(struct core *core)
{
	MAP_EACH(core->orders, entry)
	{
		struct order *order = lh_entry_v(entry);

		if (!order->open)
			continue;
		order->open = false;
		order->outcome = OUTCOME_UNKNOWN;
		MESSAGE_TEXT(order->reason, "CloudUnreachable");
		MESSAGE_TEXT(order->message, "the cloudworker is gone");
		trail_order(core, order, "unknown", core->now.mono.ms - order->sent.ms);
	}
	view_require_all(core->view);
}
