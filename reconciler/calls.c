#include "calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "definition.h"
#include "items.h"
#include "labels.h"
#include "log.h"
#include "mem.h"
#include "peers.h"
#include "slice.h"
#include "tracker.h"
#include "trail.h"

struct call *
calls_start(struct core *core, const struct kube_call *request, call_done_fn *done)
{
	struct call *call = mem_calloc(1, sizeof *call);
	struct kube_call timed = *request;

	call->ticket = ++core->next_ticket;
	call->epoch = core->epoch;
	call->done = done;
	call->started = core->now.mono;
	call->next = core->calls;
	core->calls = call;
	core->calls_open++;
	if (strcmp(request->method, "GET") != 0) {
		effects_uuid(&core->effects, call->request_id);
		timed.request_id = call->request_id;
	}
	timed.timeout_ms = core->stopping ? CORE_LAST_MS : KUBE_CALL_TIMEOUT_MS;
	if (core->call_timeout_ms > 0 && core->call_timeout_ms < timed.timeout_ms)
		timed.timeout_ms = core->call_timeout_ms;
	core->effects.call(core->effects.arg, call->ticket, &timed);
	return call;
}

void
calls_change(struct call *call, const char *before, const char *after)
{
	free(call->before);
	free(call->after);
	call->before = mem_strdup(before);
	call->after = mem_strdup(after);
}

static void
calls_asked(struct core *core, struct call *call, const struct kube_reply *reply)
{
	(void)core;
	call->asked(call->asked_arg, reply);
}

int
core_ask(struct core *core, struct core_time now, const struct core_request *request,
    kube_done_fn *done, void *arg)
{
	struct call *call;

	core->now = now;
	if (!core_may_ask(core))
		return -ECANCELED;
	call = calls_start(core, &request->call, calls_asked);
	call->asked = done;
	call->asked_arg = arg;
	call->right = request->right;
	MESSAGE_TEXT(call->subject, request->object);
	if (request->what == NULL)
		return 0;
	MESSAGE_TEXT(call->audit, request->what);
	MESSAGE_TEXT(call->why, request->why);
	calls_change(call, request->before, request->after);
	return 0;
}

static void
call_free(struct call *call)
{
	free(call->before);
	free(call->after);
	free(call);
}

struct call *
calls_get(struct core *core, const char *path, call_done_fn *done)
{
	struct kube_call request = {.method = "GET", .path = path};

	return calls_start(core, &request, done);
}

static struct call *
calls_take(struct core *core, uint64_t ticket)
{
	for (struct call **at = &core->calls; *at != NULL; at = &(*at)->next) {
		struct call *call = *at;

		if (call->ticket != ticket)
			continue;
		*at = call->next;
		core->calls_open--;
		return call;
	}
	return NULL;
}

bool
calls_unheard(const struct kube_reply *reply)
{
	return reply->error != 0 || reply->status >= 500 || reply->status == 429;
}

/* Not what one object alone may bring about (500, as of a webhook), nor our own haste.
 */
bool
calls_is_outage(const struct kube_reply *reply)
{
	if (reply->error != 0)
		return reply->error != -EBUSY;
	return reply->status == 502 || reply->status == 503 || reply->status == 504;
}

/* One good answer ends an outage for all. */
static void
calls_judge(struct core *core, const struct kube_reply *reply)
{
	bool failing = calls_is_outage(reply);

	if (core->api_failing && !failing) {
		backoff_recover(&core->list_backoff);
		definition_recover(core);
		items_recover(core);
		labels_recover(core);
		peers_recover(core);
		slices_recover(core);
		trackers_recover(core);
		core_touch(core);
	}
	core->api_failing = failing;
}

/* A patch with another uid is a conflict (409) or invalid (422), since the uid of an
 * object cannot be changed. */
bool
calls_is_another(const struct kube_reply *reply)
{
	if (reply->error != 0)
		return false;
	return reply->status == 404 || reply->status == 409 ||
	       (reply->status == 422 && strstr(reply->message, "metadata.uid") != NULL);
}

struct calls_denied {
	const char *right;
	struct mono_time quiet_until;
};

static void
calls_tell_denied(
    struct core *core, const struct call *call, const struct kube_reply *reply)
{
	struct calls_denied *denied = map_get(core->denied, call->right);

	if (denied == NULL) {
		denied = mem_calloc(1, sizeof *denied);
		denied->right = call->right;
		map_put(core->denied, denied->right, denied);
	} else if (core->now.mono.ms < denied->quiet_until.ms) {
		return;
	}
	denied->quiet_until.ms = core->now.mono.ms + CALLS_DENIED_MS;
	log_error("right_missing", LOG_S("rule", call->right),
	    LOG_S("object", call->subject), LOG_S("error", reply->message));
}

void
calls_answer(struct core *core, uint64_t ticket, const struct kube_reply *reply)
{
	struct call *call = calls_take(core, ticket);

	if (call == NULL)
		return;
	calls_judge(core, reply);
	if (call->audit[0] != '\0')
		trail_write(core, call, reply);
	if (reply->error == 0 && reply->status == 403 && call->right != NULL)
		calls_tell_denied(core, call, reply);
	if (call->done != NULL && core->leads && call->epoch == core->epoch)
		call->done(core, call, reply);
	call_free(call);
}

void
calls_free(struct core *core)
{
	while (core->calls != NULL) {
		struct call *call = core->calls;

		core->calls = call->next;
		call_free(call);
	}
}
