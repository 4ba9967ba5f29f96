/* Many orders: repeated, crowded, remembered, told. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "orders_rig.h"

TestSuite(orders, .init = rig_setup, .fini = rig_teardown);

Test(orders, done_order_is_answered_from_memory)
{
	rig_give(ORDER_ATTACH, "a");
	rig_finish_attach();
	rig_give(ORDER_ATTACH, "a");
	rig_expect_result(OUTCOME_DONE, "", 2);
	cr_assert_eq(rig.calls_len, 3);
	cr_assert_eq(rig.begun, 1);
}

Test(orders, running_order_is_not_begun_twice)
{
	rig_give(ORDER_ATTACH, "a");
	rig_give(ORDER_ATTACH, "a");
	cr_assert_eq(rig.calls_len, 1);
	rig_finish_attach();
	rig_expect_result(OUTCOME_DONE, "", 1);
}

Test(orders, unknown_order_runs_again)
{
	rig_give(ORDER_ATTACH, "a");
	rig_answer_instance(NULL, NULL);
	rig_answer_fault(FAULT_LOST, "CloudUnreachable");
	rig_fail_until_end(FAULT_NOT_SENT, "CloudUnreachable");
	rig.calls_len = 0;
	rig_give(ORDER_ATTACH, "a");
	rig_finish_attach();
	rig_expect_result(OUTCOME_DONE, "", 2);
	cr_assert_str_eq(rig.calls[1].request_id, "request-a");
}

Test(orders, id_of_a_running_order_means_nothing_else)
{
	struct msg_order order = rig_order(ORDER_DETACH, "a", "4711", "34.1.2.3");

	rig_give(ORDER_ATTACH, "a");
	cr_assert_eq(orders_order(rig.orders, rig.now, &order), -EPROTO);
	rig_finish_attach();
	cr_assert_eq(orders_order(rig.orders, rig.now, &order), 0);
	rig_answer_instance(NULL, NULL);
	rig_expect_result(OUTCOME_DONE, "", 2);
}

Test(orders, incomplete_order_is_a_violation)
{
	struct msg_order order = rig_order(ORDER_ATTACH, "", "4711", "34.1.2.3");

	cr_assert_eq(orders_order(rig.orders, rig.now, &order), -EPROTO);
	order = rig_order(ORDER_ATTACH, "a", "", "34.1.2.3");
	cr_assert_eq(orders_order(rig.orders, rig.now, &order), -EPROTO);
	order = rig_order(ORDER_DETACH, "a", "4711", "");
	cr_assert_eq(orders_order(rig.orders, rig.now, &order), -EPROTO);
	order = rig_order(ORDER_DETACH, "a", "4711", "34.1.2.3");
	order.fence[0] = '\0';
	cr_assert_eq(orders_order(rig.orders, rig.now, &order), -EPROTO);
	cr_assert_eq(rig.calls_len, 0);
}

Test(orders, one_order_at_a_time_for_an_instance)
{
	struct msg_order second = rig_order(ORDER_DETACH, "b", "4711", "35.9.9.9");

	rig_give(ORDER_ATTACH, "a");
	cr_assert_eq(orders_order(rig.orders, rig.now, &second), 0);
	cr_assert_eq(rig.calls_len, 1);
	rig_finish_attach();
	rig_expect_call(CLOUD_GET_INSTANCE, 4);
	rig_answer_instance("34.1.2.3", "ipw-1");
	rig_expect_result(OUTCOME_DONE, "", 2);
}

Test(orders, one_order_at_a_time_for_an_address)
{
	struct msg_order second = rig_order(ORDER_ATTACH, "b", "4712", "34.1.2.3");

	rig_give(ORDER_DETACH, "d");
	cr_assert_eq(orders_order(rig.orders, rig.now, &second), 0);
	cr_assert_eq(rig.calls_len, 1);
	rig_answer_instance(NULL, NULL);
	rig_expect_result(OUTCOME_DONE, "", 1);
	rig_expect_call(CLOUD_GET_INSTANCE, 2);
}

/* Gives `count` detaches of different instances and addresses. */
static void
give_many(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char id[32], instance[32], address[46];
		struct msg_order order;

		snprintf(id, sizeof id, "o%zu", i);
		snprintf(instance, sizeof instance, "1%zu", i);
		snprintf(address, sizeof address, "10.0.%zu.%zu", i / 256, i % 256);
		order = rig_order(ORDER_DETACH, id, instance, address);
		cr_assert_eq(
		    orders_order(rig.orders, rig.now, &order), 0, "order %zu", i);
	}
}

Test(orders, open_orders_are_bounded)
{
	struct msg_order order = rig_order(ORDER_DETACH, "more", "9", "10.9.9.9");

	give_many(256);
	cr_assert_eq(rig.calls_len, 16);
	cr_assert_eq(orders_order(rig.orders, rig.now, &order), -EPROTO);
}

/* The fault with which a change is answered, so that the order ends. */
static bool
answer_seen(const struct seen_call *seen)
{
	struct cloud_answer says;
	size_t number = (size_t)strtoul(seen->instance + 1, NULL, 10);
	bool change = seen->op == CLOUD_DELETE_CONFIG;

	cloud_answer_init(&says);
	if (change)
		cloud_answer_fault(&says, FAULT_FINAL, "NoPermission", "");
	MESSAGE_TEXT(says.instance.nic, "nic0");
	MESSAGE_TEXT(says.instance.configs[0].nic, "nic0");
	MESSAGE_TEXT(says.instance.configs[0].name, "ipw-1");
	snprintf(says.instance.configs[0].address, ADDRESS_MAX, "10.0.%zu.%zu",
	    number / 256, number % 256);
	says.instance.configs_len = 1;
	orders_answer(rig.orders, rig.now, seen->ticket, &says);
	return change;
}

Test(orders, rate_of_changes_is_capped)
{
	int64_t end_ms = rig.now.mono.ms + 10000;
	size_t changes = 0;
	size_t answered = 0;

	give_many(100);
	while (rig.now.mono.ms < end_ms) {
		while (answered < rig.calls_len)
			changes += answer_seen(&rig.calls[answered++]);
		rig_pass(100);
	}
	cr_assert_geq(changes, 30 + 9, "%zu changes", changes);
	cr_assert_leq(changes, 30 + 10, "%zu changes", changes);
}

Test(orders, link_up_tells_all_then_the_end)
{
	rig_give(ORDER_ATTACH, "a");
	rig_finish_attach();
	rig_give(ORDER_ATTACH, "b");
	orders_down(rig.orders);
	cr_assert(!orders_told(rig.orders));
	rig.results_len = 0;
	orders_up(rig.orders, rig.now);
	cr_assert_eq(rig.results_len, 2);
	cr_assert_str_eq(rig.results[0].id, "a");
	cr_assert_eq(rig.results[0].outcome, OUTCOME_DONE);
	cr_assert_str_eq(rig.results[1].id, "b");
	cr_assert_eq(rig.results[1].outcome, OUTCOME_RUNNING);
	cr_assert_eq(rig.ends_len, 2);
	cr_assert_eq(rig.end_counts[1], 2);
	cr_assert(orders_told(rig.orders));
}

Test(orders, order_goes_on_while_the_link_is_down)
{
	rig_give(ORDER_ATTACH, "a");
	rig_answer_instance(NULL, NULL);
	orders_down(rig.orders);
	rig_answer_operation(true, NULL);
	rig_answer_instance("34.1.2.3", "ipw-1");
	cr_assert_eq(rig.results_len, 0);
	orders_up(rig.orders, rig.now);
	rig_expect_result(OUTCOME_DONE, "", 1);
}

Test(orders, link_down_ends_the_grant)
{
	rig_give(ORDER_ATTACH, "a");
	orders_down(rig.orders);
	rig_answer_instance(NULL, NULL);
	cr_assert_eq(rig.calls_len, 1);
	orders_up(rig.orders, rig.now);
	rig_expect_result(OUTCOME_REFUSED, "NoGrant", 1);
}

Test(orders, full_link_loses_no_result)
{
	rig.room = 0;
	rig_give(ORDER_ATTACH, "a");
	rig_finish_attach();
	cr_assert_eq(rig.results_len, 0);
	rig.room = 1;
	orders_room(rig.orders);
	rig_expect_result(OUTCOME_DONE, "", 1);
	rig.room = 10;
	orders_room(rig.orders);
	cr_assert_eq(rig.results_len, 1);
}

Test(orders, full_link_delays_the_end_of_the_list)
{
	rig_give(ORDER_ATTACH, "a");
	rig_finish_attach();
	orders_down(rig.orders);
	rig.room = 1;
	orders_up(rig.orders, rig.now);
	cr_assert_eq(rig.ends_len, 1);
	cr_assert(!orders_told(rig.orders));
	rig.room = 1;
	orders_room(rig.orders);
	cr_assert_eq(rig.ends_len, 2);
	cr_assert_eq(rig.end_counts[1], 1);
}

Test(orders, ended_orders_are_forgotten_after_an_hour)
{
	rig_give(ORDER_ATTACH, "a");
	rig_finish_attach();
	cr_assert_eq(orders_next_ms(rig.orders, rig.now), 3600 * 1000);
	rig_pass(3600 * 1000 - 1);
	orders_up(rig.orders, rig.now);
	cr_assert_eq(rig.end_counts[1], 1);
	rig_pass(1);
	orders_up(rig.orders, rig.now);
	cr_assert_eq(rig.end_counts[2], 0);
	cr_assert_eq(orders_next_ms(rig.orders, rig.now), -1);
}

Test(orders, memory_of_orders_is_bounded)
{
	rig_grant(0, TERM);
	for (size_t i = 0; i < 100; i++) {
		char id[32];

		snprintf(id, sizeof id, "n%zu", i);
		rig_give(ORDER_ATTACH, id);
	}
	rig.results_len = 0;
	rig.room = RECORDS_MAX;
	orders_up(rig.orders, rig.now);
	cr_assert_eq(rig.end_counts[1], 32);
	cr_assert_str_eq(rig.results[0].id, "n68");
}

Test(orders, end_of_an_outage_ends_every_wait)
{
	size_t tries = 6;

	rig_give(ORDER_ATTACH, "a");
	for (size_t i = 1; i < tries; i++) {
		rig_answer_fault(FAULT_NOT_SENT, "CloudUnreachable");
		rig_pass(orders_next_ms(rig.orders, rig.now));
		rig_expect_call(CLOUD_GET_INSTANCE, i + 1);
	}
	rig_answer_fault(FAULT_NOT_SENT, "CloudUnreachable");
	cr_assert_gt(orders_next_ms(rig.orders, rig.now), 2000);
	orders_hurry(rig.orders, rig.now);
	cr_assert_eq(rig.calls_len, tries, "nothing happens before orders_wake");
	cr_assert_eq(orders_next_ms(rig.orders, rig.now), 0);
	orders_wake(rig.orders, rig.now);
	cr_assert_eq(rig.calls_len, tries + 1);
}
