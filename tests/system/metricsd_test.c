/* ipwarden-metricsd under its real filter: its whole life, its links and its listeners.
 * Speaks TAP; the program is found in $IPW_PROGRAMS, or here. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "exits.h"
#include "metricsd_rig.h"

#define LIVES 20

/* A label value that has to be escaped. */
#define CLUSTER "c\"1"

static void
test_start(void)
{
	static const char ask[] =
	    "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	struct reply reply;
	int fd;

	rig_open();
	fd = http_connect(RIG_METRICS);
	http_send(fd, ask, sizeof ask - 1);
	child_set(&rig.child, SETTING_CLUSTER_NAME, "%s", CLUSTER);
	rig_start(NULL);
	http_read(fd, &reply);
	tap_check(reply.status == 200,
	    "life: locked, ready, and what was asked before is answered");
	reply_free(&reply);
	tap_check(
	    http_has(RIG_METRICS, "/metrics",
		"# HELP ipwarden_build_info Always 1\n"
		"# TYPE ipwarden_build_info gauge\n"
		"ipwarden_build_info{cluster=\"c\\\"1\",version=\"" PACKAGE_VERSION
		"\"} 1\n"),
	    "life: it knows its settings");
	tap_check(rig_until(&rig.ticks, 2), "life: it ticks");
}

/* How it ends when the supervisor does something to it. */
static void
test_ends(void)
{
	uint8_t setting[] = {SETTING_COUNT, 'x'};
	int code;

	rig_open();
	close(rig.child.control);
	rig.child.control = -1;
	code = rig_wait();
	tap_check(code == EXIT_ORPHAN, "life: no supervisor before START (%d)", code);

	rig_open();
	rig_start(NULL);
	close(rig.child.control);
	rig.child.control = -1;
	code = rig_wait();
	tap_check(code == EXIT_ORPHAN, "life: no supervisor after START (%d)", code);

	rig_open();
	rig_start(NULL);
	close(rig.links[1]);
	rig.links[1] = -1;
	code = rig_wait();
	tap_check(code == EXIT_ORPHAN, "life: a closed link control (%d)", code);

	rig_open();
	control_send(rig.child.control, CONTROL_SETTING, setting, sizeof setting, -1);
	code = rig_wait();
	tap_check(code == EXIT_PROTOCOL, "life: an unknown setting (%d)", code);

	rig_open();
	rig_start(NULL);
	control_send(rig.child.control, CONTROL_PROCESS, setting, sizeof setting, -1);
	code = rig_wait();
	tap_check(code == EXIT_PROTOCOL, "life: half a process record (%d)", code);

	rig_open();
	code = rig_end(0);
	tap_check(code == EXIT_OK, "life: STOP before START (%d)", code);
}

/* One life: the producer that lives on is heard, on the same listeners. */
static bool
live_once(struct peer *peer, int number)
{
	char name[32], wanted[64];

	rig_open();
	rig_start(NULL);
	peer_connect(peer, true);
	if (!peer_wait_up(peer))
		return false;
	snprintf(name, sizeof name, "life-%d", number);
	snprintf(wanted, sizeof wanted, "{pod_name=\"%s\"} 1\n", name);
	peer_sample(peer, METRIC_IS_LEADER, SAMPLE_VALUE, 1, name, NULL);
	return peer_wait_taken(peer) && http_has(RIG_METRICS, "/metrics", wanted);
}

static void
test_lives(void)
{
	struct peer *peer = peer_new(1);
	int good = 0;

	for (int i = 0; i < LIVES; i++) {
		bool lived = live_once(peer, i);

		good += rig_end(SIGKILL) == 1000 + SIGKILL && lived;
	}
	tap_check(good == LIVES, "life: killed and started %d times (%d)", LIVES, good);
	peer_free(peer);
}

int
main(void)
{
	int code;

	signal(SIGPIPE, SIG_IGN);
	rig_listen();
	test_start();
	test_samples();
	test_http();
	test_hostile();
	test_crowds();
	code = rig_end(0);
	tap_check(code == EXIT_OK, "life: STOP (%d)", code);
	test_ends();
	test_lives();
	tap_check(rig.bad_lines == 0 && rig.strange == 0,
	    "life: only log lines and records that belong there");
	return tap_end();
}
