/* What the IP Address Controller does wrong with the cloud, and ipwarden must not: the
 * cloudworker's orders against a scripted cloud. */
#include <criterion/criterion.h>

#include "orders_rig.h"

TestSuite(defect, .init = rig_setup, .fini = rig_teardown, .timeout = 60);

/* The rig looks at the limit of each call, too. */
Test(defect, 08b_each_call_has_a_time_limit)
{
	struct cloud_call call;
	struct msg_order msg = rig_order(ORDER_ATTACH, "a", "4711", "34.1.2.3");
	struct order order;

	order_init(&order, &msg, rig.now.mono);
	order.stage = STAGE_READ;
	order_call(&order, TIMEOUT_MS, &call);
	cr_assert_eq(call.timeout_ms, TIMEOUT_MS, "no time limit");
}

Test(defect, 08c_who_fails_waits_longer_each_time)
{
	size_t calls = 0;

	rig_give(ORDER_ATTACH, "a");
	for (int i = 0; i < 600; i++) {
		if (rig.calls_len > calls) {
			calls = rig.calls_len;
			rig_answer_fault(FAULT_NOT_SENT, "CloudUnreachable");
		}
		rig_pass(100);
	}
	cr_assert_geq(calls, 8);
	cr_assert_leq(calls, 20, "%zu calls in a minute of an outage", calls);
}

Test(defect, 10_deposed_leader_changes_nothing)
{
	rig_give(ORDER_DETACH, "a");
	rig_grant(rig.now.boot.ms, TERM);
	rig_answer_instance("34.1.2.3", "ipw-1");
	rig_expect_call(CLOUD_GET_INSTANCE, 1);
	rig_expect_result(OUTCOME_REFUSED, "NoGrant", 1);
	rig_give(ORDER_ATTACH, "b");
	cr_assert_eq(rig.calls_len, 1, "an order of a leader that is none is begun");
	rig_expect_result(OUTCOME_REFUSED, "NoGrant", 2);
}

/* Done is what has ended and is seen. */
Test(defect, 11_operations_are_awaited)
{
	rig_give(ORDER_ATTACH, "a");
	rig_answer_instance(NULL, NULL);
	rig_answer_operation(false, NULL);
	cr_assert_eq(rig.results_len, 0, "success before the operation's end");
	rig_expect_call(CLOUD_WAIT_OPERATION, 3);
	rig_answer_operation(true, NULL);
	cr_assert_eq(rig.results_len, 0, "success before it is seen");
	rig_expect_call(CLOUD_GET_INSTANCE, 4);
	rig_answer_instance("34.1.2.3", "ipw-1");
	rig_expect_result(OUTCOME_DONE, "", 1);
}

/* The address is on the second interface: it is there. */
Test(defect, 13b_all_interfaces_are_looked_at)
{
	struct cloud_answer reads;

	rig_give(ORDER_ATTACH, "a");
	cloud_answer_init(&reads);
	MESSAGE_TEXT(reads.instance.id, "4711");
	MESSAGE_TEXT(reads.instance.nic, "nic0");
	reads.instance.configs_len = 1;
	MESSAGE_TEXT(reads.instance.configs[0].nic, "nic1");
	MESSAGE_TEXT(reads.instance.configs[0].name, "by hand");
	MESSAGE_TEXT(reads.instance.configs[0].address, "34.1.2.3");
	orders_answer(rig.orders, rig.now, rig.calls[0].ticket, &reads);
	cr_assert_eq(rig.calls_len, 1, "it is to be attached a second time");
	rig_expect_result(OUTCOME_DONE, "", 1);
}
