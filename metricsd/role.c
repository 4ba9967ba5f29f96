#include "role.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "fds.h"

/* Accepts on its two listeners and answers. shutdown of a listener, then MSG_FASTOPEN,
 * would make a connection to anywhere of it: both are refused. libmicrohttpd does not
 * mind a shutdown that fails. */
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
    SANDBOX_REFUSE(shutdown, EPERM),
    SANDBOX_RULES_END,
};
static const struct sandbox_group http_group = {"metricsd http", http_rules};

const struct sandbox metricsd_sandbox = {
    .role = "metricsd",
    .groups = {&sandbox_process, &sandbox_wait, &sandbox_base, &sandbox_control,
	&sandbox_nanomsg, &http_group},
    .data_max = 96u << 20,
    .files_max = 128,
};
