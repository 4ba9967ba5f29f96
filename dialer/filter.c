#include "filter.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exits.h"
#include "fds.h"
#include "log.h"

/* The kernel refuses to pass a descriptor on while more than this many of the same uid,
 * whoever sent them, are on their way (unix(7), ETOOMANYREFS): a neighbour must not be
 * able to bring that about. It is no bound of its own, the rules below are. */
#define FILES_MAX 4096u
/* Numbers FD_OPENED_FIRST to 63, in two aligned blocks: 16..31 and 32..63. */
#define OPENED_LOW(i) SANDBOX_ARG_BITS(i, ~UINT64_C(0x0f), UINT64_C(0x10))
#define OPENED_TOP(i) SANDBOX_ARG_BITS(i, ~UINT64_C(0x1f), UINT64_C(0x20))
_Static_assert(FD_OPENED_FIRST == 16, "the masks say so");

/* MSG_FASTOPEN makes a connection of a send; nothing here has a use for it. */
#define NO_FASTOPEN(i) SANDBOX_ARG_BITS(i, MSG_FASTOPEN, 0)

#define STREAM_FLAGS ((uint64_t)(SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK))

/* A socket option on what was opened. */
#define ALLOW_OPTION(level, option)                                                    \
	SANDBOX_ALLOW_IF(setsockopt, OPENED_LOW(0), SANDBOX_ARG_EQ(1, level),          \
	    SANDBOX_ARG_EQ(2, option)),                                                \
	    SANDBOX_ALLOW_IF(setsockopt, OPENED_TOP(0), SANDBOX_ARG_EQ(1, level),      \
		SANDBOX_ARG_EQ(2, option))

/* Not sandbox_base and sandbox_control: they read, write and close any descriptor. */
static const struct sandbox_rule process_rules[] = {
    SANDBOX_ALLOW(epoll_wait),
    SANDBOX_ALLOW(epoll_pwait),
    SANDBOX_ALLOW(epoll_ctl),
    SANDBOX_ALLOW(poll),
    SANDBOX_ALLOW(ppoll),
    SANDBOX_ALLOW(brk),
    SANDBOX_ALLOW(munmap),
    SANDBOX_ALLOW(mremap),
    SANDBOX_ALLOW(getrandom),
    SANDBOX_ALLOW(clock_gettime),
    SANDBOX_ALLOW(restart_syscall),
    SANDBOX_ALLOW(rt_sigreturn),
    SANDBOX_ALLOW(rt_sigprocmask),
    SANDBOX_ALLOW(exit_group),
    SANDBOX_ALLOW(getpid),
    SANDBOX_ALLOW(gettid),
    SANDBOX_ALLOW_MMAP,
    SANDBOX_ALLOW_IF(mprotect, SANDBOX_ARG_BITS(2, PROT_EXEC, 0)),
    SANDBOX_ALLOW_IF(madvise, SANDBOX_ARG_EQ(2, MADV_DONTNEED)),
    SANDBOX_RULES_END,
};
static const struct sandbox_group process_group = {"dialer process", process_rules};

/* It speaks with the supervisor, its client and the resolver, and with nobody else. */
static const struct sandbox_rule speak_rules[] = {
    SANDBOX_ALLOW_IF(write, SANDBOX_ARG_EQ(0, FD_LOG)),
    SANDBOX_ALLOW_IF(recvmsg, SANDBOX_ARG_EQ(0, FD_CONTROL)),
    SANDBOX_ALLOW_IF(sendmsg, SANDBOX_ARG_EQ(0, FD_CONTROL), NO_FASTOPEN(2)),
    SANDBOX_ALLOW_IF(recvmsg, SANDBOX_ARG_EQ(0, FD_DIAL)),
    SANDBOX_ALLOW_IF(sendmsg, SANDBOX_ARG_EQ(0, FD_DIAL), NO_FASTOPEN(2)),
    SANDBOX_ALLOW_IF(recvfrom, SANDBOX_ARG_EQ(0, FD_RESOLVE), SANDBOX_ARG_EQ(4, 0)),
    SANDBOX_ALLOW_IF(
	sendto, SANDBOX_ARG_EQ(0, FD_RESOLVE), SANDBOX_ARG_EQ(4, 0), NO_FASTOPEN(3)),
    SANDBOX_RULES_END,
};
static const struct sandbox_group speak_group = {"dialer speaks", speak_rules};

/* It opens TCP connections, sets when a dead one is noticed, and closes them. */
static const struct sandbox_rule open_rules[] = {
    SANDBOX_ALLOW_IF(socket, SANDBOX_ARG_EQ(0, AF_INET),
	SANDBOX_ARG_EQ(1, STREAM_FLAGS), SANDBOX_ARG_EQ(2, 0)),
    SANDBOX_ALLOW_IF(socket, SANDBOX_ARG_EQ(0, AF_INET6),
	SANDBOX_ARG_EQ(1, STREAM_FLAGS), SANDBOX_ARG_EQ(2, 0)),
    SANDBOX_ALLOW_IF(connect, OPENED_LOW(0)),
    SANDBOX_ALLOW_IF(connect, OPENED_TOP(0)),
    SANDBOX_ALLOW_IF(close, OPENED_LOW(0)),
    SANDBOX_ALLOW_IF(close, OPENED_TOP(0)),
    ALLOW_OPTION(SOL_SOCKET, SO_KEEPALIVE),
    ALLOW_OPTION(IPPROTO_TCP, TCP_NODELAY),
    ALLOW_OPTION(IPPROTO_TCP, TCP_KEEPIDLE),
    ALLOW_OPTION(IPPROTO_TCP, TCP_KEEPINTVL),
    ALLOW_OPTION(IPPROTO_TCP, TCP_KEEPCNT),
    ALLOW_OPTION(IPPROTO_TCP, TCP_USER_TIMEOUT),
    SANDBOX_RULES_END,
};
static const struct sandbox_group open_group = {"dialer opens", open_rules};

const struct sandbox dialer_sandbox = {
    .role = "dialer",
    .groups = {&process_group, &speak_group, &open_group},
    .data_max = UINT64_C(16) << 20,
    .files_max = FILES_MAX,
    .landlock_connect = true,
};

void
filter_fill_descriptors(void)
{
	int fd;

	do
		fd = fcntl(FD_NULL, F_DUPFD_CLOEXEC, 0);
	while (fd >= 0 && fd < FD_OPENED_FIRST);
	if (fd < 0) {
		log_error("descriptors_refused", LOG_S("error", strerror(errno)));
		_exit(EXIT_SANDBOX);
	}
	close(fd);
}
