/* The core when answers, hints, writes and the doings of others cross. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core_rig.h"

TestSuite(core_cross, .init = rig_make_world, .fini = rig_end_world, .timeout = 120);

Test(core_cross, a_hint_that_comes_during_a_read_is_not_lost)
{
	rig_attach_both();
	fake->faults.slow = 1000;
	fake_patch(
	    fake, FAKE_ALLOCATIONS "/web", "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}");
	fake_run(fake, 6000); /* it is read, and the answer is under way */
	fake_patch(fake, FAKE_ALLOCATIONS "/web",
	    "{\"spec\":{\"reservedIPs\":[\"34.1.1.1\"]}}");
	fake_run(fake, 1000);
	fake->faults.slow = 0;
	fake_run(fake, 60000);
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.2", "reason"), "InUse");
}

Test(core_cross, an_object_made_anew_during_a_read_is_not_lost)
{
	rig_attach_both();
	fake->faults.slow = 1000;
	fake_delete(fake, FAKE_ALLOCATIONS "/web");
	fake_run(fake, 6000);
	fake_allocation(fake, "web", "[\"34.1.1.1\",\"34.1.1.2\"]", "");
	fake_run(fake, 1000);
	fake->faults.slow = 0;
	cr_assert(fake_until(fake, rig_both_attached, 60000));
}

/* Nothing is kept of it: another one may have its addresses. */
Test(core_cross, an_object_that_goes_during_the_list_is_gone)
{
	struct boot_time until;
	unsigned long lists;

	rig_attach_both();
	core_unlead(fake->core, fake_time(fake));
	fake->faults.slow = 1000;
	lists = fake->lists;
	until.ms = fake->now_ms + FAKE_GRANT_MS;
	core_lead(fake->core, fake_time(fake), ++fake->term);
	core_grant(fake->core, fake_time(fake), until, 10000, 2000);
	while (fake->lists == lists)
		fake_run(fake, 1);
	fake->faults.slow = 0;
	fake_delete(fake, FAKE_ALLOCATIONS "/web");
	fake_run(fake, 20000);
	fake_allocation(fake, "late", "[\"34.1.1.1\"]", "");
	fake_run(fake, 60000);
	cr_assert(rig_is("late", "34.1.1.1", "Attached", "Attached"));
}

/* A new leader whose watch is not complete yet has no news. */
Test(core_cross, says_nothing_before_the_watch_is_complete)
{
	unsigned long writes;

	rig_attach_both();
	fake_kill(fake);
	writes = fake->writes;
	fake->blind = true;
	fake_start(fake);
	fake_run(fake, 60000);
	cr_assert_eq(fake->writes, writes);
	fake_watch_start(fake);
	fake_run(fake, 60000);
	cr_assert_eq(fake->writes, writes);
	cr_assert(rig_both_attached(fake));
}

Test(core_cross, a_status_that_is_not_kept_is_written_ever_more_seldom)
{
	unsigned long writes;

	fake->pruned = "addresses";
	fake_allocation(fake, "web", "[\"34.1.1.1\"]", "");
	fake_start(fake);
	fake_run(fake, 60000);
	writes = fake->writes;
	fake_run(fake, 600000);
	cr_assert_leq(fake->writes - writes, 11);
	cr_assert_eq(fake->ordered, 0);
}

Test(core_cross, a_fight_over_a_label_slows_down)
{
	unsigned long writes;

	rig_attach_both();
	writes = fake->writes;
	for (int i = 0; i < 1200; i++) {
		fake_patch(fake, "/api/v1/nodes/n1",
		    "{\"metadata\":{\"labels\":{\"ip.ready\":null}}}");
		fake_run(fake, 100);
	}
	cr_assert_leq(fake->writes - writes, 9);
	fake_run(fake, 120000);
	cr_assert_str_eq(fake_label(fake, "n1", "ip.ready"), "true");
}

static bool
labelled(const char *node)
{
	return strcmp(fake_label(fake, node, "ip.ready"), "true") == 0;
}

static bool
one_labelled(struct fake *unused)
{
	(void)unused;
	return labelled("n1") || labelled("n2");
}

/* Two labels that have waited long, out of step: both are there soon after the first.
 */
Test(core_cross, one_good_answer_ends_an_outage_for_all)
{
	static const char *const nodes[] = {"/api/v1/nodes/n1", "/api/v1/nodes/n2"};

	rig_attach_both();
	fake->faults.lost_before = 1000;
	for (size_t i = 0; i < 2; i++) {
		fake_patch(
		    fake, nodes[i], "{\"metadata\":{\"labels\":{\"ip.ready\":null}}}");
		fake_run(fake, 25000);
	}
	fake_run(fake, 300000);
	cr_assert(!one_labelled(fake));
	fake->faults.lost_before = 0;
	cr_assert(fake_until(fake, one_labelled, 60000));
	cr_assert(!labelled("n1") || !labelled("n2"));
	fake_run(fake, 2000);
	cr_assert(labelled("n1") && labelled("n2"));
}

/* The label that names the address is gone: what is left is still ours. */
Test(core_cross, half_of_our_labels_go_too_where_no_address_is)
{
	rig_attach_both();
	fake_patch(fake, FAKE_NODES "n3",
	    "{\"metadata\":{\"labels\":{\"ip.ready\":\"true\","
	    "\"netinfra.darkbrains.com/allocation\":\"web\"}}}");
	fake_run(fake, 90000);
	cr_assert_str_empty(fake_label(fake, "n3", "ip.ready"));
	cr_assert(labelled("n1") && labelled("n2"));
}

/* A new leader whose list fails again and again, while its lease is renewed. */
Test(core_cross, a_leader_lists_soon_after_an_outage)
{
	fake_allocation(fake, "web", "[\"34.1.1.1\",\"34.1.1.2\"]", "");
	fake->faults.lost_before = 1000;
	fake_start(fake);
	fake_run(fake, 150000);
	cr_assert_eq(fake->writes, 0);
	fake->faults.lost_before = 0;
	cr_assert(fake_until(fake, rig_both_attached, FAKE_RENEW_MS + 5000));
}

Test(core_cross, a_busy_link_does_not_forgive_a_debt)
{
	rig_attach_both();
	fake->no_gifts = true;
	rig_drain("n1", "sip-1", "n3");
	fake_run(fake, 60000);
	cr_assert(rig_on("34.1.1.1", "n3"));
	fake->no_gifts = false;
	fake_run(fake, 120000);
	cr_assert_neq(fake_instance(fake, "n1")->address[0], '\0');
}

/* Its attach was observed only after the Node had gone: the journal has no name of it.
 */
Test(core_cross, who_left_before_it_was_named_loses_its_address)
{
	struct fake_instance *left = fake_instance(fake, "n1");
	char status[256];

	snprintf(left->address, sizeof left->address, "34.1.1.1");
	snprintf(left->fence, sizeof left->fence, "ipw-1");
	left->steady_since_ms = 0;
	fake_delete(fake, FAKE_NODES "n1");
	fake_allocation(fake, "web", "[\"34.1.1.1\"]", "");
	snprintf(status, sizeof status,
	    "{\"status\":{\"addresses\":[{\"address\":\"34.1.1.1\",\"state\":"
	    "\"Attached\",\"project\":\"demo\",\"zone\":\"us-west1-a\","
	    "\"instanceID\":\"%s\"}]}}",
	    left->id);
	fake_patch(fake, FAKE_ALLOCATIONS "/web", status);
	fake_start(fake);
	while (!fake_has_intent(fake, "web"))
		fake_run(fake, 1);
	/* who goes on reads afresh again */
	fake_kill(fake);
	fake_start(fake);
	fake_run(fake, 120000);
	cr_assert(rig_on("34.1.1.1", "n2"), "%s",
	    fake_entry(fake, "web", "34.1.1.1", "message"));
}

/* Somebody puts the address on another node while its target makes room for it. */
Test(core_cross, who_made_room_in_vain_gets_an_address_back)
{
	struct fake_instance *by_hand = fake_instance(fake, "n3");

	fake_allocation(fake, "web", "[\"34.1.1.1\"]", "");
	fake_start(fake);
	while (fake->ordered == 0)
		fake_run(fake, 1);
	snprintf(by_hand->address, sizeof by_hand->address, "34.1.1.1");
	snprintf(by_hand->fence, sizeof by_hand->fence, "external-nat");
	fake_run(fake, 120000);
	cr_assert(rig_on("34.1.1.1", "n3"));
	cr_assert_str_not_empty(fake_instance(fake, "n1")->address);
}

/* Somebody reserves the address of a node just when we call it ephemeral. */
Test(core_cross, an_address_that_was_reserved_meanwhile_stays)
{
	char kept[46];

	fake_allocation(fake, "web", "[\"34.1.1.1\"]", "");
	fake_start(fake);
	while (!fake_has_intent(fake, "web"))
		fake_run(fake, 1);
	snprintf(kept, sizeof kept, "%s", fake_instance(fake, "n1")->address);
	fake_reserve(fake, kept, "us-west1");
	fake_run(fake, 120000);
	cr_assert(rig_on(kept, "n1"));
	cr_assert_not_null(fake_where(fake, "34.1.1.1"));
}

/* Bad input harms nobody else: a zone that does not exist, and a great many of them. */
Test(core_cross, places_that_do_not_exist_harm_nobody)
{
	char spec[16384] = ",\"cloud\":{\"zones\":[\"us-west1-zz\"";
	size_t len = strlen(spec);
	unsigned long observes;

	for (int i = 0; i < 300; i++)
		len += (size_t)snprintf(
		    spec + len, sizeof spec - len, ",\"nowhere%d-a\"", i);
	snprintf(spec + len, sizeof spec - len, "]}");
	fake->dark = "us-west1-zz";
	fake_allocation(fake, "typo", "[\"34.9.9.9\"]", spec);
	rig_attach_both();
	fake->cloud_down = true;
	fake_run(fake, 120000);
	observes = fake->observes;
	fake_run(fake, 300000);
	cr_assert_leq(fake->observes - observes, 10 * 125);
}

/* Memory has a limit: who comes too late is left alone and told so, the rest goes on.
 */
Test(core_cross, too_many_addresses_of_all_harm_nobody_else)
{
	char list[256 * 20], name[16];

	for (unsigned i = 0; i < 24; i++) {
		size_t len = 0;

		for (unsigned j = 0; j < 256; j++)
			len += (size_t)snprintf(list + len, sizeof list - len,
			    "%c\"198.18.%u.%u\"", j == 0 ? '[' : ',', i, j);
		snprintf(list + len, sizeof list - len, "]");
		snprintf(name, sizeof name, "crowd-%u", i);
		fake_allocation(fake, name, list, "");
	}
	fake_allocation(fake, "web", "[\"34.1.1.1\",\"34.1.1.2\"]", "");
	fake_patch(fake, FAKE_ALLOCATIONS "/web",
	    "{\"metadata\":{\"creationTimestamp\":\"2025-01-01T00:00:00Z\"}}");
	fake_start(fake);
	cr_assert(fake_until(fake, rig_both_attached, 60000));
	cr_assert_str_eq(
	    fake_entry(fake, "crowd-0", "198.18.0.0", "reason"), "AddressNotFound");
	cr_assert_str_eq(fake_condition(fake, "crowd-23", "Ready"), "/");
	cr_assert_str_eq(fake_condition(fake, "web", "Ready"), "True/AllAttached");
}
