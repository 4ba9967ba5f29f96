#include "informer.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "mem.h"

/* Waits between attempts (milliseconds): at first, and at most. The true wait is a
 * random one between half of it and the whole, so that clients do not come in step. */
#define RETRY_LEAST_MS 400
#define RETRY_MOST_MS  30000

/* Longest wait that a server's Retry-After makes us take (milliseconds). */
#define RETRY_AFTER_MAX_MS 60000

/* A list or watch on which nothing comes for so long is dead (milliseconds). The API
 * server sends bookmarks about once a minute: two of them are missing then. */
#define LIST_IDLE_MS  30000
#define WATCH_IDLE_MS 150000

/* Bytes alone are no sign of life: a watch without a whole event or bookmark for so
 * long is given up, and so is a page that has not ended then (milliseconds). */
#define WATCH_SILENT_MS (WATCH_IDLE_MS + 5000)
#define LIST_MOST_MS	120000

/* How long a server is asked to keep a watch open (seconds): a random time in between.
 */
#define WATCH_LEAST_S 240
#define WATCH_MOST_S  480

/* A watch that ends sooner than this, without an event, counts as a failure; one that
 * stood for longer than that was a good answer (milliseconds). */
#define WATCH_SHORT_MS 1000
#define WATCH_GOOD_MS  10000

/* The position is given up after so many refusals of the watch in a row. */
#define WATCH_ERRORS_MAX 3

/* Boot time runs ahead of monotonic time by that much: the machine has slept. What was
 * on its way then has been read so long afterwards (milliseconds). */
#define SLEEP_MS 500
#define AWAKE_MS 5000

static void on_timer(void *arg);
static void on_done(void *arg, const struct http_reply *reply);

struct kube_informer *
kube_informer_new(struct kube *kube, const char *path, const char *query,
    const struct kube_informer_handlers *handlers, void *arg)
{
	struct kube_informer *informer = mem_calloc(1, sizeof *informer);

	assert(handlers->sync_begin != NULL && handlers->sync_end != NULL &&
	       handlers->object != NULL && handlers->failed != NULL);
	informer->kube = kube;
	informer->path = mem_strdup(path);
	informer->query = mem_strdup(query);
	informer->handlers = *handlers;
	informer->arg = arg;
	informer->progressed = clock_boot();
	informer->slept_ms = informer->progressed.ms - clock_mono().ms;
	informer->timer = loop_timer_new(kube->loop, on_timer, informer);
	frame_init(&informer->frame, FRAME_LIST);
	TAILQ_INSERT_TAIL(&kube->informers, informer, link);
	loop_timer_arm(informer->timer, 0);
	return informer;
}

/* Ends what is going on; what follows is for the caller to say. */
static void
stop(struct kube_informer *informer)
{
	if (informer->exchange != NULL)
		http_cancel(informer->exchange);
	informer->exchange = NULL;
	informer->offer.held = false;
	informer->phase = PHASE_WAITING;
	informer->restarts++;
	loop_timer_disarm(informer->timer);
}

void
kube_informer_bury(struct kube_informer *informer)
{
	if (!informer->doomed || informer->inside > 0)
		return;
	loop_timer_free(informer->timer);
	frame_free(&informer->frame);
	free(informer->next_page);
	free(informer->path);
	free(informer->query);
	free(informer);
}

void
kube_informer_free(struct kube_informer *informer)
{
	if (informer == NULL || informer->doomed)
		return;
	stop(informer);
	TAILQ_REMOVE(&informer->kube->informers, informer, link);
	informer->doomed = true;
	kube_informer_bury(informer);
}

static void
forget_position(struct kube_informer *informer)
{
	informer->position[0] = '\0';
	free(informer->next_page);
	informer->next_page = NULL;
}

void
kube_informer_restart(struct kube_informer *informer)
{
	stop(informer);
	forget_position(informer);
	loop_timer_arm(informer->timer, 0);
}

void
kube_informer_resume(struct kube_informer *informer)
{
	if (informer->exchange != NULL)
		http_resume(informer->exchange);
}

void
kube_informer_progress(struct kube_informer *informer)
{
	struct boot_time boot = clock_boot();
	struct mono_time now = clock_mono();
	int64_t slept_ms = boot.ms - now.ms;

	if (slept_ms - informer->slept_ms > SLEEP_MS)
		informer->awake_at.ms = now.ms + AWAKE_MS;
	informer->slept_ms = slept_ms;
	if (now.ms >= informer->awake_at.ms)
		informer->progressed = boot;
}

struct boot_time
kube_informer_progressed(const struct kube_informer *informer)
{
	return informer->progressed;
}

int64_t
kube_informer_silent_ms(const struct kube_informer *informer)
{
	return clock_boot().ms - informer->progressed.ms;
}

uint64_t
kube_informer_refused(const struct kube_informer *informer)
{
	return informer->refused;
}

struct kube_informer *
kube_informer_next(struct kube_informer *informer)
{
	return TAILQ_NEXT(informer, link);
}

void
kube_informer_hurry(struct kube_informer *informer)
{
	if (informer->phase == PHASE_WAITING)
		loop_timer_arm(informer->timer, 0);
}

/* --- requests -----------------------------------------------------------------------
 */

static uint32_t
random_below(uint32_t bound)
{
	uint32_t value = 0;

	if (getrandom(&value, sizeof value, 0) != sizeof value)
		value = (uint32_t)clock_mono().ms;
	return value % bound;
}

static char *
list_path(const struct kube_informer *informer)
{
	const char *more = informer->query[0] != '\0' ? "&" : "";
	char *token, *path;

	if (informer->next_page == NULL)
		return mem_printf("%s?limit=" KUBE_PAGE "%s%s", informer->path, more,
		    informer->query);
	token = kube_escape(informer->next_page);
	path = mem_printf("%s?limit=" KUBE_PAGE "&continue=%s%s%s", informer->path,
	    token, more, informer->query);
	free(token);
	return path;
}

static char *
watch_path(const struct kube_informer *informer)
{
	uint32_t seconds =
	    WATCH_LEAST_S + random_below(WATCH_MOST_S - WATCH_LEAST_S + 1);
	char *version = kube_escape(informer->position);
	char *path = mem_printf("%s?watch=1&allowWatchBookmarks=true&resourceVersion=%s"
				"&timeoutSeconds=%u%s%s",
	    informer->path, version, seconds, informer->query[0] != '\0' ? "&" : "",
	    informer->query);

	free(version);
	return path;
}

static void
start(struct kube_informer *informer)
{
	bool watch = informer->position[0] != '\0';
	char *path = watch ? watch_path(informer) : list_path(informer);
	const char *headers[] = {
	    informer->kube->user_agent, "Accept: application/json", NULL};
	struct http_request request = {
	    .method = "GET",
	    .path = path,
	    .headers = headers,
	    .timeout_ms = watch ? 0 : LIST_MOST_MS,
	    .idle_ms = watch ? WATCH_IDLE_MS : LIST_IDLE_MS,
	    .data = informer_take,
	    .done = on_done,
	    .arg = informer,
	};

	frame_free(&informer->frame);
	frame_init(&informer->frame, watch ? FRAME_LINES : FRAME_LIST);
	informer->phase = watch ? PHASE_WATCH : PHASE_LIST;
	informer->offer.held = false;
	informer->skip = 0;
	informer->begun = informer->answered = informer->oversized = false;
	informer->refused_by_server = false;
	informer->list_version[0] = informer->list_continue[0] = '\0';
	informer->started = clock_mono();
	informer->exchange = http_start(informer->kube->target, &request);
	if (watch)
		kube_informer_heard(informer);
	free(path);
}

void
kube_informer_heard(struct kube_informer *informer)
{
	loop_timer_arm(informer->timer, WATCH_SILENT_MS);
}

/* --- answers ------------------------------------------------------------------------
 */

static int64_t
retry_wait_ms(const struct kube_informer *informer, int64_t retry_after_ms)
{
	unsigned int tries = informer->failures > informer->expiries
				 ? informer->failures
				 : informer->expiries;
	uint32_t whole = RETRY_LEAST_MS;
	int64_t wait_ms;

	for (; tries > 1 && whole < RETRY_MOST_MS; tries--)
		whole *= 2;
	if (whole > RETRY_MOST_MS)
		whole = RETRY_MOST_MS;
	wait_ms = whole / 2 + random_below(whole / 2 + 1);
	if (retry_after_ms > RETRY_AFTER_MAX_MS)
		retry_after_ms = RETRY_AFTER_MAX_MS;
	return wait_ms > retry_after_ms ? wait_ms : retry_after_ms;
}

struct failure {
	int status;
	char message[STATUS_MESSAGE_MAX];
	int64_t retry_after_ms;
};

static void
retry(struct kube_informer *informer, const struct failure *failure)
{
	informer->phase = PHASE_WAITING;
	informer->failures++;
	loop_timer_arm(
	    informer->timer, retry_wait_ms(informer, failure->retry_after_ms));
	informer->handlers.failed(informer->arg, failure->status, failure->message);
}

static struct failure
describe(const struct http_reply *reply)
{
	struct failure failure = {
	    .status = reply->status, .retry_after_ms = reply->retry_after_ms};
	struct json_object *json;
	struct kube_status status;

	if (reply->error != 0) {
		failure.status = 0;
		snprintf(failure.message, sizeof failure.message, "%s", reply->detail);
		return failure;
	}
	snprintf(
	    failure.message, sizeof failure.message, "HTTP status %d", reply->status);
	json = kube_json_parse(reply->body, reply->body_len);
	if (kube_status_read(json, &status) == 0) {
		if (status.message[0] != '\0')
			memcpy(failure.message, status.message, sizeof failure.message);
		if (failure.retry_after_ms < 0)
			failure.retry_after_ms = status.retry_after_ms;
	}
	kube_json_free(json);
	return failure;
}

/* True when asking the same thing again would be refused again. */
static bool
is_final(int status)
{
	return status >= 400 && status <= 499 && status != 401 && status != 403 &&
	       status != 408 && status != 429;
}

static void
end_page(struct kube_informer *informer)
{
	unsigned int restarts = informer->restarts;

	informer->failures = 0;
	kube_informer_progress(informer);
	free(informer->next_page);
	informer->next_page = NULL;
	if (informer->list_continue[0] != '\0') {
		informer->next_page = mem_strdup(informer->list_continue);
		start(informer);
		return;
	}
	memcpy(informer->position, informer->list_version, sizeof informer->position);
	informer->phase = PHASE_WAITING;
	informer->handlers.sync_end(informer->arg);
	if (informer->restarts == restarts)
		start(informer);
}

/* A page that failed is asked for again, unless its token is what was wrong. */
static void
end_list(struct kube_informer *informer, const struct http_reply *reply)
{
	struct failure failure = {.retry_after_ms = -1};

	if (reply->error == 0 && reply->status == 200) {
		if (frame_is_complete(&informer->frame) &&
		    informer->list_version[0] != '\0') {
			end_page(informer);
			return;
		}
		snprintf(failure.message, sizeof failure.message,
		    "the list is cut off or has no resourceVersion");
		failure.status = reply->status;
	} else {
		failure = describe(reply);
	}
	if (reply->error == -EBADMSG)
		snprintf(
		    failure.message, sizeof failure.message, "the answer is no list");
	if (is_final(failure.status))
		forget_position(informer);
	retry(informer, &failure);
}

static void
end_refused_watch(struct kube_informer *informer, const struct failure *failure)
{
	if (failure->status == 410)
		informer->expiries++;
	/* a server that has too much to do is not asked for a list */
	if (failure->status != 429)
		informer->watch_errors++;
	if (is_final(failure->status) || informer->watch_errors >= WATCH_ERRORS_MAX) {
		informer->watch_errors = 0;
		forget_position(informer);
	}
	retry(informer, failure);
}

/* The stream ended by itself, or broke. What it gave is behind us: the next one begins
 * at the position. A last line without an end was not used. */
static void
end_broken_watch(struct kube_informer *informer, const struct failure *failure)
{
	int64_t stood_ms = clock_mono().ms - informer->started.ms;

	if (stood_ms >= WATCH_GOOD_MS)
		informer->failures = 0;
	retry(informer, failure);
}

static void
end_watch(struct kube_informer *informer, const struct http_reply *reply)
{
	int64_t stood_ms = clock_mono().ms - informer->started.ms;
	struct failure failure = {.retry_after_ms = -1};

	if (informer->refused_by_server) {
		failure.status = informer->status.code;
		failure.retry_after_ms = informer->status.retry_after_ms;
		memcpy(
		    failure.message, informer->status.message, sizeof failure.message);
		end_refused_watch(informer, &failure);
	} else if (informer->oversized) {
		forget_position(informer);
		snprintf(failure.message, sizeof failure.message,
		    "a line of the watch is too long");
		retry(informer, &failure);
	} else if (reply->error != 0) {
		failure = describe(reply);
		end_broken_watch(informer, &failure);
	} else if (reply->status != 200) {
		failure = describe(reply);
		end_refused_watch(informer, &failure);
	} else if (stood_ms < WATCH_SHORT_MS && !informer->answered) {
		snprintf(
		    failure.message, sizeof failure.message, "the watch ended at once");
		retry(informer, &failure);
	} else if (stood_ms < WATCH_SHORT_MS) {
		/* nothing failed, but such a server is not to be asked without pause */
		informer->phase = PHASE_WAITING;
		loop_timer_arm(informer->timer, retry_wait_ms(informer, -1));
	} else {
		informer->failures = 0;
		start(informer);
	}
}

static void
on_done(void *arg, const struct http_reply *reply)
{
	struct kube_informer *informer = arg;

	informer->exchange = NULL;
	kube_measured(informer->kube, "GET", reply->error, reply->status);
	informer->inside++;
	if (informer->phase == PHASE_LIST)
		end_list(informer, reply);
	else
		end_watch(informer, reply);
	informer->inside--;
	kube_informer_bury(informer);
}

static void
end_silent_watch(struct kube_informer *informer)
{
	static const struct failure failure = {
	    .message = "no event and no bookmark came", .retry_after_ms = -1};

	stop(informer);
	end_broken_watch(informer, &failure);
}

static void
on_timer(void *arg)
{
	struct kube_informer *informer = arg;

	informer->inside++;
	if (informer->phase == PHASE_WAITING)
		start(informer);
	else if (informer->phase == PHASE_WATCH && informer->offer.held)
		kube_informer_heard(informer);
	else if (informer->phase == PHASE_WATCH)
		end_silent_watch(informer);
	informer->inside--;
	kube_informer_bury(informer);
}
