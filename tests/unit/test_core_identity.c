/* A node is its uid and the cloud's instance: what may be another machine is looked at
 * at once, and calls go by the instance's id. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core_rig.h"
#include "mem.h"

TestSuite(core_identity, .init = rig_make_world, .fini = rig_end_world, .timeout = 120);

static void
change_uid(struct msg_fact_node *node)
{
	MESSAGE_TEXT(node->uid, "another");
}

static void
change_provider_id(struct msg_fact_node *node)
{
	MESSAGE_TEXT(node->provider_id, "gce://demo/us-west1-a/n9");
}

static void
change_boot_id(struct msg_fact_node *node)
{
	MESSAGE_TEXT(node->boot_id, "another");
}

static void
change_ready(struct msg_fact_node *node)
{
	node->ready = NODE_READY_FALSE;
}

static void
change_cordon(struct msg_fact_node *node)
{
	node->unschedulable = 1;
}

static const struct {
	const char *what;
	void (*change)(struct msg_fact_node *node);
	bool looks;
} changes[] = {
    {"uid", change_uid, true},
    {"providerID", change_provider_id, true},
    {"bootID", change_boot_id, true},
    {"Ready", change_ready, true},
    {"unschedulable", change_cordon, false},
};

Test(core_identity, what_may_be_another_machine_is_looked_at_at_once)
{
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		struct message *message = mem_calloc(1, sizeof *message);
		unsigned long observes;

		rig_attach_both();
		observes = fake->observes;
		fake_fact(fake_get(fake, FAKE_NODES "n1"), FACT_KIND_NODE, message);
		changes[i].change(&message->u.fact_node);
		fake_message(fake, message);
		fake_run(fake, 200);
		if (changes[i].looks) /* its zone and its region */
			cr_assert_geq(
			    fake->observes - observes, 2, "%s", changes[i].what);
		else
			cr_assert_eq(fake->observes, observes, "%s", changes[i].what);
		rig_end_world();
		rig_make_world();
	}
}

/* The instance of that name is another one by now: what was ordered for the first one
 * does not hit it. */
Test(core_identity, a_new_machine_of_the_same_name_is_not_the_old_one)
{
	struct fake_instance *instance;

	rig_attach_both();
	rig_drain("n1", "sip-1", "n3");
	while (!fake_has_intent(fake, "web"))
		fake_run(fake, 10);
	instance = fake_instance(fake, "n1");
	snprintf(instance->id, sizeof instance->id, "999999");
	snprintf(instance->address, sizeof instance->address, "198.51.100.99");
	snprintf(instance->fence, sizeof instance->fence, "external-nat");
	cr_assert(fake_until(fake, rig_both_attached, 120000));
	cr_assert_str_eq(fake_instance(fake, "n1")->address, "198.51.100.99");
}

/* Its Node is gone, the instance is there: it was ours by the status. */
Test(core_identity, what_was_a_node_by_the_status_is_ours)
{
	rig_attach_both();
	fake_delete(fake, FAKE_PODS "sip-1");
	fake_delete(fake, FAKE_NODES "n1");
	fake_run(fake, 60000);
	cr_assert(rig_on("34.1.1.1", "n3"));
}

static bool
held_elsewhere(struct fake *unused)
{
	(void)unused;
	return strcmp(fake_entry(fake, "web", "34.1.1.1", "reason"), "HeldElsewhere") ==
	       0;
}

/* The same instance that no status knows is a stranger's. */
Test(core_identity, what_never_was_a_node_is_not)
{
	struct fake_instance *stranger =
	    fake_add_instance(fake, "stranger", "us-west1-a");

	snprintf(stranger->address, sizeof stranger->address, "34.1.1.1");
	snprintf(stranger->fence, sizeof stranger->fence, "external-nat");
	fake_allocation(fake, "web", "[\"34.1.1.1\"]", "");
	fake_start(fake);
	cr_assert(fake_until(fake, held_elsewhere, 60000));
	fake_run(fake, 60000);
	cr_assert_eq(fake->ordered, 0);
}

/* --- addresses that no region has ------------------------------------------------- */

static bool
blocked(const char *reason)
{
	return strcmp(fake_entry(fake, "other", "34.8.8.8", "reason"), reason) == 0;
}

static bool
is_global(struct fake *unused)
{
	(void)unused;
	return blocked("AddressIsGlobal");
}

static bool
is_missing(struct fake *unused)
{
	(void)unused;
	return blocked("AddressNotFound");
}

Test(core_identity, a_global_address_is_told_as_such)
{
	fake_reserve(fake, "34.8.8.8", "global");
	rig_attach_both();
	fake_allocation(fake, "other", "[\"34.8.8.8\"]", "");
	cr_assert(fake_until(fake, is_global, 10000));
	/* and reserved anew in a region, that is where it is */
	fake->addresses_len--;
	fake_reserve(fake, "34.8.8.8", "us-west1");
	fake_run(fake, 120000);
	cr_assert(rig_on("34.8.8.8", "n3"));
}

/* Whoever may not list them hears that it is nowhere, and nothing else suffers. */
Test(core_identity, without_their_list_it_is_not_found)
{
	fake->dark = "global";
	rig_attach_both();
	fake_allocation(fake, "other", "[\"34.8.8.8\"]", "");
	cr_assert(fake_until(fake, is_missing, 10000));
	fake_run(fake, 120000);
	cr_assert(is_missing(fake));
	cr_assert(rig_both_attached(fake));
}
