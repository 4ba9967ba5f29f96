#include "program.h"

#include "shell.h"

static void *
cloudworker_start(struct loop *loop, const char *pod)
{
	static const struct settings settings;
	struct shell *shell = shell_open(loop);

	(void)pod;
	shell_start(shell, &settings);
	return shell;
}

static void
cloudworker_end(void *state)
{
	shell_close(state);
}

const struct program program_cloudworker = {
    .name = "cloudworker",
    .start = cloudworker_start,
    .end = cloudworker_end,
};
