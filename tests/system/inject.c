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
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inject_attempts.h"

/* Scratch memory on the victim's stack, below the red zone. */
#define SCRATCH_BELOW 8192u
#define SCRATCH_SIZE  1024u

/* Nothing here waits; a call that does not come back was allowed. */
#define WAIT_MAX_S 10
/* What an interrupted call returns that the kernel begins again (linux/errno.h, not for
 * programs): ERESTARTSYS to ERESTART_RESTARTBLOCK. */
#define RESTART_FIRST 512
#define RESTART_LAST  516

/* A result below 0 and beyond this is no error number. */
#define ERROR_MAX 4095

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

/* --- attempts ---------------------------------------------------------------- */

static const struct attempt *
find_attempt(const char *name)
{
	for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
		if (strcmp(attempts[i].name, name) == 0)
			return &attempts[i];
	fprintf(stderr, "inject: unknown attempt %s\n", name);
	exit(2);
}

/* Puts bytes into the scratch memory; returns their address there. */
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
	struct cmsghdr header = {CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS};
	struct iovec part = {.iov_len = 1};
	struct msghdr packet = {.msg_iovlen = 1};
	uint64_t text = put(victim, "x", 2), parts, control;

	memcpy(&part.iov_base, &text, sizeof text);
	parts = put(victim, &part, sizeof part);
	memcpy(&packet.msg_iov, &parts, sizeof parts);
	memcpy(&packet.msg_name, &name, sizeof name);
	packet.msg_namelen = name != 0 ? sizeof(struct sockaddr_in) : 0;
	if (fd >= 0) {
		unsigned char rights[CMSG_SPACE(sizeof fd)] = {0};

		memcpy(rights, &header, sizeof header);
		memcpy(rights + CMSG_LEN(0), &fd, sizeof fd);
		control = put(victim, rights, sizeof rights);
		memcpy(&packet.msg_control, &control, sizeof control);
		packet.msg_controllen = sizeof rights;
	}
	return put(victim, &packet, sizeof packet);
}

static uint64_t
put_argument(
    struct victim *victim, const struct argument *argument, const uint64_t *numbers)
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
		return put_packet(victim, put_address(victim, AF_INET, numbers[1]), -1);
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

/* --- the victim -------------------------------------------------------------- */

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

	if ((int64_t)regs->orig_rax < 0 || value > -RESTART_FIRST ||
	    value < -RESTART_LAST)
		return;
	regs->rax = regs->orig_rax;
	regs->rip -= 2;
}

/* It runs in its own code: goes on to its next call, and behind that. The call may be
 * one that waits, so another is made in its place, which every role may make; let_go
 * begins it again. */
static void
go_behind_call(struct victim *victim)
{
	struct user_regs_struct regs;

	if (!WIFSTOPPED(run_to_call(victim)))
		give_up("the victim is gone");
	get_registers(victim, &victim->saved);
	victim->saved.rax = (uint64_t)-RESTART_FIRST;
	regs = victim->saved;
	regs.orig_rax = SYS_getpid;
	if (ptrace(PTRACE_SETREGS, victim->pid, 0, &regs) < 0)
		give_up("PTRACE_SETREGS");
	if (!WIFSTOPPED(run_to_call(victim)))
		give_up("the victim is gone");
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
	if (!stands_behind_call(victim))
		go_behind_call(victim);
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

/* A filter that kills rolls the call back and sends SIGSYS, which is still to come when
 * the call ends. */
static bool
is_condemned(const struct victim *victim)
{
	struct __ptrace_peeksiginfo_args where = {.nr = 1};
	siginfo_t pending;

	for (; ptrace(PTRACE_PEEKSIGINFO, victim->pid, &where, &pending) == 1;
	     where.off++)
		if (pending.si_signo == SIGSYS)
			return true;
	return false;
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
	while (WIFSTOPPED(status) && is_condemned(victim))
		status = run_to_call(victim);
	*ret_value = status;
	if (WIFSTOPPED(status)) {
		get_registers(victim, &regs);
		*ret_value = (int64_t)regs.rax;
	}
	return outcome_of(status);
}

/* --- copies ------------------------------------------------------------------ */

#define NEW_PROCESSES (PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE)

/* Forks a copy off the stopped victim: a child of the victim's parent, which buries it.
 * It ends with us; whatever it forks is held too. */
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
	int status;

	kill(copy->pid, SIGKILL);
	do
		status = wait_status(copy);
	while (WIFSTOPPED(status));
}

static bool
is_survived(struct victim *victim, long number, uint64_t argument)
{
	struct call call = {
	    number, {argument, argument, argument, argument, argument, argument}};
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

	seize(&victim, pid, PTRACE_O_SUSPEND_SECCOMP | NEW_PROCESSES);
	for (long number = 0; number < SWEEP_END; number++) {
		if (number == SYS_URETPROBE || number == SYS_UPROBE)
			continue;
		/* in this order: with 0, some that survive the other would wait */
		if (!is_survived(&victim, number, UINT64_MAX) &&
		    !is_survived(&victim, number, 0))
			continue;
		if (call_names[number] != NULL)
			printf("%s ", call_names[number]);
		else
			printf("%ld ", number);
	}
	puts("");
	let_go(&victim);
	return 0;
}

/* --- ipwarden-config --------------------------------------------------------- */

/* Its descriptors (proto/fds.h), and what it says first (proto/control.h). */
#define CONFIG_LOG	  2
#define CONFIG_CONTROL	  3
#define CONFIG_KUBECONFIG 7
#define CONFIG_FDS	  10
#define CONFIG_LOCKED	  'L'
#define CONFIG_COPIES	  100 /* out of the way while they are set */

static void __attribute__((noreturn))
become_config(const char *program, int null_fd, int control_fd, int kubeconfig_fd)
{
	char *argv[] = {NULL, NULL};
	char *envp[] = {NULL};
	int fds[CONFIG_FDS];

	memcpy(&argv[0], &program, sizeof program);
	for (int i = 0; i < CONFIG_FDS; i++)
		fds[i] = fcntl(null_fd, F_DUPFD, CONFIG_COPIES);
	fds[CONFIG_LOG] = fcntl(STDERR_FILENO, F_DUPFD, CONFIG_COPIES);
	fds[CONFIG_CONTROL] = fcntl(control_fd, F_DUPFD, CONFIG_COPIES);
	fds[CONFIG_KUBECONFIG] = fcntl(kubeconfig_fd, F_DUPFD, CONFIG_COPIES);
	for (int i = 0; i < CONFIG_FDS; i++)
		if (dup2(fds[i], i) < 0)
			_exit(2);
	syscall(SYS_close_range, CONFIG_FDS, ~0u, 0);
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
	if (recv(control[0], &record, 1, 0) != 1 || record != CONFIG_LOCKED)
		give_up("%s does not lock itself", program);
	return pid;
}

/* --- the command ------------------------------------------------------------- */

static int
print_outcome(enum outcome outcome, int64_t value)
{
	if (outcome == OUTCOME_SIGSYS) {
		puts("died SIGSYS");
		return 0;
	}
	if (outcome == OUTCOME_DIED) {
		printf(
		    "died of something else: status %llx\n", (unsigned long long)value);
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
