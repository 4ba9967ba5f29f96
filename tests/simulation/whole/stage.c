#include "stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#define STAGE_START_MS 1000000
/* Happenings that are kept, and their length. */
#define STAGE_LINES    512u
#define STAGE_LINE_MAX 320u

struct stage stage;

/* A binary heap from index 1 on. */
static struct {
	struct event **events;
	size_t len, size;
	uint64_t sequence;
} queue;

static struct {
	char lines[STAGE_LINES][STAGE_LINE_MAX];
	size_t next;
} record;

void
stage_open(uint64_t seed)
{
	bool verbose = stage.verbose, tracing = stage.tracing;

	stage = (struct stage){
	    .now_ms = STAGE_START_MS,
	    .rng = seed,
	    .verbose = verbose,
	    .tracing = tracing || verbose,
	};
	record.next = 0;
	queue.sequence = 0;
}

/* --- chance ----------------------------------------------------------------------- */

/* splitmix64 (Steele, Lea, Flood 2014). */
uint64_t
stage_random(void)
{
	uint64_t z = stage.rng += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t
stage_pick(uint64_t below)
{
	return stage_random() % below;
}

int64_t
stage_between(int64_t least, int64_t most)
{
	return least + (int64_t)stage_pick((uint64_t)(most - least + 1));
}

bool
stage_chance(unsigned per_mille)
{
	return per_mille > 0 && stage_random() % 1000 < per_mille;
}

/* --- the queue -------------------------------------------------------------------- */

static bool
queue_before(const struct event *a, const struct event *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->sequence < b->sequence;
}

static void
queue_set(size_t place, struct event *event)
{
	queue.events[place] = event;
	event->place = place;
}

static void
queue_rise(struct event *event)
{
	size_t place = event->place;

	while (place > 1 && queue_before(event, queue.events[place / 2])) {
		queue_set(place, queue.events[place / 2]);
		place /= 2;
	}
	queue_set(place, event);
}

static void
queue_sink(struct event *event)
{
	size_t place = event->place;

	for (;;) {
		size_t child = 2 * place;

		if (child + 1 <= queue.len &&
		    queue_before(queue.events[child + 1], queue.events[child]))
			child++;
		if (child > queue.len || queue_before(event, queue.events[child]))
			break;
		queue_set(place, queue.events[child]);
		place = child;
	}
	queue_set(place, event);
}

void
stage_arm(struct event *event, int64_t delay_ms)
{
	event->at_ms = stage.now_ms + (delay_ms > 0 ? delay_ms : 0);
	if (event->gate_ms != NULL && event->at_ms < *event->gate_ms)
		event->at_ms = *event->gate_ms;
	event->sequence = queue.sequence++;
	if (event->place == 0) {
		if (queue.len + 1 >= queue.size) {
			queue.size = queue.size > 0 ? 2 * queue.size : 1024;
			queue.events = mem_realloc(
			    queue.events, queue.size, sizeof(struct event *));
		}
		queue_set(++queue.len, event);
	}
	queue_rise(event);
	queue_sink(event);
}

void
stage_disarm(struct event *event)
{
	struct event *last;

	if (event->place == 0)
		return;
	last = queue.events[queue.len--];
	if (last != event) {
		queue_set(event->place, last);
		queue_rise(last);
		queue_sink(last);
	}
	event->place = 0;
}

void
stage_later(int64_t delay_ms, const int64_t *gate_ms, void (*run)(void *arg),
    void (*drop)(void *arg), void *arg)
{
	struct event *event = mem_calloc(1, sizeof *event);

	event->gate_ms = gate_ms;
	event->run = run;
	event->drop = drop;
	event->arg = arg;
	event->once = true;
	stage_arm(event, delay_ms);
}

void
stage_delay(const int64_t *gate_ms)
{
	int64_t pause_ms = *gate_ms - stage.now_ms;
	size_t len = queue.len;

	for (size_t i = 1; i <= len; i++)
		if (queue.events[i]->gate_ms == gate_ms)
			queue.events[i]->at_ms += pause_ms;
	for (queue.len = 0; queue.len < len;) {
		struct event *event = queue.events[queue.len + 1];

		queue_set(++queue.len, event);
		queue_rise(event);
	}
}

static void
event_end(struct event *event, bool run)
{
	void (*call)(void *arg) = run ? event->run : event->drop;
	void *arg = event->arg;

	if (event->once)
		free(event);
	if (call != NULL)
		call(arg);
}

void
stage_close(void)
{
	while (queue.len > 0) {
		struct event *event = queue.events[1];

		stage_disarm(event);
		event_end(event, false);
	}
	free(queue.events);
	queue.events = NULL;
	queue.size = 0;
}

bool
stage_step(int64_t until_ms)
{
	struct event *event = queue.len > 0 ? queue.events[1] : NULL;

	if (event == NULL || event->at_ms > until_ms) {
		stage.now_ms = until_ms;
		return false;
	}
	stage_disarm(event);
	stage.now_ms = event->at_ms;
	stage.steps++;
	event_end(event, true);
	return true;
}

void
stage_run(int64_t ms)
{
	int64_t until_ms = stage.now_ms + ms;

	while (stage.violation[0] == '\0' && stage_step(until_ms))
		;
}

/* --- what happened ---------------------------------------------------------------- */

void
stage_record(const char *who, const char *format, ...)
{
	char *line = record.lines[record.next++ % STAGE_LINES];
	int64_t since_ms = stage.now_ms - STAGE_START_MS;
	int len = snprintf(line, STAGE_LINE_MAX, "%5lld.%03lld %-14s ",
	    (long long)(since_ms / 1000), (long long)(since_ms % 1000), who);
	va_list args;

	va_start(args, format);
	vsnprintf(line + len, STAGE_LINE_MAX - (size_t)len, format, args);
	va_end(args);
	if (stage.verbose)
		puts(line);
}

void
stage_print(size_t last)
{
	size_t first = record.next > last ? record.next - last : 0;

	if (record.next - first > STAGE_LINES)
		first = record.next - STAGE_LINES;
	for (; first < record.next; first++)
		puts(record.lines[first % STAGE_LINES]);
}

void
stage_violate(const char *format, ...)
{
	va_list args;

	if (stage.violation[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(stage.violation, sizeof stage.violation, format, args);
	va_end(args);
	stage_tell("VIOLATION", "%s", stage.violation);
}
