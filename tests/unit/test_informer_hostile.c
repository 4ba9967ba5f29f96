/* Streams that never end, and answers at the wrong time. The clock of this program can
 * be put forward (the linker's --wrap), so that minutes pass in no time. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "informer.h"
#include "kube_rig.h"

/* Between two pieces of a stream that never ends (microseconds). */
#define DRIP_US 2000

/* What time is put forward by, and the longest that anything is waited for. */
#define STEP_MS	      50
#define PHASE_MOST_MS 600000

/* What a wait may be more than it must (milliseconds): the machine may be busy. */
#define SLACK_MS 5000

static atomic_llong ahead_ms;
static atomic_llong slept_ms;

struct mono_time __real_clock_mono(void);
struct mono_time __wrap_clock_mono(void);

struct mono_time
__wrap_clock_mono(void)
{
	struct mono_time now = __real_clock_mono();

	now.ms += atomic_load(&ahead_ms);
	return now;
}

struct boot_time __real_clock_boot(void);
struct boot_time __wrap_clock_boot(void);

struct boot_time
__wrap_clock_boot(void)
{
	struct boot_time now = __real_clock_boot();

	now.ms += atomic_load(&ahead_ms) + atomic_load(&slept_ms);
	return now;
}

/* Lets time pass, in steps, until the informer asks anew or waits; how much it took. To
 * be called when nothing is on its way: a dial or a handshake takes real time. */
static int64_t
pass_phase(struct story *story)
{
	const struct kube_informer *informer = story->informer;
	enum phase phase = informer->phase;
	int64_t asked_ms = informer->started.ms;
	int64_t start_ms = clock_mono().ms;

	while (informer->phase == phase && informer->started.ms == asked_ms) {
		cr_assert_lt(clock_mono().ms, start_ms + PHASE_MOST_MS);
		atomic_fetch_add(&ahead_ms, STEP_MS);
		loop_run_once(story->world->loop, 0);
	}
	return clock_mono().ms - start_ms;
}

/* --- silence ------------------------------------------------------------------------
 */

Test(informer_hostile, a_silent_watch_starts_anew)
{
	static const struct step steps[] = {
	    {.body = LIST("10", "", OBJECT("a", "1"))},
	    {.body = EVENT("BOOKMARK", OBJECT("", "11"))
		    EVENT("ADDED", OBJECT("b", "12")),
		.after = AFTER_HOLD},
	    {.expect = "watch=1&allowWatchBookmarks=true&resourceVersion=12&",
		.body = EVENT("ADDED", OBJECT("c", "13")),
		.after = AFTER_HOLD},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story_expect(&story, "( +a ) +b ");
	cr_assert_geq(pass_phase(&story), 120000, "two bookmarks must be missing");
	pass_phase(&story);
	story_expect(&story, "( +a ) +b !0 +c ");
	story_end(&story);
}

/* Requests that get a piece again and again after the begin, for ever. */
struct drip {
	const char *list;  /* NULL: a whole one */
	const char *watch; /* NULL: none, it is held */
	const char *piece;
};

static void
drip(struct web_conn *conn, const struct web_request *request, void *arg)
{
	const struct drip *drip = arg;
	bool watch = strstr(request->path, "watch=1") != NULL;
	const char *begin = watch ? drip->watch : drip->list;
	const char *whole = LIST("10", "", OBJECT("a", "1"));

	web_begin_chunks(conn);
	if (begin == NULL || request->number > (drip->list == NULL)) {
		if (watch) {
			web_wait_closed(conn);
			return;
		}
		web_chunk(conn, whole, strlen(whole));
		web_chunk(conn, "", 0);
		return;
	}
	web_chunk(conn, begin, strlen(begin));
	while (web_chunk(conn, drip->piece, strlen(drip->piece)))
		usleep(DRIP_US);
}

/* Bytes are no sign of life. */
Test(informer_hostile, a_watch_of_bytes_without_an_event)
{
	static struct drip drips[] = {
	    {.watch = "\n", .piece = "\n"},
	    {.watch = EVENT("ADDED", OBJECT("b", "11")) "{\"type\":", .piece = " "},
	};

	for (size_t i = 0; i < sizeof drips / sizeof drips[0]; i++) {
		struct world world = {.loop = NULL};
		struct story story;

		pthread_mutex_init(&world.script.lock, NULL);
		world_open_with(&world, drip, &drips[i], false);
		story_begin(&story, &world, "");
		story_expect(&story, i == 0 ? "( +a ) " : "( +a ) +b ");
		story_requests(&story, 2);
		cr_assert_geq(pass_phase(&story), 120000);
		pass_phase(&story);
		story_requests(&story, 3);
		story_expect(&story, i == 0 ? "( +a ) !0 " : "( +a ) +b !0 ");
		story_end(&story);
	}
}

Test(informer_hostile, a_list_that_never_ends)
{
	static struct drip endless = {
	    .list = "{\"items\":[" OBJECT("x", "1"), .piece = "," OBJECT("x", "1")};
	struct world world = {.loop = NULL};
	struct story story;

	pthread_mutex_init(&world.script.lock, NULL);
	world_open_with(&world, drip, &endless, false);
	story_begin(&story, &world, "");
	run_until(&world, &story.objects, 3);
	pass_phase(&story);
	cr_assert_eq(story.syncs, 0);
	pass_phase(&story);
	run_until(&world, &story.syncs, 1);
	cr_assert_eq(story.failures, 1, "%s", story.told.data);
	story_end(&story);
}

/* --- sleep --------------------------------------------------------------------------
 */

#define SLEEP_MS 2400000
#define AWAKE_MS 5000

/* While the machine slept nothing was heard, and what is read right afterwards may have
 * been on its way before. */
Test(informer_hostile, a_sleep_is_a_silence)
{
	static struct drip drips = {.watch = EVENT("ADDED", OBJECT("b", "11")),
	    .piece = EVENT("MODIFIED", OBJECT("b", "12"))};
	struct world world = {.loop = NULL};
	struct story story;
	struct boot_time before;

	pthread_mutex_init(&world.script.lock, NULL);
	world_open_with(&world, drip, &drips, false);
	story_begin(&story, &world, "");
	run_until(&world, &story.objects, 3);
	cr_assert_lt(kube_informer_silent_ms(story.informer), SLACK_MS);
	before = kube_informer_progressed(story.informer);
	atomic_fetch_add(&slept_ms, SLEEP_MS);
	cr_assert_geq(kube_informer_silent_ms(story.informer), SLEEP_MS);
	run_until(&world, &story.objects, story.objects + 2);
	cr_assert_eq(kube_informer_progressed(story.informer).ms, before.ms);
	atomic_fetch_add(&ahead_ms, AWAKE_MS);
	run_until(&world, &story.objects, story.objects + 2);
	cr_assert_lt(kube_informer_silent_ms(story.informer), SLACK_MS);
	cr_assert_geq(
	    kube_informer_progressed(story.informer).ms, before.ms + SLEEP_MS);
	story_end(&story);
}

/* --- waiting ------------------------------------------------------------------------
 */

#define BUSY                                                                           \
	{                                                                              \
		.status = 500, .body = "busy"                                          \
	}
#define TIRED                                                                          \
	{                                                                              \
		.status = 429, .body = "", .headers = "Retry-After: 20\r\n"            \
	}

Test(informer_hostile, one_good_answer_resets_the_wait)
{
	static const struct step steps[] = {
	    BUSY,
	    BUSY,
	    BUSY,
	    BUSY,
	    BUSY,
	    BUSY,
	    BUSY,
	    BUSY,
	    {.body = LIST("10", "", "")},
	    BUSY,
	    {.expect = "resourceVersion=10&", .body = "", .after = AFTER_HOLD},
	};
	struct world world;
	struct story story;
	int64_t waits_ms[9];

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	for (int i = 0; i < 9; i++) {
		run_until(&world, &story.failures, i + 1);
		waits_ms[i] = pass_phase(&story);
	}
	/* half of what has grown to the most, and half of the least */
	cr_assert_geq(waits_ms[7], 14500);
	cr_assert_lt(waits_ms[7], 30000 + SLACK_MS);
	cr_assert_geq(waits_ms[8], 150);
	cr_assert_lt(waits_ms[8], 400 + SLACK_MS);
	story_end(&story);
}

/* A watch heeds Retry-After, in a header or a Status, and keeps its position. */
Test(informer_hostile, a_busy_server_is_asked_later)
{
	static const struct step steps[] = {
	    {.body = LIST("10", "", "")},
	    TIRED,
	    TIRED,
	    TIRED,
	    TIRED,
	    {.expect = "resourceVersion=10&",
		.status = 503,
		.body = "",
		.headers = "Retry-After: 20\r\n"},
	    {.expect = "resourceVersion=10&",
		.status = 504,
		.body = "{\"kind\":\"Status\",\"code\":504,"
			"\"details\":{\"retryAfterSeconds\":20}}"},
	    {.expect = "resourceVersion=10&",
		.body = EVENT("ADDED", OBJECT("b", "11")),
		.after = AFTER_HOLD},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	for (int i = 1; i < 7; i++) {
		run_until(&world, &story.failures, i);
		cr_assert_geq(pass_phase(&story), 20000 - SLACK_MS);
	}
	story_expect(&story, "( ) !429 !429 !429 !429 !503 !504 +b ");
	story_end(&story);
}

/* --- broken frames ------------------------------------------------------------------
 */

/* What is no HTTP ends the first watch; the next one goes on where it was. */
static void
break_first_watch(struct web_conn *conn, const struct web_request *request, void *arg)
{
	static const char list[] = LIST("10", "", OBJECT("a", "1"));
	static const char event[] = EVENT("ADDED", OBJECT("b", "11"));
	bool second = strstr(request->path, "resourceVersion=11&") != NULL;
	bool watch = strstr(request->path, "watch=1") != NULL;
	const char *fault = arg;

	web_begin_chunks(conn);
	if (!watch) {
		web_chunk(conn, list, strlen(list));
		web_chunk(conn, "", 0);
	} else if (second) {
		web_wait_closed(conn);
	} else {
		web_chunk(conn, event, strlen(event));
		web_send(conn, fault, strlen(fault));
		web_close(conn, false);
	}
}

Test(informer_hostile, chunks_that_are_none)
{
	static char faults[][32] = {"zz\r\nabc\r\n", "ffffffffffffffffff\r\nx",
	    "-5\r\nabc", "8\r\ncut", "\r\n\r\n"};

	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		struct world world = {.loop = NULL};
		struct story story;

		pthread_mutex_init(&world.script.lock, NULL);
		world_open_with(&world, break_first_watch, faults[i], false);
		story_begin(&story, &world, "");
		story_expect(&story, "( +a ) +b !0 ");
		pass_phase(&story);
		story_requests(&story, 3);
		story_end(&story);
	}
}

/* Numbers beyond any type are JSON, and no business of the informer's, unless it reads
 * them: then they are taken for what they are at most, or for nothing. */
Test(informer_hostile, absurd_numbers)
{
#define NINES "99999999999999999999999999999999999999999999999999"
#define ODD(name, version)                                                             \
	"{\"x\":[-0,1e999999,-" NINES "." NINES "e-" NINES "],\"metadata\":"           \
	"{\"generation\":" NINES ",\"name\":\"" name "\",\"resourceVersion\":" version \
	"}}"
	static const struct step steps[] = {
	    {.body = LIST("10", "", ODD("a", NINES))},
	    {.body = EVENT("ADDED", ODD("b", "\"11\""))
		    EVENT("MODIFIED", ODD("b", "1e400")) EVENT("ERROR",
			"{\"kind\":\"Status\",\"code\":" NINES
			",\"details\":{\"retryAfterSeconds\":" NINES "}}"),
		.after = AFTER_HOLD},
	    {.expect = "resourceVersion=11&",
		.status = 503,
		.body = "",
		.headers = "Retry-After: " NINES "\r\n"},
	    {.expect = "resourceVersion=11&", .body = "", .after = AFTER_HOLD},
	};
	struct world world;
	struct story story;

	OPEN(&world, steps);
	story_begin(&story, &world, "");
	story_expect(&story, "( +a ) +b ~b !2147483647 ");
	cr_assert_geq(pass_phase(&story), 60000 - SLACK_MS);
	story_expect(&story, "( +a ) +b ~b !2147483647 !503 ");
	cr_assert_geq(pass_phase(&story), 60000 - SLACK_MS);
	cr_assert_eq(kube_informer_refused(story.informer), 0);
	story_end(&story);
}
