#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dial.h"
#include "fdpass.h"
#include "log.h"

/* Longest that a test waits for what must happen (milliseconds). */
#define PATIENCE_MS 10000

struct world {
	struct loop *loop;
	struct dial *dial;
	int dialer_fd; /* this test plays the dialer */
	int client_fd;
};

struct answer {
	struct world *world;
	int count;
	int fd;
	int error;
	uint64_t to_cancel;
	bool asks_again;
};

static void
world_open(struct world *world)
{
	int pair[2];

	log_set_level(LOG_ERROR);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	world->loop = loop_new();
	world->client_fd = pair[0];
	world->dialer_fd = pair[1];
	world->dial = dial_new(world->loop, pair[0]);
}

static void
world_close(struct world *world)
{
	dial_free(world->dial);
	loop_free(world->loop);
	close(world->client_fd);
	close(world->dialer_fd);
}

static void
on_answer(void *arg, int fd, int error)
{
	struct answer *answer = arg;

	answer->count++;
	answer->fd = fd;
	answer->error = error;
	if (answer->to_cancel != 0)
		dial_cancel(answer->world->dial, answer->to_cancel);
	if (answer->asks_again) {
		answer->asks_again = false;
		dial_ask(answer->world->dial, DIAL_KUBE, on_answer, answer);
	}
}

static struct dial_request
take_request(struct world *world)
{
	struct dial_request request;

	cr_assert_eq(recv(world->dialer_fd, &request, sizeof request, MSG_DONTWAIT),
	    (ssize_t)sizeof request);
	cr_assert_eq(request.reserved, 0);
	return request;
}

static void
send_reply(struct world *world, uint64_t id, int error, int fd)
{
	struct dial_reply reply = {.id = id, .error = error};

	cr_assert_eq(fdpass_send(world->dialer_fd, &reply, sizeof reply, fd), 0);
}

static void
run_until(struct world *world, const int *count, int wanted)
{
	int64_t end_ms = clock_mono().ms + PATIENCE_MS;

	while (*count < wanted && clock_mono().ms < end_ms)
		loop_run_once(world->loop, 20);
	cr_assert_eq(*count, wanted);
}

/* A descriptor that is told from others when it comes back. */
static int
make_fd(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert(fd >= 0);
	return fd;
}

/* Descriptors of this process. */
static int
count_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

Test(dial, gives_the_descriptor)
{
	struct world world;
	struct answer answer = {.fd = -2};
	struct dial_request request;
	int fd = make_fd();

	world_open(&world);
	dial_ask(world.dial, DIAL_METADATA, on_answer, &answer);
	request = take_request(&world);
	cr_assert_eq(request.entry, DIAL_METADATA);
	cr_assert_eq(answer.count, 0, "the answer comes later");
	send_reply(&world, request.id, 0, fd);
	run_until(&world, &answer.count, 1);
	cr_assert(answer.fd >= 0);
	cr_assert_eq(answer.error, 0);
	cr_assert(fcntl(answer.fd, F_GETFD) & FD_CLOEXEC);
	close(answer.fd);
	close(fd);
	world_close(&world);
}

/* The dialer says so when more is asked than it opens at once, or in a second. */
Test(dial, who_is_told_to_wait_asks_again)
{
	struct world world;
	struct answer answer = {.fd = -2};
	struct dial_request first, again;
	int64_t end_ms = clock_mono().ms + PATIENCE_MS;
	int fd = make_fd();

	world_open(&world);
	dial_ask(world.dial, DIAL_KUBE, on_answer, &answer);
	first = take_request(&world);
	send_reply(&world, first.id, EAGAIN, -1);
	while (recv(world.dialer_fd, &again, sizeof again, MSG_DONTWAIT) < 0 &&
	       clock_mono().ms < end_ms)
		loop_run_once(world.loop, 20);
	cr_assert_eq(again.id, first.id);
	cr_assert_eq(answer.count, 0);
	send_reply(&world, again.id, 0, fd);
	run_until(&world, &answer.count, 1);
	cr_assert(answer.fd >= 0);
	close(answer.fd);
	close(fd);
	world_close(&world);
}

Test(dial, numbers_rise_and_answers_may_come_in_any_order)
{
	struct world world;
	struct answer first = {.fd = -2}, second = {.fd = -2};
	struct dial_request a, b;
	int fd = make_fd();

	world_open(&world);
	dial_ask(world.dial, DIAL_KUBE, on_answer, &first);
	dial_ask(world.dial, DIAL_KUBE, on_answer, &second);
	a = take_request(&world);
	b = take_request(&world);
	cr_assert_eq(b.id, a.id + 1);
	send_reply(&world, b.id, EHOSTUNREACH, -1);
	send_reply(&world, a.id, 0, fd);
	run_until(&world, &first.count, 1);
	run_until(&world, &second.count, 1);
	cr_assert(first.fd >= 0);
	cr_assert_eq(second.fd, -1);
	cr_assert_eq(second.error, EHOSTUNREACH);
	close(first.fd);
	close(fd);
	world_close(&world);
}

Test(dial, drops_what_nobody_asked_for)
{
	struct world world;
	struct answer answer = {.fd = -2};
	struct dial_request request;
	uint64_t id;
	int fd = make_fd();
	int before;

	world_open(&world);
	id = dial_ask(world.dial, DIAL_KUBE, on_answer, &answer);
	request = take_request(&world);
	cr_assert_eq(request.id, id);
	before = count_fds();
	send_reply(&world, request.id + 1000, 0, fd); /* of an earlier process */
	send_reply(&world, request.id, 0, fd);
	send_reply(&world, request.id, 0, fd); /* a second answer */
	run_until(&world, &answer.count, 1);
	loop_run_once(world.loop, 0);
	cr_assert_eq(
	    count_fds(), before + 1, "only the one that was asked for is kept");
	close(answer.fd);
	close(fd);
	world_close(&world);
}

Test(dial, cancelled_asks_are_not_answered)
{
	struct world world;
	struct answer answer = {.fd = -2}, last = {.fd = -2};
	struct dial_request request;
	uint64_t id;
	int fd = make_fd();
	int before;

	world_open(&world);
	id = dial_ask(world.dial, DIAL_KUBE, on_answer, &answer);
	request = take_request(&world);
	dial_cancel(world.dial, id);
	before = count_fds();
	send_reply(&world, request.id, 0, fd);
	dial_ask(world.dial, DIAL_KUBE, on_answer, &last);
	send_reply(&world, take_request(&world).id, ECONNREFUSED, -1);
	run_until(&world, &last.count, 1);
	cr_assert_eq(answer.count, 0);
	cr_assert_eq(count_fds(), before);
	close(fd);
	world_close(&world);
}

Test(dial, refuses_answers_that_make_no_sense)
{
	struct world world;
	struct answer bare = {.fd = -2}, negative = {.fd = -2}, both = {.fd = -2};
	int fd = make_fd();
	int before;

	world_open(&world);
	before = count_fds();
	dial_ask(world.dial, DIAL_KUBE, on_answer, &bare);
	dial_ask(world.dial, DIAL_KUBE, on_answer, &negative);
	dial_ask(world.dial, DIAL_KUBE, on_answer, &both);
	cr_assert_eq(send(world.dialer_fd, "?", 1, 0), 1); /* no reply at all */
	send_reply(&world, take_request(&world).id, 0, -1);
	send_reply(&world, take_request(&world).id, -5, -1);
	send_reply(&world, take_request(&world).id, EACCES, fd);
	run_until(&world, &both.count, 1);
	cr_assert_eq(bare.error, EPROTO);
	cr_assert_eq(negative.error, EPROTO);
	cr_assert_eq(both.error, EACCES);
	cr_assert_eq(both.fd, -1);
	cr_assert_eq(count_fds(), before);
	close(fd);
	world_close(&world);
}

Test(dial, asks_again_when_the_dialer_is_new)
{
	struct world world;
	struct answer answer = {.fd = -2};
	struct dial_request first, again;

	world_open(&world);
	dial_ask(world.dial, DIAL_COMPUTE, on_answer, &answer);
	first = take_request(&world);
	dial_again(world.dial);
	again = take_request(&world);
	cr_assert_eq(again.id, first.id);
	cr_assert_eq(again.entry, DIAL_COMPUTE);
	send_reply(&world, again.id, ENETUNREACH, -1);
	run_until(&world, &answer.count, 1);
	cr_assert_eq(answer.error, ENETUNREACH);
	dial_again(world.dial); /* nothing is open */
	cr_assert_lt(recv(world.dialer_fd, &first, sizeof first, MSG_DONTWAIT), 0);
	world_close(&world);
}

/* The dialer never answers: asked again after a little more than its own limit. */
Test(dial, asks_again_after_the_limit, .timeout = 30)
{
	struct world world;
	struct answer answer = {.fd = -2};
	struct dial_request first, again;
	int64_t start_ms = clock_mono().ms;

	world_open(&world);
	dial_ask(world.dial, DIAL_KUBE, on_answer, &answer);
	first = take_request(&world);
	while (
	    recv(world.dialer_fd, &again, sizeof again, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	    clock_mono().ms < start_ms + PATIENCE_MS)
		loop_run_once(world.loop, 50);
	again = take_request(&world);
	cr_assert_eq(again.id, first.id);
	cr_assert_gt(clock_mono().ms - start_ms, DIAL_TIMEOUT_MS);
	cr_assert_eq(answer.count, 0);
	world_close(&world);
}

Test(dial, says_so_when_nobody_is_there)
{
	struct world world;
	struct answer open = {.fd = -2}, late = {.fd = -2};

	world_open(&world);
	log_set_level(LOG_ERROR + 1);
	dial_ask(world.dial, DIAL_KUBE, on_answer, &open);
	shutdown(world.dialer_fd, SHUT_RDWR);
	run_until(&world, &open.count, 1);
	cr_assert_eq(open.error, ECONNREFUSED);
	dial_ask(world.dial, DIAL_KUBE, on_answer, &late);
	cr_assert_eq(late.count, 0, "never from within");
	run_until(&world, &late.count, 1);
	cr_assert_eq(late.error, ECONNREFUSED);
	world_close(&world);
}

Test(dial, callbacks_may_cancel_and_ask)
{
	struct world world;
	struct answer first = {.fd = -2}, second = {.fd = -2};
	struct dial_request a, b;

	world_open(&world);
	first.world = &world;
	first.asks_again = true;
	dial_ask(world.dial, DIAL_KUBE, on_answer, &first);
	first.to_cancel = dial_ask(world.dial, DIAL_KUBE, on_answer, &second);
	a = take_request(&world);
	b = take_request(&world);
	send_reply(&world, a.id, ECONNREFUSED, -1);
	send_reply(&world, b.id, ECONNREFUSED, -1);
	run_until(&world, &first.count, 1);
	first.to_cancel = 0;
	send_reply(&world, take_request(&world).id, ETIMEDOUT, -1);
	run_until(&world, &first.count, 2);
	cr_assert_eq(first.error, ETIMEDOUT);
	cr_assert_eq(second.count, 0);
	world_close(&world);
}

Test(dial, too_many_asks_are_refused)
{
	struct world world;
	struct answer answer = {.fd = -2};

	world_open(&world);
	for (int i = 0; i < 200; i++)
		dial_ask(world.dial, DIAL_KUBE, on_answer, &answer);
	while (answer.count == 0)
		loop_run_once(world.loop, 20);
	loop_run_once(world.loop, 0);
	cr_assert_eq(answer.count, 200 - 64);
	cr_assert_eq(answer.error, EBUSY);
	world_close(&world);
}
