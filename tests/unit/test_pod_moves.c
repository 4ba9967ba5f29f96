/* Pods that come back on another node under their name (tests/simulation/fake.h). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core_rig.h"
#include "moves.h"

static struct buf told;

static void
on_metric(enum gauge_op op, enum metric metric, double value, const char *const *labels)
{
	if (metric != METRIC_POD_MOVES)
		return;
	cr_assert(op == GAUGE_DROP || value == 1.0);
	buf_printf(
	    &told, "%s%s/%s ", op == GAUGE_DROP ? "-" : "", labels[0], labels[1]);
}

static void
begin(void)
{
	rig_make_world();
	rig_attach_both();
	buf_init(&told, 1 << 20);
	buf_puts(&told, "");
	fake->on_metric = on_metric;
}

static void
end(void)
{
	fake->on_metric = NULL;
	rig_end_world();
	buf_free(&told);
}

TestSuite(pod_moves, .init = begin, .fini = end, .timeout = 120);

static void
put(const char *name, const char *uid, const char *node)
{
	struct message message = {.type = MSG_FACT_POD};
	struct msg_fact_pod *pod = &message.u.fact_pod;

	MESSAGE_TEXT(pod->namespace, "voice");
	MESSAGE_TEXT(pod->name, name);
	MESSAGE_TEXT(pod->uid, uid);
	MESSAGE_TEXT(pod->node, node);
	cr_assert_eq(core_message(fake->core, fake_time(fake), &message), 0);
}

static void
take_off(const char *uid)
{
	struct message message = {.type = MSG_FACT_GONE};

	message.u.fact_gone.kind = FACT_KIND_POD;
	MESSAGE_TEXT(message.u.fact_gone.uid, uid);
	cr_assert_eq(core_message(fake->core, fake_time(fake), &message), 0);
}

static void
is_told(const char *text)
{
	cr_assert_str_eq(told.data, text);
	buf_reset(&told);
	buf_puts(&told, "");
}

Test(pod_moves, another_node_under_the_old_name_is_a_move)
{
	put("sip-0", "u1", "n1");
	take_off("u1");
	put("sip-0", "u2", "");
	is_told("");
	put("sip-0", "u2", "n2");
	put("sip-0", "u2", "n2");
	is_told("voice/sip-0 ");
	take_off("u2");
	put("sip-0", "u3", "n2");
	is_told("");
}

Test(pod_moves, other_names_and_old_memories_are_none)
{
	put("sip-0", "u1", "n1");
	take_off("u1");
	put("sip-1", "u2", "n2");
	is_told("");
	fake->now_ms += MOVES_MEMORY_MS + 1;
	put("sip-0", "u3", "n2");
	is_told("");
}

static void
move(int pod)
{
	char name[32], uid[32];

	snprintf(name, sizeof name, "sip-%d", pod);
	snprintf(uid, sizeof uid, "a%d", pod);
	put(name, uid, "n1");
	take_off(uid);
	snprintf(uid, sizeof uid, "b%d", pod);
	put(name, uid, "n2");
	take_off(uid);
}

Test(pod_moves, series_are_bounded_and_end)
{
	for (int i = 0; i < (int)MOVES_SERIES_MAX; i++)
		move(i);
	buf_reset(&told);
	buf_puts(&told, "");
	move(1000);
	move(1001);
	move(3);
	/* there, and back */
	is_told("/(others) /(others) voice/sip-3 voice/sip-3 ");
	fake->now_ms += MOVES_SERIES_MS - 1000;
	move(4);
	buf_reset(&told);
	buf_puts(&told, "");
	fake->now_ms += 2000;
	move(5);
	cr_assert_null(strstr(told.data, "-voice/sip-4 "), "it moved lately");
	cr_assert_not_null(strstr(told.data, "-voice/sip-3 "));
	cr_assert_not_null(strstr(told.data, "voice/sip-5 "));
}

Test(pod_moves, the_series_end_with_the_lead)
{
	move(1);
	is_told("voice/sip-1 ");
	core_unlead(fake->core, fake_time(fake));
	is_told("-voice/sip-1 ");
	move(2);
	is_told("");
}
