#include "loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <unistd.h>

#include "mem.h"

/* Events taken from the kernel in one round. */
#define ROUND_EVENTS_MAX 32

struct watch {
	loop_fd_fn *fn; /* NULL: this descriptor is not watched */
	void *arg;
	uint32_t generation; /* guards against events of an earlier use of the number */
};

struct loop_timer {
	struct loop *loop;
	loop_timer_fn *fn;
	void *arg;
	struct mono_time due;
	bool armed;
	LIST_ENTRY(loop_timer) link;
};

struct loop {
	int epoll_fd;
	bool stopped;
	struct mono_time now;
	struct watch *watches; /* indexed by descriptor */
	size_t watches_len;
	LIST_HEAD(, loop_timer) timers;
};

struct loop *
loop_new(void)
{
	struct loop *loop = mem_calloc(1, sizeof *loop);

	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	assert(loop->epoll_fd >= 0);
	loop->now = clock_mono();
	LIST_INIT(&loop->timers);
	return loop;
}

void
loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	while (!LIST_EMPTY(&loop->timers))
		loop_timer_free(LIST_FIRST(&loop->timers));
	close(loop->epoll_fd);
	free(loop->watches);
	free(loop);
}

int
loop_set_fd(struct loop *loop, int fd, uint32_t events, loop_fd_fn *fn, void *arg)
{
	struct epoll_event event = {.events = events};
	size_t slot = (size_t)fd;
	int op;

	assert(fd >= 0 && fn != NULL);
	if (slot >= loop->watches_len) {
		size_t len = slot + 16;

		loop->watches = mem_realloc(loop->watches, len, sizeof *loop->watches);
		for (size_t i = loop->watches_len; i < len; i++)
			loop->watches[i] = (struct watch){0};
		loop->watches_len = len;
	}
	op = loop->watches[slot].fn != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	if (op == EPOLL_CTL_ADD)
		loop->watches[slot].generation++;
	event.data.u64 = (uint64_t)loop->watches[slot].generation << 32 | (uint32_t)fd;
	if (epoll_ctl(loop->epoll_fd, op, fd, &event) < 0)
		return -errno;
	loop->watches[slot].fn = fn;
	loop->watches[slot].arg = arg;
	return 0;
}

void
loop_remove_fd(struct loop *loop, int fd)
{
	if (fd < 0 || (size_t)fd >= loop->watches_len || loop->watches[fd].fn == NULL)
		return;
	loop->watches[fd].fn = NULL;
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

struct loop_timer *
loop_timer_new(struct loop *loop, loop_timer_fn *fn, void *arg)
{
	struct loop_timer *timer = mem_calloc(1, sizeof *timer);

	timer->loop = loop;
	timer->fn = fn;
	timer->arg = arg;
	LIST_INSERT_HEAD(&loop->timers, timer, link);
	return timer;
}

void
loop_timer_free(struct loop_timer *timer)
{
	if (timer == NULL)
		return;
	LIST_REMOVE(timer, link);
	free(timer);
}

void
loop_timer_arm(struct loop_timer *timer, int64_t delay_ms)
{
	timer->due.ms = clock_mono().ms + (delay_ms > 0 ? delay_ms : 0);
	timer->armed = true;
}

void
loop_timer_disarm(struct loop_timer *timer)
{
	timer->armed = false;
}

struct mono_time
loop_now(const struct loop *loop)
{
	return loop->now;
}

static int
wait_ms(const struct loop *loop, int wait_ms_max)
{
	int64_t least = wait_ms_max < 0 ? INT_MAX : wait_ms_max;
	int64_t now_ms = clock_mono().ms;
	bool bounded = wait_ms_max >= 0;
	const struct loop_timer *timer;

	LIST_FOREACH(timer, &loop->timers, link) {
		int64_t left = timer->due.ms - now_ms;

		if (!timer->armed)
			continue;
		bounded = true;
		if (left < least)
			least = left > 0 ? left : 0;
	}
	return bounded ? (int)least : -1;
}

/* A timer's callback may free any timer, so the walk starts anew after each. */
static void
run_timers(struct loop *loop)
{
	struct loop_timer *timer;
	bool fired = true;

	while (fired && !loop->stopped) {
		fired = false;
		LIST_FOREACH(timer, &loop->timers, link) {
			if (!timer->armed || timer->due.ms > loop->now.ms)
				continue;
			timer->armed = false;
			fired = true;
			timer->fn(timer->arg);
			break;
		}
	}
}

void
loop_run_once(struct loop *loop, int wait_ms_max)
{
	struct epoll_event events[ROUND_EVENTS_MAX];
	int count;

	count = epoll_wait(
	    loop->epoll_fd, events, ROUND_EVENTS_MAX, wait_ms(loop, wait_ms_max));
	loop->now = clock_mono();
	for (int i = 0; i < count && !loop->stopped; i++) {
		int fd = (int)(uint32_t)events[i].data.u64;
		uint32_t generation = (uint32_t)(events[i].data.u64 >> 32);
		struct watch watch = loop->watches[fd];

		if (watch.fn != NULL && watch.generation == generation)
			watch.fn(watch.arg, fd, events[i].events);
	}
	run_timers(loop);
}

void
loop_run(struct loop *loop)
{
	while (!loop->stopped)
		loop_run_once(loop, -1);
}

void
loop_stop(struct loop *loop)
{
	loop->stopped = true;
}
