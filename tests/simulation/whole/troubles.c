#include <string.h>

#include "hosts.h"
#include "provider.h"
#include "server.h"
#include "users.h"

static uint64_t habits; /* which of the troubles may come, a bit each */

/* None, some, or plenty. */
static unsigned
level(unsigned some, unsigned plenty)
{
	unsigned levels[] = {0, 0, some, plenty};

	return levels[stage_pick(4)];
}

/* Each schedule has faults of its own. */
void
troubles_make(void)
{
	habits = stage_random();
	hosts.faults = (struct hosts_faults){
	    .crash = level(2, 15),
	    .frame_lost = level(10, 100),
	    .frame_twice = level(10, 100),
	    .frame_late = level(10, 100),
	};
	server.faults = (struct server_faults){
	    .lost_before = level(20, 100),
	    .lost_after = level(20, 150),
	    .refused = level(20, 100),
	    .slow = level(20, 100),
	    .watch_cut = level(20, 100),
	    .watch_gone = level(20, 100),
	    .watch_late = level(50, 200),
	    .stale_list = level(200, 600),
	    .definition = level(200, 800),
	};
	if (users.tracked)
		server.faults.unserved = level(100, 400);
	provider.faults = (struct provider_faults){
	    .lost_before = level(30, 150),
	    .lost_after = level(50, 200),
	    .throttled = level(30, 150),
	    .busy = level(50, 200),
	    .slow = level(20, 100),
	    .failed = level(50, 200),
	    .paged = level(300, 1000),
	};
}

void
troubles_end(void)
{
	hosts.faults = (struct hosts_faults){0};
	server.faults = (struct server_faults){0};
	provider.faults = (struct provider_faults){0};
	server.down = false;
	provider.down = false;
	for (size_t i = 0; i < hosts.len; i++) {
		hosts.all[i].no_server = false;
		hosts.all[i].no_cloud = false;
		host_start(&hosts.all[i]);
		users_put_replica(i, true);
	}
}

/* --- single ones ------------------------------------------------------------------ */

static void
over(void *arg)
{
	bool *trouble = arg;

	*trouble = false;
}

static void
last(bool *trouble, const char *what, int64_t most_ms)
{
	int64_t ms = stage_between(500, most_ms);

	stage_tell("trouble", "%s for %lld ms", what, (long long)ms);
	*trouble = true;
	stage_later(ms, NULL, over, NULL, trouble);
}

static struct host *
some_host(void)
{
	return &hosts.all[stage_pick(hosts.len)];
}

static void
kill_process(void)
{
	process_kill(&some_host()->processes[stage_pick(PROGRAM_COUNT)]);
}

static void
come_back(void *arg)
{
	struct host *host = arg;

	host_start(host);
	users_put_replica((size_t)(host - hosts.all), true);
}

static void
kill_host(void)
{
	struct host *host = some_host();

	host_kill(host);
	users_put_replica((size_t)(host - hosts.all), false);
	stage_later(stage_between(100, 40000), &host->suspended_until_ms, come_back,
	    NULL, host);
}

static void
stop_host(void)
{
	host_stop(some_host());
}

static void
suspend(void)
{
	host_suspend(some_host(), stage_between(500, 40000));
}

static void
cut_server(void)
{
	struct host *host = some_host();

	last(&host->no_server,
	    host->name[9] == '0'   ? "0 has no API server"
	    : host->name[9] == '1' ? "1 has no API server"
				   : "2 has no API server",
	    30000);
}

static void
cut_cloud(void)
{
	struct host *host = some_host();

	last(&host->no_cloud,
	    host->name[9] == '0'   ? "0 has no cloud"
	    : host->name[9] == '1' ? "1 has no cloud"
				   : "2 has no cloud",
	    40000);
}

static void
cut_wire(void)
{
	wires_cut(some_host(), stage_chance(500) ? LINK_FACTS : LINK_CLOUD);
}

static void
server_down(void)
{
	last(&server.down, "no API server", 20000);
}

static void
cloud_down(void)
{
	last(&provider.down, "no cloud", 60000);
}

void
troubles_happen(void)
{
	static void (*const troubles[])(void) = {
	    kill_process,
	    kill_process,
	    kill_process,
	    kill_host,
	    stop_host,
	    suspend,
	    cut_server,
	    cut_cloud,
	    cut_wire,
	    server_down,
	    cloud_down,
	};
	size_t which = stage_pick(sizeof troubles / sizeof *troubles);

	if ((habits >> which & 1) != 0)
		troubles[which]();
}
