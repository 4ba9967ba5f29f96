#include "filter.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <sys/socket.h>

#include "opened.h"

/* The kernel refuses to pass a descriptor on while more than this many of the same uid,
 * whoever sent them, are on their way (unix(7), ETOOMANYREFS): a neighbour must not be
 * able to bring that about. It is no bound of its own, the rules below are. */
#define FILES_MAX 4096u

#define STREAM_FLAGS ((uint64_t)(SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK))

/* A socket option on what was opened. */
#define ALLOW_OPTION(level, option)                                                    \
	SANDBOX_ALLOW_IF(setsockopt, OPENED_LOW(0), SANDBOX_ARG_EQ(1, level),          \
	    SANDBOX_ARG_EQ(2, option)),                                                \
	    SANDBOX_ALLOW_IF(setsockopt, OPENED_TOP(0), SANDBOX_ARG_EQ(1, level),      \
		SANDBOX_ARG_EQ(2, option))

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
    /* not sandbox_base and sandbox_control: they read, write and close any */
    .groups = {&sandbox_process, &sandbox_wait, &speak_group, &open_group},
    .data_max = UINT64_C(16) << 20,
    .files_max = FILES_MAX,
    .landlock_connect = true,
};
