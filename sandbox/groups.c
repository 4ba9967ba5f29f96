#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "sandbox.h"

/* Measured with strace over each role's life; see docs and tests/system/deny. What is
 * not here is not there: no open, socket, connect, accept, dup, exec, clone, kill,
 * ptrace, prctl, ioctl. */

static const struct sandbox_rule process_rules[] = {
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
    /* memory is never executable and never comes from a file */
    SANDBOX_ALLOW_MMAP,
    SANDBOX_ALLOW_IF(mprotect, SANDBOX_ARG_BITS(2, PROT_EXEC, 0)),
    SANDBOX_ALLOW_IF(madvise, SANDBOX_ARG_EQ(2, MADV_DONTNEED)),
    SANDBOX_RULES_END,
};
const struct sandbox_group sandbox_process = {"process", process_rules};

static const struct sandbox_rule wait_rules[] = {
    SANDBOX_ALLOW(epoll_wait),
    SANDBOX_ALLOW(epoll_pwait),
    SANDBOX_ALLOW(epoll_ctl),
    SANDBOX_ALLOW(poll),
    SANDBOX_ALLOW(ppoll),
    SANDBOX_RULES_END,
};
const struct sandbox_group sandbox_wait = {"wait", wait_rules};

static const struct sandbox_rule base_rules[] = {
    SANDBOX_ALLOW(read),
    SANDBOX_ALLOW(write),
    SANDBOX_ALLOW(close),
    SANDBOX_ALLOW(futex),
    /* a thread may still be in its prologue when the filter lands */
    SANDBOX_ALLOW(rseq),
    SANDBOX_ALLOW(set_robust_list),
    SANDBOX_RULES_END,
};
const struct sandbox_group sandbox_base = {"base", base_rules};

/* Messages on the descriptors it has; never a destination of its own. MSG_FASTOPEN
 * would turn an unconnected TCP socket into a connection to anywhere. */
static const struct sandbox_rule control_rules[] = {
    SANDBOX_ALLOW(recvmsg),
    SANDBOX_ALLOW_IF(sendmsg, SANDBOX_ARG_BITS(2, MSG_FASTOPEN, 0)),
    SANDBOX_RULES_END,
};
const struct sandbox_group sandbox_control = {"control", control_rules};

static const struct sandbox_rule nanomsg_rules[] = {
    SANDBOX_ALLOW_IF(fcntl, SANDBOX_ARG_EQ(1, F_SETFD)),
    SANDBOX_ALLOW_IF(fcntl, SANDBOX_ARG_EQ(1, F_GETFL)),
    SANDBOX_ALLOW_IF(fcntl, SANDBOX_ARG_EQ(1, F_SETFL)),
    SANDBOX_ALLOW_IF(
	setsockopt, SANDBOX_ARG_EQ(1, SOL_SOCKET), SANDBOX_ARG_EQ(2, SO_SNDBUF)),
    SANDBOX_ALLOW_IF(
	setsockopt, SANDBOX_ARG_EQ(1, SOL_SOCKET), SANDBOX_ARG_EQ(2, SO_RCVBUF)),
    SANDBOX_RULES_END,
};
const struct sandbox_group sandbox_nanomsg = {"nanomsg", nanomsg_rules};

static const struct sandbox_rule https_rules[] = {
    SANDBOX_ALLOW_IF(recvfrom, SANDBOX_ARG_EQ(4, 0)),
    SANDBOX_ALLOW_IF(
	sendto, SANDBOX_ARG_EQ(4, 0), SANDBOX_ARG_BITS(3, MSG_FASTOPEN, 0)),
    SANDBOX_ALLOW_IF(fcntl, SANDBOX_ARG_EQ(1, F_GETFL)),
    SANDBOX_ALLOW_IF(fcntl, SANDBOX_ARG_EQ(1, F_SETFL)),
    SANDBOX_ALLOW_IF(setsockopt, SANDBOX_ARG_EQ(1, (uint64_t)IPPROTO_TCP),
	SANDBOX_ARG_EQ(2, TCP_NODELAY)),
    SANDBOX_ALLOW_IF(
	getsockopt, SANDBOX_ARG_EQ(1, SOL_SOCKET), SANDBOX_ARG_EQ(2, SO_ERROR)),
    SANDBOX_ALLOW(getsockname),
    SANDBOX_ALLOW(getpeername),
    SANDBOX_RULES_END,
};
const struct sandbox_group sandbox_https = {"https", https_rules};

static const struct sandbox_rule files_rules[] = {
    SANDBOX_ALLOW(pread64),
    SANDBOX_RULES_END,
};
const struct sandbox_group sandbox_files = {"files", files_rules};
