#include "elect.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lease.h"
#include "mem.h"

/* A holder's own duration is believed up to this long. */
#define HOLDER_DURATION_MAX_S 3600
/* After losing a race: the next read. */
#define CONFLICT_RETRY_MS 100
#define RETRY_MAX_MS	  2000

/* The one call that may be open. */
enum request {
	REQUEST_NONE,
	REQUEST_READ,
	REQUEST_CREATE,
	REQUEST_CLAIM,
	REQUEST_RENEW,
	REQUEST_RELEASE,
};

struct elect {
	char *identity;
	char *name;
	char *namespace;
	char *path;
	int64_t duration_s;
	struct elect_times times;
	const struct effects *effects;
	struct elect_handlers handlers;
	void *arg;

	/* what the server was last seen to hold; the last lease is kept when it is gone
	 */
	bool known;
	bool absent;
	struct lease lease;
	struct mono_time since; /* as it is since then, by our clock */
	/* a write of ours may have put our name into it */
	bool maybe_ours;

	bool leading;
	int64_t term;
	struct boot_time until;
	struct mono_time renew_at;

	enum request request;
	uint64_t ticket;
	struct core_time sent;
	int64_t sent_term;
	struct mono_time not_before; /* the next call */
	bool stirred;		     /* the watch has told something meanwhile */

	bool releasing;
	bool released;
	bool yielding;		  /* given to somebody else: not ours to take */
	struct mono_time back_at; /* before that */
	bool holder_told;
	char holder[LEASE_HOLDER_MAX + 1];
	char trouble[256];
};

static void elect_step(struct elect *elect, struct core_time now);
static void lose(struct elect *elect);

struct elect *
elect_new(const struct elect_options *options, const struct effects *effects,
    const struct elect_handlers *handlers, void *arg)
{
	struct elect *elect = mem_calloc(1, sizeof *elect);
	int64_t duration_ms = options->duration_s * 1000;
	int64_t margin_ms = options->grace_s * 1000;

	assert(
	    options->identity[0] != '\0' && strlen(options->identity) <= NAME_MAX_LEN);
	assert(options->grace_s >= 0 && options->duration_s > options->grace_s);
	elect->identity = mem_strdup(options->identity);
	elect->name = mem_strdup(options->name);
	elect->namespace = mem_strdup(options->namespace);
	elect->path = mem_printf(
	    "/apis/coordination.k8s.io/v1/namespaces/%s/leases", options->namespace);
	elect->duration_s = options->duration_s;
	elect->times = (struct elect_times){
	    .renew_ms = duration_ms / 6,
	    .retry_ms = duration_ms / 6 < RETRY_MAX_MS ? duration_ms / 6 : RETRY_MAX_MS,
	    .call_timeout_ms = (duration_ms - margin_ms) / 4,
	    .margin_ms = margin_ms,
	};
	elect->effects = effects;
	elect->handlers = *handlers;
	elect->arg = arg;
	return elect;
}

void
elect_free(struct elect *elect)
{
	if (elect == NULL)
		return;
	lease_clear(&elect->lease);
	free(elect->identity);
	free(elect->name);
	free(elect->namespace);
	free(elect->path);
	free(elect);
}

void
elect_times(const struct elect *elect, struct elect_times *ret_times)
{
	*ret_times = elect->times;
}

bool
elect_leads(const struct elect *elect, struct core_time now)
{
	return elect->leading && now.boot.ms < elect->until.ms;
}

void
elect_wake(struct elect *elect, struct core_time now)
{
	elect_step(elect, now);
}

bool
elect_release(struct elect *elect, struct core_time now)
{
	if (!elect->releasing) {
		elect->releasing = true;
		elect->not_before = now.mono;
	}
	elect_step(elect, now);
	return elect->released;
}

void
elect_yield(struct elect *elect, struct core_time now)
{
	if (!elect->leading || elect->releasing)
		return;
	elect->yielding = true;
	elect->back_at.ms = now.mono.ms + ELECT_YIELD_MS;
	elect->not_before = now.mono;
	lose(elect);
	elect_step(elect, now);
}

/* --- what is told --- */

static void
lose(struct elect *elect)
{
	elect->leading = false;
	elect->handlers.lost(elect->arg);
}

static void
tell_holder(struct elect *elect, const char *holder)
{
	if (elect->holder_told && strcmp(elect->holder, holder) == 0)
		return;
	elect->holder_told = true;
	MESSAGE_TEXT(elect->holder, holder);
	if (elect->handlers.holder != NULL)
		elect->handlers.holder(elect->arg, elect->holder);
}

static void
tell_trouble(struct elect *elect, const char *text)
{
	if (strcmp(elect->trouble, text) == 0)
		return;
	MESSAGE_TEXT(elect->trouble, text);
	if (elect->handlers.trouble != NULL)
		elect->handlers.trouble(elect->arg, elect->trouble);
}

/* --- what to ask next --- */

static void
ask(struct elect *elect, struct core_time now, enum request request, const char *method,
    char *body)
{
	char *path = request == REQUEST_CREATE
			 ? mem_strdup(elect->path)
			 : mem_printf("%s/%s", elect->path, elect->name);
	struct kube_call call = {
	    .method = method,
	    .path = path,
	    .body_kind = KUBE_BODY_JSON,
	    .body = body,
	    .timeout_ms = elect->times.call_timeout_ms,
	    .urgent = true,
	};

	elect->request = request;
	elect->sent = now;
	elect->ticket = ELECT_TICKET_BIT | ((elect->ticket + 1) & ~ELECT_TICKET_BIT);
	elect->effects->call(elect->effects->arg, elect->ticket, &call);
	free(path);
	free(body);
}

static void
ask_read(struct elect *elect, struct core_time now)
{
	ask(elect, now, REQUEST_READ, "GET", NULL);
}

/* A term counts each change of leader. Also our own name from an earlier life is taken
 * as a new term: what that life has ordered can then be told from what we order. */
static int64_t
next_term(const struct elect *elect)
{
	if (elect->lease.object == NULL)
		return 0;
	return elect->lease.transitions < INT32_MAX ? elect->lease.transitions + 1 : 1;
}

static void
ask_claim(struct elect *elect, struct core_time now)
{
	struct lease_change change = {
	    .holder = elect->identity,
	    .duration_s = elect->duration_s,
	    .transitions = next_term(elect),
	    .renewed = now.wall,
	    .acquired = true,
	};

	elect->sent_term = change.transitions;
	elect->maybe_ours = true;
	if (elect->absent)
		ask(elect, now, REQUEST_CREATE, "POST",
		    lease_create(elect->namespace, elect->name, &change));
	else
		ask(elect, now, REQUEST_CLAIM, "PUT",
		    lease_update(&elect->lease, &change));
}

static void
ask_renew(struct elect *elect, struct core_time now)
{
	struct lease_change change = {
	    .holder = elect->identity,
	    .duration_s = elect->duration_s,
	    .transitions = elect->term,
	    .renewed = now.wall,
	};

	elect->sent_term = elect->term;
	ask(elect, now, REQUEST_RENEW, "PUT", lease_update(&elect->lease, &change));
}

/* As client-go's ReleaseOnCancel: nobody's, and expired in a second for those who look
 * at the times only. */
static void
ask_release(struct elect *elect, struct core_time now)
{
	struct lease_change change = {
	    .holder = "",
	    .duration_s = 1,
	    .transitions = elect->lease.transitions,
	    .renewed = now.wall,
	    .acquired = true,
	};

	ask(elect, now, REQUEST_RELEASE, "PUT", lease_update(&elect->lease, &change));
}

/* When the record that was last seen no longer binds us: its own duration after we saw
 * it change, which is never before its holder has sent it. */
static struct mono_time
expiry(const struct elect *elect)
{
	int64_t duration_s = elect->lease.duration_s;

	if (duration_s <= 0)
		duration_s = elect->duration_s;
	if (duration_s > HOLDER_DURATION_MAX_S)
		duration_s = HOLDER_DURATION_MAX_S;
	return (struct mono_time){elect->since.ms + duration_s * 1000};
}

/* A lease that somebody deleted still binds its holder, who may not know it yet. */
static struct mono_time
claimable_at(const struct elect *elect)
{
	if (elect->lease.object != NULL && elect->lease.holder[0] != '\0' &&
	    strcmp(elect->lease.holder, elect->identity) != 0)
		return expiry(elect);
	return elect->yielding ? elect->back_at : (struct mono_time){0};
}

static bool
claimable(const struct elect *elect, struct core_time now)
{
	return now.mono.ms >= claimable_at(elect).ms;
}

/* Our name is to go from the record. */
static bool
gives_away(const struct elect *elect)
{
	return elect->releasing || (elect->yielding && elect->maybe_ours);
}

static void
ask_next(struct elect *elect, struct core_time now)
{
	if (elect->known && gives_away(elect))
		ask_release(elect, now);
	else if (elect->known && elect->leading)
		ask_renew(elect, now);
	else if (elect->known && claimable(elect, now))
		ask_claim(elect, now);
	else
		ask_read(elect, now);
}

static void
arm_wake(struct elect *elect, struct core_time now)
{
	int64_t delay_ms = INT64_MAX;

	if (elect->request == REQUEST_NONE)
		delay_ms = elect->not_before.ms - now.mono.ms;
	if (elect->leading && elect->until.ms - now.boot.ms < delay_ms)
		delay_ms = elect->until.ms - now.boot.ms;
	if (delay_ms != INT64_MAX)
		elect->effects->wake_in(
		    elect->effects->arg, delay_ms > 0 ? delay_ms : 0);
}

/* Everything that can be due. After each event, and as often as one likes. */
static void
elect_step(struct elect *elect, struct core_time now)
{
	if (elect->released)
		return;
	if (elect->leading && (elect->releasing || now.boot.ms >= elect->until.ms)) {
		/* what is to be done now does not wait for the next renewal */
		elect->not_before = now.mono;
		lose(elect);
	}
	if (elect->releasing && !elect->maybe_ours) {
		elect->released = true;
		return;
	}
	if (elect->yielding && now.mono.ms >= elect->back_at.ms)
		elect->yielding = false;
	if (elect->request == REQUEST_NONE && now.mono.ms >= elect->not_before.ms)
		ask_next(elect, now);
	arm_wake(elect, now);
}

/* --- answers --- */

/* The record as the server now has it. */
static void
observe(struct elect *elect, struct core_time now, struct lease *lease)
{
	if (elect->lease.object == NULL || !lease_equal(&elect->lease, lease))
		elect->since = now.mono;
	lease_clear(&elect->lease);
	elect->lease = *lease;
	elect->known = true;
	elect->absent = false;
	elect->maybe_ours = strcmp(lease->holder, elect->identity) == 0;
	if (lease->holder[0] != '\0' && !elect->maybe_ours)
		elect->yielding = false;
	if (elect->leading && (!elect->maybe_ours || lease->transitions != elect->term))
		lose(elect);
	tell_holder(elect, lease->holder);
}

/* Nothing is believed of what the server holds before it is read again. */
static void
failed(struct elect *elect, struct core_time now, const struct kube_reply *reply)
{
	int64_t delay_ms = elect->times.retry_ms;
	char text[sizeof elect->trouble];

	elect->known = false;
	if (reply->status == 409)
		delay_ms = CONFLICT_RETRY_MS < delay_ms ? CONFLICT_RETRY_MS : delay_ms;
	else if (reply->retry_after_ms > delay_ms)
		delay_ms = reply->retry_after_ms < elect->times.renew_ms
			       ? reply->retry_after_ms
			       : elect->times.renew_ms;
	elect->not_before.ms = now.mono.ms + delay_ms;
	/* lost races; but a namespace that is not there is told */
	if (reply->status == 409 ||
	    (reply->status == 404 && elect->request != REQUEST_CREATE))
		return;
	snprintf(text, sizeof text, "%s: HTTP %d %.200s",
	    elect->request == REQUEST_READ ? "read" : "write", reply->status,
	    reply->message);
	tell_trouble(elect, text);
}

static void
poll_later(struct elect *elect, struct core_time now)
{
	elect->not_before.ms = now.mono.ms + elect->times.retry_ms;
	if (claimable(elect, now) || gives_away(elect))
		elect->not_before = now.mono;
	else if (claimable_at(elect).ms < elect->not_before.ms)
		elect->not_before = claimable_at(elect);
}

static void
observe_none(struct elect *elect)
{
	elect->known = true;
	elect->absent = true;
	elect->maybe_ours = false;
	if (elect->leading)
		lose(elect);
	tell_holder(elect, "");
}

static void
answer_read(struct elect *elect, struct core_time now, const struct kube_reply *reply)
{
	struct lease lease;

	if (reply->error == 0 && reply->status == 404) {
		observe_none(elect);
	} else if (reply->error == 0 && reply->status == 200 &&
		   lease_read(reply->json, &lease) == 0) {
		observe(elect, now, &lease);
	} else {
		failed(elect, now, reply);
		return;
	}
	tell_trouble(elect, "");
	if (elect->leading)
		elect->not_before = elect->renew_at;
	else
		poll_later(elect, now);
}

/* Our own write is in force, and the answer shows it. */
static bool
in_force(
    const struct elect *elect, const struct kube_reply *reply, struct lease *ret_lease)
{
	struct lease lease;

	if (reply->error != 0 || reply->status < 200 || reply->status > 299 ||
	    lease_read(reply->json, &lease) < 0)
		return false;
	if (strcmp(lease.holder, elect->identity) == 0 &&
	    lease.transitions == elect->sent_term) {
		*ret_lease = lease;
		return true;
	}
	lease_clear(&lease);
	return false;
}

/* Rule of validity: until D - G after the moment before the write was sent. A follower
 * counts D from when it sees the write, which is later; G is for clocks that differ in
 * speed, and for what is checked before it is done. */
static void
answer_write(struct elect *elect, struct core_time now, const struct kube_reply *reply)
{
	struct boot_time until = {
	    elect->sent.boot.ms + elect->duration_s * 1000 - elect->times.margin_ms};
	bool renewal = elect->request == REQUEST_RENEW;
	struct lease lease;

	if (!in_force(elect, reply, &lease)) {
		failed(elect, now, reply);
		return;
	}
	tell_trouble(elect, "");
	observe(elect, now, &lease);
	elect->not_before = now.mono;
	/* too late, or not wanted any more: our name stands there, and is dealt with as
	 * that of an earlier life */
	if (now.boot.ms >= until.ms || elect->releasing || (renewal && !elect->leading))
		return;
	elect->until = until;
	elect->renew_at.ms = elect->sent.mono.ms + elect->times.renew_ms;
	elect->not_before = elect->renew_at;
	if (!elect->leading) {
		elect->leading = true;
		elect->term = elect->sent_term;
		elect->handlers.won(elect->arg, (uint64_t)elect->term);
	}
	elect->handlers.valid(elect->arg, until);
}

static void
answer_release(
    struct elect *elect, struct core_time now, const struct kube_reply *reply)
{
	struct lease lease;

	if (reply->error != 0 || reply->status != 200 ||
	    lease_read(reply->json, &lease) < 0) {
		failed(elect, now, reply);
		return;
	}
	observe(elect, now, &lease);
	if (!elect->releasing)
		poll_later(elect, now);
}

void
elect_answer(struct elect *elect, struct core_time now, uint64_t ticket,
    const struct kube_reply *reply)
{
	enum request request = elect->request;

	if (request == REQUEST_NONE || ticket != elect->ticket)
		return;
	/* what came after the end of our validity must not renew it */
	if (elect->leading && now.boot.ms >= elect->until.ms)
		lose(elect);
	if (request == REQUEST_READ)
		answer_read(elect, now, reply);
	else if (request == REQUEST_RELEASE)
		answer_release(elect, now, reply);
	else
		answer_write(elect, now, reply);
	/* the answer may be older than what the watch has told */
	if (elect->stirred && elect->known && !elect->leading)
		elect->not_before = now.mono;
	elect->stirred = false;
	elect->request = REQUEST_NONE;
	elect_step(elect, now);
}

/* Only a follower that knows what it waits for believes it: a watch may lag behind our
 * own writes. */
void
elect_observed(struct elect *elect, struct core_time now, struct json_object *object)
{
	struct mono_time poll = elect->not_before;
	struct lease lease;

	elect->stirred = elect->request != REQUEST_NONE;
	if (elect->stirred || elect->leading || !elect->known)
		return;
	if (object == NULL)
		observe_none(elect);
	else if (lease_read(object, &lease) == 0)
		observe(elect, now, &lease);
	else
		return;
	poll_later(elect, now);
	if (poll.ms < elect->not_before.ms)
		elect->not_before = poll;
	elect_step(elect, now);
}
