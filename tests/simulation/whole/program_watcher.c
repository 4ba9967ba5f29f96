#include "program.h"

#include "facts.h"

/* The client has nothing that a simulated informer needs. */
static void *
watcher_start(struct loop *loop, const char *pod)
{
	static const struct settings none;
	/* what is borrowed from them lives as long as the process here */
	static char set[] = "true";
	static const struct settings keeping = {
	    .values = {[SETTING_STORE_IN_CM] = set}};
	struct facts *facts = facts_open(loop);

	(void)pod;
	facts_start(facts, NULL, program_keeps ? &keeping : &none);
	return facts;
}

static void
watcher_end(void *state)
{
	facts_free(state);
}

const struct program program_watcher = {
    .name = "watcher",
    .start = watcher_start,
    .end = watcher_end,
};
