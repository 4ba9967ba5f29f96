/* Where the addresses are said to have been, and when. */
#include <criterion/criterion.h>
#include <string.h>

#include "core_rig.h"
#include "whereabouts.h"

TestSuite(
    core_whereabouts, .init = rig_make_world, .fini = rig_end_world, .timeout = 120);

struct told {
	size_t count;
	char node[64];
	int64_t seen_ms; /* of 34.1.1.1 */
};

static void
on_address(void *arg, const struct whereabouts *whereabouts)
{
	struct told *told = arg;

	told->count++;
	if (strcmp(whereabouts->address, "34.1.1.1") != 0)
		return;
	MESSAGE_TEXT(told->node, whereabouts->node);
	told->seen_ms = whereabouts->seen.ms;
}

static struct told
tell_since(struct mono_time since)
{
	struct told told = {0};

	whereabouts_each(fake->core, fake_time(fake), since, on_address, &told);
	return told;
}

Test(core_whereabouts, seen_is_when_the_cloud_was_asked)
{
	struct told told;
	int64_t seen_ms;

	rig_attach_both();
	fake_run(fake, 60000);
	told = tell_since((struct mono_time){0});
	cr_assert_eq(told.count, 2);
	cr_assert_str_eq(told.node, "n1");
	cr_assert_leq(told.seen_ms, fake_time(fake).wall.ms);
	seen_ms = told.seen_ms;
	/* no answer: nothing is seen, and what was seen gets no later */
	fake->cloud_down = true;
	fake_run(fake, 40000);
	told = tell_since((struct mono_time){0});
	if (told.count > 0)
		cr_assert_leq(told.seen_ms - seen_ms, 30000);
	fake_run(fake, 100000);
	cr_assert_eq(tell_since((struct mono_time){0}).count, 0);
}

/* How long ago that was is not known any more: the machine has slept. */
Test(core_whereabouts, what_was_seen_before_a_sleep_is_not_told)
{
	struct told told;

	rig_attach_both();
	fake_run(fake, 60000);
	cr_assert_eq(tell_since(fake_time(fake).mono).count, 0);
	told = tell_since((struct mono_time){0});
	fake_run(fake, 40000);
	cr_assert_gt(
	    tell_since((struct mono_time){fake_time(fake).mono.ms - 39000}).seen_ms,
	    told.seen_ms);
}

Test(core_whereabouts, without_a_watch_or_the_lease_nothing_is_told)
{
	const struct mono_time ever = {0};

	rig_attach_both();
	cr_assert_eq(tell_since(ever).count, 2);
	core_watcher(fake->core, fake_time(fake), false);
	cr_assert_eq(tell_since(ever).count, 0);
	fake_watch_start(fake);
	fake_run(fake, 1000);
	cr_assert_eq(tell_since(ever).count, 2);
	core_unlead(fake->core, fake_time(fake));
	cr_assert_eq(tell_since(ever).count, 0);
}
