#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "config.h"
#include "exits.h"
#include "log.h"
#include "supervisor.h"

/* The supervisor's filter is inherited by all that it starts, so it must leave them
 * what they need until their own filter closes: the loader, their limits, their sockets
 * (the dialers', the resolver's). What is not here is answered with EPERM for the whole
 * tree: ptrace, process_vm_*, pidfd_*, bpf, perf, io_uring, keyrings, mounts,
 * namespaces, modules, clocks, System V and POSIX IPC. */
/* clang-format off */
static const int allowed[] = {
    /* files, for the loader and for credentials */
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev),
    SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(close), SCMP_SYS(close_range), SCMP_SYS(openat),
    SCMP_SYS(fstat), SCMP_SYS(stat), SCMP_SYS(newfstatat), SCMP_SYS(statx),
    SCMP_SYS(lseek), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
    SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getdents64), SCMP_SYS(getcwd),
    SCMP_SYS(fcntl), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(pipe2),
    SCMP_SYS(memfd_create), SCMP_SYS(ftruncate), SCMP_SYS(fchmod),
    /* memory */
    SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(munmap),
    SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(mlock), SCMP_SYS(mlock2),
    /* events and time */
    SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(eventfd2),
    SCMP_SYS(signalfd4), SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep),
    SCMP_SYS(gettimeofday), SCMP_SYS(restart_syscall),
    /* processes and threads */
    SCMP_SYS(clone), SCMP_SYS(execve), SCMP_SYS(wait4), SCMP_SYS(kill),
    SCMP_SYS(tgkill), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(futex),
    SCMP_SYS(set_tid_address), SCMP_SYS(set_robust_list), SCMP_SYS(rseq),
    SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid), SCMP_SYS(getuid),
    SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(uname),
    SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_yield), SCMP_SYS(sysinfo),
    SCMP_SYS(getrandom), SCMP_SYS(arch_prctl),
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    /* limits and sandboxes */
    SCMP_SYS(prlimit64), SCMP_SYS(getrlimit), SCMP_SYS(setrlimit), SCMP_SYS(capget),
    SCMP_SYS(capset), SCMP_SYS(prctl), SCMP_SYS(seccomp),
    SCMP_SYS(landlock_create_ruleset), SCMP_SYS(landlock_restrict_self),
    /* sockets */
    SCMP_SYS(socketpair), SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(accept4),
    SCMP_SYS(sendmsg), SCMP_SYS(recvmsg), SCMP_SYS(sendto), SCMP_SYS(recvfrom),
    SCMP_SYS(setsockopt), SCMP_SYS(getsockopt), SCMP_SYS(getsockname),
    SCMP_SYS(getpeername), SCMP_SYS(shutdown),
};
/* clang-format on */

static void __attribute__((noreturn)) refuse(const char *step, int error)
{
	log_error(
	    "sandbox_refused", LOG_S("step", step), LOG_S("error", strerror(error)));
	exit(EXIT_SANDBOX);
}

/* Reading credential files and ending children of another uid is all that a privileged
 * start is for; an unprivileged one has nothing to keep. */
static void
keep_capabilities(void)
{
	static const cap_value_t wanted[] = {CAP_DAC_READ_SEARCH, CAP_KILL};
	cap_t now = cap_get_proc();
	cap_t kept = cap_init();
	int rc = now != NULL && kept != NULL ? 0 : -1;

	for (size_t i = 0; rc == 0 && i < sizeof wanted / sizeof *wanted; i++) {
		cap_flag_value_t has = CAP_CLEAR;

		rc = cap_get_flag(now, wanted[i], CAP_PERMITTED, &has);
		if (rc == 0 && has == CAP_SET)
			rc = cap_set_flag(kept, CAP_PERMITTED, 1, &wanted[i], CAP_SET) |
			     cap_set_flag(kept, CAP_EFFECTIVE, 1, &wanted[i], CAP_SET);
	}
	if (rc < 0 || cap_set_proc(kept) < 0)
		refuse("capabilities", errno);
	cap_free(now);
	cap_free(kept);
}

static void
load_filter(void)
{
#ifdef IPW_INSTRUMENTED
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_LOG);
#else
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
#endif
	int rc = filter != NULL ? 0 : -ENOMEM;

	for (size_t i = 0; rc == 0 && i < sizeof allowed / sizeof *allowed; i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	/* glibc then falls back to clone */
	if (rc == 0)
		rc = seccomp_rule_add(
		    filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (rc == 0)
		rc = seccomp_load(filter);
	if (rc < 0)
		refuse("seccomp", -rc);
	seccomp_release(filter);
}

void
filter_enter(void)
{
	struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		refuse("RLIMIT_CORE", errno);
	keep_capabilities();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		refuse("no_new_privs", errno);
#ifndef IPW_INSTRUMENTED
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		refuse("dumpable", errno);
#endif
	load_filter();
}
