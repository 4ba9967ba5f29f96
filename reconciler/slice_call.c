#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "log.h"
#include "mem.h"
#include "slice_state.h"

bool
slice_call_may_start(struct core *core)
{
	static const struct rate_limit limit = {SLICES_BURST, SLICES_PER_MINUTE};
	struct slices *slices = core->slices;

	if (slices->open >= SLICES_OPEN_MAX || backoff_waits(core, &slices->backoff))
		return false;
	if (rate_take(&slices->rate, &limit, core->now.mono, 1))
		return true;
	core_wake_at(core, core->now.mono.ms + 60000 / SLICES_PER_MINUTE);
	return false;
}

/* What is wrong with one alone is its own matter; else all wait. */
static void
slice_call_failed(
    struct core *core, const struct call *call, const struct kube_reply *reply)
{
	struct slices *slices = core->slices;
	struct slice_node *it = map_get(slices->nodes, call->about);
	bool alone = reply->error == 0 && reply->status >= 400 && reply->status < 500 &&
		     reply->status != 403 && reply->status != 429;

	slices_upset(slices, call->about);
	if (!alone)
		backoff_fail_call(&slices->backoff, core->now.mono, reply);
	else if (it != NULL)
		backoff_fail_call(&it->backoff, core->now.mono, reply);
	/* made or gone meanwhile: the watcher will tell; a right: that is told once */
	if (calls_is_another(reply) || reply->status == 403)
		return;
	log_warn("slice_not_written", LOG_S("slice", call->subject),
	    LOG_N("status", reply->status), LOG_S("error", reply->message));
}

static void
slice_call_answered(
    struct core *core, struct call *call, const struct kube_reply *reply)
{
	struct slice_node *it = map_get(core->slices->nodes, call->about);

	core->slices->open--;
	core_touch(core);
	if (reply->error != 0 || reply->status < 200 || reply->status >= 300) {
		slice_call_failed(core, call, reply);
		return;
	}
	backoff_clear(&core->slices->backoff);
	if (it != NULL)
		backoff_clear(&it->backoff);
}

/* For the audit stream; free(). */
static char *
slice_call_state(const struct slice *slice)
{
	return slice != NULL ? mem_printf("{\"contentHash\":\"%s\"}", slice->hash)
			     : mem_strdup("{}");
}

void
slice_call_write(struct core *core, const struct world_node *node, const char *name,
    const char *hash, const char *body)
{
	const struct slice *known = map_get(core->slices->known, name);
	char *path = known != NULL ? mem_printf("%s/%s", SLICE_COLLECTION, name)
				   : mem_strdup(SLICE_COLLECTION);
	struct kube_call request = {
	    .method = known != NULL ? "PATCH" : "POST",
	    .path = path,
	    .body_kind = known != NULL ? KUBE_BODY_MERGE_PATCH : KUBE_BODY_JSON,
	    .body = body,
	};
	struct call *call = calls_start(core, &request, slice_call_answered);
	char *before = slice_call_state(known);
	char *after = mem_printf("{\"contentHash\":\"%s\"}", hash);

	call->right =
	    known != NULL ? "patch " SLICE_RESOURCE : "create " SLICE_RESOURCE;
	MESSAGE_TEXT(call->subject, name);
	MESSAGE_TEXT(call->about, node->name);
	MESSAGE_TEXT(call->audit, "slice");
	MESSAGE_TEXT(call->why, "the node, or pods on it, changed");
	calls_change(call, before, after);
	core->slices->open++;
	free(before);
	free(after);
	free(path);
}

static void
slice_call_deleted(struct core *core, struct call *call, const struct kube_reply *reply)
{
	struct slice *slice = map_get(core->slices->known, call->subject);

	core->slices->open--;
	core_touch(core);
	/* gone: the watcher will tell */
	if (reply->error == 0 && (reply->status < 300 || reply->status == 404))
		return;
	if (slice != NULL) {
		slice->leaving = false;
		/* it may be another one by now, which is told until then */
		slice->told_ms = core->now.mono.ms;
	}
	slice_call_failed(core, call, reply);
}

void
slice_call_delete(struct core *core, struct slice *slice, const char *why)
{
	char *path = mem_printf("%s/%s", SLICE_COLLECTION, slice->name);
	char *before = slice_call_state(slice);
	struct kube_call request = {
	    .method = "DELETE", .path = path, .body_kind = KUBE_BODY_JSON};
	struct call *call;
	struct buf body;

	buf_init(&body, 4096);
	buf_puts(&body, "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\","
			"\"preconditions\":{\"uid\":\"");
	buf_put_json(&body, slice->uid, strlen(slice->uid));
	buf_puts(&body, "\",\"resourceVersion\":\"");
	buf_put_json(&body, slice->version, strlen(slice->version));
	buf_puts(&body, "\"}}");
	request.body = body.data;
	call = calls_start(core, &request, slice_call_deleted);
	call->right = "delete " SLICE_RESOURCE;
	MESSAGE_TEXT(call->subject, slice->name);
	MESSAGE_TEXT(call->about, slice->node);
	MESSAGE_TEXT(call->audit, "slice deleted");
	MESSAGE_TEXT(call->why, why);
	calls_change(call, before, "{}");
	slice->leaving = true;
	core->slices->open++;
	buf_free(&body);
	free(before);
	free(path);
}
