/* What a node is left with when its address has gone: an ephemeral one is given back,
 * as well as can be, and a status no longer says that it holds ours. */
#include <criterion/criterion.h>
#include <string.h>

#include "core_rig.h"

TestSuite(core_back, .init = rig_make_world, .fini = rig_end_world, .timeout = 120);

/* Orders for an ephemeral address, and one of them. */
static size_t
gifts(const struct fake_order **ret_last)
{
	size_t count = 0;

	MAP_EACH(fake->orders, entry)
	{
		const struct fake_order *kept = lh_entry_v(entry);

		if (kept->order.kind != ORDER_EPHEMERAL)
			continue;
		count++;
		*ret_last = kept;
	}
	return count;
}

static bool
moved(struct fake *unused)
{
	return rig_on("34.1.1.1", "n3") && rig_both_attached(unused);
}

/* Somebody takes it again before anyone has looked. */
static bool
moved_and_taken_again(struct fake *unused)
{
	const struct fake_order *gift;
	struct fake_instance *instance = fake_instance(fake, "n1");

	if (gifts(&gift) > 0 && gift->outcome == OUTCOME_DONE)
		instance->address[0] = '\0';
	return moved(unused);
}

Test(core_back, what_was_given_back_once_is_not_given_again)
{
	const struct fake_order *gift;

	rig_attach_both();
	rig_drain("n1", "sip-1", "n3");
	cr_assert(fake_until(fake, moved_and_taken_again, 10000));
	fake_run(fake, 300000);
	cr_assert_eq(gifts(&gift), 1);
	cr_assert_str_eq(fake_instance(fake, "n1")->address, "");
}

/* It has no effect, and nobody can say why. */
static bool
moved_without_a_gift(struct fake *unused)
{
	const struct fake_order *gift;

	if (gifts(&gift) > 0)
		MESSAGE_TEXT(fake->undone, gift->order.request_id);
	return moved(unused);
}

Test(core_back, giving_back_without_effect_ends_after_five_tries)
{
	const struct fake_order *gift;

	rig_attach_both();
	rig_drain("n1", "sip-1", "n3");
	cr_assert(fake_until(fake, moved_without_a_gift, 3600000));
	fake_run(fake, 3600000);
	cr_assert_eq(gifts(&gift), 5);
	cr_assert_not_null(
	    fake_event(fake, "NetIPAllocation", "Refused", "no ephemeral address for"));
	cr_assert_str_eq(fake_instance(fake, "n1")->address, "");
}

/* Somebody else has the address, just when the target has room for it. */
static void
snatch(void)
{
	while (fake_instance(fake, "n1")->address[0] != '\0')
		fake_run(fake, 1);
	fake->addresses[0].foreign_user[0] = 'x';
}

static bool
giving(struct fake *unused)
{
	const struct fake_order *gift;

	(void)unused;
	return gifts(&gift) > 0;
}

/* The gift arrives, but nothing is heard of it. */
static void
give_unheard(void)
{
	fake_cloud_kill(fake);
	while (fake_instance(fake, "n1")->address[0] == '\0')
		fake_run(fake, 1);
	fake->addresses[0].foreign_user[0] = '\0';
	fake_cloud_start(fake);
}

/* The cloud does nothing twice for the same request. */
Test(core_back, what_is_taken_again_is_given_back_as_a_new_request)
{
	const struct fake_order *gift;
	char first[ID_MAX + 1];

	fake_allocation(fake, "web", "[\"34.1.1.1\"]", "");
	fake_cordon(fake, "n2", true);
	fake_cordon(fake, "n3", true);
	fake_start(fake);
	snatch();
	cr_assert(fake_until(fake, giving, 60000));
	gifts(&gift);
	MESSAGE_TEXT(first, gift->order.request_id);
	give_unheard();
	snatch();
	cr_assert(fake_until(fake, giving, 60000));
	gifts(&gift);
	cr_assert_str_neq(gift->order.request_id, first);
	fake_run(fake, 10000);
	cr_assert_str_neq(fake_instance(fake, "n1")->address, "");
}

/* An order for the ephemeral address of n1 is under way, and somebody else takes the
 * reserved one. */
static void
snatch_while_room_is_made(void)
{
	fake_allocation(fake, "web", "[\"34.1.1.1\"]", "");
	fake_cordon(fake, "n2", true);
	fake_cordon(fake, "n3", true);
	fake->stuck = true;
	fake_start(fake);
	while (fake->ordered == 0)
		fake_run(fake, 10);
	fake->addresses[0].foreign_user[0] = 'x';
}

/* Whoever leads has seen that it is not taken, before it is. */
static void
take_late(void)
{
	fake_run(fake, 20000);
	cr_assert_str_neq(fake_instance(fake, "n1")->address, "");
	fake_instance(fake, "n1")->address[0] = '\0';
	fake_run(fake, 180000);
	cr_assert_str_neq(fake_instance(fake, "n1")->address, "");
	cr_assert_not(fake_has_intent(fake, "web"));
}

/* The cloudworker dies, and what it had begun comes later: that it is not so yet, as is
 * seen meanwhile, says nothing. */
Test(core_back, what_is_taken_late_is_given_back)
{
	snatch_while_room_is_made();
	fake_cloud_kill(fake);
	fake->stuck = false;
	fake_cloud_start(fake);
	take_late();
}

/* The whole replica dies, and the next one knows of no order. */
static void
succeed(void)
{
	fake_kill(fake);
	fake_cloud_kill(fake);
	fake->stuck = false;
	fake_start(fake);
}

Test(core_back, what_a_former_leader_takes_late_is_given_back)
{
	snatch_while_room_is_made();
	succeed();
	take_late();
}

/* It never comes: then nothing is waited for, nor taken. */
Test(core_back, what_a_former_leader_ordered_is_not_waited_for_without_end)
{
	char address[ADDRESS_MAX + 1];

	MESSAGE_TEXT(address, fake_instance(fake, "n1")->address);
	snatch_while_room_is_made();
	succeed();
	fake_run(fake, 80000);
	cr_assert(fake_has_intent(fake, "web"));
	fake_run(fake, 80000);
	cr_assert_not(fake_has_intent(fake, "web"));
	cr_assert_str_eq(fake_instance(fake, "n1")->address, address);
}

static void
set_address(const char *node, const char *address, const char *fence)
{
	struct fake_instance *instance = fake_instance(fake, node);

	MESSAGE_TEXT(instance->address, address);
	MESSAGE_TEXT(instance->fence, fence);
}

static bool
left(struct fake *unused)
{
	(void)unused;
	return fake_where(fake, "34.1.1.1") == NULL;
}

static bool
n1_has_one(struct fake *unused)
{
	(void)unused;
	return fake_instance(fake, "n1")->address[0] != '\0';
}

/* What is owed to a node is owed whoever moves its address on. */
Test(core_back, who_moves_it_on_by_hand_leaves_the_debt_to_us)
{
	fake_node(fake, "n4", "us-west1-b", true);
	fake_cordon(fake, "n4", true);
	rig_attach_both();
	rig_drain("n1", "sip-1", "n3");
	cr_assert(fake_until(fake, left, 60000));
	set_address("n4", "34.1.1.1", "by-hand");
	cr_assert(fake_until(fake, rig_both_attached, 120000));
	cr_assert(fake_until(fake, n1_has_one, 60000));
}

static bool
nowhere_to_go(struct fake *unused)
{
	(void)unused;
	return rig_is("web", "34.1.1.1", "Pending", "NoEligibleNode") ||
	       rig_is("web", "34.1.1.1", "Blocked", "NoEligibleNode");
}

Test(core_back, what_is_unlisted_while_it_is_nowhere_leaves_the_debt_to_us)
{
	rig_attach_both();
	for (int i = 1; i <= 3; i++) {
		char node[] = {'n', (char)('0' + i), '\0'};

		fake_cordon(fake, node, true);
	}
	fake_run(fake, 3000);
	set_address("n1", "", "");
	fake_run(fake, 60000);
	cr_assert(
	    nowhere_to_go(fake), "%s", fake_entry(fake, "web", "34.1.1.1", "reason"));
	fake_patch(fake, RIG_WEB, "{\"spec\":{\"reservedIPs\":[\"34.1.1.2\"]}}");
	cr_assert(fake_until(fake, n1_has_one, 60000));
	fake_run(fake, 10000);
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "state"), "");
}

static bool
first_is_released(struct fake *unused)
{
	(void)unused;
	return rig_is("web", "34.1.1.1", "Pending", "Released");
}

/* The other one keeps the object for a while. */
Test(core_back, what_is_released_is_on_no_node_any_more)
{
	rig_attach_both();
	rig_unused("n1", "sip-1");
	rig_delete_web();
	cr_assert(fake_until(fake, first_is_released, 60000));
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "nodeName"), "");
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "nodeUID"), "");
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.2", "nodeName"), "n2");
}
