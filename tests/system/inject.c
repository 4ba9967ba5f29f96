/* Makes a running process try one forbidden thing in its own place, with its own
 * descriptors, and says what came of it: the way a bug that took it over would. Needs
 * CAP_SYS_PTRACE (the processes are not dumpable) and x86-64.
 *
 *   inject PID ATTEMPT [NUMBER [OTHER]]         the process itself tries
 *   inject --copy PID ATTEMPT [NUMBER [OTHER]]  a copy of it tries
 *   inject --sweep PID                          one copy for each system call
 *   inject --config PROGRAM ATTEMPT [NUMBER [OTHER]]
 *
 * A copy is forked off with the filters suspended (CAP_SYS_ADMIN and a kernel with
 * PTRACE_O_SUSPEND_SECCOMP) and tries with them in force again: the same filters,
 * descriptors and memory, and the process itself lives on. The sweep makes each system
 * call with all arguments 0 and with all bits set, and prints those that were survived
 * at least once. --config starts ipwarden-config, which lives for milliseconds, on a
 * kubeconfig that never comes.
 *
 * Prints "died SIGSYS", "refused ERRNO" or "ALLOWED VALUE"; exit 0 for the first two, 1
 * for the last, 2 when the attempt could not be made, 3 when copies cannot be made. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control.h"
#include "fds.h"

/* Scratch memory on the victim's stack, below the red zone. */
#define SCRATCH_BELOW 8192u
#define SCRATCH_SIZE  1024u

/* Linux 6.18 has calls up to 470. */
#define SWEEP_END 480

/* Nothing here waits; a call that does not come back is one that was allowed. */
#define WAIT_MAX_S 10

/* Beyond this the arguments of a call are no error number. */
#define ERROR_MAX 4095

#define ARGS 6

struct victim {
	pid_t pid;
	struct user_regs_struct saved;
	uint64_t scratch;
	unsigned char data[SCRATCH_SIZE]; /* what is put there */
	size_t used;
	bool through_i386; /* int 0x80 instead of syscall */
};

struct call {
	long number;
	uint64_t args[ARGS];
};

enum outcome { OUTCOME_LIVED, OUTCOME_SIGSYS, OUTCOME_DIED };

static void __attribute__((noreturn, format(printf, 1, 2)))
give_up(const char *format, ...)
{
	int error = errno;
	va_list args;

	fputs("inject: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(error));
	exit(2);
}

/* --- attempts ---------------------------------------------------------------------- */

/* What an argument of an attempt is. */
enum kind {
	KIND_VALUE,
	KIND_NUMBER,      /* NUMBER of the command line */
	KIND_WIDE,        /* the same with a bit that the kernel cuts off an int */
	KIND_OTHER,       /* OTHER of the command line */
	KIND_TEXT,        /* address of "x" */
	KIND_PATH,        /* address of "/bin/true" */
	KIND_LOOPBACK,    /* address of a sockaddr: 127.0.0.1, port OTHER */
	KIND_UNSPECIFIED, /* of one of AF_UNSPEC */
	KIND_UNIX,        /* of an abstract name */
	KIND_PACKET,      /* address of a msghdr with one byte */
	KIND_PACKET_TO,   /* the same, to KIND_LOOPBACK */
	KIND_PACKET_FD,   /* the same, with descriptor OTHER */
	KIND_CLONE,       /* address of a clone_args */
	KIND_STACK,       /* the page of the scratch memory */
	KIND_SCRATCH,     /* the scratch memory */
};

struct argument {
	enum kind kind;
	uint64_t value;
};

struct attempt {
	const char *name;
	long number;
	struct argument args[ARGS];
};

#define V(constant) {KIND_VALUE, (uint64_t)(constant)}
#define N           {KIND_NUMBER, 0}
#define WIDE        {KIND_WIDE, 0}
#define OTHER       {KIND_OTHER, 0}
#define TEXT        {KIND_TEXT, 0}
#define PATH        {KIND_PATH, 0}
#define LOOPBACK    {KIND_LOOPBACK, 0}
#define UNSPECIFIED {KIND_UNSPECIFIED, 0}
#define UNIX        {KIND_UNIX, 0}
#define PACKET      {KIND_PACKET, 0}
#define PACKET_TO   {KIND_PACKET_TO, 0}
#define PACKET_FD   {KIND_PACKET_FD, 0}
#define CLONE_ARGS  {KIND_CLONE, 0}
#define STACK       {KIND_STACK, 0}
#define SCRATCH     {KIND_SCRATCH, 0}

#define IN_LEN   V(sizeof(struct sockaddr_in))
#define UNIX_LEN V(sizeof(sa_family_t) + 4)
#define CLOEXEC  SOCK_CLOEXEC
#define OPENS    (SOCK_CLOEXEC | SOCK_NONBLOCK)
#define X32_BIT  0x40000000l

static const struct attempt attempts[] = {
    /* files and programs */
    {"open", SYS_openat, {V(AT_FDCWD), PATH, V(O_RDONLY)}},
    {"open-old", SYS_open, {PATH, V(O_RDONLY)}},
    {"memfd", SYS_memfd_create, {TEXT}},
    {"exec", SYS_execve, {PATH}},
    {"exec-at", SYS_execveat, {N, TEXT, V(0), V(0), V(0x1000 /* AT_EMPTY_PATH */)}},
    {"ioctl", SYS_ioctl, {N, V(0x541b /* FIONREAD */), SCRATCH}},
    {"pread", SYS_pread64, {N, SCRATCH, V(1)}},
    {"pwrite", SYS_pwrite64, {N, TEXT, V(1)}},
    /* processes */
    {"fork", SYS_fork, {V(0)}},
    {"vfork", SYS_vfork, {V(0)}},
    {"clone", SYS_clone, {V(SIGCHLD)}},
    {"clone3", SYS_clone3, {CLONE_ARGS, V(sizeof(struct clone_args))}},
    {"ptrace", SYS_ptrace, {V(PTRACE_ATTACH), N}},
    {"kill", SYS_kill, {N, V(0)}},
    {"tgkill", SYS_tgkill, {N, N, V(SIGKILL)}},
    {"tgkill-abort", SYS_tgkill, {N, N, V(SIGABRT)}},
    {"readv-process", SYS_process_vm_readv, {N}},
    {"writev-process", SYS_process_vm_writev, {N}},
    {"pidfd-open", SYS_pidfd_open, {N}},
    {"prlimit", SYS_prlimit64, {N, V(7 /* RLIMIT_NOFILE */), V(0), SCRATCH}},
    {"prctl", SYS_prctl, {V(PR_SET_DUMPABLE), V(1)}},
    {"seccomp", SYS_seccomp, {V(0), V(0), V(0)}},
    {"unshare", SYS_unshare, {V(CLONE_NEWUSER)}},
    {"io-uring", SYS_io_uring_setup, {V(1), SCRATCH}},
    {"bpf", SYS_bpf, {V(0), SCRATCH, V(64)}},
    {"userfaultfd", SYS_userfaultfd, {V(1 /* user mode only */)}},
    {"setuid", SYS_setresuid, {V(1), V(1), V(1)}},
    /* memory */
    {"mmap-exec", SYS_mmap,
	{V(0), V(4096), V(PROT_READ | PROT_EXEC), V(MAP_PRIVATE | MAP_ANONYMOUS), V(-1)}},
    {"mmap-file", SYS_mmap, {V(0), V(4096), V(PROT_READ), V(MAP_PRIVATE), N}},
    {"mprotect-exec", SYS_mprotect, {STACK, V(4096), V(PROT_READ | PROT_EXEC)}},
    {"pkey-exec", SYS_pkey_mprotect, {STACK, V(4096), V(PROT_READ | PROT_EXEC), V(-1)}},
    /* other ways into the kernel: getpid by the numbers of x32, and of i386 */
    {"x32", SYS_getpid | X32_BIT, {V(0)}},
    {"i386", 20, {V(0)}},
    /* sockets that do not exist yet */
    {"socket", SYS_socket, {V(AF_INET), V(SOCK_STREAM | OPENS)}},
    {"socket-blocking", SYS_socket, {V(AF_INET), V(SOCK_STREAM | CLOEXEC)}},
    {"socket-udp", SYS_socket, {V(AF_INET), V(SOCK_DGRAM | OPENS)}},
    {"socket-unix", SYS_socket, {V(AF_UNIX), V(SOCK_STREAM | OPENS)}},
    {"socket-raw", SYS_socket, {V(AF_INET), V(SOCK_RAW | OPENS), V(255)}},
    {"socket-packet", SYS_socket, {V(AF_PACKET), V(SOCK_RAW | OPENS)}},
    {"socket-netlink", SYS_socket, {V(AF_NETLINK), V(SOCK_RAW | OPENS)}},
    {"socket-vsock", SYS_socket, {V(AF_VSOCK), V(SOCK_STREAM | OPENS)}},
    {"socket-mptcp", SYS_socket, {V(AF_INET), V(SOCK_STREAM | OPENS), V(262)}},
    {"socket-sctp", SYS_socket, {V(AF_INET), V(SOCK_STREAM | OPENS), V(132)}},
    {"socketpair", SYS_socketpair, {V(AF_UNIX), V(SOCK_STREAM | CLOEXEC), V(0), SCRATCH}},
    /* sockets that do */
    {"connect", SYS_connect, {N, LOOPBACK, IN_LEN}},
    {"connect-wide", SYS_connect, {WIDE, LOOPBACK, IN_LEN}},
    {"connect-unspec", SYS_connect, {N, UNSPECIFIED, IN_LEN}},
    {"connect-unix", SYS_connect, {N, UNIX, UNIX_LEN}},
    {"bind", SYS_bind, {N, LOOPBACK, IN_LEN}},
    {"listen", SYS_listen, {N, V(1)}},
    {"accept", SYS_accept4, {N, V(0), V(0), V(SOCK_NONBLOCK)}},
    {"accept-wide", SYS_accept4, {WIDE, V(0), V(0), V(SOCK_NONBLOCK)}},
    {"accept-old", SYS_accept, {N}},
    {"shutdown", SYS_shutdown, {N, V(SHUT_RDWR)}},
    /* the filter compares 64 bits, the kernel uses 32 of them */
    {"shutdown-wide", SYS_shutdown, {WIDE, V(SHUT_RDWR)}},
    {"fastopen-sendto", SYS_sendto,
	{N, TEXT, V(1), V(MSG_FASTOPEN), LOOPBACK, IN_LEN}},
    {"fastopen-send", SYS_sendto, {N, TEXT, V(1), V(MSG_FASTOPEN)}},
    {"fastopen-sendmsg", SYS_sendmsg, {N, PACKET_TO, V(MSG_FASTOPEN)}},
    {"fastopen-option", SYS_setsockopt,
	{N, V(IPPROTO_TCP), V(TCP_FASTOPEN_CONNECT), TEXT, V(4)}},
    {"repair-option", SYS_setsockopt, {N, V(IPPROTO_TCP), V(TCP_REPAIR), TEXT, V(4)}},
    {"device-option", SYS_setsockopt,
	{N, V(SOL_SOCKET), V(SO_BINDTODEVICE), TEXT, V(2)}},
    {"filter-option", SYS_setsockopt,
	{N, V(SOL_SOCKET), V(SO_ATTACH_FILTER), SCRATCH, V(16)}},
    {"sendmmsg", SYS_sendmmsg, {N, PACKET, V(1), V(MSG_DONTWAIT)}},
    {"recvmmsg", SYS_recvmmsg, {N, PACKET, V(1), V(MSG_DONTWAIT)}},
    /* speaking */
    {"read", SYS_read, {N, SCRATCH, V(1)}},
    {"readv", SYS_readv, {N, SCRATCH, V(1)}},
    {"write", SYS_write, {N, TEXT, V(1)}},
    {"write-wide", SYS_write, {WIDE, TEXT, V(1)}},
    {"writev", SYS_writev, {N, SCRATCH, V(1)}},
    {"send", SYS_sendto, {N, TEXT, V(1), V(MSG_DONTWAIT)}},
    {"send-wide", SYS_sendto, {WIDE, TEXT, V(1), V(MSG_DONTWAIT)}},
    {"sendto", SYS_sendto, {N, TEXT, V(1), V(MSG_DONTWAIT), LOOPBACK, IN_LEN}},
    {"sendmsg", SYS_sendmsg, {N, PACKET, V(MSG_DONTWAIT)}},
    {"sendmsg-wide", SYS_sendmsg, {WIDE, PACKET, V(MSG_DONTWAIT)}},
    {"sendmsg-fd", SYS_sendmsg, {N, PACKET_FD, V(MSG_DONTWAIT)}},
    {"recv", SYS_recvfrom, {N, SCRATCH, V(1), V(MSG_DONTWAIT)}},
    {"recvfrom", SYS_recvfrom, {N, SCRATCH, V(1), V(MSG_DONTWAIT), SCRATCH, SCRATCH}},
    {"recvmsg", SYS_recvmsg, {N, PACKET, V(MSG_DONTWAIT)}},
    {"recvmsg-wide", SYS_recvmsg, {WIDE, PACKET, V(MSG_DONTWAIT)}},
    {"splice", SYS_splice, {N, V(0), OTHER, V(0), V(1), V(0)}},
    {"sendfile", SYS_sendfile, {N, OTHER, V(0), V(1)}},
    {"vmsplice", SYS_vmsplice, {N, SCRATCH, V(1), V(0)}},
    /* descriptors */
    {"close", SYS_close, {N}},
    {"close-wide", SYS_close, {WIDE}},
    {"close-range", SYS_close_range, {N, N, V(0)}},
    {"dup", SYS_dup, {N}},
    {"dup2", SYS_dup2, {N, OTHER}},
    {"dup3", SYS_dup3, {N, OTHER, V(O_CLOEXEC)}},
    {"dupfd", SYS_fcntl, {N, V(F_DUPFD), V(0)}},
    {"dupfd-cloexec", SYS_fcntl, {N, V(F_DUPFD_CLOEXEC), V(0)}},
    {"own-fd", SYS_fcntl, {N, V(F_SETOWN), V(1)}},
    {"set-flags", SYS_fcntl, {N, V(F_SETFL), V(O_NONBLOCK)}},
    {"pidfd-getfd", SYS_pidfd_getfd, {N, V(0), V(0)}},
    {"epoll-create", SYS_epoll_create1, {V(0)}},
    {"eventfd", SYS_eventfd2, {V(0), V(0)}},
    {"pipe", SYS_pipe2, {SCRATCH, V(0)}},
};

static const struct attempt *
find_attempt(const char *name)
{
	for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
		if (strcmp(attempts[i].name, name) == 0)
			return &attempts[i];
	fprintf(stderr, "inject: unknown attempt %s\n", name);
	exit(2);
}

/* Puts bytes into the scratch memory; returns their address over there. */
static uint64_t
put(struct victim *victim, const void *data, size_t len)
{
	uint64_t address = victim->scratch + victim->used;

	if (victim->used + len > sizeof victim->data)
		give_up("scratch memory is full");
	memcpy(victim->data + victim->used, data, len);
	victim->used += (len + 15) & ~(size_t)15;
	return address;
}

static uint64_t
put_address(struct victim *victim, sa_family_t family, uint64_t port)
{
	struct sockaddr_in address = {
	    .sin_family = family, .sin_port = htons((uint16_t)port)};

	if (family == AF_INET)
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return put(victim, &address, sizeof address);
}

/* A msghdr with one byte, an address (0: none) and a descriptor (-1: none). */
static uint64_t
put_packet(struct victim *victim, uint64_t name, int fd)
{
	struct {
		struct cmsghdr header;
		int fd;
		int padding;
	} rights = {{CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS}, fd, 0};
	struct iovec part = {.iov_len = 1};
	struct msghdr packet = {.msg_iovlen = 1};
	uint64_t text = put(victim, "x", 2), parts, control;

	memcpy(&part.iov_base, &text, sizeof text);
	parts = put(victim, &part, sizeof part);
	memcpy(&packet.msg_iov, &parts, sizeof parts);
	memcpy(&packet.msg_name, &name, sizeof name);
	packet.msg_namelen = name != 0 ? sizeof(struct sockaddr_in) : 0;
	if (fd >= 0) {
		control = put(victim, &rights, sizeof rights);
		memcpy(&packet.msg_control, &control, sizeof control);
		packet.msg_controllen = sizeof rights;
	}
	return put(victim, &packet, sizeof packet);
}

static uint64_t
put_argument(struct victim *victim, const struct argument *argument,
    const uint64_t *numbers)
{
	static const struct clone_args clone_args = {.exit_signal = SIGCHLD};
	static const struct sockaddr_un name = {AF_UNIX, "\0ipw"};

	switch (argument->kind) {
	case KIND_NUMBER:
		return numbers[0];
	case KIND_WIDE:
		return numbers[0] | UINT64_C(1) << 32;
	case KIND_OTHER:
		return numbers[1];
	case KIND_TEXT:
		return put(victim, "x\0\0", 4);
	case KIND_PATH:
		return put(victim, "/bin/true", sizeof "/bin/true");
	case KIND_LOOPBACK:
		return put_address(victim, AF_INET, numbers[1]);
	case KIND_UNSPECIFIED:
		return put_address(victim, AF_UNSPEC, 0);
	case KIND_UNIX:
		return put(victim, &name, sizeof name);
	case KIND_PACKET:
		return put_packet(victim, 0, -1);
	case KIND_PACKET_TO:
		return put_packet(
		    victim, put_address(victim, AF_INET, numbers[1]), -1);
	case KIND_PACKET_FD:
		return put_packet(victim, 0, (int)numbers[1]);
	case KIND_CLONE:
		return put(victim, &clone_args, sizeof clone_args);
	case KIND_STACK:
		return victim->scratch & ~UINT64_C(4095);
	case KIND_SCRATCH:
		return victim->scratch;
	case KIND_VALUE:
	default:
		return argument->value;
	}
}

/* --- the victim -------------------------------------------------------------------- */

/* Waits for its next stop or its end. */
static int
wait_status(const struct victim *victim)
{
	int status;

	if (waitpid(victim->pid, &status, __WALL) < 0)
		give_up("waitpid");
	return status;
}

static void
resume(const struct victim *victim, enum __ptrace_request how, int signal)
{
	if (ptrace(how, victim->pid, 0, signal) < 0)
		give_up("the victim does not go on");
}

/* Lets it run until it enters or leaves a system call. Returns the status of that stop,
 * or of its end. */
static int
run_to_call(const struct victim *victim)
{
	int signal = 0;

	for (;;) {
		int status;

		resume(victim, PTRACE_SYSCALL, signal);
		status = wait_status(victim);
		if (!WIFSTOPPED(status) || WSTOPSIG(status) == (SIGTRAP | 0x80))
			return status;
		/* a signal of its own is delivered; an event of ptrace has none */
		signal = status >> 16 != 0 ? 0 : WSTOPSIG(status);
	}
}

static void
get_registers(const struct victim *victim, struct user_regs_struct *ret_regs)
{
	if (ptrace(PTRACE_GETREGS, victim->pid, 0, ret_regs) < 0)
		give_up("PTRACE_GETREGS");
}

static bool
stands_behind_call(const struct victim *victim)
{
	long code;

	errno = 0;
	code = ptrace(PTRACE_PEEKTEXT, victim->pid, victim->saved.rip - 2, 0);
	if (errno != 0)
		give_up("PTRACE_PEEKTEXT");
	return (code & 0xffff) == 0x050f;
}

/* Where it was interrupted in a system call that the kernel would have begun again (it
 * says so by numbers that no program sees), it begins again by itself. */
static void
rewind_call(struct user_regs_struct *regs)
{
	int64_t value = (int64_t)regs->rax;

	if ((int64_t)regs->orig_rax < 0 || value > -512 || value < -516)
		return;
	regs->rax = regs->orig_rax;
	regs->rip -= 2;
}

/* Stops it right behind a system call, whose instruction then serves for ours: nothing
 * in its code is changed, because its other threads run that too. */
static void
seize(struct victim *victim, pid_t pid, uint64_t options)
{
	*victim = (struct victim){.pid = pid};
	if (ptrace(PTRACE_SEIZE, pid, 0, options | PTRACE_O_TRACESYSGOOD) < 0) {
		if (options != 0)
			exit(3);
		give_up("PTRACE_SEIZE of %d", pid);
	}
	if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		give_up("PTRACE_INTERRUPT");
	if (!WIFSTOPPED(wait_status(victim)))
		give_up("the victim is gone");
	get_registers(victim, &victim->saved);
	while (!stands_behind_call(victim)) {
		/* into a call and out of it */
		if (!WIFSTOPPED(run_to_call(victim)) ||
		    !WIFSTOPPED(run_to_call(victim)))
			give_up("the victim is gone");
		get_registers(victim, &victim->saved);
	}
	victim->scratch = (victim->saved.rsp - SCRATCH_BELOW) & ~UINT64_C(15);
}

static void
let_go(struct victim *victim)
{
	rewind_call(&victim->saved);
	if (ptrace(PTRACE_SETREGS, victim->pid, 0, &victim->saved) < 0 ||
	    ptrace(PTRACE_DETACH, victim->pid, 0, 0) < 0)
		give_up("PTRACE_DETACH");
}

static void
write_scratch(const struct victim *victim)
{
	for (size_t i = 0; i < victim->used; i += sizeof(long)) {
		long word;

		memcpy(&word, victim->data + i, sizeof word);
		if (ptrace(PTRACE_POKEDATA, victim->pid, victim->scratch + i, word) < 0)
			give_up("PTRACE_POKEDATA");
	}
}

static void
enter_i386(const struct victim *victim, uint64_t address)
{
	long code = ptrace(PTRACE_PEEKTEXT, victim->pid, address, 0);

	code = (code & ~0xffffl) | 0x80cd;
	if (ptrace(PTRACE_POKETEXT, victim->pid, address, code) < 0)
		give_up("PTRACE_POKETEXT");
}

static enum outcome
outcome_of(int status)
{
	if (WIFSTOPPED(status))
		return OUTCOME_LIVED;
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? OUTCOME_SIGSYS
								 : OUTCOME_DIED;
}

/* Runs the call; *ret_value is what it returned, or how the victim ended. */
static enum outcome
run_call(struct victim *victim, const struct call *call, int64_t *ret_value)
{
	struct user_regs_struct regs = victim->saved;
	int status;

	write_scratch(victim);
	regs.rip -= 2;
	if (victim->through_i386)
		enter_i386(victim, regs.rip);
	regs.rax = (uint64_t)call->number;
	regs.orig_rax = (uint64_t)-1;
	regs.rdi = call->args[0];
	regs.rsi = call->args[1];
	regs.rdx = call->args[2];
	regs.r10 = call->args[3];
	regs.r8 = call->args[4];
	regs.r9 = call->args[5];
	if (ptrace(PTRACE_SETREGS, victim->pid, 0, &regs) < 0)
		give_up("PTRACE_SETREGS");
	status = run_to_call(victim);
	if (WIFSTOPPED(status))
		status = run_to_call(victim);
	*ret_value = status;
	if (WIFSTOPPED(status)) {
		get_registers(victim, &regs);
		*ret_value = (int64_t)regs.rax;
	}
	return outcome_of(status);
}

/* --- copies ------------------------------------------------------------------------ */

#define NEW_PROCESSES (PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE)

/* Forks a copy off the stopped victim. It becomes a child of the victim's parent, which
 * buries it, and ends with us; whatever it forks is held too. */
static struct victim
copy_make(struct victim *victim)
{
	static const struct call clone = {SYS_clone, {CLONE_PARENT | SIGCHLD}};
	struct victim copy = *victim;
	int64_t value;

	victim->used = 0;
	if (run_call(victim, &clone, &value) != OUTCOME_LIVED || value <= 0)
		give_up("no copy: %lld", (long long)value);
	copy.pid = (pid_t)value;
	if (!WIFSTOPPED(wait_status(&copy)) ||
	    ptrace(PTRACE_SETOPTIONS, copy.pid, 0,
		PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | NEW_PROCESSES) < 0)
		give_up("no copy");
	copy.saved = victim->saved;
	return copy;
}

static void
copy_end(const struct victim *copy)
{
	kill(copy->pid, SIGKILL);
	while (WIFSTOPPED(wait_status(copy)))
		continue;
}

/* Names for what a role may survive; others are printed by their numbers. */
static const char *
call_name(long number)
{
	static const char *const names[SWEEP_END] = {
#define NAME(name) [SYS_##name] = #name
	    NAME(read), NAME(write), NAME(close), NAME(poll), NAME(mmap), NAME(mprotect),
	    NAME(munmap), NAME(brk), NAME(rt_sigaction), NAME(rt_sigprocmask),
	    NAME(rt_sigreturn), NAME(ioctl), NAME(pread64), NAME(pwrite64), NAME(readv),
	    NAME(writev), NAME(mremap), NAME(madvise), NAME(getpid), NAME(socket),
	    NAME(connect), NAME(sendto), NAME(recvfrom), NAME(sendmsg), NAME(recvmsg),
	    NAME(shutdown), NAME(bind), NAME(listen), NAME(getsockname),
	    NAME(getpeername), NAME(setsockopt), NAME(getsockopt), NAME(clone),
	    NAME(execve), NAME(exit), NAME(kill), NAME(fcntl), NAME(ftruncate),
	    NAME(gettid), NAME(futex), NAME(restart_syscall), NAME(clock_gettime),
	    NAME(exit_group), NAME(epoll_wait), NAME(epoll_ctl), NAME(tgkill),
	    NAME(openat), NAME(ppoll), NAME(set_robust_list), NAME(epoll_pwait),
	    NAME(accept4), NAME(epoll_create1), NAME(eventfd2), NAME(getrandom),
	    NAME(memfd_create), NAME(rseq), NAME(sched_yield)
#undef NAME
	};

	return number < SWEEP_END ? names[number] : NULL;
}

static bool
is_survived(struct victim *victim, long number, uint64_t argument)
{
	struct call call = {number,
	    {argument, argument, argument, argument, argument, argument}};
	struct victim copy = copy_make(victim);
	enum outcome outcome;
	int64_t value;

	outcome = run_call(&copy, &call, &value);
	if (outcome == OUTCOME_LIVED)
		copy_end(&copy);
	return outcome != OUTCOME_SIGSYS;
}

static int
sweep(pid_t pid)
{
	struct victim victim;
	const char *space = "";

	seize(&victim, pid, PTRACE_O_SUSPEND_SECCOMP | NEW_PROCESSES);
	for (long number = 0; number < SWEEP_END; number++) {
		if (!is_survived(&victim, number, 0) &&
		    !is_survived(&victim, number, UINT64_MAX))
			continue;
		if (call_name(number) != NULL)
			printf("%s%s", space, call_name(number));
		else
			printf("%s%ld", space, number);
		space = " ";
	}
	puts("");
	let_go(&victim);
	return 0;
}

/* --- ipwarden-config --------------------------------------------------------------- */

static void __attribute__((noreturn))
become_config(const char *program, int null_fd, int control_fd, int kubeconfig_fd)
{
	char *argv[] = {NULL, NULL};
	char *envp[] = {NULL};
	int fds[FD_FIXED_END];

	memcpy(&argv[0], &program, sizeof program);
	for (int i = 0; i < FD_FIXED_END; i++)
		fds[i] = null_fd;
	fds[FD_LOG] = STDERR_FILENO;
	fds[FD_CONTROL] = control_fd;
	fds[FD_KUBECONFIG] = kubeconfig_fd;
	for (int i = 0; i < FD_FIXED_END; i++)
		fds[i] = fcntl(fds[i], F_DUPFD, 100);
	for (int i = 0; i < FD_FIXED_END; i++)
		if (dup2(fds[i], i) < 0)
			_exit(2);
	syscall(SYS_close_range, FD_FIXED_END, ~0u, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	execve(program, argv, envp);
	_exit(2);
}

/* Starts it on an empty pipe, which it waits for once it is locked. */
static pid_t
start_config(const char *program)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int control[2], kubeconfig[2];
	char record;
	pid_t pid;

	if (null_fd < 0 || pipe2(kubeconfig, O_CLOEXEC) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0)
		give_up("descriptors");
	pid = fork();
	if (pid < 0)
		give_up("fork");
	if (pid == 0)
		become_config(program, null_fd, control[1], kubeconfig[0]);
	close(control[1]);
	close(kubeconfig[0]);
	if (recv(control[0], &record, 1, 0) != 1 || record != CONTROL_LOCKED)
		give_up("%s does not lock itself", program);
	return pid;
}

/* --- the command ------------------------------------------------------------------- */

static int
print_outcome(enum outcome outcome, int64_t value)
{
	if (outcome == OUTCOME_SIGSYS) {
		puts("died SIGSYS");
		return 0;
	}
	if (outcome == OUTCOME_DIED) {
		printf("died of something else: status %llx\n",
		    (unsigned long long)value);
		return 1;
	}
	if (value < 0 && value >= -ERROR_MAX) {
		const char *name = strerrorname_np((int)-value);

		printf("refused %s\n", name != NULL ? name : "?");
		return 0;
	}
	printf("ALLOWED %lld\n", (long long)value);
	return 1;
}

/* argv: ATTEMPT [NUMBER [OTHER]] */
static int
try(pid_t pid, bool on_copy, char **argv)
{
	const struct attempt *attempt = find_attempt(argv[0]);
	uint64_t numbers[2] = {0};
	struct victim victim, copy;
	struct victim *tries = &victim;
	struct call call = {.number = attempt->number};
	enum outcome outcome;
	int64_t value;

	for (int i = 0; i < 2 && argv[1 + i] != NULL; i++)
		numbers[i] = strtoull(argv[1 + i], NULL, 0);
	seize(&victim, pid, on_copy ? PTRACE_O_SUSPEND_SECCOMP | NEW_PROCESSES : 0);
	if (on_copy) {
		copy = copy_make(&victim);
		tries = &copy;
	}
	tries->through_i386 = strcmp(attempt->name, "i386") == 0;
	for (int i = 0; i < ARGS; i++)
		call.args[i] = put_argument(tries, &attempt->args[i], numbers);
	outcome = run_call(tries, &call, &value);
	if (on_copy && outcome == OUTCOME_LIVED)
		copy_end(&copy);
	if (on_copy || outcome == OUTCOME_LIVED)
		let_go(&victim);
	return print_outcome(outcome, value);
}

int
main(int argc, char **argv)
{
	bool on_copy = argc > 1 && strcmp(argv[1], "--copy") == 0;
	bool sweeps = argc > 1 && strcmp(argv[1], "--sweep") == 0;
	bool on_config = argc > 1 && strcmp(argv[1], "--config") == 0;
	int first = on_copy || sweeps || on_config ? 2 : 1;

	if (argc < first + (sweeps ? 1 : 2) || argc > first + (sweeps ? 1 : 4)) {
		fputs("usage: inject [--copy] PID ATTEMPT [NUMBER [OTHER]]\n"
		      "       inject --sweep PID\n"
		      "       inject --config PROGRAM ATTEMPT [NUMBER [OTHER]]\n",
		    stderr);
		return 2;
	}
	alarm(WAIT_MAX_S);
	if (on_config)
		return try(start_config(argv[first]), false, argv + first + 1);
	if (sweeps)
		return sweep((pid_t)strtol(argv[first], NULL, 10));
	return try((pid_t)strtol(argv[first], NULL, 10), on_copy, argv + first + 1);
}
