#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "kube_rig.h"
#include "mem.h"

/* --- bad objects --------------------------------------------------------------------
 */

#define DEEP_10	      "[[[[[[[[[["
#define DEEP_70	      DEEP_10 DEEP_10 DEEP_10 DEEP_10 DEEP_10 DEEP_10 DEEP_10
#define SHUT_10	      "]]]]]]]]]]"
#define SHUT_70	      SHUT_10 SHUT_10 SHUT_10 SHUT_10 SHUT_10 SHUT_10 SHUT_10
#define BAD(v, fault) "{\"metadata\":{\"resourceVersion\":\"" v "\"},\"x\":" fault "}"

Test(informer_hold, bad_lines_are_refused_and_passed)
{
	static const struct step steps[] = {
	    {.body = LIST("10", "", "")},
	    {.body = EVENT("ADDED", OBJECT("a", "11"))
		    EVENT("ADDED", BAD("12", "\"\xff\"")) "no json\n" EVENT(
			"ADDED", BAD("13", DEEP_70 SHUT_70)) EVENT("PONDERED",
			OBJECT("p", "14")) "{\"type\":\"ADDED\"}\n"
					   "{\"type\":\"ADDED\",\"object\":7}\n" EVENT(
					       "ADDED", OBJECT("b", "15"))
					       EVENT("ADDED", BAD("16", "\"\xff\"")),
		.after = AFTER_CUT},
	    {.expect = "resourceVersion=16&", .body = "", .after = AFTER_HOLD},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story_expect(&story, "( ) +a +b !0 ");
	story_requests(&story, 3);
	cr_assert_eq(kube_informer_refused(story.informer), 6);
	story_end(&story);
}

Test(informer_hold, objects_refused_by_the_receiver_are_passed)
{
	static const struct step steps[] = {
	    {.body = LIST("10", "", OBJECT("a", "1") "," OBJECT("b", "2"))},
	    {.body = EVENT("ADDED", OBJECT("c", "11")), .after = AFTER_CUT},
	    {.expect = "resourceVersion=11&", .body = "", .after = AFTER_HOLD},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story.refuse_at = 1;
	story_expect(&story, "( +b ) +c !0 ");
	story_requests(&story, 3);
	cr_assert_eq(kube_informer_refused(story.informer), 1);
	story_end(&story);
}

static char *
huge_text(const char *before, const char *after)
{
	size_t fill = KUBE_OBJECT_MAX + 1;
	char *text = mem_calloc(fill + strlen(before) + strlen(after) + 1, 1);
	char *end = stpcpy(text, before);

	memset(end, 'x', fill);
	stpcpy(end + fill, after);
	return text;
}

Test(informer_hold, huge_objects_are_refused)
{
	char *list = huge_text("{\"items\":[" OBJECT("a", "1") ",{\"x\":\"",
	    "\"}," OBJECT("b", "2") "],\"metadata\":{\"resourceVersion\":\"10\"}}");
	char *line = huge_text(EVENT("ADDED", OBJECT("c", "11")) "{\"type\":\"", "");
	struct step steps[] = {
	    {.body = list},
	    {.expect = "resourceVersion=10&", .body = line, .after = AFTER_HOLD},
	    {.expect = "limit=", .body = LIST("20", "", OBJECT("d", "3"))},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story_expect(&story, "( +a +b ) +c !0 ( +d ) ");
	cr_assert_eq(kube_informer_refused(story.informer), 2);
	story_end(&story);
	free(list);
	free(line);
}

/* --- pausing, restarting, ending -----------------------------------------------------
 */

Test(informer_hold, held_objects_come_again)
{
	for (size_t chunk = 0; chunk < 40; chunk += 13) {
		struct step steps[] = {
		    {.body = LIST("10", "x",
			 OBJECT("a", "1") "," OBJECT("b", "2") "," OBJECT("c", "3")),
			.chunk = chunk},
		    {.body = LIST("10", "", OBJECT("d", "4")), .chunk = chunk},
		    {.expect = "resourceVersion=10&",
			.body = EVENT("ADDED", OBJECT("e", "11")) EVENT("MODIFIED",
			    OBJECT("e", "12")) EVENT("BOOKMARK", OBJECT("", "13"))
			    EVENT("DELETED", OBJECT("e", "14")),
			.chunk = chunk,
			.after = AFTER_CUT},
		    {.expect = "resourceVersion=14&", .body = "", .after = AFTER_HOLD},
		};
		struct world world;
		struct story story;

		OPEN(&world, steps);
		story_begin(&story, &world, "");
		story.hesitates = true;
		story_expect(&story, "( +a +b +c +d ) +e ~e -e !0 ");
		cr_assert_eq(story.objects, 7);
		story_requests(&story, 4);
		story_end(&story);
	}
}

/* One list is asked for, however often its receiver hesitates. */
Test(informer_hold, a_held_begin_comes_again)
{
	static const struct step steps[] = {
	    {.body = LIST("10", "x", OBJECT("a", "1")), .chunk = 7},
	    {.expect = "continue=x", .body = LIST("10", "", OBJECT("b", "2"))},
	    {.expect = "resourceVersion=10&",
		.body = EVENT("ADDED", OBJECT("c", "11")),
		.after = AFTER_HOLD},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story.hesitates_to_begin = true;
	story_expect(&story, "( +a +b ) +c ");
	cr_assert_eq(web_requests(world.web), 3);
	story_end(&story);
}

/* More than curl holds back: the server is made to wait, and nothing is lost. */
Test(informer_hold, a_long_list_may_be_held, .timeout = 60)
{
	struct buf list, wanted;
	struct step step = {.body = NULL};
	struct world world;
	struct story story;

	buf_init(&list, 16u * 1024u * 1024u);
	buf_init(&wanted, 1024u * 1024u);
	buf_puts(&list, "{\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[");
	buf_puts(&wanted, "( ");
	for (int i = 0; i < 500; i++) {
		buf_printf(&list,
		    "%s{\"metadata\":{\"name\":\"p%d\"},\"x\":\"%01000d\"}",
		    i > 0 ? "," : "", i, 7);
		buf_printf(&wanted, "+p%d ", i);
	}
	buf_puts(&list, "]}");
	buf_puts(&wanted, ") ");
	step.body = list.data;
	world_open(&world, &step, 1);
	story_begin(&story, &world, "");
	story.hesitates = true;
	story_expect(&story, wanted.data);
	story_end(&story);
	buf_free(&list);
	buf_free(&wanted);
}

Test(informer_hold, restarts_from_within)
{
	static const struct step steps[] = {
	    {.body = LIST("10", "", OBJECT("a", "1") "," OBJECT("b", "2"))},
	    {.expect = "limit=", .body = LIST("20", "", OBJECT("a", "1"))},
	    {.expect = "limit=", .body = LIST("30", "", OBJECT("a", "1"))},
	    {.expect = "resourceVersion=30&",
		.body =
		    EVENT("ADDED", OBJECT("c", "31")) EVENT("ADDED", OBJECT("d", "32")),
		.after = AFTER_HOLD},
	    {.expect = "limit=", .body = LIST("40", "", OBJECT("a", "1"))},
	    {.expect = "resourceVersion=40&", .body = "", .after = AFTER_HOLD},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story.restart_at = 1u << 1 | 1u << 4;
	story.restart_on_sync = true;
	story_expect(&story, "( +a ( +a ) ( +a ) +c ( +a ) ");
	story_requests(&story, 6);
	story_end(&story);
}

Test(informer_hold, restarts_while_held)
{
	static const struct step steps[] = {
	    {.body = LIST("10", "", OBJECT("a", "1") "," OBJECT("b", "2"))},
	    {.expect = "limit=", .body = LIST("20", "", OBJECT("c", "1"))},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story.hesitates = true;
	while (!story.hesitated)
		loop_run_once(world.loop, 20);
	story.hesitates = false;
	kube_informer_restart(story.informer);
	kube_informer_resume(story.informer);
	story_expect(&story, "( ( +c ) ");
	story_end(&story);
}

Test(informer_hold, freed_from_within)
{
	static const struct step steps[] = {
	    {.body = LIST("10", "", OBJECT("a", "1") "," OBJECT("b", "2"))},
	};
	static const struct step refusals[] = {{.status = 403, .body = "{}"}};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story.free_at = 1;
	story_expect(&story, "( +a ");
	loop_run_once(world.loop, 20);
	loop_run_once(world.loop, 20);
	cr_assert_str_eq(story.told.data, "( +a ");
	story_end(&story);

	OPEN(&world, refusals);
	story_begin(&story, &world, "");
	story.free_on_failure = true;
	story_expect(&story, "!403 ");
	story_end(&story);
}

Test(informer_hold, freed_at_any_time)
{
	static const struct step steps[] = {
	    {.body = LIST("10", "x", OBJECT("a", "1"))},
	    {.body = LIST("10", "", OBJECT("b", "2"))},
	    {.body = EVENT("ADDED", OBJECT("c", "11")), .after = AFTER_HOLD},
	};

	for (int rounds = 0; rounds < 12; rounds++) {
		struct world world;
		struct story story;

		OPEN(&world, steps);
		story_begin(&story, &world, "");
		for (int i = 0; i < rounds; i++)
			loop_run_once(world.loop, 10);
		story_end(&story);
	}
}
