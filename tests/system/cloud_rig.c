#include "cloud_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cloud_world.h"
#include "control.h"
#include "dial.h"
#include "fdpass.h"
#include "fds.h"
#include "link.h"
#include "metrics.h"
#include "settings.h"

/* Our own ends of the links; see LINK_LIST. */
#define OWN_LINK_CLOUD	 FD_LINK_1
#define OWN_LINK_METRICS FD_LINK_2

struct rig rig;

/* One link: where its two ends ask for a connection. */
struct wire {
	int own;    /* the supervisor's end towards this process */
	int worker; /* towards the cloudworker */
};

static struct {
	struct link *cloud;
	struct wire wires[2]; /* by the cloudworker's slot */
	int own_control;      /* the supervisor's end of our own control descriptor */
	int control;	      /* of the cloudworker's */
	int dial;
	pid_t pid;
	unsigned int checks, failed;
} state;

void
rig_die(const char *why)
{
	printf("Bail out! %s\n", why);
	exit(1);
}

void
rig_check(bool good, const char *name)
{
	printf("%s %u %s\n", good ? "ok" : "not ok", ++state.checks, name);
	fflush(stdout);
	if (!good)
		state.failed++;
}

int
rig_end(void)
{
	printf("1..%u\n", state.checks);
	return state.failed > 0 ? 1 : 0;
}

bool
rig_until(bool (*done)(void))
{
	int64_t end_ms = clock_mono().ms + RIG_WAIT_MS;

	while (!done()) {
		if (clock_mono().ms >= end_ms)
			return false;
		loop_run_once(rig.loop, 100);
	}
	return true;
}

void
rig_forget(void)
{
	rig.results_len = 0;
	rig.instances_len = 0;
	rig.addresses_len = 0;
	rig.ends_len = 0;
}

void
rig_send(enum message_type type, const void *msg)
{
	if (link_send(state.cloud, type, msg) != 0)
		rig_die("the link takes no message");
}

/* --- the reconciler ------------------------------------------------------------ */

static void
on_up(void *arg)
{
	(void)arg;
	rig.link_up = true;
}

static void
on_down(void *arg)
{
	(void)arg;
	rig.link_up = false;
}

/* Counts all, keeps the first RIG_KEPT_MAX. */
#define KEEP(list, value)                                                              \
	do {                                                                           \
		if (rig.list##_len < RIG_KEPT_MAX)                                     \
			rig.list[rig.list##_len] = (value);                            \
		rig.list##_len++;                                                      \
	} while (0)

static void
on_message(void *arg, const struct message *message)
{
	(void)arg;
	switch ((int)message->type) {
	case MSG_RESULT:
		KEEP(results, message->u.result);
		break;
	case MSG_ORDERS_END:
		rig.orders_ends++;
		break;
	case MSG_OBSERVED_INSTANCE:
		KEEP(instances, message->u.observed_instance);
		break;
	case MSG_OBSERVED_ADDRESS:
		KEEP(addresses, message->u.observed_address);
		break;
	case MSG_OBSERVED_END:
		KEEP(ends, message->u.observed_end);
		break;
	default:
		break;
	}
}

/* --- metricsd ------------------------------------------------------------------ */

static void
on_sample(void *arg, const struct message *message)
{
	static const char *const wanted[] = {"instances.addAccessConfig", "200"};
	const struct msg_sample *sample = &message->u.sample;
	size_t cursor = 0;

	(void)arg;
	if (message->type == MSG_READINESS)
		MESSAGE_TEXT(rig.readiness, message->u.readiness.reason);
	if (message->type != MSG_SAMPLE || sample->metric != METRIC_CLOUD_CALLS)
		return;
	for (size_t i = 0; i < 2; i++) {
		const char *label = pack_next(&sample->labels, &cursor);

		if (label == NULL || strcmp(label, wanted[i]) != 0)
			return;
	}
	memcpy(&rig.calls_ok, &sample->value, sizeof rig.calls_ok);
}

/* --- the supervisor ------------------------------------------------------------ */

static void
open_pair(int type, int pair[2])
{
	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair) < 0)
		rig_die("socketpair");
}

/* A fresh connection for one link. */
static void
relink(const struct wire *wire)
{
	int pair[2];

	open_pair(SOCK_STREAM, pair);
	fdpass_send(wire->own, "+", 1, pair[0]);
	fdpass_send(wire->worker, "+", 1, pair[1]);
	close(pair[0]);
	close(pair[1]);
}

static void
on_own_control(void *arg, int fd, uint32_t events)
{
	struct control_record record;

	(void)arg;
	(void)events;
	while (control_receive(fd, &record) == 1)
		if (record.type == CONTROL_RELINK && state.pid > 0)
			relink(&state.wires[record.payload[0] == 1 ? 0 : 1]);
}

static void
on_control(void *arg, int fd, uint32_t events)
{
	struct control_record record;
	int rc;

	(void)arg;
	(void)events;
	while ((rc = control_receive(fd, &record)) == 1) {
		if (record.type == CONTROL_LOCKED)
			rig.locked = true;
		else if (record.type == CONTROL_READY)
			rig.ready = true;
		else if (record.type == CONTROL_RELINK && record.payload[0] < 2)
			relink(&state.wires[record.payload[0]]);
		else if (record.type == CONTROL_VIOLATION)
			rig.violations++;
	}
	if (rc == -EPIPE)
		loop_remove_fd(rig.loop, fd);
}

static void
on_dial(void *arg, int fd, uint32_t events)
{
	struct dial_request request;
	int got = -1;

	(void)arg;
	(void)events;
	while (fdpass_receive(fd, &request, sizeof request, &got) ==
	       (ssize_t)sizeof request) {
		struct dial_reply reply = {.id = request.id};
		int opened = world_connect(
		    request.entry == DIAL_METADATA ? WORLD_METADATA : WORLD_COMPUTE);

		if (opened < 0)
			reply.error = -opened;
		fdpass_send(fd, &reply, sizeof reply, opened);
		if (opened >= 0)
			close(opened);
	}
}

/* Puts a descriptor where the program expects it. */
static void
place(int fd, int number)
{
	if (dup2(fd, number) < 0 || fcntl(number, F_SETFD, 0) < 0)
		rig_die("dup2");
}

/* The numbers below FD_OPENED_FIRST stay for what belongs there. */
static void
fill_numbers(void)
{
	while (open("/dev/null", O_RDWR | O_CLOEXEC) < FD_OPENED_FIRST)
		;
}

static void
open_own_ends(void)
{
	static const struct link_handlers cloud = {on_up, on_down, on_message, NULL};
	static const struct link_handlers metrics = {NULL, NULL, on_sample, NULL};
	int pair[2];

	open_pair(SOCK_SEQPACKET, pair);
	place(pair[0], FD_CONTROL);
	state.own_control = pair[1];
	open_pair(SOCK_SEQPACKET, pair);
	place(pair[0], OWN_LINK_CLOUD);
	state.wires[0].own = pair[1];
	open_pair(SOCK_SEQPACKET, pair);
	place(pair[0], OWN_LINK_METRICS);
	state.wires[1].own = pair[1];
	state.cloud = link_open(rig.loop, LINK_CLOUD, ROLE_RECONCILER, &cloud, NULL);
	link_open(rig.loop, LINK_METRICS_CLOUD, ROLE_METRICSD, &metrics, NULL);
	loop_set_fd(rig.loop, state.own_control, EPOLLIN, on_own_control, NULL);
}

void
rig_open(void)
{
	fill_numbers();
	signal(SIGPIPE, SIG_IGN);
	rig.loop = loop_new();
	MESSAGE_TEXT(rig.readiness, "?");
	open_own_ends();
}

/* --- the cloudworker ----------------------------------------------------------- */

static void
run_worker(const int *fds)
{
	const char *programs = getenv("IPW_PROGRAMS");
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/ipwarden-cloudworker",
	    programs != NULL ? programs : ".");
	place(fds[0], FD_CONTROL);
	place(fds[1], FD_LINK_0);
	place(fds[2], FD_LINK_1);
	place(fds[3], FD_DIAL);
	close(FD_LINK_2);
	execl(path, path, (char *)NULL);
	_exit(127);
}

static void
hand_over(void)
{
	int ca = world_ca();

	control_send_setting(
	    state.control, SETTING_GCP_ENDPOINT, world_text(WORLD_COMPUTE));
	control_send_setting(
	    state.control, SETTING_METADATA_HOST, world_text(WORLD_METADATA));
	control_send_file(state.control, FILE_CLOUD_CA, ca);
	control_send(state.control, CONTROL_START, NULL, 0, -1);
	close(ca);
}

static bool
is_up(void)
{
	return rig.locked && rig.ready && rig.link_up && rig.orders_ends > 0;
}

void
rig_worker_open(void)
{
	int pairs[4][2];
	int fds[4];

	for (size_t i = 0; i < 4; i++) {
		open_pair(SOCK_SEQPACKET, pairs[i]);
		fds[i] = pairs[i][1];
	}
	state.control = pairs[0][0];
	state.wires[0].worker = pairs[1][0];
	state.wires[1].worker = pairs[2][0];
	state.dial = pairs[3][0];
	rig.locked = rig.ready = false;
	rig.orders_ends = 0;
	state.pid = fork();
	if (state.pid == 0)
		run_worker(fds);
	if (state.pid < 0)
		rig_die("fork");
	for (size_t i = 0; i < 4; i++)
		close(fds[i]);
	loop_set_fd(rig.loop, state.control, EPOLLIN, on_control, NULL);
	loop_set_fd(rig.loop, state.dial, EPOLLIN, on_dial, NULL);
	relink(&state.wires[0]);
	relink(&state.wires[1]);
	hand_over();
	if (!rig_until(is_up))
		rig_die("the cloudworker does not come up");
}

int
rig_worker_close(int signal)
{
	int status = 0;

	if (signal != 0)
		kill(state.pid, signal);
	else
		control_send(state.control, CONTROL_STOP, NULL, 0, -1);
	if (waitpid(state.pid, &status, 0) != state.pid)
		rig_die("waitpid");
	state.pid = 0;
	loop_remove_fd(rig.loop, state.control);
	loop_remove_fd(rig.loop, state.dial);
	close(state.control);
	close(state.dial);
	close(state.wires[0].worker);
	close(state.wires[1].worker);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}
