/* The event loop of a process: epoll, and timers. One thread; callbacks run to their
 * end. A callback may add and remove anything, itself included. */
#ifndef IPW_LOOP_H
#define IPW_LOOP_H

#include <stdint.h>

#include "clock.h"

struct loop;
struct loop_timer;

/* `events` are EPOLLIN, EPOLLOUT, … as epoll_wait(2) gives them. */
typedef void loop_fd_fn(void *arg, int fd, uint32_t events);
typedef void loop_timer_fn(void *arg);

struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* The descriptor stays the caller's; remove it before closing it. Returns 0 or a
 * negative errno. Setting a watched descriptor again changes events and callback. */
int loop_set_fd(struct loop *loop, int fd, uint32_t events, loop_fd_fn *fn, void *arg);
void loop_remove_fd(struct loop *loop, int fd);

/* A timer that is created once and armed as often as needed. Not armed at first. */
struct loop_timer *loop_timer_new(struct loop *loop, loop_timer_fn *fn, void *arg);
void loop_timer_free(struct loop_timer *timer);
/* Fires once, `delay_ms` from now; arming again replaces the earlier time. */
void loop_timer_arm(struct loop_timer *timer, int64_t delay_ms);
void loop_timer_disarm(struct loop_timer *timer);

/* Monotonic time, read once per round of the loop. */
struct mono_time loop_now(const struct loop *loop);

/* Runs until loop_stop. */
void loop_run(struct loop *loop);
/* One round: waits at most `wait_ms_max` (-1: as long as it takes). */
void loop_run_once(struct loop *loop, int wait_ms_max);
void loop_stop(struct loop *loop);

#endif
