/* Moves that are disturbed: by their user, by a new leader, by a target that will not
 * do. */
#include <criterion/criterion.h>
#include <string.h>

#include "core_rig.h"

TestSuite(core_moves, .init = rig_make_world, .fini = rig_end_world, .timeout = 120);

static size_t
orders_of(enum order_kind kind, const char *address)
{
	size_t count = 0;

	MAP_EACH(fake->orders, entry)
	{
		const struct fake_order *kept = lh_entry_v(entry);

		count += kept->order.kind == kind &&
			 strcmp(kept->order.address, address) == 0;
	}
	return count;
}

static bool
detaching(struct fake *unused)
{
	(void)unused;
	return orders_of(ORDER_DETACH, "34.1.1.1") > 0;
}

static bool
on_n3(struct fake *unused)
{
	(void)unused;
	return rig_on("34.1.1.1", "n3") && !fake_has_intent(fake, "web");
}

/* The new leader does not know what its predecessor asked for: it may be nowhere. */
Test(core_moves, paused_and_led_by_another_one_it_goes_on)
{
	rig_attach_both();
	rig_drain("n1", "sip-1", "n3");
	cr_assert(fake_until(fake, detaching, 60000));
	fake_patch(fake, RIG_WEB,
	    "{\"metadata\":{\"annotations\":{\"netinfra.darkbrains.com/paused\":"
	    "\"true\"}}}");
	fake_kill(fake);
	fake_cloud_kill(fake);
	fake_start(fake);
	cr_assert(fake_until(fake, on_n3, 120000));
}

static bool
making_room(struct fake *unused)
{
	(void)unused;
	return fake_has_intent(fake, "web") && fake->ordered > 0;
}

/* Nothing is put on for an object that goes. */
Test(core_moves, deleted_while_room_is_made_it_is_put_nowhere)
{
	fake_allocation(fake, "web", "[\"34.1.1.1\"]", "");
	fake_start(fake);
	cr_assert(fake_until(fake, making_room, 60000));
	rig_delete_web();
	cr_assert(fake_until(fake, rig_gone, 120000));
	cr_assert_eq(orders_of(ORDER_ATTACH, "34.1.1.1"), 0);
	cr_assert_str_neq(fake_instance(fake, "n1")->address, "");
	cr_assert_str_neq(fake_instance(fake, "n2")->address, "");
}

static void
move_in_vain(void)
{
	rig_pool("n3", "x");
	fake->barren = "n3";
	rig_attach_both();
	rig_unused("n1", "sip-1");
	fake_cordon(fake, "n2", true);
	fake_patch(fake, RIG_WEB,
	    "{\"metadata\":{\"generation\":2},"
	    "\"spec\":{\"nodeSelector\":{\"pool\":\"x\"}}}");
}

/* It is nowhere each time. */
Test(core_moves, a_move_that_fails_is_tried_again_later_and_later)
{
	size_t before;

	move_in_vain();
	fake_run(fake, 3600000);
	before = orders_of(ORDER_DETACH, "34.1.1.1");
	cr_assert_geq(before, 2);
	cr_assert_leq(before, 8, "%zu times in an hour", before);
	cr_assert(rig_on("34.1.1.1", "n1"));
	cr_assert(rig_labelled("n1"));
	cr_assert(rig_is("web", "34.1.1.1", "Draining", "Forbidden"));
}

Test(core_moves, who_mends_it_need_not_wait)
{
	move_in_vain();
	fake_run(fake, 1800000);
	fake->barren = NULL;
	fake_patch(fake, RIG_WEB,
	    "{\"metadata\":{\"annotations\":{\"netinfra.darkbrains.com/reconcile-at\":"
	    "\"now\"}}}");
	cr_assert(fake_until(fake, on_n3, 70000));
}
