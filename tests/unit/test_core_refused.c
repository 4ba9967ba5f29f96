/* What the API server refuses, and what the core makes of it. */
#include <criterion/criterion.h>
#include <string.h>

#include "core_rig.h"

TestSuite(core_refused, .init = rig_make_world, .fini = rig_end_world, .timeout = 120);

static void
refuse(const char *method, const char *part, int status, const char *message,
    unsigned count)
{
	fake->refuse.method = method;
	fake->refuse.part = part;
	fake->refuse.status = status;
	fake->refuse.message = message;
	fake->refuse.count = count;
}

static void
start(void)
{
	fake_allocation(fake, "web", "[\"34.1.1.1\",\"34.1.1.2\"]", "");
	fake_start(fake);
}

/* Without its journal nothing is ordered; its owner is told. */
Test(core_refused, a_status_that_may_not_be_written_begins_nothing)
{
	refuse("PATCH", "/status", 403, "cannot patch", 1000);
	start();
	fake_run(fake, 120000);
	cr_assert_eq(fake->ordered, 0);
	cr_assert(fake_told(fake, "StatusRefused"));
	cr_assert_gt(fake->refuse.count, 985, "it backs off");
	fake->refuse.count = 0;
	cr_assert(fake_until(fake, rig_both_attached, 120000));
}

Test(core_refused, a_status_that_is_invalid_begins_nothing)
{
	refuse("PATCH", "/status", 422, "status.reserved: Invalid value", 3);
	start();
	cr_assert(fake_until(fake, rig_both_attached, 120000));
	cr_assert(fake_told(fake, "StatusRefused"));
}

/* The request's id would only bring its old success again. */
Test(core_refused, what_was_undone_at_the_cloud_is_asked_for_anew)
{
	fake->undo_attach = true;
	start();
	cr_assert(fake_until(fake, rig_both_attached, 30000));
	cr_assert_str_not_empty(fake->undone);
}

/* What the cloudworker refuses is asked for a few times: what it knows may be behind.
 */
Test(core_refused, an_order_that_is_always_refused_goes_elsewhere)
{
	fake->refused = "34.1.1.1";
	start();
	fake_run(fake, 120000);
	cr_assert_not_null(
	    fake_event(fake, "NetIPAllocation", "Refused", "34.1.1.1 cannot go to n"));
	cr_assert_not_null(fake_where(fake, "34.1.1.2"));
	fake->refused = NULL;
	cr_assert(fake_until(fake, rig_both_attached, 600000));
}

Test(core_refused, an_address_that_is_not_given_up_stays_and_is_told)
{
	rig_attach_both();
	fake->refused = "34.1.1.1";
	rig_drain("n1", "sip-1", "n3");
	fake_run(fake, 120000);
	cr_assert_not_null(
	    fake_event(fake, "NetIPAllocation", "Refused", "34.1.1.1 stays on n1"));
	cr_assert(rig_on("34.1.1.1", "n1"));
	fake->refused = NULL;
	cr_assert(fake_until(fake, rig_both_attached, 600000));
	cr_assert(rig_on("34.1.1.1", "n3"));
}

/* A conflict is read and decided again, at once, and is no news. */
Test(core_refused, a_conflict_is_decided_again)
{
	refuse("PATCH", "/status", 409, "", 2);
	start();
	cr_assert(fake_until(fake, rig_both_attached, 10000));
	cr_assert_not(fake_told(fake, "StatusRefused"));
}

/* Neither in a hurry nor in silence, and what can go on does. */
Test(core_refused, a_finalizer_that_is_not_kept_is_told)
{
	fake->no_finalizers = true;
	start();
	fake_run(fake, 60000);
	cr_assert(fake_told(fake, "FinalizerRefused"));
	cr_assert_eq(fake->ordered, 0);
	cr_assert_lt(fake->writes, 30, "%lu writes", fake->writes);
	cr_assert_str_eq(
	    fake_entry(fake, "web", "34.1.1.1", "reason"), "FinalizerRefused");
	fake->no_finalizers = false;
	cr_assert(fake_until(fake, rig_both_attached, 120000));
}

Test(core_refused, a_finalizer_that_stays_is_told)
{
	rig_attach_both();
	rig_nobody_uses_them();
	refuse("PATCH", "/netipallocations/web", 403, "cannot patch", 1000);
	fake->refuse.spare = "/status";
	rig_delete_web();
	fake_run(fake, 60000);
	cr_assert_str_eq(
	    fake_condition(fake, "web", "Ready"), "False/FinalizerRefused");
	fake->refuse.count = 0;
	cr_assert(fake_until(fake, rig_gone, 120000));
}

Test(core_refused, an_allocation_that_is_gone_is_forgotten)
{
	start();
	refuse("PATCH", "/status", 404, "", 1);
	fake_run(fake, 100);
	fake_delete(fake, FAKE_ALLOCATIONS "/web");
	fake_run(fake, 60000);
	cr_assert_not(fake_told(fake, "StatusRefused"));
	cr_assert_eq(fake->ordered, 0);
}

/* Labels that may not be written are told, and hold nothing up for ever. */
Test(core_refused, labels_that_may_not_be_written_are_told)
{
	refuse("PATCH", FAKE_NODES, 403, "cannot patch resource nodes", 1000);
	start();
	cr_assert(fake_until(fake, rig_both_attached, 120000));
	cr_assert(fake_told(fake, "LabelRefused"));
	cr_assert_str_eq(fake_label(fake, "n1", "ip.ready"), "");
}

static bool
labelled(struct fake *unused)
{
	(void)unused;
	return strcmp(fake_label(fake, "n1", "ip.ready"), "true") == 0;
}

/* Another node of the same name (409; 422 of a real server): the facts will tell. That
 * is no refusal, however often it comes. */
static void
another_node(int status, const char *message)
{
	refuse("PATCH", FAKE_NODES, status, message, 12);
	start();
	fake_run(fake, 10000);
	cr_assert_gt(fake->refuse.count, 0);
	cr_assert(fake_has_intent(fake, "web"), "the labels are still awaited");
	cr_assert(fake_until(fake, labelled, 300000));
	cr_assert(fake_until(fake, rig_both_attached, 60000));
	cr_assert_not(fake_told(fake, "LabelRefused"));
}

Test(core_refused, a_label_of_another_node_is_no_refusal)
{
	another_node(409, "");
}

Test(core_refused, a_label_with_another_uid_is_no_refusal)
{
	another_node(422, "metadata.uid: Invalid value: field is immutable");
}
