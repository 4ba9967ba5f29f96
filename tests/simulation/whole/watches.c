/* Informers of kube/kube.h: a list, then what changed since, as the watcher of one
 * replica gets them; with gaps, delays, lists of a while ago, and positions that the
 * server has forgotten. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "hosts.h"
#include "mem.h"
#include "server.h"

#define LIST_MS		20
#define CHANGE_LEAST_MS 5
#define CHANGE_MOST_MS	60
#define LATE_MOST_MS	15000
#define AGAIN_LEAST_MS	400
#define AGAIN_MOST_MS	10000
/* How many changes a stale list may lack. */
#define STALE_MOST 8u

enum stage_of_informer { INFORMER_LISTS, INFORMER_WATCHES };

struct kube_informer {
	struct loop *loop;
	enum kind kind;
	const struct kube_informer_handlers *handlers;
	void *arg;
	enum stage_of_informer at;
	size_t position; /* in the history: what is to be told next */
	bool held;	 /* the handler takes nothing now */
	bool missed;	 /* the last answer was that its kind is not served */
	unsigned restarts;
	bool inside, doomed; /* it is freed by its own handler */
	struct event event;
	LIST_ENTRY(kube_informer) entry;
};

static LIST_HEAD(, kube_informer) informers;

void
watches_open(void)
{
	LIST_INIT(&informers);
}

static void
informer_free(struct kube_informer *informer)
{
	stage_disarm(&informer->event);
	LIST_REMOVE(informer, entry);
	free(informer);
}

void
watches_close(void)
{
	struct kube_informer *informer = LIST_FIRST(&informers), *next;

	for (; informer != NULL; informer = next) {
		next = LIST_NEXT(informer, entry);
		informer_free(informer);
	}
}

void
watches_gone(const struct loop *process)
{
	struct kube_informer *informer = LIST_FIRST(&informers), *next;

	for (; informer != NULL; informer = next) {
		next = LIST_NEXT(informer, entry);
		if (informer->loop == process)
			informer_free(informer);
	}
}

static void
informer_arm(struct kube_informer *informer, int64_t least_ms, int64_t most_ms)
{
	stage_arm(&informer->event, stage_between(least_ms, most_ms));
}

static int
informer_give(
    struct kube_informer *informer, enum kube_event event, struct json_object *json)
{
	size_t len;
	const char *text = json_object_to_json_string_length(
	    json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);

	return informer->handlers->object(informer->arg, event, text, len);
}

/* --- lists ------------------------------------------------------------------------ */

/* As it was after the first `end` changes. */
static void
informer_list(struct kube_informer *informer, size_t end)
{
	unsigned restarts = informer->restarts;

	if (informer->handlers->sync_begin(informer->arg) != 0)
		goto again;
	for (size_t i = 0; i < end; i++) {
		const struct change *change = &server.changes[i];

		if (change->kind != informer->kind || change->deleted ||
		    change->next < end)
			continue;
		if (informer_give(informer, KUBE_ADDED, change->json) == -EAGAIN)
			goto again;
		if (informer->restarts != restarts)
			return;
	}
	informer->handlers->sync_end(informer->arg);
	if (informer->restarts != restarts)
		return;
	informer->at = INFORMER_WATCHES;
	informer->position = end;
	if (informer->position < server.changes_len)
		informer_arm(informer, CHANGE_LEAST_MS, CHANGE_MOST_MS);
	return;
again:
	informer_arm(informer, LIST_MS, LIST_MS);
}

static size_t
stale_end(void)
{
	size_t end = server.changes_len;

	if (stage_chance(server.faults.stale_list) && end > 0)
		end -= stage_pick(end < STALE_MOST ? end : STALE_MOST);
	return end;
}

/* --- watches ---------------------------------------------------------------------- */

static void
informer_watch(struct kube_informer *informer)
{
	unsigned restarts = informer->restarts;

	while (informer->position < server.changes_len) {
		const struct change *change = &server.changes[informer->position];
		enum kube_event event = change->deleted ? KUBE_DELETED
					: change->added ? KUBE_ADDED
							: KUBE_MODIFIED;

		if (change->kind == informer->kind &&
		    informer_give(informer, event, change->json) == -EAGAIN) {
			informer->held = true;
			return;
		}
		if (informer->restarts != restarts)
			return;
		informer->position++;
	}
}

/* PodTracker may be missing for a moment, too, but not twice in a row: that would be
 * for longer. */
static bool
is_served(struct kube_informer *informer)
{
	bool tracker = informer->kind == KIND_TRACKER;

	if (server.no_trackers && (tracker || informer->kind == KIND_SLICE))
		return false;
	informer->missed = tracker && !informer->missed && server.faults.unserved > 0 &&
			   stage_chance(server.faults.unserved);
	return !informer->missed;
}

static void
informer_fail(struct kube_informer *informer, int status, const char *message)
{
	informer->handlers->failed(informer->arg, status, message);
	if (!informer->doomed)
		informer_arm(informer, AGAIN_LEAST_MS, AGAIN_MOST_MS);
}

static void
informer_run(void *arg)
{
	struct kube_informer *informer = arg;
	struct loop *process = informer->loop;

	if (!process_enter(process, process->life))
		return;
	informer->inside = true;
	if (server.down || process->host->no_server) {
		informer_fail(informer, 0, "it is not there");
	} else if (!is_served(informer)) {
		informer->at = INFORMER_LISTS;
		informer_fail(informer, 404, "NotFound");
	} else if (informer->at == INFORMER_LISTS) {
		informer_list(informer, stale_end());
	} else {
		informer_watch(informer);
	}
	informer->inside = false;
	if (informer->doomed)
		informer_free(informer);
	process_leave(process);
}

static void
informer_hear(struct kube_informer *informer)
{
	/* what is late does not get later with each change that comes meanwhile */
	if (informer->at != INFORMER_WATCHES || informer->held ||
	    (informer->event.place != 0 &&
		informer->event.at_ms > stage.now_ms + CHANGE_MOST_MS))
		return;
	if (stage_chance(server.faults.watch_gone)) {
		informer->at = INFORMER_LISTS;
		informer_arm(informer, AGAIN_LEAST_MS, AGAIN_MOST_MS);
	} else if (stage_chance(server.faults.watch_cut)) {
		informer_arm(informer, AGAIN_LEAST_MS, AGAIN_MOST_MS);
	} else if (stage_chance(server.faults.watch_late)) {
		informer_arm(informer, CHANGE_MOST_MS, LATE_MOST_MS);
	} else if (informer->event.place == 0) {
		informer_arm(informer, CHANGE_LEAST_MS, CHANGE_MOST_MS);
	}
}

void
watches_changed(enum kind kind)
{
	struct kube_informer *informer;

	LIST_FOREACH(informer, &informers, entry)
		if (informer->kind == kind)
			informer_hear(informer);
}

/* --- kube/kube.h ------------------------------------------------------------------ */

struct kube_informer *
kube_informer_new(struct kube *kube, const char *path, const char *query,
    const struct kube_informer_handlers *handlers, void *arg)
{
	struct kube_informer *informer = mem_calloc(1, sizeof *informer);

	(void)kube;
	(void)query;
	informer->loop = hosts.current;
	informer->kind = strstr(path, "/nodes") != NULL		     ? KIND_NODE
			 : strstr(path, "/pods") != NULL	     ? KIND_POD
			 : strstr(path, "/leases") != NULL	     ? KIND_LEASE
			 : strstr(path, "/podtrackerslices") != NULL ? KIND_SLICE
			 : strstr(path, "/podtrackers") != NULL	     ? KIND_TRACKER
								     : KIND_ALLOCATION;
	informer->handlers = handlers;
	informer->arg = arg;
	informer->event =
	    (struct event){.gate_ms = &informer->loop->host->suspended_until_ms,
		.run = informer_run,
		.arg = informer};
	LIST_INSERT_HEAD(&informers, informer, entry);
	informer_arm(informer, LIST_MS, 2 * LIST_MS);
	return informer;
}

void
kube_informer_free(struct kube_informer *informer)
{
	if (informer == NULL)
		return;
	informer->restarts++;
	stage_disarm(&informer->event);
	informer->doomed = informer->inside;
	if (!informer->inside)
		informer_free(informer);
}

void
kube_informer_restart(struct kube_informer *informer)
{
	informer->at = INFORMER_LISTS;
	informer->held = false;
	informer->restarts++;
	informer_arm(informer, LIST_MS, 2 * LIST_MS);
}

void
kube_informer_resume(struct kube_informer *informer)
{
	if (!informer->held)
		return;
	informer->held = false;
	informer_arm(informer, 0, 0);
}

struct boot_time
kube_informer_progressed(const struct kube_informer *informer)
{
	(void)informer;
	return clock_boot();
}

int64_t
kube_informer_silent_ms(const struct kube_informer *informer)
{
	(void)informer;
	return 0;
}
