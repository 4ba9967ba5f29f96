#include "filter.h"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "memfd.h"
#include "opened.h"

/* The kernel refuses to pass a descriptor on while more than this many of the same uid,
 * whoever sent them, are on their way (unix(7), ETOOMANYREFS): a neighbour must not be
 * able to bring that about. It is no bound of its own, the rules below are. */
#define FILES_MAX 4096u

/* A record for the supervisor: sealed, and where the kernel knows it never executable.
 */
#define MEMFD_FLAGS ((uint64_t)(MFD_CLOEXEC | MFD_ALLOW_SEALING))

/* It is let go on, reads one file, and tells the supervisor and the log. */
static const struct sandbox_rule speak_rules[] = {
    SANDBOX_ALLOW_IF(read, SANDBOX_ARG_EQ(0, FD_CONTROL)),
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
    /* not sandbox_base and sandbox_control: they read, write and close any */
    .groups = {&sandbox_process, &speak_group, &memfd_group},
    .data_max = UINT64_C(64) << 20,
    .files_max = FILES_MAX,
};
