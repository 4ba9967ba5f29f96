/* What /healthz and /readyz say. Pure. */
#ifndef IPW_HEALTH_H
#define IPW_HEALTH_H

#include <stdbool.h>

#include "buf.h"
#include "clock.h"
#include "control.h"
#include "messages.h"
#include "registry.h"
#include "roles.h"

struct health {
	/* when the supervisor last spoke of itself; 0: it has not yet */
	struct mono_time supervisor_heard;
	struct control_process processes[ROLE_COUNT];
	bool known[ROLE_COUNT]; /* the supervisor has told of it */
	/* what the producers said of themselves; NULL-terminated text, "" = ready */
	char readiness[PRODUCER_SELF][TEXT_MAX + 1];
	bool said[PRODUCER_SELF];
};

/* Of a role, or the supervisor of itself (ROLE_COUNT). */
void health_process(
    struct health *health, const struct control_process *process, struct mono_time now);
void health_readiness(
    struct health *health, enum producer producer, const char *reason);
/* The producer is gone: what it said does not count any more. */
void health_forget(struct health *health, enum producer producer);

/* False: a process is wedged, the supervisor too, or was started anew too often. */
bool health_is_healthy(const struct health *health, struct mono_time now);
/* NULL when ready; else what is missing, the first in a fixed order. Valid until the
 * next change; `scratch` takes HEALTH_REASON_MAX bytes. */
#define HEALTH_REASON_MAX 640
const char *health_missing(
    const struct health *health, struct mono_time now, char *scratch);

/* The body of a reply: "ok", "unhealthy", "ready" or "not-ready: REASON"; verbose lists
 * each check, and says "healthz check passed" or "failed", as the API server does
 * (https://kubernetes.io/docs/reference/using-api/health-checks/), but for the reasons,
 * which it withholds. Returns the HTTP status. */
int health_healthz(
    const struct health *health, struct mono_time now, bool verbose, struct buf *out);
int health_readyz(
    const struct health *health, struct mono_time now, bool verbose, struct buf *out);

const char *role_name(enum role role);

#endif
