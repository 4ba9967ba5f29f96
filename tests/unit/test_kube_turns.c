/* Calls that wait for their turn. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kube_rig.h"
#include "mem.h"

/* What became of a number of calls. */
struct outcome {
	struct world *world;
	int done;
	int good;
	int late; /* -ETIMEDOUT, not sent */
	int busy; /* -EBUSY */
	int more; /* calls to be made from within done */
};

static void make_call(struct outcome *outcome, const char *path, int64_t timeout_ms);

static void
on_reply(void *arg, const struct kube_reply *reply)
{
	struct outcome *outcome = arg;

	outcome->done++;
	outcome->good += reply->error == 0 && reply->status == 200;
	outcome->late += reply->error == -ETIMEDOUT && !reply->maybe_sent;
	outcome->busy += reply->error == -EBUSY && !reply->maybe_sent;
	cr_assert(reply->error == 0 || reply->message[0] != '\0');
	if (outcome->more > 0) {
		outcome->more--;
		make_call(outcome, "/x", 0);
	}
}

static void
make_call(struct outcome *outcome, const char *path, int64_t timeout_ms)
{
	kube_call(outcome->world->kube,
	    &(struct kube_call){.method = "GET",
		.path = path,
		.timeout_ms = timeout_ms,
		.urgent = strcmp(path, "/lease") == 0},
	    on_reply, outcome);
}

/* /stuck is never answered. */
static void
answer(struct web_conn *conn, const struct web_request *request, void *arg)
{
	(void)arg;
	if (strcmp(request->path, "/stuck") == 0)
		web_wait_closed(conn);
	else
		web_answer(conn, 200, "", "{}");
}

static void
open_world(struct world *world, struct outcome *outcome)
{
	*world = (struct world){.loop = NULL};
	*outcome = (struct outcome){.world = world};
	pthread_mutex_init(&world->script.lock, NULL);
	world_open_with(world, answer, NULL, false);
}

Test(kube_turns, beyond_the_burst_calls_come_slowly, .timeout = 60)
{
	enum { EXTRA = 30 };
	struct world world;
	struct outcome outcome;
	int64_t start_ms = clock_mono().ms;

	open_world(&world, &outcome);
	outcome.more = EXTRA;
	for (int i = 0; i < KUBE_CALLS_BURST; i++)
		make_call(&outcome, "/x", 50000);
	run_until(&world, &outcome.done, KUBE_CALLS_BURST + EXTRA);
	cr_assert_eq(outcome.good, KUBE_CALLS_BURST + EXTRA);
	cr_assert_geq(clock_mono().ms - start_ms, EXTRA * 1000 / KUBE_CALLS_PER_S - 1);
	world_close(&world);
}

Test(kube_turns, an_urgent_call_waits_for_nobody, .timeout = 60)
{
	struct world world;
	struct outcome stuck, urgent, others;

	open_world(&world, &stuck);
	urgent = others = stuck;
	for (int i = 0; i < 3 * KUBE_CALLS_OPEN_MAX; i++)
		make_call(&stuck, "/stuck", 50000);
	make_call(&others, "/x", 300);
	for (int i = 0; i < 5; i++) {
		make_call(&urgent, "/lease", 0);
		run_until(&world, &urgent.good, i + 1);
	}
	cr_assert_eq(stuck.done, 0);
	run_until(&world, &others.late, 1);
	cr_assert_eq(web_requests(world.web), KUBE_CALLS_OPEN_MAX + 5);
	world_close(&world);
}

Test(kube_turns, who_waits_follows_who_ended, .timeout = 60)
{
	struct world world;
	struct outcome stuck, others;

	open_world(&world, &stuck);
	others = stuck;
	for (int i = 0; i < KUBE_CALLS_OPEN_MAX; i++)
		make_call(&stuck, "/stuck", 3000);
	for (int i = 0; i < 20; i++)
		make_call(&others, "/x", 50000);
	run_until(&world, &others.good, 20);
	cr_assert_eq(stuck.done, KUBE_CALLS_OPEN_MAX);
	cr_assert_eq(stuck.late + stuck.good, 0, "they were sent");
	world_close(&world);
}

Test(kube_turns, too_many_are_refused, .timeout = 60)
{
	struct world world;
	struct outcome outcome;
	int most = KUBE_CALLS_OPEN_MAX + KUBE_CALLS_WAITING_MAX;

	open_world(&world, &outcome);
	for (int i = 0; i < most + 3; i++)
		make_call(&outcome, "/stuck", 50000);
	cr_assert_eq(outcome.done, 0, "errors come later");
	run_until(&world, &outcome.busy, 3);
	cr_assert_eq(outcome.done, 3);
	world_close(&world);
}
