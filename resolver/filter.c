#include "filter.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exits.h"
#include "fds.h"
#include "log.h"

/* Numbers FD_OPENED_FIRST to 63, in two aligned blocks: 16..31 and 32..63. */
#define FILES_MAX     64u
#define OPENED_LOW(i) SANDBOX_ARG_BITS(i, ~UINT64_C(0x0f), UINT64_C(0x10))
#define OPENED_TOP(i) SANDBOX_ARG_BITS(i, ~UINT64_C(0x1f), UINT64_C(0x20))
_Static_assert(FD_OPENED_FIRST == 16, "the masks say so");

/* MSG_FASTOPEN makes a connection of a send; nothing here has a use for it. */
#define NO_FASTOPEN(i) SANDBOX_ARG_BITS(i, MSG_FASTOPEN, 0)

#define DATAGRAM_FLAGS ((uint64_t)(SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK))

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
static const struct sandbox_group process_group = {"resolver process", process_rules};

/* It is told by the supervisor and answers its three dialers. */
static const struct sandbox_rule speak_rules[] = {
    SANDBOX_ALLOW_IF(write, SANDBOX_ARG_EQ(0, FD_LOG)),
    SANDBOX_ALLOW_IF(recvmsg, SANDBOX_ARG_EQ(0, FD_CONTROL)),
    SANDBOX_ALLOW_IF(sendmsg, SANDBOX_ARG_EQ(0, FD_CONTROL), NO_FASTOPEN(2)),
    SANDBOX_ALLOW_IF(recvfrom, SANDBOX_ARG_EQ(0, FD_RESOLVE_0), SANDBOX_ARG_EQ(4, 0)),
    SANDBOX_ALLOW_IF(
	sendto, SANDBOX_ARG_EQ(0, FD_RESOLVE_0), SANDBOX_ARG_EQ(4, 0), NO_FASTOPEN(3)),
    SANDBOX_ALLOW_IF(recvfrom, SANDBOX_ARG_EQ(0, FD_RESOLVE_1), SANDBOX_ARG_EQ(4, 0)),
    SANDBOX_ALLOW_IF(
	sendto, SANDBOX_ARG_EQ(0, FD_RESOLVE_1), SANDBOX_ARG_EQ(4, 0), NO_FASTOPEN(3)),
    SANDBOX_ALLOW_IF(recvfrom, SANDBOX_ARG_EQ(0, FD_RESOLVE_2), SANDBOX_ARG_EQ(4, 0)),
    SANDBOX_ALLOW_IF(
	sendto, SANDBOX_ARG_EQ(0, FD_RESOLVE_2), SANDBOX_ARG_EQ(4, 0), NO_FASTOPEN(3)),
    SANDBOX_RULES_END,
};
static const struct sandbox_group speak_group = {"resolver speaks", speak_rules};

/* It asks over connected datagram sockets, never to an address named in a send, and
 * reads the resolv.conf that it is handed. */
static const struct sandbox_rule query_rules[] = {
    SANDBOX_ALLOW_IF(socket, SANDBOX_ARG_EQ(0, AF_INET),
	SANDBOX_ARG_EQ(1, DATAGRAM_FLAGS), SANDBOX_ARG_EQ(2, 0)),
    SANDBOX_ALLOW_IF(socket, SANDBOX_ARG_EQ(0, AF_INET6),
	SANDBOX_ARG_EQ(1, DATAGRAM_FLAGS), SANDBOX_ARG_EQ(2, 0)),
    SANDBOX_ALLOW_IF(connect, OPENED_LOW(0)),
    SANDBOX_ALLOW_IF(connect, OPENED_TOP(0)),
    SANDBOX_ALLOW_IF(sendto, OPENED_LOW(0), SANDBOX_ARG_EQ(4, 0), NO_FASTOPEN(3)),
    SANDBOX_ALLOW_IF(sendto, OPENED_TOP(0), SANDBOX_ARG_EQ(4, 0), NO_FASTOPEN(3)),
    SANDBOX_ALLOW_IF(recvfrom, OPENED_LOW(0), SANDBOX_ARG_EQ(4, 0)),
    SANDBOX_ALLOW_IF(recvfrom, OPENED_TOP(0), SANDBOX_ARG_EQ(4, 0)),
    SANDBOX_ALLOW_IF(pread64, OPENED_LOW(0)),
    SANDBOX_ALLOW_IF(pread64, OPENED_TOP(0)),
    SANDBOX_ALLOW_IF(close, OPENED_LOW(0)),
    SANDBOX_ALLOW_IF(close, OPENED_TOP(0)),
    SANDBOX_RULES_END,
};
static const struct sandbox_group query_group = {"resolver queries", query_rules};

const struct sandbox resolver_sandbox = {
    .role = "resolver",
    .groups = {&process_group, &speak_group, &query_group},
    .data_max = UINT64_C(16) << 20,
    .files_max = FILES_MAX,
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
