#include "order.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Delay before the next call: doubles from the first to the last, half of it random. */
#define RETRY_LEAST_MS	    500
#define RETRY_DOUBLINGS_MAX 4

/* The cloud may refuse a change because its state is not what was read; after so many
 * fresh reads its refusal is final. */
#define REREADS_MAX 3

/* Reads after an operation's end until the change must be seen: the last comes about
 * 20 s after the first. */
#define CONFIRMS_MAX 6

void
order_init(struct order *order, const struct msg_order *msg, struct mono_time now)
{
	*order = (struct order){.msg = *msg, .stage = STAGE_QUEUED, .begun = now};
	order->due = now;
	order->result.kind = msg->kind;
	order->result.outcome = OUTCOME_RUNNING;
	MESSAGE_TEXT(order->result.id, msg->id);
	MESSAGE_TEXT(order->result.instance, msg->instance);
	MESSAGE_TEXT(order->result.address, msg->address);
	MESSAGE_TEXT(order->result.fence, msg->fence);
	MESSAGE_TEXT(order->result.request_id, msg->request_id);
}

static enum cloud_op
order_op(const struct order *order)
{
	switch (order->stage) {
	case STAGE_CHANGE:
		return order->msg.kind == ORDER_DETACH ? CLOUD_DELETE_CONFIG
						       : CLOUD_ADD_CONFIG;
	case STAGE_WAIT:
		return order->polling ? CLOUD_GET_OPERATION : CLOUD_WAIT_OPERATION;
	case STAGE_READ:
	case STAGE_CONFIRM:
		return CLOUD_GET_INSTANCE;
	case STAGE_QUEUED:
	case STAGE_ENDED:
		break;
	}
	assert(!"an order that makes no calls");
	return CLOUD_GET_INSTANCE;
}

void
order_call(const struct order *order, int64_t timeout_ms, struct cloud_call *ret_call)
{
	*ret_call = (struct cloud_call){
	    .op = order_op(order),
	    .project = order->msg.project,
	    .place = order->msg.zone,
	    .instance = order->msg.instance,
	    .nic = order->nic,
	    .address = order->msg.kind == ORDER_ATTACH ? order->msg.address : "",
	    .fence = order->msg.fence,
	    .request_id = order->msg.request_id,
	    .operation = order->operation,
	    .timeout_ms = timeout_ms,
	};
}

/* --- ways to go on, and to end ------------------------------------------------- */

static void
order_enter(struct order *order, enum order_stage stage, struct mono_time now)
{
	order->stage = stage;
	order->tries = 0;
	order->due = now;
}

static void
order_retry(
    struct order *order, enum order_stage stage, struct mono_time now, uint32_t random)
{
	unsigned int doublings =
	    order->tries < RETRY_DOUBLINGS_MAX ? order->tries : RETRY_DOUBLINGS_MAX;
	int64_t half_ms = ((int64_t)RETRY_LEAST_MS << doublings) / 2;

	order->stage = stage;
	order->tries++;
	order->due.ms = now.ms + half_ms + (int64_t)(random % (uint32_t)half_ms);
}

/* Keeps what went wrong, for the case that time runs out. */
static void
order_note(struct order *order, const struct cloud_answer *answer)
{
	MESSAGE_TEXT(order->result.reason, answer->reason);
	MESSAGE_TEXT(order->result.message, answer->message);
}

static void
order_end(struct order *order, struct mono_time now, enum order_outcome outcome,
    const char *reason, const char *message)
{
	order->stage = STAGE_ENDED;
	order->ended = now;
	order->untold = true;
	order->result.outcome = (uint8_t)outcome;
	order->result.duration_ms = now.ms - order->begun.ms;
	if (reason != order->result.reason)
		MESSAGE_TEXT(order->result.reason, reason);
	if (message != order->result.message)
		MESSAGE_TEXT(order->result.message, message);
}

/* In force under that name and address, whatever was asked for. */
static void
order_done(struct order *order, struct mono_time now, const struct cloud_config *config)
{
	if (config != NULL) {
		MESSAGE_TEXT(order->result.fence, config->name);
		MESSAGE_TEXT(order->result.address, config->address);
	}
	order_end(order, now, OUTCOME_DONE, "", "");
}

void
order_fail(struct order *order, struct mono_time now, enum order_outcome outcome,
    const char *reason, const char *message)
{
	order_end(
	    order, now, order->maybe_done ? OUTCOME_UNKNOWN : outcome, reason, message);
}

void
order_expire(struct order *order, struct mono_time now)
{
	const char *reason = order->result.reason;
	const char *message = order->result.message;

	if (reason[0] == '\0' && order->stage == STAGE_QUEUED) {
		reason = "Busy";
		message = "other orders had the instance or the address all the time";
	} else if (reason[0] == '\0') {
		reason = "StillRunning";
		message = "the operation had not ended when the time for it was up";
	}
	order_fail(order, now, OUTCOME_FAILED, reason, message);
}

/* --- what a read of the instance shows ----------------------------------------- */

static const struct cloud_config *
find_address(const struct cloud_instance *instance, const char *address)
{
	for (size_t i = 0; i < instance->configs_len; i++)
		if (strcmp(instance->configs[i].address, address) == 0)
			return &instance->configs[i];
	return NULL;
}

/* The access config of the first interface, where ours are made. */
static const struct cloud_config *
find_first(const struct cloud_instance *instance)
{
	for (size_t i = 0; i < instance->configs_len; i++)
		if (strcmp(instance->configs[i].nic, instance->nic) == 0)
			return &instance->configs[i];
	return NULL;
}

/* On the first interface under the order's own name. */
static bool
is_fenced(const struct order *order, const struct cloud_instance *instance,
    const struct cloud_config *config)
{
	return strcmp(config->name, order->msg.fence) == 0 &&
	       strcmp(config->nic, instance->nic) == 0;
}

static void
order_change(
    struct order *order, struct mono_time now, const struct cloud_instance *instance)
{
	if (instance->nic[0] == '\0') {
		order_fail(order, now, OUTCOME_FAILED, "NoInterface",
		    "the instance has no network interface");
		return;
	}
	MESSAGE_TEXT(order->nic, instance->nic);
	order->read = now;
	order->stage = STAGE_CHANGE;
	order->due = now;
}

static void
decide_detach(
    struct order *order, struct mono_time now, const struct cloud_instance *instance)
{
	const struct cloud_config *config = find_address(instance, order->msg.address);
	char message[TEXT_MAX + 1];

	if (config == NULL) {
		order_done(order, now, NULL);
	} else if (is_fenced(order, instance, config)) {
		order_change(order, now, instance);
	} else {
		snprintf(message, sizeof message,
		    "the address is there under access config '%s' of %s", config->name,
		    config->nic);
		order_fail(order, now, OUTCOME_REFUSED, "FenceMismatch", message);
	}
}

static void
decide_attach(
    struct order *order, struct mono_time now, const struct cloud_instance *instance)
{
	const struct cloud_config *config = find_address(instance, order->msg.address);
	char message[TEXT_MAX + 1];

	if (config != NULL) {
		order_done(order, now, config);
		return;
	}
	config = find_first(instance);
	if (config == NULL) {
		order_change(order, now, instance);
		return;
	}
	snprintf(message, sizeof message,
	    "%s has address '%s' under access config '%s'", config->nic,
	    config->address, config->name);
	order_fail(order, now, OUTCOME_REFUSED, "TargetHasAddress", message);
}

static void
decide_ephemeral(
    struct order *order, struct mono_time now, const struct cloud_instance *instance)
{
	const struct cloud_config *config = find_first(instance);

	if (config != NULL)
		order_done(order, now, config);
	else
		order_change(order, now, instance);
}

static void
order_decide(
    struct order *order, struct mono_time now, const struct cloud_instance *instance)
{
	if (order->msg.kind == ORDER_DETACH)
		decide_detach(order, now, instance);
	else if (order->msg.kind == ORDER_ATTACH)
		decide_attach(order, now, instance);
	else
		decide_ephemeral(order, now, instance);
}

/* A vanished instance holds nothing. */
static void
order_gone(struct order *order, struct mono_time now, const struct cloud_answer *answer)
{
	order_end(order, now,
	    order->msg.kind == ORDER_DETACH ? OUTCOME_DONE : OUTCOME_FAILED,
	    "InstanceGone", answer->message);
}

/* The access config that shows the change; for a detach, the one that shows that it has
 * not come: NULL is what is waited for. */
static const struct cloud_config *
find_outcome(const struct order *order, const struct cloud_instance *instance)
{
	if (order->msg.kind == ORDER_EPHEMERAL)
		return find_first(instance);
	return find_address(instance, order->msg.address);
}

static void
order_confirm(struct order *order, struct mono_time now, uint32_t random,
    const struct cloud_instance *instance)
{
	const struct cloud_config *config = find_outcome(order, instance);
	bool fenced = config != NULL && is_fenced(order, instance, config);
	bool detach = order->msg.kind == ORDER_DETACH;

	if (detach ? config == NULL : fenced) {
		order_done(order, now, config);
	} else if (detach && !fenced) {
		order_end(order, now, OUTCOME_FAILED, "TakenDuringMove",
		    "somebody else put the address back on the instance");
	} else if (order->polling || ++order->confirms <= CONFIRMS_MAX) {
		order_retry(order, STAGE_CONFIRM, now, random);
	} else {
		order_end(order, now, OUTCOME_UNKNOWN, REASON_NOT_OBSERVED,
		    "the operation ended well, but the instance does not show it");
	}
}

/* --- the cloud's answers, by stage --------------------------------------------- */

static void
answer_read(struct order *order, struct mono_time now, uint32_t random,
    const struct cloud_answer *answer)
{
	switch (answer->fault) {
	case FAULT_NONE:
		order_decide(order, now, &answer->instance);
		return;
	case FAULT_GONE:
		order_gone(order, now, answer);
		return;
	case FAULT_NOT_SENT:
	case FAULT_LOST:
	case FAULT_TRANSIENT:
	case FAULT_THROTTLED:
	case FAULT_BUSY:
	case FAULT_REREAD:
		order_note(order, answer);
		order_retry(order, STAGE_READ, now, random);
		return;
	case FAULT_FINAL:
	case FAULT_CREDENTIALS:
	case FAULT_NO_GRANT:
		order_fail(order, now, OUTCOME_FAILED, answer->reason, answer->message);
		return;
	}
}

static void
order_operation(struct order *order, struct mono_time now, uint32_t random,
    const struct cloud_operation *operation)
{
	order->maybe_done = true;
	MESSAGE_TEXT(order->operation, operation->name);
	if (operation->done && operation->failed)
		order_end(
		    order, now, OUTCOME_FAILED, operation->reason, operation->message);
	else if (operation->done)
		order_enter(order, STAGE_CONFIRM, now);
	else if (order->stage == STAGE_CHANGE)
		order_enter(order, STAGE_WAIT, now);
	else
		order_retry(order, STAGE_WAIT, now, random);
}

static void
answer_change(struct order *order, struct mono_time now, uint32_t random,
    const struct cloud_answer *answer)
{
	order_note(order, answer);
	switch (answer->fault) {
	case FAULT_NONE:
		order_operation(order, now, random, &answer->operation);
		return;
	case FAULT_LOST:
	case FAULT_TRANSIENT:
		order->maybe_done = true;
		order_retry(order, STAGE_READ, now, random);
		return;
	case FAULT_NOT_SENT:
	case FAULT_THROTTLED:
	case FAULT_BUSY:
		order_retry(order, STAGE_READ, now, random);
		return;
	case FAULT_REREAD:
	case FAULT_GONE:
		if (++order->rereads <= REREADS_MAX)
			order_retry(order, STAGE_READ, now, random);
		else
			order_fail(order, now, OUTCOME_FAILED, answer->reason,
			    answer->message);
		return;
	case FAULT_FINAL:
	case FAULT_CREDENTIALS:
		order_fail(order, now, OUTCOME_FAILED, answer->reason, answer->message);
		return;
	case FAULT_NO_GRANT:
		order_fail(
		    order, now, OUTCOME_REFUSED, answer->reason, answer->message);
		return;
	}
}

static void
answer_wait(struct order *order, struct mono_time now, uint32_t random,
    const struct cloud_answer *answer)
{
	switch (answer->fault) {
	case FAULT_NONE:
		order_operation(order, now, random, &answer->operation);
		return;
	case FAULT_LOST:
		/* usually just the time limit of a long wait: ask again soon */
		order->tries = 0;
		order_retry(order, STAGE_WAIT, now, random);
		return;
	case FAULT_NOT_SENT:
	case FAULT_TRANSIENT:
	case FAULT_THROTTLED:
	case FAULT_BUSY:
	case FAULT_REREAD:
		order_note(order, answer);
		order_retry(order, STAGE_WAIT, now, random);
		return;
	case FAULT_GONE:
	case FAULT_FINAL:
	case FAULT_CREDENTIALS:
	case FAULT_NO_GRANT:
		order_note(order, answer);
		order_enter(order, order->polling ? STAGE_CONFIRM : STAGE_WAIT, now);
		order->polling = true;
		return;
	}
}

static void
answer_confirm(struct order *order, struct mono_time now, uint32_t random,
    const struct cloud_answer *answer)
{
	switch (answer->fault) {
	case FAULT_NONE:
		order_confirm(order, now, random, &answer->instance);
		return;
	case FAULT_GONE:
		order_gone(order, now, answer);
		return;
	case FAULT_NOT_SENT:
	case FAULT_LOST:
	case FAULT_TRANSIENT:
	case FAULT_THROTTLED:
	case FAULT_BUSY:
	case FAULT_REREAD:
		order_note(order, answer);
		order_retry(order, STAGE_CONFIRM, now, random);
		return;
	case FAULT_FINAL:
	case FAULT_CREDENTIALS:
	case FAULT_NO_GRANT:
		order_end(order, now, OUTCOME_UNKNOWN, answer->reason, answer->message);
		return;
	}
}

void
order_answer(struct order *order, struct mono_time now, uint32_t random,
    const struct cloud_answer *answer)
{
	order->ticket = 0;
	switch (order->stage) {
	case STAGE_READ:
		answer_read(order, now, random, answer);
		return;
	case STAGE_CHANGE:
		answer_change(order, now, random, answer);
		return;
	case STAGE_WAIT:
		answer_wait(order, now, random, answer);
		return;
	case STAGE_CONFIRM:
		answer_confirm(order, now, random, answer);
		return;
	case STAGE_QUEUED:
	case STAGE_ENDED:
		break;
	}
	assert(!"an answer to an order that makes no calls");
}

bool
order_same(const struct msg_order *a, const struct msg_order *b)
{
	return a->kind == b->kind && strcmp(a->project, b->project) == 0 &&
	       strcmp(a->zone, b->zone) == 0 && strcmp(a->instance, b->instance) == 0 &&
	       strcmp(a->address, b->address) == 0 && strcmp(a->fence, b->fence) == 0 &&
	       strcmp(a->request_id, b->request_id) == 0;
}
