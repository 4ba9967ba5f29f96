/* One order against a scripted cloud: what is called, in which order, and what comes
 * out. */
#include <criterion/criterion.h>
#include <errno.h>

#include "orders_rig.h"

TestSuite(order, .init = rig_setup, .fini = rig_teardown);

/* --- an attach ----------------------------------------------------------------- */

Test(order, attach_reads_adds_waits_and_reads_back)
{
	const struct seen_call *call;

	rig_give(ORDER_ATTACH, "a");
	rig_expect_call(CLOUD_GET_INSTANCE, 1);
	rig_answer_instance(NULL, NULL);
	call = rig_expect_call(CLOUD_ADD_CONFIG, 2);
	cr_assert_str_eq(call->nic, "nic0");
	cr_assert_str_eq(call->address, "34.1.2.3");
	cr_assert_str_eq(call->fence, "ipw-1");
	cr_assert_str_eq(call->request_id, "request-a");
	rig_answer_operation(false, NULL);
	call = rig_expect_call(CLOUD_WAIT_OPERATION, 3);
	cr_assert_str_eq(call->operation, "operation-1");
	rig_answer_operation(true, NULL);
	rig_expect_call(CLOUD_GET_INSTANCE, 4);
	cr_assert_eq(rig.results_len, 0);
	rig_answer_instance("34.1.2.3", "ipw-1");
	rig_expect_result(OUTCOME_DONE, "", 1);
	cr_assert_eq(rig.begun, 1);
	cr_assert_eq(rig.ended, 1);
}

Test(order, attach_of_what_is_there_changes_nothing)
{
	const struct msg_result *result;

	rig_give(ORDER_ATTACH, "a");
	rig_answer_instance("34.1.2.3", "External NAT");
	result = rig_expect_result(OUTCOME_DONE, "", 1);
	cr_assert_str_eq(result->fence, "External NAT");
	cr_assert_eq(rig.calls_len, 1);
}

Test(order, attach_is_refused_where_another_address_is)
{
	rig_give(ORDER_ATTACH, "a");
	rig_answer_instance("35.9.9.9", "external-nat");
	rig_expect_result(OUTCOME_REFUSED, "TargetHasAddress", 1);
	cr_assert_eq(rig.calls_len, 1);
}

Test(order, attach_fails_with_the_operations_error)
{
	rig_give(ORDER_ATTACH, "a");
	rig_answer_instance(NULL, NULL);
	rig_answer_operation(false, NULL);
	cr_assert_eq(rig.failed[ORDER_ATTACH], 0);
	rig_answer_operation(true, "InUse");
	rig_expect_result(OUTCOME_FAILED, "InUse", 1);
	cr_assert_eq(rig.failed[ORDER_ATTACH], 1);
}

Test(order, attach_is_only_done_when_it_is_seen)
{
	rig_give(ORDER_ATTACH, "a");
	rig_answer_instance(NULL, NULL);
	rig_answer_operation(true, NULL);
	for (size_t reads = 3; rig.results_len == 0; reads++) {
		rig_expect_call(CLOUD_GET_INSTANCE, reads);
		rig_answer_instance(NULL, NULL);
		cr_assert_lt(reads, 20);
		rig_pass(8000);
	}
	rig_expect_result(OUTCOME_UNKNOWN, "NotObserved", 1);
}

Test(order, attach_to_a_vanished_instance_fails)
{
	rig_give(ORDER_ATTACH, "a");
	rig_answer_fault(FAULT_GONE, "NotFound");
	rig_expect_result(OUTCOME_FAILED, "InstanceGone", 1);
}

/* --- a detach ------------------------------------------------------------------ */

Test(order, detach_deletes_by_its_fence_and_reads_back)
{
	const struct seen_call *call;

	rig_give(ORDER_DETACH, "d");
	rig_answer_instance("34.1.2.3", "ipw-1");
	call = rig_expect_call(CLOUD_DELETE_CONFIG, 2);
	cr_assert_str_eq(call->fence, "ipw-1");
	cr_assert_str_eq(call->nic, "nic0");
	rig_answer_operation(true, NULL);
	rig_expect_call(CLOUD_GET_INSTANCE, 3);
	rig_answer_instance(NULL, NULL);
	rig_expect_result(OUTCOME_DONE, "", 1);
}

Test(order, detach_under_another_name_is_refused)
{
	rig_give(ORDER_DETACH, "d");
	rig_answer_instance("34.1.2.3", "ipw-2");
	rig_expect_result(OUTCOME_REFUSED, "FenceMismatch", 1);
	cr_assert_eq(rig.calls_len, 1);
}

Test(order, detach_of_another_address_under_the_name_does_nothing)
{
	rig_give(ORDER_DETACH, "d");
	rig_answer_instance("35.9.9.9", "ipw-1");
	rig_expect_result(OUTCOME_DONE, "", 1);
	cr_assert_eq(rig.calls_len, 1);
}

Test(order, detach_from_a_vanished_instance_is_done)
{
	rig_give(ORDER_DETACH, "d");
	rig_answer_fault(FAULT_GONE, "NotFound");
	rig_expect_result(OUTCOME_DONE, "InstanceGone", 1);
}

Test(order, detach_that_somebody_undid_is_told)
{
	rig_give(ORDER_DETACH, "d");
	rig_answer_instance("34.1.2.3", "ipw-1");
	rig_answer_operation(true, NULL);
	rig_answer_instance("34.1.2.3", "by-hand");
	rig_expect_result(OUTCOME_FAILED, "TakenDuringMove", 1);
}

/* --- an ephemeral address ------------------------------------------------------ */

Test(order, ephemeral_asks_for_no_address)
{
	const struct msg_result *result;

	rig_give(ORDER_EPHEMERAL, "e");
	rig_answer_instance(NULL, NULL);
	cr_assert_str_eq(rig_expect_call(CLOUD_ADD_CONFIG, 2)->address, "");
	rig_answer_operation(true, NULL);
	rig_answer_instance("203.0.113.9", "ipw-1");
	result = rig_expect_result(OUTCOME_DONE, "", 1);
	cr_assert_str_eq(result->address, "203.0.113.9");
}

Test(order, ephemeral_is_not_given_twice)
{
	rig_give(ORDER_EPHEMERAL, "e");
	rig_answer_instance("203.0.113.9", "external-nat");
	rig_expect_result(OUTCOME_DONE, "", 1);
	cr_assert_eq(rig.calls_len, 1);
}

/* --- trouble ------------------------------------------------------------------- */

Test(order, lost_reply_is_repeated_with_the_same_request)
{
	rig_give(ORDER_ATTACH, "a");
	rig_answer_instance(NULL, NULL);
	rig_answer_fault(FAULT_LOST, "CloudUnreachable");
	cr_assert_eq(rig.calls_len, 2);
	rig_pass(1000);
	rig_expect_call(CLOUD_GET_INSTANCE, 3);
	rig_answer_instance(NULL, NULL);
	cr_assert_str_eq(rig_expect_call(CLOUD_ADD_CONFIG, 4)->request_id, "request-a");
	rig_answer_operation(true, NULL);
	rig_answer_instance("34.1.2.3", "ipw-1");
	rig_expect_result(OUTCOME_DONE, "", 1);
}

Test(order, lost_reply_that_had_its_effect_is_done)
{
	rig_give(ORDER_DETACH, "d");
	rig_answer_instance("34.1.2.3", "ipw-1");
	rig_answer_fault(FAULT_LOST, "CloudUnreachable");
	rig_pass(1000);
	rig_answer_instance(NULL, NULL);
	rig_expect_result(OUTCOME_DONE, "", 1);
	cr_assert_eq(rig.calls_len, 3);
}

Test(order, unreachable_after_a_lost_reply_ends_unknown)
{
	rig_give(ORDER_ATTACH, "a");
	rig_answer_instance(NULL, NULL);
	rig_answer_fault(FAULT_LOST, "CloudUnreachable");
	rig_fail_until_end(FAULT_NOT_SENT, "CloudUnreachable");
	rig_expect_result(OUTCOME_UNKNOWN, "CloudUnreachable", 1);
}

Test(order, unreachable_from_the_start_ends_failed)
{
	rig_give(ORDER_ATTACH, "a");
	rig_answer_fault(FAULT_NOT_SENT, "CloudUnreachable");
	rig_fail_until_end(FAULT_NOT_SENT, "CloudUnreachable");
	rig_expect_result(OUTCOME_FAILED, "CloudUnreachable", 1);
	cr_assert_lt(rig.calls_len, 40, "retries must back off");
}

Test(order, server_error_may_have_had_its_effect)
{
	rig_give(ORDER_ATTACH, "a");
	rig_answer_instance(NULL, NULL);
	rig_answer_fault(FAULT_TRANSIENT, "CloudUnreachable");
	rig_pass(1000);
	rig_answer_instance(NULL, NULL);
	rig_answer_fault(FAULT_FINAL, "InUse");
	rig_expect_result(OUTCOME_UNKNOWN, "InUse", 1);
}

Test(order, throttled_change_is_tried_again)
{
	rig_give(ORDER_ATTACH, "a");
	rig_answer_instance(NULL, NULL);
	rig_answer_fault(FAULT_THROTTLED, "Throttled");
	rig_pass(1000);
	rig_answer_instance(NULL, NULL);
	rig_expect_call(CLOUD_ADD_CONFIG, 4);
	rig_answer_fault(FAULT_FINAL, "AddressNotFound");
	rig_expect_result(OUTCOME_FAILED, "AddressNotFound", 1);
}

Test(order, contradicted_read_is_repeated_a_few_times)
{
	rig_give(ORDER_ATTACH, "a");
	for (size_t calls = 2; rig.results_len == 0; calls += 2) {
		rig_answer_instance(NULL, NULL);
		rig_expect_call(CLOUD_ADD_CONFIG, calls);
		rig_answer_fault(FAULT_REREAD, "TargetHasAddress");
		cr_assert_lt(calls, 20);
		rig_pass(8000);
	}
	rig_expect_result(OUTCOME_FAILED, "TargetHasAddress", 1);
}

Test(order, missing_permission_is_final)
{
	rig_give(ORDER_DETACH, "d");
	rig_answer_instance("34.1.2.3", "ipw-1");
	rig_answer_fault(FAULT_FINAL, "NoPermission");
	rig_expect_result(OUTCOME_FAILED, "NoPermission", 1);
}

Test(order, wait_that_times_out_is_asked_again)
{
	rig_give(ORDER_ATTACH, "a");
	rig_answer_instance(NULL, NULL);
	rig_answer_operation(false, NULL);
	rig_answer_fault(FAULT_LOST, "CloudUnreachable");
	rig_pass(500);
	rig_expect_call(CLOUD_WAIT_OPERATION, 4);
	rig_answer_operation(true, NULL);
	rig_answer_instance("34.1.2.3", "ipw-1");
	rig_expect_result(OUTCOME_DONE, "", 1);
}

Test(order, refused_wait_falls_back_to_get_and_to_reading)
{
	rig_give(ORDER_ATTACH, "a");
	rig_answer_instance(NULL, NULL);
	rig_answer_operation(false, NULL);
	rig_answer_fault(FAULT_FINAL, "NoPermission");
	rig_expect_call(CLOUD_GET_OPERATION, 4);
	rig_answer_fault(FAULT_FINAL, "NoPermission");
	rig_expect_call(CLOUD_GET_INSTANCE, 5);
	rig_answer_instance("34.1.2.3", "ipw-1");
	rig_expect_result(OUTCOME_DONE, "", 1);
}

Test(order, operation_that_never_ends_is_unknown)
{
	rig_give(ORDER_ATTACH, "a");
	rig_answer_instance(NULL, NULL);
	rig_answer_operation(false, NULL);
	for (size_t calls = 2; rig.results_len == 0;) {
		if (rig.calls_len > calls) {
			calls = rig.calls_len;
			rig_answer_operation(false, NULL);
		}
		rig_pass(1000);
		cr_assert_lt(calls, 200);
	}
	rig_expect_result(OUTCOME_UNKNOWN, "StillRunning", 1);
}

/* --- the grant ----------------------------------------------------------------- */

Test(order, without_a_grant_nothing_is_even_read)
{
	rig_grant(0, TERM);
	rig_give(ORDER_ATTACH, "a");
	rig_expect_result(OUTCOME_REFUSED, "NoGrant", 1);
	cr_assert_eq(rig.calls_len, 0);
}

Test(order, another_term_is_refused)
{
	rig_grant(rig.now.boot.ms + 60000, TERM + 1);
	rig_give(ORDER_ATTACH, "a");
	rig_expect_result(OUTCOME_REFUSED, "NoGrant", 1);
}

Test(order, grant_must_cover_the_whole_call)
{
	rig_grant(rig.now.boot.ms + TIMEOUT_MS + MARGIN_MS - 1, TERM);
	rig_give(ORDER_ATTACH, "a");
	rig_expect_result(OUTCOME_REFUSED, "NoGrant", 1);
	rig_grant(rig.now.boot.ms + TIMEOUT_MS + MARGIN_MS, TERM);
	rig_give(ORDER_ATTACH, "b");
	rig_answer_instance(NULL, NULL);
	rig_expect_call(CLOUD_ADD_CONFIG, 2);
	cr_assert_eq(orders_permit(rig.orders, rig.now, rig.calls[1].ticket), 0);
	rig.now.boot.ms++;
	cr_assert_eq(orders_permit(rig.orders, rig.now, rig.calls[1].ticket), -EPERM);
}

Test(order, grant_that_ends_between_read_and_change_stops_it)
{
	rig_give(ORDER_ATTACH, "a");
	rig_grant(0, TERM);
	rig_answer_instance(NULL, NULL);
	rig_expect_result(OUTCOME_REFUSED, "NoGrant", 1);
	cr_assert_eq(rig.calls_len, 1);
}

Test(order, suspended_machine_loses_its_grant)
{
	rig_grant(rig.now.boot.ms + 60000, TERM);
	rig_give(ORDER_ATTACH, "a");
	rig.now.boot.ms += 60000;
	rig_answer_instance(NULL, NULL);
	rig_expect_result(OUTCOME_REFUSED, "NoGrant", 1);
}

Test(order, lost_grant_does_not_stop_the_wait)
{
	rig_give(ORDER_ATTACH, "a");
	rig_answer_instance(NULL, NULL);
	rig_answer_operation(false, NULL);
	rig_grant(0, TERM);
	rig_answer_operation(true, NULL);
	rig_answer_instance("34.1.2.3", "ipw-1");
	rig_expect_result(OUTCOME_DONE, "", 1);
}

Test(order, lost_grant_after_a_lost_reply_is_unknown)
{
	rig_give(ORDER_ATTACH, "a");
	rig_answer_instance(NULL, NULL);
	rig_answer_fault(FAULT_LOST, "CloudUnreachable");
	rig_grant(0, TERM);
	rig_pass(1000);
	rig_answer_instance(NULL, NULL);
	rig_expect_result(OUTCOME_UNKNOWN, "NoGrant", 1);
}

Test(order, old_read_permits_no_change)
{
	rig_give(ORDER_ATTACH, "a");
	rig_answer_instance(NULL, NULL);
	rig.now.mono.ms += ORDER_READ_FRESH_MS;
	cr_assert_eq(orders_permit(rig.orders, rig.now, rig.calls[1].ticket), 0);
	rig.now.mono.ms++;
	cr_assert_eq(orders_permit(rig.orders, rig.now, rig.calls[1].ticket), -ESTALE);
}

Test(order, unknown_ticket_permits_nothing)
{
	cr_assert_eq(orders_permit(rig.orders, rig.now, 0), -EPERM);
	cr_assert_eq(orders_permit(rig.orders, rig.now, 99), -EPERM);
}

Test(order, senseless_grant_is_a_violation)
{
	struct msg_grant grant = {.until_boot_ms = 1, .call_timeout_ms = -1};

	cr_assert_eq(orders_grant(rig.orders, &grant), -EPROTO);
	grant.call_timeout_ms = 0;
	cr_assert_eq(orders_grant(rig.orders, &grant), -EPROTO);
	grant.call_timeout_ms = 1000;
	grant.margin_ms = INT64_MAX;
	cr_assert_eq(orders_grant(rig.orders, &grant), -EPROTO);
	grant.margin_ms = 1000;
	grant.until_boot_ms = -1;
	cr_assert_eq(orders_grant(rig.orders, &grant), -EPROTO);
}
