/* A worker's start and its memory limits, in a process of their own with a socketpair
 * for its control descriptor. */
#include <criterion/criterion.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "control.h"
#include "exits.h"
#include "fds.h"
#include "worker.h"

/* More than the sandbox below lets a process have. */
#define TOO_MUCH ((size_t)256 << 20)

/* The child's exit codes. */
enum { SAID_AGAIN_LATE = 40, SAID_AGAIN_EARLY, GOT_MEMORY, GOT_NONE, GOT_MAPPING };

static const struct sandbox sandbox = {
    .role = "test",
    .groups = {&sandbox_process, &sandbox_wait, &sandbox_base, &sandbox_control},
    .data_max = 32u << 20,
    .files_max = 64,
};

struct state {
	struct worker worker;
	bool set_up;
};

static void
on_again(void *arg)
{
	struct state *state = arg;

	worker_stop(&state->worker, state->set_up ? SAID_AGAIN_LATE : SAID_AGAIN_EARLY);
}

typedef void attempt_fn(void);

/* Runs in the child; `attempt` NULL: waits for AGAIN. */
static void __attribute__((noreturn)) live(int control_fd, attempt_fn *attempt)
{
	static const struct worker_hooks hooks = {.again = on_again};
	static struct state state;

	if (dup2(control_fd, FD_CONTROL) < 0)
		_exit(EXIT_BUG);
	worker_open(&state.worker, &sandbox, &hooks, &state);
	worker_lock(&state.worker);
	if (state.worker.exit_code != 0)
		_exit(state.worker.exit_code);
	if (attempt != NULL)
		attempt();
	state.set_up = true;
	worker_ready(&state.worker);
	_exit(worker_run(&state.worker));
}

/* Returns its wait status. START and AGAIN are there before it looks. */
static int
run(attempt_fn *attempt)
{
	int pair[2], status;
	pid_t pid;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	cr_assert_eq(control_send(pair[0], CONTROL_START, NULL, 0, -1), 0);
	cr_assert_eq(control_send(pair[0], CONTROL_AGAIN, NULL, 0, -1), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0)
		live(pair[1], attempt);
	close(pair[1]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	close(pair[0]);
	return status;
}

Test(worker, again_right_after_start_waits_for_the_process)
{
	int status = run(NULL);

	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), SAID_AGAIN_LATE, "%d", WEXITSTATUS(status));
}

#ifndef IPW_INSTRUMENTED
static void
map(int flags)
{
	void *memory =
	    mmap(NULL, TOO_MUCH, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);

	_exit(memory == MAP_FAILED ? GOT_NONE : GOT_MEMORY);
}

static void
map_private(void)
{
	map(MAP_PRIVATE);
}

static void
map_shared(void)
{
	map(MAP_SHARED);
}

static void
map_stack(void)
{
	map(MAP_PRIVATE | MAP_GROWSDOWN);
}

/* What grows from a page of the stack is no data to the kernel. */
static void
grow_stack(void)
{
	char room[64 * 1024];
	char *page = (char *)(((uintptr_t)room + 4095) & ~(uintptr_t)4095);

	memset(room, 1, sizeof room);
	_exit(mremap(page, 4096, TOO_MUCH, MREMAP_MAYMOVE) == MAP_FAILED ? GOT_NONE
									 : GOT_MEMORY);
}

Test(worker, memory_is_limited_however_it_is_asked_for)
{
	int status = run(map_private);

	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == GOT_NONE, "private");
	status = run(grow_stack);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == GOT_NONE, "mremap");
	status = run(map_shared);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "shared");
	status = run(map_stack);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "stack");
}

/* A buffer is a mapping of its own, whatever was freed before it. */
static void
take_after_freeing(void)
{
	char *volatile buffer = malloc(1024 * 1024);
	size_t before;

	free(buffer);
	before = mallinfo2().hblks;
	buffer = malloc(64 * 1024);
	_exit(mallinfo2().hblks == before + 1 ? GOT_MAPPING : GOT_MEMORY);
}

Test(worker, buffers_are_given_back)
{
	int status = run(take_after_freeing);

	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), GOT_MAPPING, "%d", WEXITSTATUS(status));
}
#endif

Test(control, a_token_as_long_as_they_get)
{
	char token[CONTROL_TOKEN_MAX + 1];
	struct control_record record;
	int pair[2];

	memset(token, 'x', sizeof token);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	cr_assert_eq(control_receive(pair[1], &record), 0);
	cr_assert_eq(
	    control_send(pair[0], CONTROL_TOKEN, token, sizeof token, -1), -EMSGSIZE);
	cr_assert_eq(control_receive(pair[1], &record), 0, "nothing was sent");
	cr_assert_eq(
	    control_send(pair[0], CONTROL_TOKEN, token, CONTROL_TOKEN_MAX, -1), 0);
	cr_assert_eq(control_receive(pair[1], &record), 1);
	cr_assert_eq(record.type, CONTROL_TOKEN);
	cr_assert_eq(record.len, CONTROL_TOKEN_MAX);
	cr_assert_eq(memcmp(record.payload, token, record.len), 0);
	cr_assert_eq(record.fd, -1);
	close(pair[0]);
	close(pair[1]);
}
