#include "role.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "fds.h"
#include "opened.h"

/* Accepts on its two listeners, answers, and ends connections of which nothing comes.
 * shutdown of a listener, then MSG_FASTOPEN, would make a connection to anywhere of it:
 * so the latter is refused altogether, and the former for what it was born with, which
 * has a number below FD_OPENED_FIRST. libmicrohttpd does not mind one that fails. */
static const struct sandbox_rule http_rules[] = {
    SANDBOX_ALLOW_IF(accept4, SANDBOX_ARG_EQ(0, FD_LISTEN_METRICS)),
    SANDBOX_ALLOW_IF(accept4, SANDBOX_ARG_EQ(0, FD_LISTEN_HEALTH)),
    SANDBOX_ALLOW_IF(recvfrom, SANDBOX_ARG_EQ(4, 0)),
    SANDBOX_ALLOW_IF(
	sendto, SANDBOX_ARG_EQ(4, 0), SANDBOX_ARG_BITS(3, MSG_FASTOPEN, 0)),
    SANDBOX_ALLOW_IF(setsockopt, SANDBOX_ARG_EQ(1, (uint64_t)IPPROTO_TCP),
	SANDBOX_ARG_EQ(2, TCP_NODELAY)),
    SANDBOX_ALLOW_IF(setsockopt, SANDBOX_ARG_EQ(1, (uint64_t)IPPROTO_TCP),
	SANDBOX_ARG_EQ(2, TCP_CORK)),
    {.syscall = SCMP_SYS(shutdown),
	.error = EPERM,
	.args_len = 1,
	.args = {SANDBOX_ARG_BITS(0, 0xfffffff0, 0)}},
    SANDBOX_ALLOW_IF(shutdown, OPENED_LOW(0)),
    SANDBOX_ALLOW_IF(shutdown, OPENED_TOP(0)),
    SANDBOX_ALLOW_IF(shutdown, SANDBOX_ARG_BITS(0, ~UINT64_C(0x3f), UINT64_C(0x40))),
    SANDBOX_ALLOW_IF(shutdown, SANDBOX_ARG_BITS(0, ~UINT64_C(0x7f), UINT64_C(0x80))),
    SANDBOX_RULES_END,
};
static const struct sandbox_group http_group = {"metricsd http", http_rules};

const struct sandbox metricsd_sandbox = {
    .role = "metricsd",
    .groups = {&sandbox_process, &sandbox_wait, &sandbox_base, &sandbox_control,
	&sandbox_nanomsg, &http_group},
    .data_max = 96u << 20,
    .files_max = 256,
};
