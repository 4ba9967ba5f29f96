#include "orders_rig.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct rig rig;

static void
on_call(void *arg, uint64_t ticket, const struct cloud_call *call)
{
	struct seen_call *seen = &rig.calls[rig.calls_len++];

	(void)arg;
	cr_assert_lt(rig.calls_len, RECORDS_MAX);
	cr_assert_str_eq(call->project, "proj");
	cr_assert_str_eq(call->place, "europe-west1-b");
	cr_assert_eq(call->timeout_ms, TIMEOUT_MS);
	seen->ticket = ticket;
	seen->op = call->op;
	MESSAGE_TEXT(seen->instance, call->instance);
	MESSAGE_TEXT(seen->nic, call->nic);
	MESSAGE_TEXT(seen->address, call->address);
	MESSAGE_TEXT(seen->fence, call->fence);
	MESSAGE_TEXT(seen->request_id, call->request_id);
	MESSAGE_TEXT(seen->operation, call->operation);
}

static int
on_send(void *arg, enum message_type type, const void *msg)
{
	(void)arg;
	if (rig.room == 0)
		return -EAGAIN;
	rig.room--;
	if (type == MSG_RESULT)
		rig.results[rig.results_len++] = *(const struct msg_result *)msg;
	else if (type == MSG_ORDERS_END)
		rig.end_counts[rig.ends_len++] =
		    ((const struct msg_orders_end *)msg)->count;
	else
		cr_assert_fail("unexpected message %d", (int)type);
	cr_assert_lt(rig.results_len, RECORDS_MAX);
	return 0;
}

static uint32_t
on_random(void *arg)
{
	(void)arg;
	return 12345;
}

static void
on_begun(void *arg, const struct msg_order *order)
{
	(void)arg;
	(void)order;
	rig.begun++;
}

static void
on_failed(void *arg, unsigned int kind, const char *reason)
{
	(void)arg;
	cr_assert_str_neq(reason, "");
	rig.failed[kind]++;
}

static void
on_ended(void *arg, const struct msg_result *result)
{
	(void)arg;
	(void)result;
	rig.ended++;
}

void
rig_grant(int64_t until_boot_ms, uint64_t term)
{
	struct msg_grant grant = {
	    .term = term,
	    .until_boot_ms = until_boot_ms,
	    .call_timeout_ms = TIMEOUT_MS,
	    .margin_ms = MARGIN_MS,
	};

	cr_assert_eq(orders_grant(rig.orders, &grant), 0);
}

void
rig_setup(void)
{
	struct orders_effects effects = {
	    .call = on_call,
	    .send = on_send,
	    .random = on_random,
	    .failed = on_failed,
	    .begun = on_begun,
	    .ended = on_ended,
	};

	memset(&rig, 0, sizeof rig);
	rig.now.mono.ms = 1000000;
	rig.now.boot.ms = 5000000;
	rig.room = RECORDS_MAX;
	rig.orders = orders_new(&effects);
	orders_up(rig.orders, rig.now);
	cr_assert_eq(rig.ends_len, 1);
	rig_grant(rig.now.boot.ms + 24 * 3600 * 1000, TERM);
}

void
rig_teardown(void)
{
	orders_free(rig.orders);
}

/* --- the script's verbs -------------------------------------------------------- */

struct msg_order
rig_order(
    enum order_kind kind, const char *id, const char *instance, const char *address)
{
	struct msg_order order = {.kind = (uint8_t)kind, .term = TERM};

	MESSAGE_TEXT(order.id, id);
	MESSAGE_TEXT(order.project, "proj");
	MESSAGE_TEXT(order.zone, "europe-west1-b");
	MESSAGE_TEXT(order.instance, instance);
	MESSAGE_TEXT(order.address, address);
	MESSAGE_TEXT(order.fence, "ipw-1");
	snprintf(order.request_id, sizeof order.request_id, "request-%s", id);
	return order;
}

void
rig_give(enum order_kind kind, const char *id)
{
	struct msg_order order =
	    rig_order(kind, id, "4711", kind == ORDER_EPHEMERAL ? "" : "34.1.2.3");

	cr_assert_eq(orders_order(rig.orders, rig.now, &order), 0);
}

void
rig_pass(int64_t ms)
{
	rig.now.mono.ms += ms;
	rig.now.boot.ms += ms;
	orders_wake(rig.orders, rig.now);
}

/* The newest call, which must be of that kind; the `count`th in all. */
const struct seen_call *
rig_expect_call(enum cloud_op op, size_t count)
{
	cr_assert_eq(rig.calls_len, count, "%zu calls, not %zu", rig.calls_len, count);
	cr_assert_str_eq(cloud_op_name(rig.calls[count - 1].op), cloud_op_name(op));
	return &rig.calls[count - 1];
}

static void
answer(const struct cloud_answer *answer)
{
	orders_answer(rig.orders, rig.now, rig.calls[rig.calls_len - 1].ticket, answer);
}

void
rig_answer_fault(enum cloud_fault fault, const char *reason)
{
	struct cloud_answer fails;

	cloud_answer_init(&fails);
	cloud_answer_fault(&fails, fault, reason, "what the cloud said");
	answer(&fails);
}

/* An instance with one interface; `address` NULL: without an access config. What is
 * behind the last one is none. */
void
rig_answer_instance(const char *address, const char *config)
{
	struct cloud_answer reads;
	struct cloud_config *behind;

	cloud_answer_init(&reads);
	MESSAGE_TEXT(reads.instance.id, "4711");
	MESSAGE_TEXT(reads.instance.nic, "nic0");
	if (address != NULL) {
		reads.instance.configs_len = 1;
		MESSAGE_TEXT(reads.instance.configs[0].nic, "nic0");
		MESSAGE_TEXT(reads.instance.configs[0].name, config);
		MESSAGE_TEXT(reads.instance.configs[0].address, address);
	}
	behind = &reads.instance.configs[reads.instance.configs_len];
	MESSAGE_TEXT(behind->nic, "nic0");
	MESSAGE_TEXT(behind->name, "ipw-1");
	MESSAGE_TEXT(behind->address, "34.1.2.3");
	answer(&reads);
}

void
rig_answer_operation(bool done, const char *reason)
{
	struct cloud_answer says;

	cloud_answer_init(&says);
	MESSAGE_TEXT(says.operation.name, "operation-1");
	says.operation.done = done;
	says.operation.failed = reason != NULL;
	MESSAGE_TEXT(says.operation.reason, reason);
	MESSAGE_TEXT(says.operation.message, "what the operation said");
	answer(&says);
}

const struct msg_result *
rig_expect_result(enum order_outcome outcome, const char *reason, size_t count)
{
	const struct msg_result *result = &rig.results[count - 1];

	cr_assert_eq(rig.results_len, count, "%zu results", rig.results_len);
	cr_assert_eq(result->outcome, outcome, "outcome %u (%s)", result->outcome,
	    result->reason);
	cr_assert_str_eq(result->reason, reason);
	cr_assert_eq(
	    result->message[0] == '\0', reason[0] == '\0', "%s: in words", reason);
	return result;
}

/* Answers every call with that fault until the order ends. */
void
rig_fail_until_end(enum cloud_fault fault, const char *reason)
{
	int64_t start_ms = rig.now.mono.ms;

	for (size_t calls = rig.calls_len; rig.results_len == 0;) {
		if (rig.calls_len > calls) {
			calls = rig.calls_len;
			rig_answer_fault(fault, reason);
		}
		rig_pass(500);
		cr_assert_leq(rig.now.mono.ms - start_ms, ORDER_BUDGET_MS + 1000);
	}
}

void
rig_finish_attach(void)
{
	rig_answer_instance(NULL, NULL);
	rig_answer_operation(true, NULL);
	rig_answer_instance("34.1.2.3", "ipw-1");
}
