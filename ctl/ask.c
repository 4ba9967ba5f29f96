#include "ask.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "log.h"
#include "mem.h"
#include "show.h"

/* How often a list may be cut short by the server before that is its answer. */
#define TRIES_MAX 5

struct ask {
	struct loop *loop;
	struct client *client;

	/* the request that is open, or was the last one */
	bool done;
	int status;
	char message[512];
	struct json_object *json;
	uint64_t refused;

	/* of a list */
	struct kube_informer *informer;
	struct ask_list_handlers handlers;
	void *arg;
	int tries;
};

struct ask *
ask_new(const char *kubeconfig)
{
	struct ask *ask = mem_calloc(1, sizeof *ask);

	log_set_process("ipwardenctl");
	ask->loop = loop_new();
	ask->client = client_new(ask->loop, kubeconfig);
	if (ask->client != NULL)
		return ask;
	loop_free(ask->loop);
	free(ask);
	return NULL;
}

void
ask_free(struct ask *ask)
{
	if (ask == NULL)
		return;
	client_free(ask->client);
	loop_free(ask->loop);
	free(ask);
}

static void
begin(struct ask *ask)
{
	ask->done = false;
	ask->json = NULL;
	ask->refused = 0;
	ask->tries = 0;
}

static int
wait_for_it(struct ask *ask)
{
	while (!ask->done)
		loop_run_once(ask->loop, -1);
	return ask->status;
}

static void
end(struct ask *ask, int status, const char *message)
{
	ask->done = true;
	ask->status = status;
	snprintf(ask->message, sizeof ask->message, "%s", message);
}

uint64_t
ask_refused(const struct ask *ask)
{
	return ask->refused;
}

const char *
ask_message(const struct ask *ask)
{
	return ask->message;
}

void
ask_tell(const struct ask *ask, const char *what)
{
	fprintf(stderr, "ipwardenctl: %s: ", what);
	show_text(ask->message, stderr);
	fputc('\n', stderr);
}

/* --- one object ---------------------------------------------------------------------
 */

static void
on_reply(void *arg, const struct kube_reply *reply)
{
	struct ask *ask = arg;

	if (reply->error == 0 && reply->status == 200 && reply->json == NULL)
		end(ask, 0, "the answer is no object");
	else
		end(ask, reply->error == 0 ? reply->status : 0, reply->message);
	if (ask->status == 200)
		ask->json = json_object_get(reply->json);
}

int
ask_get(struct ask *ask, const char *path, struct json_object **ret_json)
{
	struct kube_call call = {.method = "GET", .path = path};
	int status;

	begin(ask);
	kube_call(client_kube(ask->client), &call, on_reply, ask);
	status = wait_for_it(ask);
	*ret_json = ask->json;
	return status;
}

/* --- a collection -------------------------------------------------------------------
 */

static void
end_list(struct ask *ask, int status, const char *message)
{
	ask->refused = kube_informer_refused(ask->informer);
	kube_informer_free(ask->informer);
	end(ask, status, message);
}

static int
on_sync_begin(void *arg)
{
	struct ask *ask = arg;

	ask->handlers.begin(ask->arg);
	return 0;
}

static void
on_sync_end(void *arg)
{
	end_list(arg, 200, "");
}

static int
on_object(void *arg, enum kube_event event, const char *json, size_t len)
{
	struct ask *ask = arg;

	(void)event;
	return ask->handlers.object(ask->arg, json, len);
}

/* Its pages have expired, or the server has too much to do: the informer tries again.
 * A list that was cut off is no answer, whatever its status. */
static void
on_failed(void *arg, int status, const char *message)
{
	struct ask *ask = arg;

	if ((status == 410 || status == 429) && ++ask->tries < TRIES_MAX)
		return;
	end_list(ask, status == 200 ? 0 : status, message);
}

int
ask_list(struct ask *ask, const char *path, const char *query,
    const struct ask_list_handlers *handlers, void *arg)
{
	static const struct kube_informer_handlers informer_handlers = {
	    .sync_begin = on_sync_begin,
	    .sync_end = on_sync_end,
	    .object = on_object,
	    .failed = on_failed,
	};

	begin(ask);
	ask->handlers = *handlers;
	ask->arg = arg;
	ask->informer = kube_informer_new(
	    client_kube(ask->client), path, query, &informer_handlers, ask);
	return wait_for_it(ask);
}
