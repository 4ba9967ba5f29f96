/* Requests of what is kept in ConfigMaps (footprint/round.h), sent through the core:
 * while we lead, each write with its line in the audit stream. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "shell_state.h"

static void
on_answer(void *arg, const struct kube_reply *reply)
{
	struct shell_asks *asks = arg;
	kube_done_fn *done = asks->done;

	asks->done = NULL;
	if (done != NULL)
		done(asks->done_arg, reply);
}

static const char *
right_of(const struct kube_call *call)
{
	static const struct {
		const char *method, *right;
	} rights[] = {
	    {"POST", "create configmaps"},
	    {"PUT", "update configmaps"},
	    {"DELETE", "delete configmaps"},
	};

	for (size_t i = 0; i < sizeof rights / sizeof rights[0]; i++)
		if (strcmp(call->method, rights[i].method) == 0)
			return rights[i].right;
	return strchr(call->path, '?') != NULL ? "list configmaps" : "get configmaps";
}

void
shell_ask(void *arg, const struct kube_call *call, const struct store_change *change,
    kube_done_fn *done, void *done_arg)
{
	struct shell_asks *asks = arg;
	struct kube_reply refusal = {
	    .error = -ECANCELED, .message = "the lease is not held, or about to end"};
	struct core_request request = {.call = *call, .right = right_of(call)};
	char *object = mem_printf("%s%s%s", asks->namespace, change != NULL ? "/" : "",
	    change != NULL ? change->configmap : "");

	request.object = object;
	if (change != NULL) {
		request.what = change->deletes ? asks->deleted : asks->written;
		request.why = change->why;
		request.before = change->before;
		request.after = change->after;
	}
	asks->done = done;
	asks->done_arg = done_arg;
	if (core_ask(asks->shell->core, asks->shell->now, &request, on_answer, asks) <
	    0)
		on_answer(asks, &refusal);
	free(object);
}
