#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "config.h"
#include "exits.h"
#include "fds.h"
#include "log.h"
#include "supervisor.h"

/* Copies of the wanted descriptors are first made up here, out of the way. */
#define COPIES_FIRST 200

static const struct {
	enum role a;
	int slot_a;
	enum role b;
	int slot_b;
} link_ends[LINK_COUNT] = {
#define LINK_ENDS(constant, a, slot_a, b, slot_b) {a, slot_a, b, slot_b},
    LINK_LIST(LINK_ENDS)
#undef LINK_ENDS
};

static bool
has_slot(enum role role, int slot)
{
	for (int i = 0; i < LINK_COUNT; i++)
		if ((link_ends[i].a == role && link_ends[i].slot_a == slot) ||
		    (link_ends[i].b == role && link_ends[i].slot_b == slot))
			return true;
	return false;
}

#ifndef IPW_INSTRUMENTED
/* The whole environment of a process: glibc's heap keeps no free blocks by size. They
 * lie between others, and one of them keeps a page (sandbox.c has the rest, which can
 * be said later; this cannot). */
static char heap_tunables[] = "GLIBC_TUNABLES=glibc.malloc.tcache_count=0";
#endif

/* In the child, between fork and exec: only calls that are safe there. */
static void __attribute__((noreturn)) become(const struct supervisor *sup,
    enum role role, const char *program, const int *fds, pid_t parent)
{
	char path[PATH_MAX + 64];
	char *argv[] = {NULL, NULL};
	char *envp[4] = {NULL};
	int copies[FD_FIXED_END];
	sigset_t none;

	memcpy(&argv[0], &program, sizeof program);
#ifndef IPW_INSTRUMENTED
	envp[0] = heap_tunables;
#else
	static const char *const kept[] = {
	    "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "GCOV_PREFIX="};
	for (char **entry = environ; *entry != NULL; entry++)
		for (size_t i = 0, n = 0; i < 3; i++)
			if (strncmp(*entry, kept[i], strlen(kept[i])) == 0) {
				while (envp[n] != NULL)
					n++;
				envp[n] = *entry;
			}
#endif
	for (int i = 0; i < FD_FIXED_END; i++) {
		copies[i] = fcntl(fds[i], F_DUPFD, COPIES_FIRST);
		if (copies[i] < 0)
			_exit(EXIT_BUG);
	}
	for (int i = 0; i < FD_FIXED_END; i++)
		if (dup2(copies[i], i) < 0)
			_exit(EXIT_BUG);
	if (syscall(SYS_close_range, FD_FIXED_END, ~0u, 0) < 0)
		_exit(EXIT_BUG);
	/* Ctrl-C reaches the whole group; who stops when is the supervisor's business
	 */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	snprintf(path, sizeof path, "%s/%s", sup->libexec_dir, program);
	log_set_process(NULL); /* who forwards a line of ours puts the name there */
	if (sup->options.separate_uids)
		separate_enter(sup, role);
	/* after the uid, with which it would be forgotten; the end of the control
	 * descriptor says the same; this is quicker */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(EXIT_ORPHAN);
	execve(path, argv, envp);
	_exit(EXIT_CONFIG);
}

pid_t
spawn_program(
    const struct supervisor *sup, enum role role, const char *program, const int *fds)
{
	int whole[FD_FIXED_END];
	pid_t parent = getpid();
	pid_t pid;

	for (int i = 0; i < FD_FIXED_END; i++)
		whole[i] = fds[i] >= 0 ? fds[i] : sup->null_fd;
	pid = fork();
	if (pid == 0)
		become(sup, role, program, whole, parent);
	return pid < 0 ? -errno : pid;
}

/* The descriptors that a role has beyond the common ones. */
static void
add_own(const struct supervisor *sup, enum role role, int *fds)
{
	switch (role) {
	case ROLE_RESOLVER:
		fds[FD_RESOLVE_0] =
		    sup->resolve_pairs[ROLE_DIALER_WATCHER][PAIR_SERVER];
		fds[FD_RESOLVE_1] =
		    sup->resolve_pairs[ROLE_DIALER_RECONCILER][PAIR_SERVER];
		fds[FD_RESOLVE_2] = sup->resolve_pairs[ROLE_DIALER_CLOUD][PAIR_SERVER];
		break;
	case ROLE_DIALER_WATCHER:
	case ROLE_DIALER_RECONCILER:
	case ROLE_DIALER_CLOUD:
		fds[FD_DIAL] = sup->dial_pairs[role][PAIR_SERVER];
		fds[FD_RESOLVE] = sup->resolve_pairs[role][PAIR_CLIENT];
		break;
	case ROLE_METRICSD:
		fds[FD_LISTEN_METRICS] = sup->listen_metrics;
		fds[FD_LISTEN_HEALTH] = sup->listen_health;
		break;
	case ROLE_RECONCILER:
		fds[FD_AUDIT] = STDOUT_FILENO;
		fds[FD_DIAL] = sup->dial_pairs[role_specs[role].dialer][PAIR_CLIENT];
		break;
	case ROLE_CLOUDWORKER:
	case ROLE_WATCHER:
		fds[FD_DIAL] = sup->dial_pairs[role_specs[role].dialer][PAIR_CLIENT];
		break;
	case ROLE_COUNT:
	default:
		assert(!"a role");
	}
}

/* Some ten packets of the smallest size, with what the kernel adds to each. */
#define QUEUE_BYTES 4096

void
spawn_shorten_queue(int fd)
{
	static const int bytes = QUEUE_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) < 0)
		log_warn("queue_not_shortened", LOG_S("error", strerror(errno)));
}

/* The ends that the process gets come back in `fds`, ours stand in `child`. What was
 * made before a failure is closed by the caller. */
static int
open_pipes(struct child *child, enum role role, int *fds)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	child->control_fd = pair[0];
	fds[FD_CONTROL] = pair[1];
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	child->log_fd = pair[0];
	fds[FD_LOG] = pair[1];
	fcntl(child->log_fd, F_SETFL, O_NONBLOCK);
	for (int slot = 0; slot < LINK_SLOTS; slot++) {
		if (!has_slot(role, slot))
			continue;
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
			return -errno;
		child->link_fds[slot] = pair[0];
		fds[FD_LINK_0 + slot] = pair[1];
		/* nobody reads on our end, so nothing may be sent to it */
		if (shutdown(pair[0], SHUT_RD) < 0)
			return -errno;
		spawn_shorten_queue(pair[0]);
	}
	return 0;
}

int
spawn_child(struct supervisor *sup, enum role role)
{
	struct child *child = &sup->children[role];
	int fds[FD_FIXED_END];
	pid_t pid;

	for (int i = 0; i < FD_FIXED_END; i++)
		fds[i] = -1;
	pid = open_pipes(child, role, fds);
	if (pid == 0) {
		add_own(sup, role, fds);
		pid = spawn_program(sup, role, role_specs[role].program, fds);
	}
	for (int fd = FD_LOG; fd <= FD_LINK_2; fd++)
		if (fds[fd] >= 0)
			close(fds[fd]);
	child->pid = pid > 0 ? pid : 0;
	return pid > 0 ? 0 : (int)pid;
}
