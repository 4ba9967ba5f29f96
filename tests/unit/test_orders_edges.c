/* The bounds of cloudworker/orders.c, to the millisecond and to the last one. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "orders_rig.h"

#define HOUR_MS ((int64_t)3600 * 1000)

TestSuite(orders_edges, .init = rig_setup, .fini = rig_teardown);

static int
grant(int64_t until_boot_ms, int64_t call_timeout_ms, int64_t margin_ms)
{
	struct msg_grant msg = {
	    .term = TERM,
	    .until_boot_ms = until_boot_ms,
	    .call_timeout_ms = call_timeout_ms,
	    .margin_ms = margin_ms,
	};

	return orders_grant(rig.orders, &msg);
}

Test(orders_edges, what_a_grant_may_say)
{
	cr_expect_eq(grant(0, 0, 0), 0);
	cr_expect_eq(grant(1, 1, 0), 0);
	cr_expect_eq(grant(1, HOUR_MS, HOUR_MS), 0);
	cr_expect_eq(grant(-1, 1, 0), -EPROTO);
	cr_expect_eq(grant(1, -1, 0), -EPROTO);
	cr_expect_eq(grant(0, -1, 0), -EPROTO);
	cr_expect_eq(grant(1, 1, -1), -EPROTO);
	cr_expect_eq(grant(1, HOUR_MS + 1, 0), -EPROTO);
	cr_expect_eq(grant(1, 1, HOUR_MS + 1), -EPROTO);
	cr_expect_eq(grant(1, 0, 0), -EPROTO);
}

Test(orders_edges, the_time_of_a_call_is_the_last_one_named)
{
	struct orders_effects effects = {0};
	struct orders *fresh = orders_new(&effects);

	cr_expect_eq(orders_call_timeout_ms(fresh), 10000);
	orders_free(fresh);
	orders_free(NULL);
	cr_assert_eq(grant(1, 3000, 0), 0);
	cr_expect_eq(orders_call_timeout_ms(rig.orders), 3000);
	cr_assert_eq(grant(0, 0, 0), 0);
	cr_expect_eq(orders_call_timeout_ms(rig.orders), 3000);
}

/* As it is before the first one comes, and after the link was down: all of it is 0. */
Test(orders_edges, no_grant_is_none_even_when_all_its_numbers_fit)
{
	struct msg_order order = rig_order(ORDER_ATTACH, "a", "4711", "34.1.2.3");
	struct msg_grant none = {.term = 0};

	rig.now.boot.ms = 0;
	order.term = 0;
	cr_assert_eq(orders_grant(rig.orders, &none), 0);
	cr_assert_eq(orders_order(rig.orders, rig.now, &order), 0);
	rig_expect_result(OUTCOME_REFUSED, "NoGrant", 1);
	cr_expect_eq(rig.calls_len, 0);
}

/* Timeout and margin have to fit in what is left, to the millisecond. */
Test(orders_edges, the_last_moment_of_a_grant)
{
	int64_t last_ms = rig.now.boot.ms + TIMEOUT_MS + MARGIN_MS;

	rig_grant(last_ms, TERM);
	rig_give(ORDER_ATTACH, "a");
	cr_expect_eq(rig.calls_len, 1);
	rig_answer_instance(NULL, NULL);
	cr_expect_eq(orders_permit(rig.orders, rig.now, rig.calls[1].ticket), 0);
	rig.now.boot.ms++;
	cr_expect_eq(orders_permit(rig.orders, rig.now, rig.calls[1].ticket), -EPERM);
}

Test(orders_edges, the_last_moment_of_a_read)
{
	rig_give(ORDER_ATTACH, "a");
	rig_answer_instance(NULL, NULL);
	rig.now.mono.ms += ORDER_READ_FRESH_MS;
	cr_expect_eq(orders_permit(rig.orders, rig.now, rig.calls[1].ticket), 0);
	rig.now.mono.ms++;
	cr_expect_eq(orders_permit(rig.orders, rig.now, rig.calls[1].ticket), -ESTALE);
}

Test(orders_edges, an_order_needs_all_its_texts)
{
	struct msg_order order = rig_order(ORDER_ATTACH, "a", "4711", "34.1.2.3");

	order.request_id[0] = '\0';
	cr_expect_eq(orders_order(rig.orders, rig.now, &order), -EPROTO);
	order = rig_order(ORDER_EPHEMERAL, "a", "4711", "");
	cr_expect_eq(orders_order(rig.orders, rig.now, &order), 0);
}

/* Ephemeral ones name no address: that is none that they have in common. */
Test(orders_edges, orders_without_an_address_do_not_wait_for_each_other)
{
	struct msg_order one = rig_order(ORDER_EPHEMERAL, "a", "4711", "");
	struct msg_order two = rig_order(ORDER_EPHEMERAL, "b", "4712", "");
	struct msg_order three = rig_order(ORDER_EPHEMERAL, "c", "4712", "");

	cr_assert_eq(orders_order(rig.orders, rig.now, &one), 0);
	cr_assert_eq(orders_order(rig.orders, rig.now, &two), 0);
	cr_expect_eq(rig.calls_len, 2);
	cr_assert_eq(orders_order(rig.orders, rig.now, &three), 0);
	cr_expect_eq(rig.calls_len, 2);
}

Test(orders_edges, the_budget_of_an_order)
{
	int64_t begun_ms = rig.now.mono.ms;

	rig_give(ORDER_ATTACH, "a");
	rig_give(ORDER_DETACH, "b");
	cr_expect_eq(orders_next_ms(rig.orders, rig.now), ORDER_BUDGET_MS);
	rig_pass(ORDER_BUDGET_MS - 1);
	cr_expect_eq(rig.results_len, 0);
	cr_expect_eq(orders_next_ms(rig.orders, rig.now), 1);
	rig_pass(1);
	/* the one with an open call waits for its answer */
	rig_expect_result(OUTCOME_FAILED, "Busy", 1);
	cr_expect_str_eq(rig.results[0].id, "b");
	cr_expect_eq(rig.results[0].duration_ms, rig.now.mono.ms - begun_ms);
	rig_answer_fault(FAULT_NOT_SENT, "CloudUnreachable");
	rig_expect_result(OUTCOME_FAILED, "CloudUnreachable", 2);
	cr_expect_eq(rig.ended, 2);
}

Test(orders_edges, what_is_due_later_is_not_done_now)
{
	rig_give(ORDER_ATTACH, "a");
	cr_expect_eq(orders_next_ms(rig.orders, rig.now), -1);
	rig_answer_fault(FAULT_NOT_SENT, "CloudUnreachable");
	rig_pass(orders_next_ms(rig.orders, rig.now) - 1);
	cr_expect_eq(rig.calls_len, 1);
	cr_expect_eq(orders_next_ms(rig.orders, rig.now), 1);
	rig.now.mono.ms += 100;
	cr_expect_eq(orders_next_ms(rig.orders, rig.now), 0);
	rig_pass(0);
	cr_expect_eq(rig.calls_len, 2);
	rig_pass(1000);
	cr_expect_eq(rig.calls_len, 2);
}

Test(orders_edges, the_first_of_all_that_is_due)
{
	struct msg_order other = rig_order(ORDER_ATTACH, "b", "4712", "34.9.9.9");
	int64_t first_ms;

	rig_give(ORDER_ATTACH, "a");
	rig_answer_fault(FAULT_NOT_SENT, "CloudUnreachable");
	first_ms = orders_next_ms(rig.orders, rig.now);
	cr_assert_eq(orders_order(rig.orders, rig.now, &other), 0);
	rig.now.mono.ms += 50;
	rig_answer_fault(FAULT_NOT_SENT, "CloudUnreachable");
	cr_expect_eq(orders_next_ms(rig.orders, rig.now), first_ms - 50);
	rig.now.mono.ms += first_ms - 50;
	cr_expect_eq(orders_next_ms(rig.orders, rig.now), 0);
	rig_pass(0);
	rig_answer_fault(FAULT_NOT_SENT, "CloudUnreachable");
	cr_expect_eq(orders_next_ms(rig.orders, rig.now), 50);
}

/* Only what waits after a failure is hurried, and never into the past. */
Test(orders_edges, hurry_leaves_alone_what_does_not_wait)
{
	rig_give(ORDER_ATTACH, "a");
	orders_hurry(rig.orders, rig.now);
	rig_pass(0);
	cr_expect_eq(rig.calls_len, 1);
	rig_answer_instance(NULL, NULL);
	rig_answer_operation(false, NULL);
	rig_expect_call(CLOUD_WAIT_OPERATION, 3);
	rig_answer_fault(FAULT_TRANSIENT, "CloudUnreachable");
	orders_hurry(rig.orders, rig.now);
	rig_pass(0);
	rig_expect_call(CLOUD_WAIT_OPERATION, 4);
}

static void
give_attach(size_t number)
{
	char id[32], instance[32], address[46];
	struct msg_order order;

	snprintf(id, sizeof id, "o%zu", number);
	snprintf(instance, sizeof instance, "1%zu", number);
	snprintf(address, sizeof address, "10.0.0.%zu", number);
	order = rig_order(ORDER_ATTACH, id, instance, address);
	cr_assert_eq(orders_order(rig.orders, rig.now, &order), 0);
}

/* A whole order whose change is refused for good. */
static void
spend_one(size_t number)
{
	size_t calls = rig.calls_len;

	give_attach(number);
	cr_assert_eq(rig.calls_len, calls + 1);
	rig_answer_instance(NULL, NULL);
	rig_answer_fault(FAULT_FINAL, "NoPermission");
}

Test(orders_edges, thirty_changes_then_one_a_second)
{
	for (size_t i = 0; i < 30; i++)
		spend_one(i);
	give_attach(30);
	cr_expect_eq(rig.calls_len, 60);
	cr_expect_eq(orders_next_ms(rig.orders, rig.now), 1000);
	rig_pass(400);
	cr_expect_eq(orders_next_ms(rig.orders, rig.now), 600);
	rig_pass(599);
	cr_expect_eq(rig.calls_len, 60);
	rig_pass(1);
	cr_expect_eq(rig.calls_len, 61);
}

/* However long it was quiet, the burst is not larger. */
Test(orders_edges, quiet_does_not_add_to_the_burst)
{
	spend_one(0);
	rig_pass(50000);
	for (size_t i = 1; i < 31; i++)
		spend_one(i);
	give_attach(31);
	cr_expect_eq(orders_next_ms(rig.orders, rig.now), 1000);
}

/* Who changes nothing gives its place back. */
Test(orders_edges, an_order_that_changes_nothing_costs_nothing)
{
	for (size_t i = 0; i < 40; i++) {
		size_t calls = rig.calls_len;

		give_attach(i);
		cr_assert_eq(rig.calls_len, calls + 1);
		rig_answer_fault(FAULT_FINAL, "NoPermission");
	}
	rig_expect_result(OUTCOME_FAILED, "NoPermission", 40);
}

Test(orders_edges, who_reads_again_keeps_its_place)
{
	for (size_t i = 0; i < 29; i++)
		spend_one(i);
	give_attach(29);
	rig_answer_fault(FAULT_NOT_SENT, "CloudUnreachable");
	give_attach(30);
	cr_expect_eq(rig.calls_len, 59, "none is left");
	orders_hurry(rig.orders, rig.now);
	rig_pass(0);
	cr_expect_eq(rig.calls_len, 60, "the first one reads again");
}

Test(orders_edges, sixteen_run_and_the_next_one_follows)
{
	for (size_t i = 0; i < 18; i++)
		give_attach(i);
	cr_expect_eq(rig.calls_len, 16);
	rig_answer_fault(FAULT_FINAL, "NoPermission");
	cr_expect_eq(rig.calls_len, 17);
	cr_expect_str_eq(rig.calls[16].instance, "116");
}

Test(orders_edges, the_one_that_ended_first_is_forgotten_first)
{
	give_attach(0);
	give_attach(1);
	rig_answer_fault(FAULT_FINAL, "NoPermission");
	rig_pass(1);
	orders_answer(rig.orders, rig.now, rig.calls[0].ticket,
	    &(struct cloud_answer){.fault = FAULT_FINAL, .reason = "NoPermission"});
	rig_grant(0, TERM);
	for (size_t i = 2; i < 32; i++)
		give_attach(i);
	rig.results_len = 0;
	orders_up(rig.orders, rig.now);
	cr_expect_eq(rig.end_counts[1], 32);
	give_attach(32);
	rig.results_len = 0;
	orders_up(rig.orders, rig.now);
	cr_expect_eq(rig.end_counts[2], 32);
	cr_expect_str_eq(rig.results[0].id, "o0", "not the one that was given last");
}

Test(orders_edges, after_an_hour_there_is_room_for_all_again)
{
	rig_grant(0, TERM);
	for (size_t i = 0; i < 32; i++)
		give_attach(i);
	rig_pass(HOUR_MS);
	for (size_t i = 100; i < 132; i++)
		give_attach(i);
	rig.results_len = 0;
	orders_up(rig.orders, rig.now);
	cr_expect_eq(rig.end_counts[1], 32);
	cr_expect_str_eq(rig.results[0].id, "o100");
}

Test(orders_edges, nothing_is_told_while_the_link_is_down)
{
	orders_down(rig.orders);
	cr_expect_not(orders_told(rig.orders));
	rig_give(ORDER_ATTACH, "a");
	orders_room(rig.orders);
	cr_expect_eq(rig.results_len, 0);
	cr_expect_eq(rig.ends_len, 1);
	cr_expect_eq(rig.ended, 1);
}

/* An answer to nobody, and one that comes twice. */
Test(orders_edges, stray_answers_do_nothing)
{
	struct cloud_answer stray;

	cloud_answer_init(&stray);
	cloud_answer_fault(&stray, FAULT_FINAL, "NoPermission", "");
	orders_answer(rig.orders, rig.now, 0, &stray);
	rig_give(ORDER_ATTACH, "a");
	orders_answer(rig.orders, rig.now, rig.calls[0].ticket + 1, &stray);
	cr_expect_eq(rig.results_len, 0);
	orders_answer(rig.orders, rig.now, rig.calls[0].ticket, &stray);
	orders_answer(rig.orders, rig.now, rig.calls[0].ticket, &stray);
	cr_expect_eq(rig.results_len, 1);
}

Test(orders_edges, a_failed_one_is_answered_from_memory_a_refused_one_runs_again)
{
	rig_give(ORDER_ATTACH, "a");
	rig_answer_fault(FAULT_FINAL, "NoPermission");
	rig_give(ORDER_ATTACH, "a");
	rig_expect_result(OUTCOME_FAILED, "NoPermission", 2);
	cr_expect_eq(rig.calls_len, 1);
	rig_give(ORDER_ATTACH, "b");
	rig_answer_instance("35.9.9.9", "x");
	rig_expect_result(OUTCOME_REFUSED, "TargetHasAddress", 3);
	rig_give(ORDER_ATTACH, "b");
	cr_expect_eq(rig.calls_len, 3);
}
