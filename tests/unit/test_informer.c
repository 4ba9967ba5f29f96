#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "kube_rig.h"

Test(informer, lists_in_pages_then_watches)
{
	static const struct step steps[] = {
	    {.expect = "/api/v1/pods?limit=500&fieldSelector=a%3Db",
		.body = LIST("10", "to/ken+1", OBJECT("a", "1") "," OBJECT("b", "2"))},
	    {.expect =
		    "/api/v1/pods?limit=500&continue=to%2Fken%2B1&fieldSelector=a%3Db",
		.body = LIST("10", "last", OBJECT("c", "3"))},
	    {.expect = "continue=last", .body = LIST("10", "", "")},
	    {.expect =
		    "/api/v1/pods?watch=1&allowWatchBookmarks=true&resourceVersion=10"
		    "&timeoutSeconds=",
		.body = EVENT("ADDED", OBJECT("d", "11")) EVENT(
		    "MODIFIED", OBJECT("a", "12")) EVENT("DELETED", OBJECT("b", "13")),
		.after = AFTER_HOLD},
	};
	struct world world;
	struct story story;
	long seconds;

	OPEN(&world, steps);
	story_begin(&story, &world, "fieldSelector=a%3Db");
	story_expect(&story, "( +a +b +c ) +d ~a -b ");
	seconds =
	    strtol(strstr(world.script.paths[3], "timeoutSeconds=") + 15, NULL, 10);
	cr_assert(seconds >= 240 && seconds <= 480);
	cr_assert_not_null(strstr(world.script.paths[3], "&fieldSelector=a%3Db"));
	cr_assert_eq(web_connections(world.web), 1);
	story_end(&story);
}

Test(informer, lists_of_other_shapes)
{
	static const struct step steps[] = {
	    {.body = "{\"apiVersion\":\"v1\",\"items\":[" OBJECT("a",
		 "1") "],\"kind\":\"L\","
		      "\"metadata\":{\"continue\":\"x\",\"resourceVersion\":\"5\"}}"},
	    {.expect = "continue=x",
		.body = "{\"items\":null,\"metadata\":{\"resourceVersion\":\"5\","
			"\"continue\":null,\"remainingItemCount\":0}}"},
	    {.expect = "resourceVersion=5&", .body = "", .after = AFTER_HOLD},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story_expect(&story, "( +a ) ");
	story_requests(&story, 3);
	story_end(&story);
}

/* A list and a stream, each cut in two chunks at every byte in turn. */
static const char every_list[] = LIST("7", "", OBJECT("a", "1") "," OBJECT("b", "2"));
static const char every_watch[] = EVENT("ADDED", OBJECT("c", "8")) "\n" EVENT(
    "BOOKMARK", OBJECT("", "9")) EVENT("DELETED", OBJECT("a", "10"));

static void
cut_everywhere(struct web_conn *conn, const struct web_request *request, void *arg)
{
	bool watch = strstr(request->path, "watch=1") != NULL;
	const char *body = watch ? every_watch : every_list;
	size_t len = strlen(body);
	size_t cut = (size_t)(request->number / 2) % len;

	(void)arg;
	web_begin_chunks(conn);
	if (cut > 0)
		web_chunk(conn, body, cut);
	web_chunk(conn, body + cut, len - cut);
	if (watch)
		web_wait_closed(conn);
	else
		web_chunk(conn, "", 0);
}

Test(informer, chunks_end_anywhere, .timeout = 60)
{
	static const char wanted[] = "( +a +b ) +c -a ";
	struct world world = {.loop = NULL};
	struct story story;

	pthread_mutex_init(&world.script.lock, NULL);
	world_open_with(&world, cut_everywhere, NULL, false);
	story_begin(&story, &world, "");
	for (size_t i = 0; i < sizeof every_watch; i++) {
		story_expect(&story, wanted);
		buf_reset(&story.told);
		kube_informer_restart(story.informer);
	}
	cr_assert_eq(kube_informer_refused(story.informer), 0);
	story_end(&story);
}

/* The recordings byte by byte, and whole. */
Test(informer, recorded_streams)
{
	static const struct {
		const char *recording;
		const char *told;
	} cases[] = {
	    {"055-nodes-watch-json.http", "( ) ~gke-pool-0 ~gke-pool-0 "},
	    {"057-pods-watchlist-json-initial-events.http",
		"( ) +sip-0 +sip-1 +sip-2 "},
	    {"061-pods-watch-delete-json.http", "( ) +sip-2 ~sip-2 -sip-2 "},
	};

	for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
		char *body = recorded_lines(cases[i / 2].recording);
		struct step steps[] = {
		    {.body = LIST("1", "", "")},
		    {.expect = "resourceVersion=1&",
			.body = body,
			.chunk = i % 2,
			.after = AFTER_HOLD},
		};
		struct world world;
		struct story story;

		OPEN(&world, steps);
		story_begin(&story, &world, "");
		story_expect(&story, cases[i / 2].told);
		story_end(&story);
		free(body);
	}
}

Test(informer, recorded_pages)
{
	char *first = recorded("051-pods-list-limit-1.http", NULL);
	char *second = recorded("052-pods-list-continue.http", NULL);
	struct step steps[] = {
	    {.body = first, .chunk = 1},
	    {.expect = "continue="
		       "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6Mjk1LCJzdGFydCI6Ii9kZWZhdWx"
		       "0L3Np"
		       "cC0wXHUwMDAwIn0",
		.body = second},
	    {.expect = "continue=", .body = LIST("295", "", "")},
	    {.expect = "resourceVersion=295&", .body = "", .after = AFTER_HOLD},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story_expect(&story, "( +sip-0 +sip-1 ) ");
	story_requests(&story, 4);
	story_end(&story);
	free(first);
	free(second);
}

/* --- resuming -----------------------------------------------------------------------
 */

Test(informer, resumes_after_a_cut)
{
	static const struct step steps[] = {
	    {.body = LIST("10", "", OBJECT("a", "1"))},
	    {.expect = "resourceVersion=10&",
		.body = EVENT("ADDED", OBJECT("b", "11")) "{\"type\":\"ADDED\",\"obj",
		.after = AFTER_CUT},
	    {.expect = "resourceVersion=11&",
		.body = EVENT("BOOKMARK", OBJECT("", "20")),
		.after = AFTER_CUT},
	    {.expect = "resourceVersion=20&",
		.body = EVENT("ADDED", OBJECT("c", "21")) "{\"half\":",
		.after = AFTER_END},
	    {.expect = "resourceVersion=21&",
		.body = EVENT("DELETED", OBJECT("c", "22")),
		.after = AFTER_HOLD},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story_expect(&story, "( +a ) +b !0 !0 +c -c ");
	story_end(&story);
}

Test(informer, expired_positions_are_listed_anew)
{
	char *recording = recorded_lines("089-watch-too-old-410-error-event.http");
	struct step steps[] = {
	    {.body = LIST("10", "", OBJECT("a", "1"))},
	    {.expect = "resourceVersion=10&", .body = recording, .after = AFTER_HOLD},
	    {.expect = "limit=", .body = LIST("30", "", OBJECT("b", "2"))},
	    {.expect = "resourceVersion=30&",
		.status = 410,
		.body = "{\"kind\":\"Status\",\"message\":\"gone\",\"code\":410}"},
	    {.expect = "limit=", .body = LIST("40", "", OBJECT("c", "3"))},
	    {.expect = "resourceVersion=40&", .body = "", .after = AFTER_HOLD},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story_expect(&story, "( +a ) !410 ( +b ) !410 ( +c ) ");
	cr_assert_str_eq(story.message, "gone");
	story_requests(&story, 6);
	story_end(&story);
	free(recording);
}

Test(informer, expired_pages_start_over)
{
	static const struct step steps[] = {
	    {.body = LIST("10", "next", OBJECT("a", "1"))},
	    {.expect = "continue=next",
		.status = 410,
		.body = "{\"kind\":\"Status\",\"reason\":\"Expired\",\"message\":\"too "
			"old\"}"},
	    {.expect = "limit=500", .body = LIST("20", "other", OBJECT("b", "2"))},
	    {.expect = "continue=other",
		.status = 400,
		.body = "{\"kind\":\"Status\",\"message\":\"bad token\",\"code\":400}"},
	    {.expect = "limit=500", .body = LIST("30", "", OBJECT("c", "3"))},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story_expect(&story, "( +a !410 ( +b !400 ( +c ) ");
	cr_assert_null(strstr(world.script.paths[2], "continue"));
	story_end(&story);
}

Test(informer, broken_pages_are_asked_again)
{
	static const struct step steps[] = {
	    {.body = LIST("10", "next", OBJECT("a", "1"))},
	    {.expect = "continue=next",
		.body = "{\"items\":[" OBJECT("b", "2") ",{\"met",
		.after = AFTER_CUT},
	    {.expect = "continue=next",
		.body = "{\"items\":[" OBJECT("b", "2"),
		.after = AFTER_END},
	    {.expect = "continue=next",
		.body = LIST("10", "", OBJECT("b", "2") "," OBJECT("c", "3"))},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story_expect(&story, "( +a +b !0 +b !200 +b +c ) ");
	story_end(&story);
}

Test(informer, lists_that_are_none)
{
	static const struct step steps[] = {
	    {.body = "<html>"},
	    {.body = "{\"kind\":\"PodList\",\"items\":[]}"},
	    {.body = "{\"metadata\":{\"resourceVersion\":7},\"items\":[]}"},
	    {.body = ""},
	    {.body = LIST("10", "", "")},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story_expect(&story, "( !0 ( !200 ( !0 !200 ( ) ");
	story_end(&story);
}

/* Other errors leave the position alone, until they have come thrice. */
Test(informer, errors_in_a_watch)
{
#define FAULT                                                                          \
	EVENT("ERROR", "{\"kind\":\"Status\",\"code\":500,\"message\":\"no etcd\"}")
	static const struct step steps[] = {
	    {.body = LIST("10", "", "")},
	    {.body = EVENT("ADDED", OBJECT("a", "11")) FAULT, .after = AFTER_HOLD},
	    {.expect = "resourceVersion=11&", .body = FAULT, .after = AFTER_HOLD},
	    {.expect = "resourceVersion=11&", .status = 503, .body = "busy"},
	    {.expect = "limit=", .body = LIST("20", "", OBJECT("a", "11"))},
	    {.expect = "resourceVersion=20&", .body = "", .after = AFTER_HOLD},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story_expect(&story, "( ) +a !500 !500 !503 ( +a ) ");
	story_requests(&story, 6);
	story_end(&story);
}

Test(informer, waits_grow_and_heed_the_server)
{
	static const struct step steps[] = {
	    {.status = 500, .body = "a"},
	    {.status = 500, .body = "b"},
	    {.status = 500, .body = "c"},
	    {.status = 429, .body = "d", .headers = "Retry-After: 2\r\n"},
	    {.body = LIST("10", "", "")},
	};
	struct world world;
	struct story story;
	int64_t at_ms[5];

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	for (int i = 0; i < 4; i++) {
		run_until(&world, &story.failures, i + 1);
		at_ms[i] = clock_mono().ms;
	}
	run_until(&world, &story.syncs, 1);
	at_ms[4] = clock_mono().ms;
	cr_assert_geq(at_ms[1] - at_ms[0], 195);
	cr_assert_geq(at_ms[2] - at_ms[1], 395);
	cr_assert_geq(at_ms[3] - at_ms[2], 795);
	cr_assert_geq(at_ms[4] - at_ms[3], 1995);
	cr_assert_lt(at_ms[4] - at_ms[0], 12000);
	story_end(&story);
}

static void
refuse_all_but_good(struct web_conn *conn, const struct web_request *request, void *arg)
{
	atomic_int *requests = arg;

	atomic_fetch_add(requests, 1);
	if (strstr(request->head, "Bearer good\r\n") == NULL)
		web_answer(conn, 401, "Retry-After: 60\r\n", "{}");
	else
		web_answer(conn, 200, "", LIST("1", "", ""));
}

Test(informer, new_credentials_are_tried_at_once)
{
	atomic_int requests = 0;
	struct world world = {.loop = NULL};
	struct story story;
	int64_t start_ms;

	pthread_mutex_init(&world.script.lock, NULL);
	world_open_with(&world, refuse_all_but_good, &requests, false);
	story_begin(&story, &world, "");
	run_until(&world, &story.failures, 1);
	start_ms = clock_mono().ms;
	cr_assert_eq(give_file(world.kube, FILE_KUBE_TOKEN, "good"), 0);
	run_until(&world, &story.syncs, 1);
	cr_assert_lt(clock_mono().ms - start_ms, 10000);
	story_end(&story);
}
