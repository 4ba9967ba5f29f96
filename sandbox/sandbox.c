#include "sandbox.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "exits.h"
#include "landlock.h"
#include "log.h"

/* linux/prctl.h of 6.3; Debian 12's headers are older */
#define SET_MDWE	   65
#define MDWE_REFUSE_GAIN   1ul
#define CAPABILITY_NUMBERS 64

/* What is mapped after sandbox_limit and is not data: guard pages, libraries that are
 * loaded late. */
#define ADDRESSES_SPARE (UINT64_C(32) << 20)

#define STACK_MAX (UINT64_C(8) << 20)

/* Bytes of the largest block on the heap, and of the heap's end that may be free. What
 * a request needs (handles, TLS, bodies) is mostly larger than a page; on the heap it
 * would leave holes among the small blocks that stay. */
#define HEAP_BLOCK_MAX 4096
#define HEAP_FREE_MAX  (64 * 1024)

/* What sandbox_limit achieved; sandbox_lock adds the filter. */
static uint32_t layers;
static bool limited, locked;

static void __attribute__((noreturn))
refuse(const struct sandbox *sandbox, const char *step, int error)
{
	log_error("sandbox_refused", LOG_S("role", sandbox->role), LOG_S("step", step),
	    LOG_S("error", strerror(error)));
	_exit(EXIT_SANDBOX);
}

/* With a uid of our own the supervisor gives us CAP_SYS_CHROOT, and starts us in an
 * empty folder; it looks itself whether that has become our root. */
static void
enter_root(const struct sandbox *sandbox)
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	if (syscall(SYS_capget, &header, data) < 0)
		refuse(sandbox, "capget", errno);
	if (geteuid() != 0 && (data[0].effective & 1u << CAP_SYS_CHROOT) != 0 &&
	    chroot(".") < 0)
		refuse(sandbox, "chroot", errno);
}

/* By raw calls: libcap stays with the supervisor. */
static void
drop_capabilities(const struct sandbox *sandbox)
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	/* needs CAP_SETPCAP; without it no_new_privs alone keeps the set useless */
	for (unsigned long number = 0; number < CAPABILITY_NUMBERS; number++)
		prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, data) < 0)
		refuse(sandbox, "capset", errno);
	layers |= SANDBOX_NO_CAPS;
}

static void
set_limit(const struct sandbox *sandbox, __rlimit_resource_t resource, uint64_t value,
    const char *name)
{
	struct rlimit limit = {value, value};

	if (setrlimit(resource, &limit) < 0)
		refuse(sandbox, name, errno);
}

#ifndef IPW_INSTRUMENTED
/* Bytes that are mapped now: proc(5), statm. */
static uint64_t
mapped_bytes(const struct sandbox *sandbox)
{
	char text[128];
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (len <= 0)
		refuse(sandbox, "/proc/self/statm", errno);
	close(fd);
	text[len] = '\0';
	return strtoull(text, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* One arena: each further one reserves 64 MiB of addresses. Buffers of requests and
 * answers are mapped, and the heap's free end is given back: else one busy moment would
 * be kept for good, since the C library raises both limits to the largest block that
 * was ever freed. Free blocks are joined at once, small ones too. */
static void
tame_heap(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MXFAST, 0);
	mallopt(M_MMAP_THRESHOLD, HEAP_BLOCK_MAX);
	mallopt(M_TRIM_THRESHOLD, HEAP_FREE_MAX);
}

/* RLIMIT_DATA leaves out what grows from a page of the stack by mremap(2), so all
 * addresses are limited, too. */
static void
limit_memory(const struct sandbox *sandbox)
{
	struct rlimit stack;

	tame_heap();
	if (getrlimit(RLIMIT_STACK, &stack) < 0)
		refuse(sandbox, "RLIMIT_STACK", errno);
	set_limit(sandbox, RLIMIT_STACK,
	    stack.rlim_cur < STACK_MAX ? stack.rlim_cur : STACK_MAX, "RLIMIT_STACK");
	set_limit(sandbox, RLIMIT_DATA, sandbox->data_max, "RLIMIT_DATA");
	set_limit(sandbox, RLIMIT_AS,
	    mapped_bytes(sandbox) + sandbox->data_max + ADDRESSES_SPARE, "RLIMIT_AS");
}
#endif

static void
set_limits(const struct sandbox *sandbox)
{
	set_limit(sandbox, RLIMIT_CORE, 0, "RLIMIT_CORE");
	set_limit(sandbox, RLIMIT_NOFILE, sandbox->files_max, "RLIMIT_NOFILE");
#ifndef IPW_INSTRUMENTED
	limit_memory(sandbox);
#endif
	layers |= SANDBOX_RLIMITS;
}

void
sandbox_limit(const struct sandbox *sandbox)
{
	assert(!limited && !locked);
	tzset();	     /* reads a file the first time; nothing may later */
	set_limits(sandbox); /* reads /proc */
	enter_root(sandbox);
	drop_capabilities(sandbox);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		refuse(sandbox, "no_new_privs", errno);
	layers |= SANDBOX_NO_NEW_PRIVS;
#ifndef IPW_INSTRUMENTED
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		refuse(sandbox, "dumpable", errno);
#endif
	layers |= SANDBOX_NOT_DUMPABLE;
	if (prctl(SET_MDWE, MDWE_REFUSE_GAIN, 0, 0, 0) == 0)
		layers |= SANDBOX_MDWE;
	if (landlock_restrict(sandbox->landlock_connect))
		layers |= SANDBOX_LANDLOCK;
	limited = true;
}

static void
add_rule(const struct sandbox *sandbox, scmp_filter_ctx filter,
    const struct sandbox_rule *rule)
{
	struct scmp_arg_cmp args[SANDBOX_ARGS_MAX] = {0};
	uint32_t action = SCMP_ACT_ALLOW;
	int rc;

	for (unsigned int i = 0; i < rule->args_len; i++) {
		const struct sandbox_arg *arg = &rule->args[i];

		args[i].arg = arg->index;
		args[i].op = arg->test == SANDBOX_EQ ? SCMP_CMP_EQ : SCMP_CMP_MASKED_EQ;
		args[i].datum_a = arg->test == SANDBOX_EQ ? arg->value : arg->mask;
		args[i].datum_b = arg->test == SANDBOX_EQ ? 0 : arg->value;
	}
	if (rule->error > 0)
		action = SCMP_ACT_ERRNO((uint32_t)rule->error);
	rc =
	    seccomp_rule_add_array(filter, action, rule->syscall, rule->args_len, args);
	/* the same rule in two groups is no mistake */
	if (rc < 0 && rc != -EEXIST)
		refuse(sandbox, "seccomp rule", -rc);
}

/* abort() stays visible as SIGABRT: it may signal itself and nothing else. */
static void
add_abort(const struct sandbox *sandbox, scmp_filter_ctx filter)
{
	struct sandbox_rule rule = SANDBOX_ALLOW_IF(
	    tgkill, SANDBOX_ARG_EQ(0, (uint64_t)getpid()), SANDBOX_ARG_EQ(2, SIGABRT));

	add_rule(sandbox, filter, &rule);
}

uint32_t
sandbox_lock(const struct sandbox *sandbox)
{
#ifdef IPW_INSTRUMENTED
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_LOG);
#else
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
#endif
	int rc;

	assert(limited && !locked);
	if (filter == NULL)
		refuse(sandbox, "seccomp_init", ENOMEM);
	rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (rc < 0)
		refuse(sandbox, "seccomp tsync", -rc);
	/* a call by another architecture's door (int 0x80): libseccomp would end only
	 * the thread, and leave a process without its main thread */
	rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (rc < 0)
		refuse(sandbox, "seccomp foreign architecture", -rc);
	for (size_t g = 0; g < SANDBOX_GROUPS_MAX && sandbox->groups[g] != NULL; g++)
		for (const struct sandbox_rule *rule = sandbox->groups[g]->rules;
		     rule->syscall != SANDBOX_END; rule++)
			add_rule(sandbox, filter, rule);
	add_abort(sandbox, filter);
	rc = seccomp_load(filter);
	if (rc < 0)
		refuse(sandbox, "seccomp_load", -rc);
	seccomp_release(filter);
	layers |= SANDBOX_SECCOMP;
	locked = true;
	if ((layers & SANDBOX_REQUIRED) != SANDBOX_REQUIRED)
		refuse(sandbox, "required layers", EPERM);
	return layers;
}
