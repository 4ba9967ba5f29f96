/* The cloud test plays the supervisor, the dialer, the reconciler and metricsd for one
 * ipwarden-cloudworker under its real filter, with ipwarden-sim as the cloud
 * (cloud_world.h). */
#ifndef IPW_TESTS_CLOUD_RIG_H
#define IPW_TESTS_CLOUD_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "loop.h"
#include "messages.h"

/* Nothing that is waited for takes longer, on a busy machine. */
#define RIG_WAIT_MS 20000

#define RIG_KEPT_MAX 128

/* What the two links brought since the last rig_forget: all are counted, the first
 * RIG_KEPT_MAX of each kind are kept. */
struct rig {
	struct loop *loop;
	bool locked, ready, link_up;
	unsigned int violations;
	struct msg_result results[RIG_KEPT_MAX];
	size_t results_len;
	struct msg_observed_instance instances[RIG_KEPT_MAX];
	size_t instances_len;
	struct msg_observed_address addresses[RIG_KEPT_MAX];
	size_t addresses_len;
	struct msg_observed_end ends[RIG_KEPT_MAX];
	size_t ends_len;
	unsigned int orders_ends;
	char readiness[TEXT_MAX + 1]; /* "?" before the first word */
	double calls_ok; /* ipwarden_cloud_calls_total{code="200"} of the add call */
};
extern struct rig rig;

/* One line of TAP; a failed one makes rig_end return 1. */
void rig_check(bool good, const char *name);
int rig_end(void);
/* Ends the test at once: it cannot go on. */
void rig_die(const char *why) __attribute__((noreturn));

/* Takes the descriptors that the links need; before anything else. */
void rig_open(void);

/* Starts the cloudworker and waits until it is ready and the link is up. */
void rig_worker_open(void);
/* Ends it with that signal (0: the STOP record), and returns the exit code, or 1000 +
 * the signal that ended it. */
int rig_worker_close(int signal);

/* Runs the loop until `done` says so; false when that takes too long. */
bool rig_until(bool (*done)(void));
void rig_forget(void);
void rig_send(enum message_type type, const void *msg);

#endif
