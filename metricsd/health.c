#include "health.h"

#include <stdio.h>
#include <string.h>

#define STATUS_OK	   200
#define STATUS_UNAVAILABLE 503

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
health_process(struct health *health, const struct control_process *process)
{
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

bool
health_is_healthy(const struct health *health)
{
	for (int role = 0; role < ROLE_COUNT; role++)
		if (health->known[role] && health->processes[role].wedged)
			return false;
	return true;
}

/* Why a process is not ready, or NULL. */
static const char *
process_reason(const struct health *health, enum role role)
{
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

const char *
health_missing(const struct health *health, char *scratch)
{
	for (enum role role = 0; role < ROLE_COUNT; role++) {
		const char *reason = process_reason(health, role);

		if (reason == NULL)
			continue;
		snprintf(scratch, HEALTH_REASON_MAX, "%s: %s", role_name(role), reason);
		return scratch;
	}
	return NULL;
}

static void
put_check(struct buf *out, const char *name, const char *reason)
{
	if (reason == NULL)
		buf_printf(out, "[+]%s ok\n", name);
	else
		buf_printf(out, "[-]%s failed: %s\n", name, reason);
}

int
health_healthz(const struct health *health, bool verbose, struct buf *out)
{
	bool healthy = health_is_healthy(health);

	for (enum role role = 0; verbose && role < ROLE_COUNT; role++)
		put_check(out, role_name(role),
		    health->known[role] && health->processes[role].wedged
			? "does not answer"
			: NULL);
	buf_puts(out, healthy ? "ok" : "unhealthy");
	return healthy ? STATUS_OK : STATUS_UNAVAILABLE;
}

int
health_readyz(const struct health *health, bool verbose, struct buf *out)
{
	char scratch[HEALTH_REASON_MAX];
	const char *missing = health_missing(health, scratch);

	for (enum role role = 0; verbose && role < ROLE_COUNT; role++)
		put_check(out, role_name(role), process_reason(health, role));
	if (missing == NULL)
		buf_puts(out, "ready");
	else
		buf_printf(out, "not-ready: %s", missing);
	return missing == NULL ? STATUS_OK : STATUS_UNAVAILABLE;
}
