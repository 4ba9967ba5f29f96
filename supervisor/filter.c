#include <errno.h>
#include <sched.h>
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
    SCMP_SYS(execve), SCMP_SYS(wait4), SCMP_SYS(kill),
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

/* The way of a process to a uid and a root of its own (separate.c). */
static const int for_separation[] = {
    SCMP_SYS(chdir), SCMP_SYS(chroot), SCMP_SYS(setgroups), SCMP_SYS(setresgid),
    SCMP_SYS(setresuid),
};
/* clang-format on */

#define NEW_NAMESPACES                                                                 \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	    CLONE_NEWPID | CLONE_NEWNET)

static void __attribute__((noreturn)) refuse(const char *step, int error)
{
	log_error(
	    "sandbox_refused", LOG_S("step", step), LOG_S("error", strerror(error)));
	exit(EXIT_SANDBOX);
}

/* Reading credential files and ending children of another uid is all that a privileged
 * start is for, unless these are to be separate; an unprivileged one has nothing to
 * keep. */
static void
keep_capabilities(bool separate)
{
	static const cap_value_t wanted[] = {CAP_DAC_READ_SEARCH, CAP_KILL,
	    /* and for separation */
	    CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_SYS_CHROOT, CAP_SYS_ADMIN};
	size_t wanted_len = separate ? sizeof wanted / sizeof *wanted : 2;
	cap_t now = cap_get_proc();
	cap_t kept = cap_init();
	int rc = now != NULL && kept != NULL ? 0 : -1;

	for (size_t i = 0; rc == 0 && i < wanted_len; i++) {
		cap_flag_value_t has = CAP_CLEAR;

		rc = cap_get_flag(now, wanted[i], CAP_PERMITTED, &has);
		if (rc == 0 && has == CAP_SET)
			rc = cap_set_flag(kept, CAP_PERMITTED, 1, &wanted[i], CAP_SET) |
			     cap_set_flag(kept, CAP_EFFECTIVE, 1, &wanted[i], CAP_SET);
		/* as the ambient set needs it, by which separate_enter hands it on */
		if (rc == 0 && has == CAP_SET && wanted[i] == CAP_SYS_CHROOT)
			rc =
			    cap_set_flag(kept, CAP_INHERITABLE, 1, &wanted[i], CAP_SET);
	}
	if (rc < 0 || cap_set_proc(kept) < 0)
		refuse("capabilities", errno);
	cap_free(now);
	cap_free(kept);
}

/* No namespaces but, for separation, an empty one of the network (and that takes
 * CAP_SYS_ADMIN). */
static int
add_namespaces(scmp_filter_ctx filter, bool separate)
{
	const struct scmp_arg_cmp none_new = {
	    .op = SCMP_CMP_MASKED_EQ, .datum_a = NEW_NAMESPACES, .datum_b = 0};
	const struct scmp_arg_cmp network = {
	    .op = SCMP_CMP_EQ, .datum_a = CLONE_NEWNET};
	int rc = seccomp_rule_add_array(
	    filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, &none_new);

	if (rc == 0 && separate)
		rc = seccomp_rule_add_array(
		    filter, SCMP_ACT_ALLOW, SCMP_SYS(unshare), 1, &network);
	return rc;
}

static int
add_calls(scmp_filter_ctx filter, const int *calls, size_t len)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < len; i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	return rc;
}

static void
load_filter(bool separate)
{
#ifdef IPW_INSTRUMENTED
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_LOG);
#else
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
#endif
	int rc = filter != NULL ? 0 : -ENOMEM;

	if (rc == 0)
		rc = add_calls(filter, allowed, sizeof allowed / sizeof *allowed);
	if (rc == 0 && separate)
		rc = add_calls(filter, for_separation,
		    sizeof for_separation / sizeof *for_separation);
	if (rc == 0)
		rc = add_namespaces(filter, separate);
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
filter_enter(bool separate)
{
	struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		refuse("RLIMIT_CORE", errno);
	keep_capabilities(separate);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		refuse("no_new_privs", errno);
#ifndef IPW_INSTRUMENTED
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		refuse("dumpable", errno);
#endif
	load_filter(separate);
}
