#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config.h"
#include "exits.h"
#include "log.h"
#include "supervisor.h"

static struct supervisor supervisor;

static void __attribute__((noreturn)) start_failed(const char *step)
{
	log_error("start_failed", LOG_S("step", step), LOG_S("error", strerror(errno)));
	exit(EXIT_FATAL);
}

/* The other programs stand at ../libexec/ipwarden from this one: any prefix will do. */
static void
find_libexec(struct supervisor *sup)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
	int written;

	if (len < 0)
		start_failed("/proc/self/exe");
	self[len] = '\0';
	written = snprintf(sup->libexec_dir, sizeof sup->libexec_dir,
	    "%s/../libexec/ipwarden", dirname(self));
	if (written >= (int)sizeof sup->libexec_dir ||
	    access(sup->libexec_dir, X_OK) < 0)
		start_failed(sup->libexec_dir);
}

static void
open_signals(struct supervisor *sup)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		start_failed("sigprocmask");
	signal(SIGPIPE, SIG_IGN);
	sup->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sup->signal_fd < 0)
		start_failed("signalfd");
}

static void
open_pairs(struct supervisor *sup)
{
	for (enum role role = 0; role < ROLE_COUNT; role++) {
		enum role dialer = role_specs[role].dialer;

		if (dialer == ROLE_COUNT)
			continue;
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			sup->dial_pairs[dialer]) < 0 ||
		    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			sup->resolve_pairs[dialer]) < 0)
			start_failed("socketpair");
		spawn_shorten_queue(sup->dial_pairs[dialer][PAIR_SERVER]);
	}
}

static void
open_descriptors(struct supervisor *sup)
{
	sup->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (sup->null_fd < 0)
		start_failed("/dev/null");
	for (int i = 0; i < ROLE_COUNT; i++)
		for (int end = 0; end < 2; end++)
			sup->dial_pairs[i][end] = sup->resolve_pairs[i][end] = -1;
	open_pairs(sup);
	sup->listen_metrics = listen_open("metrics", sup->options.metrics_port);
	sup->listen_health = listen_open("health", sup->options.health_port);
	open_signals(sup);
}

static void
take_signals(struct supervisor *sup)
{
	struct signalfd_siginfo info;

	while (read(sup->signal_fd, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGCHLD || sup->stopping)
			continue;
		log_info("stopping", LOG_N("signal", info.ssi_signo));
		children_stop(sup);
	}
	children_reap(sup);
}

static void
run_round(struct supervisor *sup, int wait_ms)
{
	struct pollfd fds[1 + 2 * ROLE_COUNT] = {
	    {.fd = sup->signal_fd, .events = POLLIN}};

	for (int role = 0; role < ROLE_COUNT; role++) {
		fds[1 + role] = (struct pollfd){
		    .fd = sup->children[role].control_fd, .events = POLLIN};
		fds[1 + ROLE_COUNT + role] =
		    (struct pollfd){.fd = sup->children[role].log_fd, .events = POLLIN};
	}
	if (poll(fds, 1 + 2 * ROLE_COUNT, wait_ms) < 0 && errno != EINTR)
		start_failed("poll");
	for (enum role role = 0; role < ROLE_COUNT; role++) {
		struct child *child = &sup->children[role];

		if (fds[1 + ROLE_COUNT + role].revents != 0 && child->log_fd >= 0 &&
		    !forward_log(child, role_specs[role].name)) {
			close(child->log_fd);
			child->log_fd = -1;
		}
		if (fds[1 + role].revents != 0 && child->control_fd >= 0)
			child_control(sup, role);
	}
	if (fds[0].revents != 0)
		take_signals(sup);
}

int
main(int argc, char **argv)
{
	struct supervisor *sup = &supervisor;
	int wait_ms = 0;

	options_parse(&sup->options, argc, argv);
	log_set_process("supervisor");
	log_set_logfmt(sup->options.logfmt);
	sup->began = clock_wall();
	find_libexec(sup);
	open_descriptors(sup);
	filter_enter(sup->options.separate_uids);
	verify_prepare();
	separate_prepare(sup);
	identities_load(sup);
#ifndef IPW_INSTRUMENTED
	clearenv();
#endif
	children_start(sup);
	while (!sup->stopping || !children_stop(sup)) {
		run_round(sup, wait_ms);
		if (!sup->stopping)
			feed_rotated(sup);
		wait_ms = children_timers(sup);
		if (sup->stopping && wait_ms > 100)
			wait_ms = 100;
	}
	log_info("stopped", LOG_N("status", sup->exit_code));
	return sup->exit_code;
}
