#include "finalizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocation_finalizer.h"
#include "calls.h"
#include "events.h"
#include "items.h"
#include "labels.h"
#include "log.h"
#include "mem.h"
#include "orders.h"

/* Bytes of a patch: the finalizers of others are in it. */
#define FINALIZER_PATCH_MAX KUBE_OBJECT_MAX

static bool
finalizer_is_wanted(const struct allocation *allocation)
{
	return allocation->policy == POLICY_SYNC &&
	       allocation->deletion == DELETION_RELEASE;
}

bool
finalizer_allows(const struct item *item)
{
	const struct allocation *allocation = item->allocation;

	return allocation->finalizer || allocation->deleting ||
	       !finalizer_is_wanted(allocation);
}

/* --- is it due? ------------------------------------------------------------------- */

/* There is, or is to be, something to release. */
static bool
finalizer_has_cause(const struct plan_step *steps, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		enum plan_kind kind = steps[i].kind;

		if (kind == PLAN_ADOPT || kind == PLAN_ATTACH || kind == PLAN_MOVE ||
		    kind == PLAN_OPEN || plan_address(&steps[i])->instance[0] != '\0')
			return true;
	}
	return false;
}

static bool
finalizer_has_order(const struct core *core, const struct plan_step *step)
{
	const struct intent *intent = &plan_address(step)->intent;
	const char *const requests[] = {
	    intent->request_detach, intent->request_ephemeral, intent->request_attach};

	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		const struct order *order = orders_find(core, requests[i]);

		if (order != NULL && order->open)
			return true;
	}
	return false;
}

/* Its labels are to be on: it is where the journal says, and nobody else's. */
static bool
finalizer_is_labelled(const struct plan_step *step)
{
	const struct allocation *allocation = step->allocation;

	return allocation->policy == POLICY_SYNC && !allocation->paused &&
	       allocation->refusal_reason[0] == '\0' && step->owner == NULL &&
	       step->holder.kind == HOLDER_OURS &&
	       strcmp(plan_address(step)->instance, step->holder.instance->id) == 0;
}

/* What is left is left in order: nothing half-done that could still be brought to its
 * end, and the labels of what stays are on. */
static bool
finalizer_is_left_well(const struct core *core, const struct plan_step *step)
{
	const struct holder *holder = &step->holder;

	if (plan_is_open(plan_address(step)))
		return (holder->kind == HOLDER_UNKNOWN ||
			   step->allocation->policy == POLICY_OBSERVE) &&
		       !finalizer_has_order(core, step);
	return !finalizer_is_labelled(step) ||
	       labels_are_on(core, holder->node, plan_address(step)->address,
		   step->allocation->name);
}

/* Nothing keeps the deleted object. *ret_left: addresses that stay on their nodes;
 * *ret_why: why they do. */
static bool
finalizer_is_done(const struct core *core, const struct plan_step *steps, size_t len,
    size_t *ret_left, const char **ret_why)
{
	*ret_left = 0;
	for (size_t i = 0; i < len; i++) {
		const struct plan_step *step = &steps[i];
		const struct allocation_address *entry = plan_address(step);

		if (step->release.verdict != RELEASE_LEAVE) {
			if (entry->instance[0] != '\0' ||
			    entry->intent.step != INTENT_NONE)
				return false;
			continue;
		}
		if (!finalizer_is_left_well(core, step))
			return false;
		if (entry->instance[0] == '\0' && entry->intent.step == INTENT_NONE)
			continue;
		*ret_left += 1;
		*ret_why = step->release.text;
	}
	return true;
}

/* --- writing ---------------------------------------------------------------------- */

static void
finalizer_refused(struct core *core, struct item *item, bool on, const char *why)
{
	snprintf(item->finalizer_refusal, sizeof item->finalizer_refusal, "%s: %.400s",
	    on ? "the finalizer cannot be written, nothing is begun"
	       : "the finalizer cannot be taken off, the object stays",
	    why);
	log_warn("finalizer_refused", LOG_S("allocation", item->name),
	    LOG_S("error", item->finalizer_refusal));
	events_tell(core, item->allocation, NULL, "Warning", REASON_FINALIZER_REFUSED,
	    item->finalizer_refusal);
}

static void
finalizer_written(struct core *core, struct call *call, const struct kube_reply *reply)
{
	bool on = strcmp(call->audit, "finalizer on") == 0, taken;
	struct item *item = items_answer(core, call, reply, &taken);
	char why[TEXT_MAX + 1];

	if (item == NULL)
		return;
	if (taken && item->allocation->finalizer == on) {
		backoff_clear(&item->finalizer_backoff);
		item->finalizer_refusal[0] = '\0';
		return;
	}
	if (taken) {
		backoff_fail(&item->finalizer_backoff, core->now.mono);
		finalizer_refused(core, item, on,
		    "the API server says yes, and keeps what was there (a webhook?)");
		return;
	}
	if (reply->error == 0 && reply->status == 409)
		return;
	backoff_fail_call(&item->finalizer_backoff, core->now.mono, reply);
	/* a read will tell whether it is gone */
	if (calls_unheard(reply) || reply->status < 400 || reply->status == 404)
		return;
	snprintf(why, sizeof why, "%d %s: %.300s", reply->status, reply->reason,
	    reply->message);
	finalizer_refused(core, item, on, why);
}

static bool
finalizer_write(struct core *core, struct item *item, bool on, const char *why)
{
	static const char none[] = "{\"finalizer\":null}";
	static const char ours[] = "{\"finalizer\":\"" ALLOCATION_FINALIZER "\"}";
	struct kube_call request = {
	    .method = "PATCH",
	    .body_kind = KUBE_BODY_MERGE_PATCH,
	};
	struct call *call;
	struct buf body;
	char *path;

	if (backoff_waits(core, &item->finalizer_backoff))
		return false;
	buf_init(&body, FINALIZER_PATCH_MAX);
	if (allocation_finalizer_patch(item->allocation, on, &body) < 0) {
		backoff_fail(&item->finalizer_backoff, core->now.mono);
		buf_free(&body);
		return false;
	}
	path = mem_printf("%s/%s", ALLOCATION_COLLECTION, item->name);
	request.path = path;
	request.body = body.data;
	call = calls_start(core, &request, finalizer_written);
	call->right = "patch " ALLOCATION_RESOURCE;
	MESSAGE_TEXT(call->subject, item->name);
	MESSAGE_TEXT(call->audit, on ? "finalizer on" : "finalizer off");
	MESSAGE_TEXT(call->why, why);
	calls_change(call, on ? none : ours, on ? ours : none);
	item->writing = true;
	free(path);
	buf_free(&body);
	return true;
}

static bool
finalizer_let_go(
    struct core *core, struct item *item, const struct plan_step *steps, size_t len)
{
	const char *why = "";
	char message[TEXT_MAX + 1];
	size_t left;

	if (!finalizer_is_done(core, steps, len, &left, &why))
		return false;
	if (left == 0)
		return finalizer_write(core, item, false, "nothing is left to release");
	snprintf(message, sizeof message, "%zu address%s left where %s: %s", left,
	    left > 1 ? "es are" : " is", left > 1 ? "they are" : "it is", why);
	if (!finalizer_write(core, item, false, message))
		return false;
	events_tell(core, item->allocation, NULL, "Normal", "Retained", message);
	return true;
}

bool
finalizer_run(
    struct core *core, struct item *item, const struct plan_step *steps, size_t len)
{
	const struct allocation *allocation = item->allocation;
	bool wanted = finalizer_is_wanted(allocation);

	if (core->dry_run)
		return false;
	if (allocation->deleting)
		return allocation->finalizer &&
		       finalizer_let_go(core, item, steps, len);
	/* what a refused spec means is not known: it stays as it is */
	if (allocation->refusal_reason[0] != '\0' || wanted == allocation->finalizer)
		return false;
	if (!wanted)
		return finalizer_write(core, item, false, "no release is asked for");
	return finalizer_has_cause(steps, len) &&
	       finalizer_write(
		   core, item, true, "its addresses are released before it goes");
}
