/* Applies a role's const description of what it may do. A role's description stands
 * beside its main.c and fits a screen. No sandbox, no start: every function here that
 * cannot put in force what must be ends the process with EXIT_SANDBOX.
 *
 * Order (asserted): sandbox_limit, then whatever makes threads or needs the system
 * (links, TLS library), then sandbox_lock, then the first foreign byte. */
#ifndef IPW_SANDBOX_H
#define IPW_SANDBOX_H

#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is in force; reported to the supervisor and shown as a metric. */
#define SANDBOX_LAYER_LIST(LAYER)                                                      \
	LAYER(SANDBOX_SECCOMP, 0, "seccomp")                                           \
	LAYER(SANDBOX_NO_NEW_PRIVS, 1, "no_new_privs")                                 \
	LAYER(SANDBOX_NO_CAPS, 2, "no_capabilities")                                   \
	LAYER(SANDBOX_NOT_DUMPABLE, 3, "not_dumpable")                                 \
	LAYER(SANDBOX_RLIMITS, 4, "rlimits")                                           \
	LAYER(SANDBOX_MDWE, 5, "mdwe")                                                 \
	LAYER(SANDBOX_LANDLOCK, 6, "landlock")                                         \
	LAYER(SANDBOX_OWN_UID, 7, "own_uid")                                           \
	LAYER(SANDBOX_EMPTY_ROOT, 8, "empty_root")                                     \
	LAYER(SANDBOX_NO_NETWORK, 9, "no_network")

enum sandbox_layer {
#define SANDBOX_LAYER_ENUM(constant, bit, name) constant = 1 << (bit),
	SANDBOX_LAYER_LIST(SANDBOX_LAYER_ENUM)
#undef SANDBOX_LAYER_ENUM
};

/* Layers without which nothing starts, on any kernel. */
#define SANDBOX_REQUIRED                                                               \
	(SANDBOX_SECCOMP | SANDBOX_NO_NEW_PRIVS | SANDBOX_NO_CAPS |                    \
	    SANDBOX_NOT_DUMPABLE | SANDBOX_RLIMITS)

/* Layers that are there only where they were asked for; the supervisor sees to them
 * (supervisor/separate.c) and says which. */
#define SANDBOX_SEPARATE (SANDBOX_OWN_UID | SANDBOX_EMPTY_ROOT | SANDBOX_NO_NETWORK)

enum sandbox_test {
	SANDBOX_EQ,   /* argument == value, all 64 bits */
	SANDBOX_BITS, /* (argument & mask) == value */
};

struct sandbox_arg {
	uint8_t index;
	uint8_t test;  /* enum sandbox_test */
	uint64_t mask; /* for SANDBOX_BITS */
	uint64_t value;
};

#define SANDBOX_ARGS_MAX 3

/* One rule: the call is allowed when all tests hold. `error` > 0: answered with that
 * errno instead of being allowed. Several rules of one call are alternatives. */
struct sandbox_rule {
	int syscall;
	int error;
	uint8_t args_len;
	struct sandbox_arg args[SANDBOX_ARGS_MAX];
};

/* Rules that belong together; the shared ones stand in sandbox/groups.c. */
struct sandbox_group {
	const char *name;
	const struct sandbox_rule *rules; /* ends with syscall == SANDBOX_END */
};

#define SANDBOX_END (-1000000)

/* For the const tables. A call that an architecture does not have is left out there. */
#define SANDBOX_ALLOW(name)                                                            \
	{                                                                              \
		.syscall = SCMP_SYS(name)                                              \
	}
#define SANDBOX_ALLOW_IF(name, ...)                                                    \
	{                                                                              \
		.syscall = SCMP_SYS(name),                                             \
		.args_len = sizeof((const struct sandbox_arg[]){__VA_ARGS__}) /        \
			    sizeof(struct sandbox_arg),                                \
		.args = {                                                              \
			__VA_ARGS__                                                    \
		}                                                                      \
	}
#define SANDBOX_REFUSE(name, number)                                                   \
	{                                                                              \
		.syscall = SCMP_SYS(name), .error = (number)                           \
	}
#define SANDBOX_RULES_END                                                              \
	{                                                                              \
		.syscall = SANDBOX_END                                                 \
	}
#define SANDBOX_ARG_EQ(i, v)                                                           \
	{                                                                              \
		.index = (i), .test = SANDBOX_EQ, .value = (v)                         \
	}
/* The kernel cuts an int argument to 32 bits, the filter sees 64. Allowing by EQ or by
 * a full mask is safe (odd upper bits are refused); in a refusal mask with 0xffffffff.
 */
#define SANDBOX_ARG_BITS(i, m, v)                                                      \
	{                                                                              \
		.index = (i), .test = SANDBOX_BITS, .mask = (m), .value = (v)          \
	}

extern const struct sandbox_group sandbox_process; /* memory, time, exit */
extern const struct sandbox_group sandbox_wait;	   /* epoll, poll */
/* read, write and close any descriptor; threads */
extern const struct sandbox_group sandbox_base;
extern const struct sandbox_group sandbox_control; /* recvmsg, sendmsg on FD_CONTROL */
extern const struct sandbox_group
    sandbox_nanomsg;				 /* links over handed-out descriptors */
extern const struct sandbox_group sandbox_https; /* curl over connected descriptors */
extern const struct sandbox_group sandbox_files; /* read handed-over files */

/* Memory: anonymous, private, never executable. Shared memory and stacks are left out
 * because RLIMIT_DATA does not count them (setrlimit(2), mm/mmap.c). Users include
 * <sys/mman.h>. */
#define SANDBOX_ALLOW_MMAP                                                             \
	SANDBOX_ALLOW_IF(mmap, SANDBOX_ARG_BITS(2, PROT_EXEC, 0),                      \
	    SANDBOX_ARG_BITS(3, MAP_TYPE | MAP_ANONYMOUS | MAP_GROWSDOWN,              \
		MAP_PRIVATE | MAP_ANONYMOUS))

#define SANDBOX_GROUPS_MAX 10

struct sandbox {
	const char *role;
	const struct sandbox_group *groups[SANDBOX_GROUPS_MAX]; /* NULL ends */
	uint64_t data_max;  /* RLIMIT_DATA, bytes; RLIMIT_AS follows from it */
	uint64_t files_max; /* RLIMIT_NOFILE */
	/* Landlock leaves TCP connect open (dialers; their allowlist is their code) */
	bool landlock_connect;
};

/* Rlimits, the empty root, capabilities, no_new_privs, not dumpable, MDWE, Landlock.
 * Before the first thread. */
void sandbox_limit(const struct sandbox *sandbox);

/* The filter, on every thread, KILL_PROCESS. Returns the layers in force. */
uint32_t sandbox_lock(const struct sandbox *sandbox);

#endif
