/* What the reconciler's core may ask of the world. The core has no I/O, clock or
 * randomness of its own: events and the time go in (core.h), these come out. In
 * production shell.c carries them out; in tests and the simulation something else does.
 */
#ifndef IPW_EFFECTS_H
#define IPW_EFFECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "kube.h"
#include "messages.h"
#include "metrics.h"

/* The time of an event; handed in with each. */
struct core_time {
	struct mono_time mono;
	struct boot_time boot;
	struct wall_time wall;
};

/* How a metric changes. */
enum gauge_op { GAUGE_SET, GAUGE_ADD, GAUGE_OBSERVE, GAUGE_DROP };

struct effects {
	void *arg;
	/* Starts a call of the API server; the answer comes as core_answer (or
	 * elect_answer) with the same ticket, later, exactly once. Texts are copied. */
	void (*call)(void *arg, uint64_t ticket, const struct kube_call *call);
	/* Sends to the cloudworker. 0; -ENOTCONN; -EAGAIN. */
	int (*cloud)(void *arg, enum message_type type, const void *msg);
	/* `labels` are the metric's label values, NULL-terminated (for DROP: a prefix).
	 */
	void (*metric)(void *arg, enum gauge_op op, enum metric metric, double value,
	    const char *const *labels);
	/* "" = ready. */
	void (*readiness)(void *arg, const char *reason);
	/* One finished JSON line, without its newline, for the audit stream. */
	void (*audit)(void *arg, const char *line);
	/* Fills in random bytes. */
	void (*random)(void *arg, void *out, size_t len);
	/* core_wake (or elect_wake) is called again after that time at the latest. */
	void (*wake_in)(void *arg, int64_t delay_ms);
};

/* A random version 4 UUID (RFC 9562 §5.4); out takes UUID_TEXT_SIZE bytes. */
#define UUID_TEXT_SIZE 37u
void effects_uuid(const struct effects *effects, char *out);

#endif
