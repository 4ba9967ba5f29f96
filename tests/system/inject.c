/* Makes a running process try one forbidden thing in its own place, with its own
 * descriptors, and says what came of it: the way a bug that took it over would. Needs
 * CAP_SYS_PTRACE (the processes are not dumpable) and x86-64.
 *
 *   inject PID ATTEMPT [NUMBER]
 *
 * Prints "died SIGSYS", "refused ERRNO" or "ALLOWED VALUE"; exit 0 for the first two, 1
 * for the last, 2 when the attempt could not be made. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* Scratch memory on the victim's stack, below the red zone. */
#define SCRATCH_BELOW 8192u
#define SCRATCH_SIZE  1024u

struct victim {
	pid_t pid;
	struct user_regs_struct saved;
	uint64_t scratch;
	unsigned char data[SCRATCH_SIZE]; /* what is put there */
	size_t used;
};

struct call {
	long number;
	uint64_t args[6];
};

static void __attribute__((noreturn, format(printf, 1, 2)))
give_up(const char *format, ...)
{
	va_list args;

	fputs("inject: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(errno));
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
put_text(struct victim *victim, const char *text)
{
	return put(victim, text, strlen(text) + 1);
}

static uint64_t
put_address(struct victim *victim, sa_family_t family, const char *ip, uint16_t port)
{
	struct sockaddr_in address = {.sin_family = family, .sin_port = htons(port)};

	inet_pton(AF_INET, ip, &address.sin_addr);
	return put(victim, &address, sizeof address);
}

static uint64_t
put_packet(struct victim *victim, uint64_t name)
{
	struct iovec part = {.iov_len = 1};
	struct msghdr packet = {.msg_iovlen = 1};
	uint64_t text = put_text(victim, "x"), parts;

	memcpy(&part.iov_base, &text, sizeof text);
	parts = put(victim, &part, sizeof part);
	memcpy(&packet.msg_iov, &parts, sizeof parts);
	memcpy(&packet.msg_name, &name, sizeof name);
	packet.msg_namelen = name != 0 ? sizeof(struct sockaddr_in) : 0;
	return put(victim, &packet, sizeof packet);
}

#define ADDRESS_LEN sizeof(struct sockaddr_in)

static bool
make_call(struct victim *victim, const char *attempt, long number, struct call *ret)
{
	uint64_t n = (uint64_t)number;

#define IS(name)  (strcmp(attempt, name) == 0)
#define CALL(...) (*ret = (struct call){__VA_ARGS__}, true)
	if (IS("open"))
		return CALL(SYS_openat,
		    {(uint64_t)AT_FDCWD, put_text(victim, "/etc/passwd"), O_RDONLY});
	if (IS("socket"))
		return CALL(SYS_socket, {AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0});
	if (IS("socket-udp"))
		return CALL(SYS_socket, {AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0});
	if (IS("socket-unix"))
		return CALL(SYS_socket, {AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0});
	if (IS("socket-raw"))
		return CALL(SYS_socket, {AF_INET, SOCK_RAW | SOCK_CLOEXEC, 255});
	if (IS("connect"))
		return CALL(SYS_connect,
		    {n, put_address(victim, AF_INET, "127.0.0.1", 9), ADDRESS_LEN});
	if (IS("connect-unspec"))
		return CALL(SYS_connect,
		    {n, put_address(victim, AF_UNSPEC, "0.0.0.0", 0), ADDRESS_LEN});
	if (IS("fastopen-sendto"))
		return CALL(SYS_sendto,
		    {n, put_text(victim, "x"), 1, MSG_FASTOPEN,
			put_address(victim, AF_INET, "127.0.0.1", 9), ADDRESS_LEN});
	if (IS("fastopen-sendmsg"))
		return CALL(
		    SYS_sendmsg, {n,
				     put_packet(victim,
					 put_address(victim, AF_INET, "127.0.0.1", 9)),
				     MSG_FASTOPEN});
	if (IS("shutdown"))
		return CALL(SYS_shutdown, {n, SHUT_RDWR});
	/* the filter compares 64 bits, the kernel uses 32 of them */
	if (IS("shutdown-wide"))
		return CALL(SYS_shutdown, {n | 1ull << 32, SHUT_RDWR});
	if (IS("read"))
		return CALL(SYS_read, {n, victim->scratch, 1});
	if (IS("write"))
		return CALL(SYS_write, {n, put_text(victim, "x"), 1});
	if (IS("write-wide"))
		return CALL(SYS_write, {n | 1ull << 32, put_text(victim, "x"), 1});
	if (IS("sendto"))
		return CALL(
		    SYS_sendto, {n, put_text(victim, "x"), 1, MSG_DONTWAIT, 0, 0});
	if (IS("sendmsg"))
		return CALL(SYS_sendmsg, {n, put_packet(victim, 0), MSG_DONTWAIT});
	if (IS("recvfrom"))
		return CALL(SYS_recvfrom, {n, victim->scratch, 1, MSG_DONTWAIT, 0, 0});
	if (IS("recvmsg"))
		return CALL(SYS_recvmsg, {n, put_packet(victim, 0), MSG_DONTWAIT});
	if (IS("close"))
		return CALL(SYS_close, {n});
	if (IS("dup2"))
		return CALL(SYS_dup2, {n, 7});
	if (IS("dup3"))
		return CALL(SYS_dup3, {n, 7, O_CLOEXEC});
	if (IS("dupfd"))
		return CALL(SYS_fcntl, {n, F_DUPFD, 0});
	if (IS("exec"))
		return CALL(SYS_execve, {put_text(victim, "/bin/true"), 0, 0});
	if (IS("fork"))
		return CALL(SYS_fork, {0});
	if (IS("clone"))
		return CALL(SYS_clone, {SIGCHLD, 0, 0, 0, 0});
	if (IS("clone3")) {
		struct clone_args args = {.exit_signal = SIGCHLD};

		return CALL(SYS_clone3, {put(victim, &args, sizeof args), sizeof args});
	}
	if (IS("ptrace"))
		return CALL(SYS_ptrace, {PTRACE_ATTACH, n, 0, 0});
	if (IS("kill"))
		return CALL(SYS_kill, {n, 0});
	if (IS("tgkill"))
		return CALL(SYS_tgkill, {n, n, SIGKILL});
	if (IS("readv-process"))
		return CALL(SYS_process_vm_readv, {n, 0, 0, 0, 0, 0});
	if (IS("pidfd-open"))
		return CALL(SYS_pidfd_open, {n, 0});
	if (IS("mmap-exec"))
		return CALL(
		    SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC,
				  MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1, 0});
	if (IS("mprotect-exec"))
		return CALL(SYS_mprotect,
		    {victim->scratch & ~4095ull, 4096, PROT_READ | PROT_EXEC});
	if (IS("io-uring"))
		return CALL(SYS_io_uring_setup, {1, victim->scratch});
	if (IS("bind"))
		return CALL(SYS_bind,
		    {n, put_address(victim, AF_INET, "127.0.0.1", 0), ADDRESS_LEN});
	if (IS("accept"))
		return CALL(SYS_accept4, {n, 0, 0, SOCK_NONBLOCK});
	if (IS("prctl"))
		return CALL(SYS_prctl, {4 /* PR_SET_DUMPABLE */, 1, 0, 0, 0});
	if (IS("ioctl"))
		return CALL(SYS_ioctl, {n, 0x541b, victim->scratch});
	if (IS("memfd"))
		return CALL(SYS_memfd_create, {put_text(victim, "x"), 0});
	return false;
}

/* Waits for a stop; false when the victim died (*status tells). */
static bool
wait_stop(const struct victim *victim, int *ret_status)
{
	if (waitpid(victim->pid, ret_status, __WALL) < 0)
		give_up("waitpid");
	return WIFSTOPPED(*ret_status);
}

static void
write_memory(
    const struct victim *victim, uint64_t address, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i += sizeof(long)) {
		long word = 0;

		memcpy(&word, (const char *)data + i,
		    len - i < sizeof word ? len - i : sizeof word);
		if (ptrace(PTRACE_POKEDATA, victim->pid, address + i, word) < 0)
			give_up("PTRACE_POKEDATA");
	}
}

static void
seize(struct victim *victim)
{
	int status;

	if (ptrace(PTRACE_SEIZE, victim->pid, 0, 0) < 0)
		give_up("PTRACE_SEIZE of %d", victim->pid);
	if (ptrace(PTRACE_INTERRUPT, victim->pid, 0, 0) < 0)
		give_up("PTRACE_INTERRUPT");
	if (!wait_stop(victim, &status))
		give_up("the victim is gone");
	if (ptrace(PTRACE_GETREGS, victim->pid, 0, &victim->saved) < 0)
		give_up("PTRACE_GETREGS");
	victim->scratch = (victim->saved.rsp - SCRATCH_BELOW) & ~15ull;
}

/* Runs the call at the victim's present instruction, then int3. False: it died of it.
 */
static bool
run_call(
    struct victim *victim, const struct call *call, int64_t *ret_value, int *ret_status)
{
	static const unsigned char code[8] = {
	    0x0f, 0x05, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc};
	struct user_regs_struct regs = victim->saved;
	long before;

	errno = 0;
	before = ptrace(PTRACE_PEEKTEXT, victim->pid, regs.rip, 0);
	if (errno != 0)
		give_up("PTRACE_PEEKTEXT");
	write_memory(victim, victim->scratch, victim->data, sizeof victim->data);
	write_memory(victim, regs.rip, code, sizeof code);
	regs.rax = (uint64_t)call->number;
	regs.orig_rax = (uint64_t)-1;
	regs.rdi = call->args[0];
	regs.rsi = call->args[1];
	regs.rdx = call->args[2];
	regs.r10 = call->args[3];
	regs.r8 = call->args[4];
	regs.r9 = call->args[5];
	if (ptrace(PTRACE_SETREGS, victim->pid, 0, &regs) < 0 ||
	    ptrace(PTRACE_CONT, victim->pid, 0, 0) < 0)
		give_up("PTRACE_CONT");
	if (!wait_stop(victim, ret_status))
		return false;
	if (WSTOPSIG(*ret_status) != SIGTRAP)
		give_up("stopped by signal %d", WSTOPSIG(*ret_status));
	if (ptrace(PTRACE_GETREGS, victim->pid, 0, &regs) < 0)
		give_up("PTRACE_GETREGS");
	*ret_value = (int64_t)regs.rax;
	write_memory(victim, victim->saved.rip, &before, sizeof before);
	if (ptrace(PTRACE_SETREGS, victim->pid, 0, &victim->saved) < 0 ||
	    ptrace(PTRACE_DETACH, victim->pid, 0, 0) < 0)
		give_up("PTRACE_DETACH");
	return true;
}

int
main(int argc, char **argv)
{
	struct victim victim = {0};
	struct call call;
	int64_t value = 0;
	int status = 0;

	if (argc < 3 || argc > 4) {
		fputs("usage: inject PID ATTEMPT [NUMBER]\n", stderr);
		return 2;
	}
	victim.pid = (pid_t)strtol(argv[1], NULL, 10);
	seize(&victim);
	if (!make_call(
		&victim, argv[2], argc == 4 ? strtol(argv[3], NULL, 0) : 0, &call)) {
		fprintf(stderr, "inject: unknown attempt %s\n", argv[2]);
		return 2;
	}
	if (!run_call(&victim, &call, &value, &status)) {
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS) {
			printf("died of something else: status %x\n", (unsigned)status);
			return 1;
		}
		puts("died SIGSYS");
		return 0;
	}
	if (value < 0 && value > -4096) {
		printf("refused %s\n", strerrorname_np((int)-value));
		return 0;
	}
	printf("ALLOWED %lld\n", (long long)value);
	return 1;
}
