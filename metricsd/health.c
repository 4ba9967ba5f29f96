#include "health.h"

#include <stdio.h>
#include <string.h>

#define STATUS_OK	   200
#define STATUS_UNAVAILABLE 503

/* CONTROL_RESTARTS_MAX and CONTROL_RESTARTS_MS in words. */
#define RESTARTED_TOO_OFTEN "started anew 10 times in 10 minutes"

const char *
role_name(enum role role)
{
	static const char *const names[ROLE_COUNT] = {
#define ROLE_NAME(constant, name, program) [constant] = (name),
	    ROLE_LIST(ROLE_NAME)
#undef ROLE_NAME
	};

	return names[role];
}

/* Who speaks for itself, in the order in which the first that misses something is
 * named. */
static const struct {
	enum role role;
	enum producer producer;
} speakers[] = {
    {ROLE_WATCHER, PRODUCER_WATCHER},
    {ROLE_RECONCILER, PRODUCER_RECONCILER},
    {ROLE_CLOUDWORKER, PRODUCER_CLOUDWORKER},
};

void
health_process(
    struct health *health, const struct control_process *process, struct mono_time now)
{
	if (process->role == ROLE_COUNT)
		health->supervisor_heard = now;
	if (process->role >= ROLE_COUNT)
		return;
	health->processes[process->role] = *process;
	health->known[process->role] = true;
}

void
health_readiness(struct health *health, enum producer producer, const char *reason)
{
	char *text = health->readiness[producer];

	message_text(text, sizeof health->readiness[producer], reason);
	/* a line of its own would look like another check */
	for (char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	health->said[producer] = true;
}

void
health_forget(struct health *health, enum producer producer)
{
	health->said[producer] = false;
}

/* --- checks: NULL when all is well, or why not --------------------------------------
 */

/* It speaks every CONTROL_PROCESS_MS; a stopped one keeps its children, and nobody else
 * would notice. */
static const char *
supervisor_wedged(const struct health *health, struct mono_time now)
{
	int64_t heard_ms = health->supervisor_heard.ms;

	return heard_ms != 0 && now.ms - heard_ms >= CONTROL_WEDGED_MS
		   ? "does not answer"
		   : NULL;
}

static const char *
process_unhealthy(const struct health *health, enum role role)
{
	if (!health->known[role])
		return NULL;
	if (health->processes[role].wedged)
		return "does not answer";
	return health->processes[role].spent ? RESTARTED_TOO_OFTEN : NULL;
}

static const char *
process_unready(const struct health *health, enum role role)
{
	if (health->processes[role].absent)
		return NULL;
	if (!health->known[role] || !health->processes[role].ready)
		return "not running";
	if (health->processes[role].wedged)
		return "does not answer";
	for (size_t i = 0; i < sizeof speakers / sizeof *speakers; i++) {
		enum producer producer = speakers[i].producer;

		if (speakers[i].role != role)
			continue;
		if (!health->said[producer])
			return "has not reported yet";
		if (health->readiness[producer][0] != '\0')
			return health->readiness[producer];
	}
	return NULL;
}

typedef const char *check_fn(const struct health *health, enum role role);

/* The first that fails, the supervisor before the others; NULL: none. */
static const char *
first_failed(const struct health *health, struct mono_time now, check_fn *check,
    const char **ret_name)
{
	const char *reason = supervisor_wedged(health, now);

	*ret_name = "supervisor";
	for (enum role role = 0; reason == NULL && role < ROLE_COUNT; role++) {
		reason = check(health, role);
		*ret_name = role_name(role);
	}
	return reason;
}

bool
health_is_healthy(const struct health *health, struct mono_time now)
{
	const char *name;

	return first_failed(health, now, process_unhealthy, &name) == NULL;
}

const char *
health_missing(const struct health *health, struct mono_time now, char *scratch)
{
	const char *name;
	const char *reason = first_failed(health, now, process_unready, &name);

	if (reason == NULL)
		return NULL;
	snprintf(scratch, HEALTH_REASON_MAX, "%s: %s", name, reason);
	return scratch;
}

/* --- answers ---------------------------------------------------------------------- */

static void
put_check(struct buf *out, const char *name, const char *reason)
{
	if (reason == NULL)
		buf_printf(out, "[+]%s ok\n", name);
	else
		buf_printf(out, "[-]%s failed: %s\n", name, reason);
}

static void
put_checks(const struct health *health, struct mono_time now, check_fn *check,
    const char *endpoint, bool passed, struct buf *out)
{
	put_check(out, "supervisor", supervisor_wedged(health, now));
	for (enum role role = 0; role < ROLE_COUNT; role++)
		if (!health->processes[role].absent)
			put_check(out, role_name(role), check(health, role));
	buf_printf(out, "%s check %s\n", endpoint, passed ? "passed" : "failed");
}

int
health_healthz(
    const struct health *health, struct mono_time now, bool verbose, struct buf *out)
{
	bool healthy = health_is_healthy(health, now);

	if (verbose)
		put_checks(health, now, process_unhealthy, "healthz", healthy, out);
	else
		buf_puts(out, healthy ? "ok" : "unhealthy");
	return healthy ? STATUS_OK : STATUS_UNAVAILABLE;
}

int
health_readyz(
    const struct health *health, struct mono_time now, bool verbose, struct buf *out)
{
	char scratch[HEALTH_REASON_MAX];
	const char *missing = health_missing(health, now, scratch);

	if (verbose)
		put_checks(
		    health, now, process_unready, "readyz", missing == NULL, out);
	else if (missing == NULL)
		buf_puts(out, "ready");
	else
		buf_printf(out, "not-ready: %s", missing);
	return missing == NULL ? STATUS_OK : STATUS_UNAVAILABLE;
}
