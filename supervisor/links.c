#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fdpass.h"
#include "log.h"
#include "supervisor.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16: asm-generic/socket.h */
#endif

/* `trusted` is the end whose reports of violations count: the one that holds more. On
 * the metrics links that is the producer, because metricsd faces the network. */
static const struct {
	const char *name;
	enum role a;
	unsigned int slot_a;
	enum role b;
	unsigned int slot_b;
	enum role trusted;
} links[LINK_COUNT] = {
#define LINK_ROW(constant, a, slot_a, b, slot_b)                                       \
	{#constant, a, slot_a, b, slot_b, (b) == ROLE_METRICSD ? (a) : (b)},
    LINK_LIST(LINK_ROW)
#undef LINK_ROW
};

/* Both ends ask when a greeting was missed, each every 1.5 s. */
static const struct rate_limit relink_limit = {.burst = 3, .per_minute = 60};

/* Whom its peers accuse is ended this often; a peer could lie. */
static const struct rate_limit blame_limit = {.burst = 2, .per_minute = 4};

static void
connect_link(struct supervisor *sup, int id)
{
	struct child *a = &sup->children[links[id].a];
	struct child *b = &sup->children[links[id].b];
	static const int off = 0;
	int pair[2];

	if (a->state != CHILD_READY || b->state != CHILD_READY)
		return;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		log_error("link_failed", LOG_S("link", links[id].name),
		    LOG_S("error", strerror(errno)));
		return;
	}
	for (int i = 0; i < 2; i++) /* best effort: the shim refuses descriptors too */
		setsockopt(pair[i], SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof off);
	fdpass_send(a->link_fds[links[id].slot_a], "+", 1, pair[0]);
	fdpass_send(b->link_fds[links[id].slot_b], "+", 1, pair[1]);
	close(pair[0]);
	close(pair[1]);
}

void
links_join(struct supervisor *sup, enum role role)
{
	for (int id = 0; id < LINK_COUNT; id++)
		if (links[id].a == role || links[id].b == role)
			connect_link(sup, id);
}

static int
link_of(enum role role, unsigned int slot)
{
	for (int id = 0; id < LINK_COUNT; id++)
		if ((links[id].a == role && links[id].slot_a == slot) ||
		    (links[id].b == role && links[id].slot_b == slot))
			return id;
	return -1;
}

void
links_relink(struct supervisor *sup, enum role role, unsigned int slot)
{
	int id = link_of(role, slot);

	if (id < 0) {
		child_punish(sup, role, "relink of a link that it does not have");
		return;
	}
	/* who has no other end asks for it again and again */
	if (!role_runs(sup, links[id].a) || !role_runs(sup, links[id].b))
		return;
	if (!rate_take(&sup->join_rates[id], &relink_limit, clock_mono(), 1))
		return;
	log_info("relink", LOG_S("link", links[id].name),
	    LOG_S("asked_by", role_specs[role].name));
	connect_link(sup, id);
}

void
links_violation(struct supervisor *sup, enum role reporter, unsigned int slot)
{
	int id = link_of(reporter, slot);
	enum role sender;
	bool counts;

	if (id < 0) {
		child_punish(sup, reporter, "report on a link that it does not have");
		return;
	}
	sender = links[id].a == reporter ? links[id].b : links[id].a;
	/* only between two that are linked there is something to report */
	counts = links[id].trusted == reporter &&
		 sup->children[reporter].state == CHILD_READY &&
		 sup->children[sender].state == CHILD_READY;
	log_warn("violation_reported", LOG_S("link", links[id].name),
	    LOG_S("reporter", role_specs[reporter].name),
	    LOG_S("sender", role_specs[sender].name),
	    LOG_S("counts", counts ? "yes" : "no"));
	if (!counts)
		return;
	sup->children[sender].violations++;
	feed_process(sup, sender);
	if (rate_take(&sup->children[sender].blame_rate, &blame_limit, clock_mono(), 1))
		child_kill(sup, sender, RESTART_VIOLATION, "protocol violation");
}
