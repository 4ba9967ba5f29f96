#include "observe.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "mem.h"

/* Scopes that wait, are read, or are being told. */
#define SCOPES_MAX 256u
/* Calls that are open at the same time, those of dropped scopes included. */
#define CALLS_MAX 4u
/* Pages of one scope, and items of all that are held at the same time (each takes up to
 * 0.7 KiB); a scope that needs more stays unknown. */
#define PAGES_MAX 40u
#define ITEMS_MAX 24000u
/* No further scope is begun while so many items wait to be told. */
#define ITEMS_WAITING_MAX 8000u
/* Tries for one page. The endpoint's back-off lies between them. */
#define TRIES_MAX 2u

struct page {
	struct cloud_page page;
	TAILQ_ENTRY(page) entry;
};

/* The parts of a scope's story, in this order. */
enum telling { TELL_NOT_YET, TELL_BEGIN, TELL_ITEMS, TELL_END };

struct scope {
	struct msg_observe msg;
	int64_t timeout_ms;
	uint64_t ticket; /* of the open call; 0: none */
	bool begun;
	unsigned int tries;
	size_t pages_len;
	char next[CLOUD_PAGE_TOKEN_MAX + 1];
	TAILQ_HEAD(, page) pages;
	enum telling telling;
	size_t told; /* items of the first page */
	struct msg_observed_end end;
	bool again; /* asked for while it was read */
	struct msg_observe again_msg;
	TAILQ_ENTRY(scope) entry;
};

struct observe {
	struct observe_effects effects;
	TAILQ_HEAD(, scope) scopes; /* in the order they were asked for */
	size_t scopes_len;
	size_t calls; /* open */
	size_t items; /* held */
	uint64_t ticket_last;
};

static void observe_start(struct observe *observe);

struct observe *
observe_new(const struct observe_effects *effects)
{
	struct observe *observe = mem_calloc(1, sizeof *observe);

	observe->effects = *effects;
	TAILQ_INIT(&observe->scopes);
	return observe;
}

static void
page_drop(struct observe *observe, struct scope *scope)
{
	struct page *page = TAILQ_FIRST(&scope->pages);

	TAILQ_REMOVE(&scope->pages, page, entry);
	observe->items -= page->page.len;
	free(page->page.instances);
	free(page->page.addresses);
	free(page);
}

static void
scope_free(struct observe *observe, struct scope *scope)
{
	while (!TAILQ_EMPTY(&scope->pages))
		page_drop(observe, scope);
	TAILQ_REMOVE(&observe->scopes, scope, entry);
	observe->scopes_len--;
	free(scope);
}

void
observe_drop(struct observe *observe)
{
	while (!TAILQ_EMPTY(&observe->scopes))
		scope_free(observe, TAILQ_FIRST(&observe->scopes));
}

void
observe_free(struct observe *observe)
{
	if (observe == NULL)
		return;
	observe_drop(observe);
	free(observe);
}

/* --- asking -------------------------------------------------------------------- */

static struct scope *
scope_find(const struct observe *observe, const struct msg_observe *msg)
{
	struct scope *scope;

	TAILQ_FOREACH(scope, &observe->scopes, entry)
		if (scope->msg.scope == msg->scope &&
		    strcmp(scope->msg.project, msg->project) == 0 &&
		    strcmp(scope->msg.place, msg->place) == 0)
			return scope;
	return NULL;
}

static void
scope_add(struct observe *observe, const struct msg_observe *msg, int64_t timeout_ms)
{
	struct scope *scope = mem_calloc(1, sizeof *scope);

	scope->msg = *msg;
	scope->timeout_ms = timeout_ms;
	TAILQ_INIT(&scope->pages);
	TAILQ_INSERT_TAIL(&observe->scopes, scope, entry);
	observe->scopes_len++;
}

int
observe_request(
    struct observe *observe, const struct msg_observe *msg, int64_t timeout_ms)
{
	struct scope *scope = scope_find(observe, msg);

	if (scope == NULL) {
		if (observe->scopes_len >= SCOPES_MAX)
			return -EPROTO;
		scope_add(observe, msg, timeout_ms);
	} else if (!scope->begun) {
		scope->msg = *msg;
	} else {
		scope->again = true;
		scope->again_msg = *msg;
	}
	observe_start(observe);
	return 0;
}

static void
scope_call(struct observe *observe, struct scope *scope)
{
	bool zone = scope->msg.scope == SCOPE_ZONE;

	scope->begun = true;
	scope->ticket = ++observe->ticket_last;
	observe->calls++;
	observe->effects.call(observe->effects.arg, scope->ticket,
	    &(struct cloud_call){
		.op = zone ? CLOUD_LIST_INSTANCES : CLOUD_LIST_ADDRESSES,
		.project = scope->msg.project,
		.place = scope->msg.place,
		.page = scope->next,
		.timeout_ms = scope->timeout_ms,
	    });
}

/* Begins the scopes that wait, as far as the limits allow. */
static void
observe_start(struct observe *observe)
{
	struct scope *scope;

	TAILQ_FOREACH(scope, &observe->scopes, entry) {
		if (observe->calls >= CALLS_MAX || observe->items >= ITEMS_WAITING_MAX)
			return;
		if (!scope->begun)
			scope_call(observe, scope);
	}
}

/* --- telling ------------------------------------------------------------------- */

static int
tell_begin(struct observe *observe, struct scope *scope)
{
	struct msg_observed_begin begin = {
	    .round = scope->msg.round, .scope = scope->msg.scope};

	MESSAGE_TEXT(begin.project, scope->msg.project);
	MESSAGE_TEXT(begin.place, scope->msg.place);
	return observe->effects.send(observe->effects.arg, MSG_OBSERVED_BEGIN, &begin);
}

static int
tell_item(struct observe *observe, struct scope *scope, struct cloud_page *page)
{
	void *arg = observe->effects.arg;

	if (scope->msg.scope == SCOPE_ZONE) {
		page->instances[scope->told].round = scope->msg.round;
		return observe->effects.send(
		    arg, MSG_OBSERVED_INSTANCE, &page->instances[scope->told]);
	}
	page->addresses[scope->told].round = scope->msg.round;
	return observe->effects.send(
	    arg, MSG_OBSERVED_ADDRESS, &page->addresses[scope->told]);
}

static int
tell_items(struct observe *observe, struct scope *scope)
{
	struct page *page;

	while ((page = TAILQ_FIRST(&scope->pages)) != NULL) {
		for (; scope->told < page->page.len; scope->told++) {
			int rc = tell_item(observe, scope, &page->page);

			if (rc != 0)
				return rc;
		}
		scope->told = 0;
		page_drop(observe, scope);
	}
	return 0;
}

/* Goes on with one scope's story. Returns 0 when it is told to its end. */
static int
scope_tell(struct observe *observe, struct scope *scope)
{
	int rc = 0;

	if (scope->telling == TELL_BEGIN) {
		rc = tell_begin(observe, scope);
		if (rc == 0)
			scope->telling = TELL_ITEMS;
	}
	if (scope->telling == TELL_ITEMS) {
		rc = tell_items(observe, scope);
		if (rc == 0)
			scope->telling = TELL_END;
	}
	if (scope->telling == TELL_END)
		rc = observe->effects.send(
		    observe->effects.arg, MSG_OBSERVED_END, &scope->end);
	return rc;
}

void
observe_room(struct observe *observe)
{
	struct scope *scope = TAILQ_FIRST(&observe->scopes), *next;

	for (; scope != NULL; scope = next) {
		next = TAILQ_NEXT(scope, entry);
		if (scope->telling == TELL_NOT_YET)
			continue;
		if (scope_tell(observe, scope) != 0)
			return;
		if (scope->again)
			scope_add(observe, &scope->again_msg, scope->timeout_ms);
		scope_free(observe, scope);
	}
	observe_start(observe);
}

/* --- answers ------------------------------------------------------------------- */

static void
scope_end(struct observe *observe, struct scope *scope, const char *reason,
    const char *message)
{
	scope->end.round = scope->msg.round;
	scope->end.scope = scope->msg.scope;
	scope->end.ok = reason == NULL;
	MESSAGE_TEXT(scope->end.project, scope->msg.project);
	MESSAGE_TEXT(scope->end.place, scope->msg.place);
	MESSAGE_TEXT(scope->end.reason, reason);
	MESSAGE_TEXT(scope->end.message, message);
	scope->telling = TELL_BEGIN;
	while (reason != NULL && !TAILQ_EMPTY(&scope->pages))
		page_drop(observe, scope);
}

static bool
is_worth_another(const struct scope *scope, enum cloud_fault fault)
{
	return scope->tries < TRIES_MAX &&
	       (fault == FAULT_NOT_SENT || fault == FAULT_LOST ||
		   fault == FAULT_TRANSIENT || fault == FAULT_THROTTLED);
}

static void
scope_take(struct observe *observe, struct scope *scope, struct cloud_page *taken)
{
	struct page *page = mem_calloc(1, sizeof *page);

	page->page = *taken;
	*taken = (struct cloud_page){0};
	TAILQ_INSERT_TAIL(&scope->pages, page, entry);
	observe->items += page->page.len;
	scope->pages_len++;
	scope->tries = 0;
	snprintf(scope->next, sizeof scope->next, "%s", page->page.next);
	if (scope->next[0] == '\0')
		scope_end(observe, scope, NULL, NULL);
	else if (scope->pages_len >= PAGES_MAX || observe->items >= ITEMS_MAX)
		scope_end(observe, scope, "TooLarge",
		    "the place has more than can be observed");
	else
		scope_call(observe, scope);
}

void
observe_answer(struct observe *observe, uint64_t ticket, struct cloud_answer *answer)
{
	struct scope *scope;

	observe->calls--;
	TAILQ_FOREACH(scope, &observe->scopes, entry)
		if (scope->ticket == ticket)
			break;
	if (scope != NULL) {
		scope->ticket = 0;
		scope->tries++;
		if (answer->fault == FAULT_NONE)
			scope_take(observe, scope, &answer->page);
		else if (is_worth_another(scope, answer->fault))
			scope_call(observe, scope);
		else
			scope_end(observe, scope, answer->reason, answer->message);
	}
	observe_room(observe);
}
