#include "filter.h"

#include <seccomp.h>
#include <sys/socket.h>

#include "opened.h"

#define FILES_MAX 64u

#define DATAGRAM_FLAGS ((uint64_t)(SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK))

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
    /* not sandbox_base and sandbox_control: they read, write and close any */
    .groups = {&sandbox_process, &sandbox_wait, &speak_group, &query_group},
    .data_max = UINT64_C(16) << 20,
    .files_max = FILES_MAX,
};
