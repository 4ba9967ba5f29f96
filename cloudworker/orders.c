#include "orders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "order.h"

/* Orders that have not ended. The reconciler keeps far fewer open. */
#define ORDERS_OPEN_MAX 256u
/* Orders that make calls at the same time. */
#define ORDERS_RUNNING_MAX 16u
/* Ended orders that are remembered, so that a reconciler that starts anew hears what
 * became of those it had open: they are among the latest, and it keeps 8 open. */
#define ORDERS_ENDED_MAX 32u
/* How long an ended order is remembered: as long as clouds keep request ids. */
#define ORDERS_KEPT_MS ((int64_t)60 * 60 * 1000)

/* The rate of changes, whoever asks for them: after a burst one a second. GCE's own
 * quota is 1500 writes a minute for the whole project; a move takes two or three. */
#define CHANGES_BURST	    30
#define CHANGES_INTERVAL_MS 1000

/* What a grant may say of times; outside of it nothing makes sense. */
#define GRANT_MS_MAX ((int64_t)60 * 60 * 1000)

/* A call's time limit while no grant has named one. */
#define CALL_TIMEOUT_DEFAULT_MS 10000

struct orders {
	struct orders_effects effects;
	struct msg_grant grant;
	int64_t timeout_ms;
	TAILQ_HEAD(, order) all; /* oldest first */
	size_t kept;
	uint64_t ticket_last;
	/* places left in the burst, in milliseconds of the interval */
	int64_t pace_ms;
	struct mono_time paced;
	bool up;
	bool telling; /* since link-up; ends with orders_end */
	uint32_t told;
};

struct orders *
orders_new(const struct orders_effects *effects)
{
	struct orders *orders = mem_calloc(1, sizeof *orders);

	orders->effects = *effects;
	orders->timeout_ms = CALL_TIMEOUT_DEFAULT_MS;
	orders->pace_ms = (int64_t)CHANGES_BURST * CHANGES_INTERVAL_MS;
	TAILQ_INIT(&orders->all);
	return orders;
}

static void
forget(struct orders *orders, struct order *order)
{
	TAILQ_REMOVE(&orders->all, order, entry);
	orders->kept--;
	free(order);
}

void
orders_free(struct orders *orders)
{
	if (orders == NULL)
		return;
	while (!TAILQ_EMPTY(&orders->all))
		forget(orders, TAILQ_FIRST(&orders->all));
	free(orders);
}

/* --- the grant ----------------------------------------------------------------- */

int
orders_grant(struct orders *orders, const struct msg_grant *grant)
{
	if (grant->until_boot_ms < 0 || grant->margin_ms < 0 ||
	    grant->margin_ms > GRANT_MS_MAX || grant->call_timeout_ms < 0 ||
	    grant->call_timeout_ms > GRANT_MS_MAX ||
	    (grant->until_boot_ms > 0 && grant->call_timeout_ms == 0))
		return -EPROTO;
	orders->grant = *grant;
	if (grant->call_timeout_ms > 0)
		orders->timeout_ms = grant->call_timeout_ms;
	return 0;
}

static bool
is_granted(const struct orders *orders, struct boot_time now, uint64_t term)
{
	const struct msg_grant *grant = &orders->grant;

	return grant->until_boot_ms > 0 && grant->term == term &&
	       now.ms + grant->call_timeout_ms + grant->margin_ms <=
		   grant->until_boot_ms;
}

int64_t
orders_call_timeout_ms(const struct orders *orders)
{
	return orders->timeout_ms;
}

static struct order *
find_ticket(const struct orders *orders, uint64_t ticket)
{
	struct order *order;

	TAILQ_FOREACH(order, &orders->all, entry)
		if (ticket != 0 && order->ticket == ticket)
			return order;
	return NULL;
}

int
orders_permit(const struct orders *orders, struct orders_time now, uint64_t ticket)
{
	const struct order *order = find_ticket(orders, ticket);

	if (order == NULL || !is_granted(orders, now.boot, order->msg.term))
		return -EPERM;
	if (now.mono.ms - order->read.ms > ORDER_READ_FRESH_MS)
		return -ESTALE;
	return 0;
}

/* --- telling ------------------------------------------------------------------- */

/* Sends what is untold until the link is full; after link-up also the end of the list.
 */
static void
tell(struct orders *orders)
{
	struct msg_orders_end end;
	struct order *order;

	if (!orders->up)
		return;
	TAILQ_FOREACH(order, &orders->all, entry) {
		if (!order->untold)
			continue;
		if (orders->effects.send(
			orders->effects.arg, MSG_RESULT, &order->result) != 0)
			return;
		order->untold = false;
		orders->told++;
	}
	if (!orders->telling)
		return;
	end.count = orders->told;
	if (orders->effects.send(orders->effects.arg, MSG_ORDERS_END, &end) == 0)
		orders->telling = false;
}

void
orders_up(struct orders *orders, struct orders_time now)
{
	struct order *order;

	orders->up = true;
	orders->telling = true;
	orders->told = 0;
	orders_wake(orders, now);
	TAILQ_FOREACH(order, &orders->all, entry)
		order->untold = true;
	tell(orders);
}

void
orders_down(struct orders *orders)
{
	orders->up = false;
	orders->telling = false;
	orders->grant.until_boot_ms = 0;
}

void
orders_room(struct orders *orders)
{
	tell(orders);
}

bool
orders_told(const struct orders *orders)
{
	return orders->up && !orders->telling;
}

/* --- the rate of changes ------------------------------------------------------- */

static void
pace_refill(struct orders *orders, struct mono_time now)
{
	int64_t most = (int64_t)CHANGES_BURST * CHANGES_INTERVAL_MS;

	if (orders->paced.ms != 0)
		orders->pace_ms += now.ms - orders->paced.ms;
	if (orders->pace_ms > most)
		orders->pace_ms = most;
	orders->paced = now;
}

/* An order keeps its place from its read to its change. False: not now; its `due` says
 * when. */
static bool
pace_take(struct orders *orders, struct order *order, struct mono_time now)
{
	if (order->paced)
		return true;
	pace_refill(orders, now);
	if (orders->pace_ms < CHANGES_INTERVAL_MS) {
		order->due.ms = now.ms + CHANGES_INTERVAL_MS - orders->pace_ms;
		return false;
	}
	orders->pace_ms -= CHANGES_INTERVAL_MS;
	order->paced = true;
	return true;
}

static void
pace_give_back(struct orders *orders, struct order *order)
{
	if (order->paced)
		orders->pace_ms += CHANGES_INTERVAL_MS;
	order->paced = false;
}

/* --- running ------------------------------------------------------------------- */

static bool
conflicts(const struct order *a, const struct order *b)
{
	return strcmp(a->msg.instance, b->msg.instance) == 0 ||
	       (a->msg.address[0] != '\0' &&
		   strcmp(a->msg.address, b->msg.address) == 0);
}

/* An older open order has the instance or the address. */
static bool
is_blocked(const struct orders *orders, const struct order *order)
{
	const struct order *older;

	TAILQ_FOREACH(older, &orders->all, entry) {
		if (older == order)
			return false;
		if (older->stage != STAGE_ENDED && conflicts(older, order))
			return true;
	}
	return false;
}

static size_t
count_open(const struct orders *orders, bool running_only)
{
	const struct order *order;
	size_t count = 0;

	TAILQ_FOREACH(order, &orders->all, entry)
		if (order->stage != STAGE_ENDED &&
		    (!running_only || order->stage != STAGE_QUEUED))
			count++;
	return count;
}

static void
admit(struct orders *orders, struct mono_time now)
{
	size_t running = count_open(orders, true);
	struct order *order;

	TAILQ_FOREACH(order, &orders->all, entry) {
		if (running >= ORDERS_RUNNING_MAX)
			return;
		if (order->stage != STAGE_QUEUED || is_blocked(orders, order))
			continue;
		order->stage = STAGE_READ;
		order->due = now;
		running++;
	}
}

/* What an order's end brings, once. */
static void
settle(struct orders *orders, struct order *order, struct mono_time now)
{
	if (order->stage != STAGE_ENDED)
		return;
	pace_give_back(orders, order);
	orders->effects.ended(orders->effects.arg, &order->result);
	admit(orders, now);
	tell(orders);
}

static bool
is_due(const struct order *order, struct mono_time now)
{
	return order->stage != STAGE_QUEUED && order->stage != STAGE_ENDED &&
	       order->ticket == 0 && order->due.ms <= now.ms;
}

static void
run(struct orders *orders, struct order *order, struct orders_time now)
{
	struct cloud_call call;

	if (order->stage == STAGE_READ && !pace_take(orders, order, now.mono))
		return;
	if (order->stage == STAGE_CHANGE) {
		if (!is_granted(orders, now.boot, order->msg.term)) {
			order_fail(order, now.mono, OUTCOME_REFUSED, "NoGrant",
			    "the lease that the order rests on has ended");
			settle(orders, order, now.mono);
			return;
		}
		order->paced = false;
	}
	order->ticket = ++orders->ticket_last;
	order_call(order, orders->timeout_ms, &call);
	orders->effects.call(orders->effects.arg, order->ticket, &call);
}

void
orders_answer(struct orders *orders, struct orders_time now, uint64_t ticket,
    const struct cloud_answer *answer)
{
	struct order *order = find_ticket(orders, ticket);

	if (order == NULL)
		return;
	if (answer->operation.done && answer->operation.failed)
		orders->effects.failed(
		    orders->effects.arg, order->msg.kind, answer->operation.reason);
	order_answer(
	    order, now.mono, orders->effects.random(orders->effects.arg), answer);
	settle(orders, order, now.mono);
	orders_wake(orders, now);
}

void
orders_hurry(struct orders *orders, struct orders_time now)
{
	struct order *order;

	TAILQ_FOREACH(order, &orders->all, entry)
		if (order->tries > 0 && order->ticket == 0 &&
		    order->due.ms > now.mono.ms)
			order->due = now.mono;
}

static bool
is_expired(const struct order *order, struct mono_time now)
{
	return order->stage != STAGE_ENDED && order->ticket == 0 &&
	       now.ms - order->begun.ms >= ORDER_BUDGET_MS;
}

static bool
is_stale(const struct order *order, struct mono_time now)
{
	return order->stage == STAGE_ENDED &&
	       now.ms - order->ended.ms >= ORDERS_KEPT_MS;
}

void
orders_wake(struct orders *orders, struct orders_time now)
{
	struct order *order, *next;

	for (order = TAILQ_FIRST(&orders->all); order != NULL; order = next) {
		next = TAILQ_NEXT(order, entry);
		if (is_stale(order, now.mono)) {
			forget(orders, order);
		} else if (is_expired(order, now.mono)) {
			order_expire(order, now.mono);
			settle(orders, order, now.mono);
		}
	}
	admit(orders, now.mono);
	TAILQ_FOREACH(order, &orders->all, entry)
		if (is_due(order, now.mono))
			run(orders, order, now);
}

int64_t
orders_next_ms(const struct orders *orders, struct orders_time now)
{
	const struct order *order;
	int64_t least = -1;

	TAILQ_FOREACH(order, &orders->all, entry) {
		int64_t at = order->begun.ms + ORDER_BUDGET_MS;

		if (order->stage == STAGE_ENDED)
			at = order->ended.ms + ORDERS_KEPT_MS;
		else if (order->ticket != 0)
			continue;
		else if (order->stage != STAGE_QUEUED && order->due.ms < at)
			at = order->due.ms;
		at = at > now.mono.ms ? at - now.mono.ms : 0;
		if (least < 0 || at < least)
			least = at;
	}
	return least;
}

/* --- taking an order ----------------------------------------------------------- */

static struct order *
find_id(const struct orders *orders, const char *id)
{
	struct order *order;

	TAILQ_FOREACH(order, &orders->all, entry)
		if (strcmp(order->msg.id, id) == 0)
			return order;
	return NULL;
}

/* Forgets the order that ended first. */
static void
forget_oldest(struct orders *orders)
{
	struct order *order, *oldest = NULL;

	TAILQ_FOREACH(order, &orders->all, entry)
		if (order->stage == STAGE_ENDED &&
		    (oldest == NULL || order->ended.ms < oldest->ended.ms))
			oldest = order;
	if (oldest != NULL)
		forget(orders, oldest);
}

/* Settles an order whose id is known. Returns 1 when it is to be run (what was known of
 * it is forgotten), 0 when there is nothing to do, -EPROTO. */
static int
take_again(struct orders *orders, struct order *known, const struct msg_order *msg)
{
	bool same = order_same(&known->msg, msg);

	if (known->stage != STAGE_ENDED)
		return same ? 0 : -EPROTO;
	if (!same || known->result.outcome == OUTCOME_UNKNOWN ||
	    known->result.outcome == OUTCOME_REFUSED) {
		forget(orders, known);
		return 1;
	}
	known->untold = true;
	tell(orders);
	return 0;
}

static struct order *
add(struct orders *orders, const struct msg_order *msg, struct mono_time now)
{
	struct order *order = mem_calloc(1, sizeof *order);

	if (orders->kept - count_open(orders, false) >= ORDERS_ENDED_MAX)
		forget_oldest(orders);
	order_init(order, msg, now);
	TAILQ_INSERT_TAIL(&orders->all, order, entry);
	orders->kept++;
	return order;
}

int
orders_order(struct orders *orders, struct orders_time now, const struct msg_order *msg)
{
	struct order *order = find_id(orders, msg->id);
	int rc;

	if (msg->id[0] == '\0' || msg->request_id[0] == '\0' ||
	    msg->instance[0] == '\0' || msg->fence[0] == '\0' ||
	    (msg->kind != ORDER_EPHEMERAL && msg->address[0] == '\0'))
		return -EPROTO;
	rc = order != NULL ? take_again(orders, order, msg) : 1;
	if (rc <= 0)
		return rc;
	if (count_open(orders, false) >= ORDERS_OPEN_MAX)
		return -EPROTO;
	order = add(orders, msg, now.mono);
	orders->effects.begun(orders->effects.arg, &order->msg);
	if (!is_granted(orders, now.boot, msg->term)) {
		order_fail(order, now.mono, OUTCOME_REFUSED, "NoGrant",
		    "no live grant of the order's term");
		settle(orders, order, now.mono);
	}
	orders_wake(orders, now);
	return 0;
}
