/* The reconciler's orders: the grant that allows changes, which orders run, which wait,
 * what became of recent ones, and how fast the cloud may be changed. No I/O, no clock,
 * no randomness: events and the time go in, effects come out.
 *
 * One order at a time runs for an instance, and one for an address. An order that comes
 * again (same id, same contents) is answered from memory once it is DONE or FAILED, and
 * run again after UNKNOWN or REFUSED; while it runs, its result will come anyway. An id
 * may be used for something else when its order has ended, but not before. */
#ifndef IPW_ORDERS_H
#define IPW_ORDERS_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "cloud.h"
#include "messages.h"

/* The time of an event. */
struct orders_time {
	struct mono_time mono;
	struct boot_time boot;
};

struct orders_effects {
	void *arg;
	/* Starts a call; the answer comes as orders_answer with the same ticket, later,
	 * exactly once. Right before a change is handed to the network, orders_permit
	 * must have said yes. */
	void (*call)(void *arg, uint64_t ticket, const struct cloud_call *call);
	/* To the reconciler: 0, -ENOTCONN, -EAGAIN (orders_room follows). */
	int (*send)(void *arg, enum message_type type, const void *msg);
	uint32_t (*random)(void *arg);
	/* An operation (of an order of this kind) that the cloud had taken on ended
	 * badly; for the metrics. */
	void (*failed)(void *arg, unsigned int kind, const char *reason);
	/* For the log. */
	void (*begun)(void *arg, const struct msg_order *order);
	void (*ended)(void *arg, const struct msg_result *result);
};

struct orders;

struct orders *orders_new(const struct orders_effects *effects);
void orders_free(struct orders *orders);

/* Messages. Return 0, or -EPROTO when they make no sense (a violation). */
int orders_grant(struct orders *orders, const struct msg_grant *grant);
int orders_order(
    struct orders *orders, struct orders_time now, const struct msg_order *msg);

/* The link came up: all results are told again, then orders_end. Or it went down: the
 * grant ends with it, what runs goes on and is told at the next link-up. */
void orders_up(struct orders *orders, struct orders_time now);
void orders_down(struct orders *orders);
/* There is room on the link again. */
void orders_room(struct orders *orders);
/* False from link-up until orders_end is sent: nothing else may be sent before it. */
bool orders_told(const struct orders *orders);

/* Whether the change with this ticket may start now: 0; -EPERM: no live grant of its
 * term; -ESTALE: what it was decided on is too old by now. */
int orders_permit(const struct orders *orders, struct orders_time now, uint64_t ticket);

void orders_answer(struct orders *orders, struct orders_time now, uint64_t ticket,
    const struct cloud_answer *answer);

/* The cloud answers again: who waits after a failure waits no longer. Nothing happens
 * before orders_wake. */
void orders_hurry(struct orders *orders, struct orders_time now);

/* Does what is due. To be called at the latest after orders_next_ms (-1: never), which
 * changes with each of the calls above. */
void orders_wake(struct orders *orders, struct orders_time now);
int64_t orders_next_ms(const struct orders *orders, struct orders_time now);

/* How long a call may take, by the last grant. */
int64_t orders_call_timeout_ms(const struct orders *orders);

#endif
