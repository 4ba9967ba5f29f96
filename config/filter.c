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
#include "memfd.h"

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

/* A record for the supervisor: sealed, and where the kernel knows it never executable.
 */
#define MEMFD_FLAGS ((uint64_t)(MFD_CLOEXEC | MFD_ALLOW_SEALING))

/* Not sandbox_base and sandbox_control: they read, write and close any descriptor. */
static const struct sandbox_rule process_rules[] = {
    SANDBOX_ALLOW(brk),
    SANDBOX_ALLOW(munmap),
    SANDBOX_ALLOW(mremap),
    SANDBOX_ALLOW(getrandom), /* malloc */
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
static const struct sandbox_group process_group = {"config process", process_rules};

/* It reads one file, and tells the supervisor and the log. */
static const struct sandbox_rule speak_rules[] = {
    SANDBOX_ALLOW_IF(read, SANDBOX_ARG_EQ(0, FD_KUBECONFIG)),
    SANDBOX_ALLOW_IF(write, SANDBOX_ARG_EQ(0, FD_LOG)),
    SANDBOX_ALLOW_IF(sendmsg, SANDBOX_ARG_EQ(0, FD_CONTROL), NO_FASTOPEN(2)),
    SANDBOX_RULES_END,
};
static const struct sandbox_group speak_group = {"config speaks", speak_rules};

static const struct sandbox_rule memfd_rules[] = {
    SANDBOX_ALLOW_IF(memfd_create, SANDBOX_ARG_EQ(1, MEMFD_FLAGS)),
    SANDBOX_ALLOW_IF(memfd_create, SANDBOX_ARG_EQ(1, MEMFD_FLAGS | MEMFD_NOEXEC_SEAL)),
    SANDBOX_ALLOW_IF(pwrite64, OPENED_LOW(0)),
    SANDBOX_ALLOW_IF(pwrite64, OPENED_TOP(0)),
    SANDBOX_ALLOW_IF(fcntl, OPENED_LOW(0), SANDBOX_ARG_EQ(1, F_ADD_SEALS)),
    SANDBOX_ALLOW_IF(fcntl, OPENED_TOP(0), SANDBOX_ARG_EQ(1, F_ADD_SEALS)),
    SANDBOX_ALLOW_IF(close, OPENED_LOW(0)),
    SANDBOX_ALLOW_IF(close, OPENED_TOP(0)),
    SANDBOX_RULES_END,
};
static const struct sandbox_group memfd_group = {"config memfds", memfd_rules};

const struct sandbox config_sandbox = {
    .role = "config",
    .groups = {&process_group, &speak_group, &memfd_group},
    .data_max = UINT64_C(64) << 20,
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
