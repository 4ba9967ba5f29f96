#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "mem.h"
#include "place.h"

#define FAKE_OBSERVE_MS 40
#define FAKE_ORDER_MS	300
#define FAKE_SLOW_MS	9000
/* A node must have been worth keeping for so long before taking its address is wrong:
 * fresh reads are good for ten seconds, an order takes up to FAKE_SLOW_MS. */
#define FAKE_STEADY_MS 40000

struct fake_asked {
	struct msg_observe observe;
	unsigned core, cloud; /* incarnations */
};

struct fake_told {
	char id[ID_MAX + 1];
	unsigned core, cloud;
};

/* --- what there is ---------------------------------------------------------------- */

struct fake_instance *
fake_instance(struct fake *fake, const char *name)
{
	for (size_t i = 0; i < fake->instances_len; i++)
		if (fake->instances[i].exists &&
		    strcmp(fake->instances[i].name, name) == 0)
			return &fake->instances[i];
	return NULL;
}

static struct fake_instance *
fake_instance_by_id(struct fake *fake, const char *id)
{
	for (size_t i = 0; i < fake->instances_len; i++)
		if (fake->instances[i].exists && strcmp(fake->instances[i].id, id) == 0)
			return &fake->instances[i];
	return NULL;
}

struct fake_instance *
fake_add_instance(struct fake *fake, const char *name, const char *zone)
{
	struct fake_instance *instance = &fake->instances[fake->instances_len++];

	*instance = (struct fake_instance){.exists = true};
	snprintf(instance->name, sizeof instance->name, "%s", name);
	snprintf(instance->zone, sizeof instance->zone, "%s", zone);
	snprintf(instance->id, sizeof instance->id, "%zu", 9000 + fake->instances_len);
	return instance;
}

void
fake_reserve(struct fake *fake, const char *address, const char *region)
{
	struct fake_address *reserved = &fake->addresses[fake->addresses_len++];

	*reserved = (struct fake_address){0};
	snprintf(reserved->address, sizeof reserved->address, "%s", address);
	snprintf(reserved->region, sizeof reserved->region, "%s", region);
}

struct fake_instance *
fake_where(struct fake *fake, const char *address)
{
	for (size_t i = 0; i < fake->instances_len; i++)
		if (fake->instances[i].exists &&
		    strcmp(fake->instances[i].address, address) == 0)
			return &fake->instances[i];
	return NULL;
}

/* --- observing -------------------------------------------------------------------- */

bool
fake_is_reserved(const struct fake *fake, const char *address)
{
	for (size_t i = 0; i < fake->addresses_len; i++)
		if (strcmp(fake->addresses[i].address, address) == 0)
			return true;
	return false;
}

static void
fake_see(struct fake *fake, struct fake_instance *instance)
{
	instance->seen_ms = fake->now_ms;
	if (fake_is_reserved(fake, instance->address))
		instance->absent_since_ms = 0;
	else if (instance->absent_since_ms == 0)
		instance->absent_since_ms = fake->now_ms;
}

static void
fake_tell_zone(
    struct fake *fake, const struct msg_observe *asked, struct message *message)
{
	message->type = MSG_OBSERVED_INSTANCE;
	for (size_t i = 0; i < fake->instances_len; i++) {
		struct fake_instance *instance = &fake->instances[i];
		struct msg_observed_instance *seen = &message->u.observed_instance;

		if (!instance->exists || strcmp(instance->zone, asked->place) != 0)
			continue;
		fake_see(fake, instance);
		*seen = (struct msg_observed_instance){.round = asked->round};
		MESSAGE_TEXT(seen->id, instance->id);
		MESSAGE_TEXT(seen->name, instance->name);
		MESSAGE_TEXT(seen->zone, instance->zone);
		seen->state = instance->stopped ? INSTANCE_STOPPED : INSTANCE_RUNNING;
		MESSAGE_TEXT(seen->address, instance->address);
		MESSAGE_TEXT(seen->fence, instance->fence);
		fake_message(fake, message);
	}
}

static void
fake_tell_region(
    struct fake *fake, const struct msg_observe *asked, struct message *message)
{
	message->type = MSG_OBSERVED_ADDRESS;
	for (size_t i = 0; i < fake->addresses_len; i++) {
		const struct fake_address *address = &fake->addresses[i];
		const struct fake_instance *user = fake_where(fake, address->address);
		struct msg_observed_address *seen = &message->u.observed_address;

		if (strcmp(address->region, asked->place) != 0)
			continue;
		*seen = (struct msg_observed_address){.round = asked->round};
		MESSAGE_TEXT(seen->address, address->address);
		MESSAGE_TEXT(seen->region, address->region);
		seen->status = ADDRESS_RESERVED;
		if (user != NULL)
			snprintf(seen->user, sizeof seen->user,
			    "projects/" FAKE_PROJECT "/zones/%s/instances/%s",
			    user->zone, user->name);
		else
			MESSAGE_TEXT(seen->user, address->foreign_user);
		if (seen->user[0] != '\0')
			seen->status = ADDRESS_IN_USE;
		fake_message(fake, message);
	}
}

static void
fake_tell(struct fake *fake, void *data)
{
	struct fake_asked *told = data;
	const struct msg_observe *asked = &told->observe;
	struct message *message = NULL;
	bool ok = !fake->cloud_down && !fake_chance(fake, fake->faults.observe_fail) &&
		  (fake->dark == NULL || strcmp(fake->dark, asked->place) != 0);

	if (told->core != fake->incarnation || told->cloud != fake->cloud_incarnation)
		goto out;
	message = mem_calloc(1, sizeof *message);
	message->type = MSG_OBSERVED_BEGIN;
	message->u.observed_begin.round = asked->round;
	message->u.observed_begin.scope = asked->scope;
	MESSAGE_TEXT(message->u.observed_begin.project, asked->project);
	MESSAGE_TEXT(message->u.observed_begin.place, asked->place);
	fake_message(fake, message);
	if (ok && asked->scope == SCOPE_ZONE)
		fake_tell_zone(fake, asked, message);
	else if (ok)
		fake_tell_region(fake, asked, message);
	message->type = MSG_OBSERVED_END;
	message->u.observed_end = (struct msg_observed_end){
	    .round = asked->round, .scope = asked->scope, .ok = ok};
	MESSAGE_TEXT(message->u.observed_end.project, asked->project);
	MESSAGE_TEXT(message->u.observed_end.place, asked->place);
	MESSAGE_TEXT(message->u.observed_end.reason, ok ? "" : "CloudUnreachable");
	if (!ok)
		snprintf(message->u.observed_end.message,
		    sizeof message->u.observed_end.message,
		    "no route after %lld milliseconds", (long long)fake->now_ms);
	fake_message(fake, message);
out:
	free(message);
	free(told);
}

/* --- orders ----------------------------------------------------------------------- */

static void
fake_end(struct fake_order *kept, enum order_outcome outcome, const char *reason)
{
	kept->outcome = outcome;
	MESSAGE_TEXT(kept->reason, reason);
}

static void
fake_do_attach(struct fake *fake, struct fake_order *kept)
{
	const struct msg_order *order = &kept->order;
	struct fake_instance *instance = fake_instance_by_id(fake, order->instance);
	const struct fake_instance *holder = fake_where(fake, order->address);

	if (instance == NULL) {
		fake_end(kept, OUTCOME_FAILED, "InstanceGone");
		return;
	}
	if (fake->barren != NULL && strcmp(fake->barren, instance->name) == 0) {
		fake_end(kept, OUTCOME_FAILED, "Forbidden");
		return;
	}
	if (instance->foreign)
		fake_violate(
		    fake, "attach of %s to foreign %s", order->address, instance->name);
	if (holder == instance) {
		fake_end(kept, OUTCOME_DONE, "");
		return;
	}
	for (size_t i = 0; i < fake->addresses_len; i++)
		if (strcmp(fake->addresses[i].address, order->address) == 0 &&
		    fake->addresses[i].foreign_user[0] != '\0')
			fake_violate(
			    fake, "attach of %s, held elsewhere", order->address);
	if (holder != NULL || instance->address[0] != '\0') {
		fake_end(kept, OUTCOME_REFUSED, "InUse");
		return;
	}
	snprintf(instance->address, sizeof instance->address, "%s", order->address);
	snprintf(instance->fence, sizeof instance->fence, "%s", order->fence);
	fake_end(kept, OUTCOME_DONE, "");
}

static void
fake_do_detach(struct fake *fake, struct fake_order *kept)
{
	const struct msg_order *order = &kept->order;
	struct fake_instance *instance = fake_instance_by_id(fake, order->instance);
	bool reserved = fake_is_reserved(fake, order->address);

	if (instance == NULL || strcmp(instance->address, order->address) != 0) {
		fake_end(kept, OUTCOME_DONE, "");
		return;
	}
	if (strcmp(instance->fence, order->fence) != 0) {
		fake_end(kept, OUTCOME_REFUSED, "FenceDoesNotFit");
		return;
	}
	if (instance->foreign)
		fake_violate(fake, "detach from foreign %s", instance->name);
	if (reserved && instance->steady_since_ms != 0 &&
	    fake->now_ms - instance->steady_since_ms > FAKE_STEADY_MS)
		fake_violate(fake, "%s taken off %s for no reason", order->address,
		    instance->name);
	instance->address[0] = '\0';
	instance->fence[0] = '\0';
	fake_end(kept, OUTCOME_DONE, "");
}

static void
fake_do_ephemeral(struct fake *fake, struct fake_order *kept)
{
	struct fake_instance *instance =
	    fake_instance_by_id(fake, kept->order.instance);

	if (instance == NULL || instance->address[0] != '\0') {
		fake_end(kept, OUTCOME_FAILED, "InUse");
		return;
	}
	if (!instance->had_ephemeral)
		fake_violate(fake, "%s never had an ephemeral address", instance->name);
	snprintf(instance->address, sizeof instance->address, "198.51.100.%u",
	    ++fake->ephemerals % 250);
	snprintf(instance->fence, sizeof instance->fence, "%s", kept->order.fence);
	fake_end(kept, OUTCOME_DONE, "");
}

/* The cloud knows a request id again: it does nothing twice (CLOUDS.md §1.1). */
static bool
fake_is_repeat(struct fake *fake, const struct fake_order *kept)
{
	MAP_EACH(fake->orders, entry)
	{
		const struct fake_order *other = lh_entry_v(entry);

		if (other != kept && other->outcome == OUTCOME_DONE &&
		    strcmp(other->order.request_id, kept->order.request_id) == 0)
			return true;
	}
	return false;
}

/* It was done once, and is not there: that is what a cloudworker then says each time.
 */
static bool
fake_is_undone(struct fake *fake, const struct fake_order *kept)
{
	if (fake->undo_attach && kept->order.kind == ORDER_ATTACH) {
		fake->undo_attach = false;
		MESSAGE_TEXT(fake->undone, kept->order.request_id);
	}
	return strcmp(fake->undone, kept->order.request_id) == 0;
}

static void
fake_do(struct fake *fake, struct fake_order *kept)
{
	if (fake_is_undone(fake, kept)) {
		fake_end(kept, OUTCOME_UNKNOWN, REASON_NOT_OBSERVED);
		return;
	}
	if (fake->refused != NULL && strcmp(fake->refused, kept->order.address) == 0) {
		fake_end(kept, OUTCOME_REFUSED, "FenceDoesNotFit");
		return;
	}
	if (fake_chance(fake, fake->faults.order_fail)) {
		fake_end(kept, OUTCOME_FAILED, "Quota");
		return;
	}
	if (fake_is_repeat(fake, kept)) {
		fake_end(kept, OUTCOME_DONE, "");
		return;
	}
	if (kept->order.kind == ORDER_ATTACH)
		fake_do_attach(fake, kept);
	else if (kept->order.kind == ORDER_DETACH)
		fake_do_detach(fake, kept);
	else
		fake_do_ephemeral(fake, kept);
}

static void
fake_send_result(struct fake *fake, const struct fake_order *kept)
{
	struct message *message = mem_calloc(1, sizeof *message);
	struct msg_result *result = &message->u.result;

	message->type = MSG_RESULT;
	MESSAGE_TEXT(result->id, kept->order.id);
	result->kind = kept->order.kind;
	result->outcome = (uint8_t)kept->outcome;
	MESSAGE_TEXT(result->instance, kept->order.instance);
	MESSAGE_TEXT(result->address, kept->order.address);
	MESSAGE_TEXT(result->fence, kept->order.fence);
	MESSAGE_TEXT(result->request_id, kept->order.request_id);
	MESSAGE_TEXT(result->reason, kept->reason);
	result->duration_ms = FAKE_ORDER_MS;
	fake_message(fake, message);
	free(message);
}

static void
fake_ended(struct fake *fake, void *data)
{
	struct fake_told *told = data;
	struct fake_order *kept = map_get(fake->orders, told->id);

	/* The cloud does what it was asked for even when the asker is gone. */
	if (kept != NULL && kept->outcome == OUTCOME_RUNNING)
		fake_do(fake, kept);
	if (fake->verbose && kept != NULL)
		printf("%8lld cloud order kind %d %s on %s: %d %s\n",
		    (long long)fake->now_ms, kept->order.kind, kept->order.address,
		    kept->order.instance, kept->outcome, kept->reason);
	if (kept != NULL && told->cloud != fake->cloud_incarnation) {
		map_drop(fake->orders, told->id);
	} else if (kept != NULL) {
		if (fake_chance(fake, fake->faults.order_unknown))
			fake_end(kept, OUTCOME_UNKNOWN, "Timeout");
		if (fake->cloud_up) {
			fake_send_result(fake, kept);
			if (fake_chance(fake, fake->faults.result_twice))
				fake_send_result(fake, kept);
		}
	}
	free(told);
}

/* --- the link --------------------------------------------------------------------- */

/* What must be true of each order at the moment when it is sent. */
static void
fake_judge_order(struct fake *fake, const struct msg_order *order)
{
	const struct fake_instance *instance =
	    fake_instance_by_id(fake, order->instance);

	if (fake->now_ms >= fake->grant_until_ms)
		fake_violate(fake, "an order without a live grant");
	if (order->kind == ORDER_EPHEMERAL) {
		if (fake->no_restore)
			fake_violate(fake, "an ephemeral address that nobody wants");
		return;
	}
	if (!fake_is_journaled(fake, order->request_id))
		fake_violate(
		    fake, "an order for %s that no journal has", order->address);
	if (order->kind != ORDER_DETACH || instance == NULL)
		return;
	for (size_t i = 0; i < fake->addresses_len; i++)
		if (strcmp(fake->addresses[i].address, order->address) == 0 &&
		    strcmp(fake_label(fake, instance->name, "ip.ready"), "true") == 0)
			fake_violate(fake, "%s is to leave %s, which is still labelled",
			    order->address, instance->name);
}

static int
fake_order(struct fake *fake, const struct msg_order *order)
{
	struct fake_order *kept = mem_calloc(1, sizeof *kept);
	struct fake_told *told;

	fake_judge_order(fake, order);
	fake->ordered++;
	kept->order = *order;
	kept->outcome = OUTCOME_RUNNING;
	kept->cloud = fake->cloud_incarnation;
	map_put(fake->orders, kept->order.id, kept);
	if (fake->stuck)
		return 0;
	told = mem_calloc(1, sizeof *told);
	MESSAGE_TEXT(told->id, order->id);
	told->core = fake->incarnation;
	told->cloud = fake->cloud_incarnation;
	fake_later(fake,
	    fake_chance(fake, fake->faults.slow) ? FAKE_SLOW_MS : FAKE_ORDER_MS,
	    fake_ended, told);
	return 0;
}

static void
fake_cloud_again(struct fake *fake, void *data)
{
	(void)data;
	if (fake->core != NULL && !fake->cloud_up)
		fake_cloud_start(fake);
}

static void
fake_cloud_dies(struct fake *fake, void *data)
{
	(void)data;
	if (fake->core == NULL || !fake->cloud_up)
		return;
	fake_cloud_kill(fake);
	fake_later(fake, 1000, fake_cloud_again, NULL);
}

int
fake_cloud(void *arg, enum message_type type, const void *msg)
{
	struct fake *fake = arg;
	struct fake_asked *asked;

	if (!fake->cloud_up)
		return -ENOTCONN;
	if (type == MSG_GRANT) {
		const struct msg_grant *grant = msg;

		fake->grant_until_ms = grant->until_boot_ms;
		return 0;
	}
	if (type == MSG_ORDER && fake->no_gifts &&
	    ((const struct msg_order *)msg)->kind == ORDER_EPHEMERAL)
		return -EAGAIN;
	if (type == MSG_ORDER)
		fake_acts(fake, "an order");
	if (fake_effect(fake))
		return 0;
	if (type == MSG_OBSERVE) {
		fake->observes++;
		asked = mem_calloc(1, sizeof *asked);
		memcpy(&asked->observe, msg, sizeof asked->observe);
		asked->core = fake->incarnation;
		asked->cloud = fake->cloud_incarnation;
		fake_later(fake,
		    fake_chance(fake, fake->faults.slow) ? FAKE_SLOW_MS
							 : FAKE_OBSERVE_MS,
		    fake_tell, asked);
		return 0;
	}
	if (fake_chance(fake, fake->faults.cloud_crash))
		fake_later(fake, 100, fake_cloud_dies, NULL);
	return fake_order(fake, msg);
}

void
fake_cloud_kill(struct fake *fake)
{
	fake->cloud_up = false;
	fake->cloud_incarnation++;
	/* A new process knows nothing of the old one's orders. */
	MAP_EACH(fake->orders, entry)
	{
		const struct fake_order *kept = lh_entry_v(entry);

		if (kept->outcome != OUTCOME_RUNNING)
			map_drop(fake->orders, kept->order.id);
	}
	if (fake->core != NULL)
		core_cloud(fake->core, fake_time(fake), false);
}

void
fake_cloud_start(struct fake *fake)
{
	struct message *message = mem_calloc(1, sizeof *message);

	fake->cloud_up = true;
	core_cloud(fake->core, fake_time(fake), true);
	MAP_EACH(fake->orders, entry)
	{
		const struct fake_order *kept = lh_entry_v(entry);

		if (kept->cloud == fake->cloud_incarnation)
			fake_send_result(fake, kept);
	}
	message->type = MSG_ORDERS_END;
	message->u.orders_end.count = (uint32_t)map_count(fake->orders);
	fake_message(fake, message);
	free(message);
}
