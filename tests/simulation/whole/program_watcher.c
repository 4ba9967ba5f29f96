#include "program.h"

#include <stdlib.h>

#include "facts.h"

/* The client has nothing that a simulated informer needs. */
static void *
watcher_start(struct loop *loop, const char *pod)
{
	static const struct settings settings;
	struct facts *facts = facts_open(loop);

	(void)pod;
	facts_start(facts, NULL, &settings);
	return facts;
}

/* All but this one block belongs to the loop, the links and the informers. */
static void
watcher_end(void *state)
{
	free(state);
}

const struct program program_watcher = {
    .name = "watcher",
    .start = watcher_start,
    .end = watcher_end,
};
