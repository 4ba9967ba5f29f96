/* Until when all pods are known: what the watcher tells of it is dated by the boot
 * clock, which both ends share and which goes on while the machine sleeps. */
#include <criterion/criterion.h>
#include <errno.h>

#include "core_rig.h"

/* Longer than a silence that an hour's end is told across (footprint/store.h). */
#define SLEEP_MS 2400000

TestSuite(core_heard, .init = rig_make_world, .fini = rig_end_world, .timeout = 120);

static struct core_time now;

static void
begin(void)
{
	rig_attach_both();
	now = fake_time(fake);
}

static void
pass(int64_t ms, bool asleep)
{
	now.mono.ms += asleep ? 0 : ms;
	now.boot.ms += ms;
	now.wall.ms += ms;
}

static int
tell(enum sync_phase phase, int64_t heard_boot_ms)
{
	struct message message = {.type = MSG_FACT_SYNC,
	    .u.fact_sync = {.kind = FACT_KIND_POD,
		.phase = (uint8_t)phase,
		.heard_boot_ms = heard_boot_ms}};

	return core_message(fake->core, now, &message);
}

static int64_t
heard_ms(void)
{
	return core_world(fake->core)->sync[FACT_KIND_POD].heard.ms;
}

static int64_t
since_ms(void)
{
	return core_world(fake->core)->sync[FACT_KIND_POD].since.ms;
}

Test(core_heard, a_message_that_waited_says_what_it_said)
{
	int64_t sent_boot_ms;

	begin();
	pass(1000, false);
	sent_boot_ms = now.boot.ms;
	pass(30000, false);
	cr_assert_eq(tell(SYNC_HEARD, sent_boot_ms), 0);
	cr_assert_eq(heard_ms(), now.wall.ms - 30000);
}

/* The watch may be dead after it, and a new list be made: what came and went in between
 * nobody has seen. */
Test(core_heard, a_sleep_was_not_watched)
{
	int64_t last_boot_ms, last_wall_ms, since_before_ms;

	begin();
	since_before_ms = since_ms();
	pass(1000, false);
	last_boot_ms = now.boot.ms;
	last_wall_ms = now.wall.ms;
	cr_assert_eq(tell(SYNC_HEARD, last_boot_ms), 0);
	pass(20000, false);
	pass(SLEEP_MS, true);
	cr_assert_eq(tell(SYNC_HEARD, last_boot_ms), 0);
	cr_assert_eq(heard_ms(), last_wall_ms);
	cr_assert_eq(since_ms(), since_before_ms);
	pass(1000, false);
	cr_assert_eq(tell(SYNC_BEGIN, 0), 0);
	cr_assert_eq(tell(SYNC_HEARD, now.boot.ms), 0);
	cr_assert_eq(heard_ms(), last_wall_ms, "before the list ends it says nothing");
	cr_assert_eq(tell(SYNC_END, 0), 0);
	cr_assert_eq(since_ms(), now.wall.ms);
	cr_assert_eq(heard_ms(), now.wall.ms);
}

Test(core_heard, what_is_to_come_was_not_heard)
{
	int64_t before_ms;

	begin();
	before_ms = heard_ms();
	cr_assert_eq(tell(SYNC_HEARD, now.boot.ms + 1), -EPROTO);
	cr_assert_eq(tell(SYNC_HEARD, -1), -EPROTO);
	cr_assert_eq(tell(SYNC_HEARD, INT64_MAX), -EPROTO);
	cr_assert_eq(tell(SYNC_HEARD, INT64_MIN), -EPROTO);
	cr_assert_eq(heard_ms(), before_ms);
}
