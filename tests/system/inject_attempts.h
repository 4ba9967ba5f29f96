/* What inject can try: each attempt is one system call, its arguments said by kind. In
 * a header of its own because it is a table, and only inject.c includes it. */
#ifndef IPW_TESTS_INJECT_ATTEMPTS_H
#define IPW_TESTS_INJECT_ATTEMPTS_H

#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* System calls have up to six arguments. */
#define ARGS 6

/* What an argument of an attempt is. */
enum kind {
	KIND_VALUE,
	KIND_NUMBER,	  /* NUMBER of the command line */
	KIND_WIDE,	  /* the same with a bit that the kernel cuts off an int */
	KIND_OTHER,	  /* OTHER of the command line */
	KIND_TEXT,	  /* address of "x" */
	KIND_PATH,	  /* address of "/bin/true" */
	KIND_LOOPBACK,	  /* address of a sockaddr: 127.0.0.1, port OTHER */
	KIND_UNSPECIFIED, /* of one of AF_UNSPEC */
	KIND_UNIX,	  /* of an abstract name */
	KIND_PACKET,	  /* address of a msghdr with one byte */
	KIND_PACKET_TO,	  /* the same, to KIND_LOOPBACK */
	KIND_PACKET_FD,	  /* the same, with descriptor OTHER */
	KIND_CLONE,	  /* address of a clone_args */
	KIND_STACK,	  /* the page of the scratch memory */
	KIND_SCRATCH,	  /* the scratch memory */
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

#define V(constant)                                                                    \
	{                                                                              \
		KIND_VALUE, (uint64_t)(constant)                                       \
	}
#define N                                                                              \
	{                                                                              \
		KIND_NUMBER, 0                                                         \
	}
#define WIDE                                                                           \
	{                                                                              \
		KIND_WIDE, 0                                                           \
	}
#define OTHER                                                                          \
	{                                                                              \
		KIND_OTHER, 0                                                          \
	}
#define TEXT                                                                           \
	{                                                                              \
		KIND_TEXT, 0                                                           \
	}
#define PATH                                                                           \
	{                                                                              \
		KIND_PATH, 0                                                           \
	}
#define LOOPBACK                                                                       \
	{                                                                              \
		KIND_LOOPBACK, 0                                                       \
	}
#define UNSPECIFIED                                                                    \
	{                                                                              \
		KIND_UNSPECIFIED, 0                                                    \
	}
#define UNIX                                                                           \
	{                                                                              \
		KIND_UNIX, 0                                                           \
	}
#define PACKET                                                                         \
	{                                                                              \
		KIND_PACKET, 0                                                         \
	}
#define PACKET_TO                                                                      \
	{                                                                              \
		KIND_PACKET_TO, 0                                                      \
	}
#define PACKET_FD                                                                      \
	{                                                                              \
		KIND_PACKET_FD, 0                                                      \
	}
#define CLONE_ARGS                                                                     \
	{                                                                              \
		KIND_CLONE, 0                                                          \
	}
#define STACK                                                                          \
	{                                                                              \
		KIND_STACK, 0                                                          \
	}
#define SCRATCH                                                                        \
	{                                                                              \
		KIND_SCRATCH, 0                                                        \
	}

#define IN_LEN	 V(sizeof(struct sockaddr_in))
#define UNIX_LEN V(sizeof(sa_family_t) + 4)
#define CLOEXEC	 SOCK_CLOEXEC
#define OPENS	 (SOCK_CLOEXEC | SOCK_NONBLOCK)
#define X32_BIT	 0x40000000l

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
    {"clone-user", SYS_clone, {V(CLONE_NEWUSER | SIGCHLD)}},
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
    {"chroot", SYS_chroot, {PATH}},
    {"setuid", SYS_setresuid, {V(1), V(1), V(1)}},
    /* memory */
    {"mmap-exec", SYS_mmap,
	{V(0), V(4096), V(PROT_READ | PROT_EXEC), V(MAP_PRIVATE | MAP_ANONYMOUS),
	    V(-1)}},
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
    {"socketpair", SYS_socketpair,
	{V(AF_UNIX), V(SOCK_STREAM | CLOEXEC), V(0), SCRATCH}},
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
    {"fastopen-sendto", SYS_sendto, {N, TEXT, V(1), V(MSG_FASTOPEN), LOOPBACK, IN_LEN}},
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

/* Linux 6.18 has calls up to 470. */
#define SWEEP_END 480

/* Kernels let these two past every filter: they serve probes that the administrator
 * set, and end a process that makes them by itself. */
#define SYS_URETPROBE 335
#define SYS_UPROBE    336

/* Names for what a role may survive; others are printed by their numbers. */
static const char *const call_names[SWEEP_END] = {
#define NAME(name) [SYS_##name] = #name
    NAME(read), NAME(write), NAME(close), NAME(poll), NAME(mmap), NAME(mprotect),
    NAME(munmap), NAME(brk), NAME(rt_sigaction), NAME(rt_sigprocmask),
    NAME(rt_sigreturn), NAME(ioctl), NAME(pread64), NAME(pwrite64), NAME(readv),
    NAME(writev), NAME(mremap), NAME(madvise), NAME(getpid), NAME(socket),
    NAME(connect), NAME(sendto), NAME(recvfrom), NAME(sendmsg), NAME(recvmsg),
    NAME(shutdown), NAME(bind), NAME(listen), NAME(getsockname), NAME(getpeername),
    NAME(setsockopt), NAME(getsockopt), NAME(clone), NAME(execve), NAME(exit),
    NAME(kill), NAME(fcntl), NAME(ftruncate), NAME(gettid), NAME(futex),
    NAME(restart_syscall), NAME(clock_gettime), NAME(exit_group), NAME(epoll_wait),
    NAME(epoll_ctl), NAME(tgkill), NAME(openat), NAME(ppoll), NAME(set_robust_list),
    NAME(epoll_pwait), NAME(accept4), NAME(epoll_create1), NAME(eventfd2),
    NAME(getrandom), NAME(memfd_create), NAME(rseq), NAME(sched_yield)
#undef NAME
};

#endif
