#include "hold.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "clock.h"
#include "log.h"
#include "mem.h"

/* What is held at a time. */
#define HOLDS_MAX 1024u

struct held {
	uint64_t id;
	enum sim_hold kind;
	struct mono_time since;
	char *target, *method, *path;
	TAILQ_ENTRY(held) link;
};

struct sim_holds {
	TAILQ_HEAD(, held) list; /* in the order in which they began */
	size_t count;
	uint64_t last_id;
};

static const char *const words[] = {
    [SIM_HOLD_NONE] = "",
    [SIM_HOLD_BEFORE] = "before",
    [SIM_HOLD_AFTER] = "after",
    [SIM_HOLD_OPERATION] = "operation",
    [SIM_HOLD_WAIT] = "wait",
};

const char *
sim_hold_word(enum sim_hold kind)
{
	return words[kind];
}

struct sim_holds *
sim_holds_new(void)
{
	struct sim_holds *holds = mem_calloc(1, sizeof *holds);

	TAILQ_INIT(&holds->list);
	return holds;
}

void
sim_holds_free(struct sim_holds *holds)
{
	if (holds == NULL)
		return;
	sim_holds_clear(holds);
	free(holds);
}

void
sim_holds_clear(struct sim_holds *holds)
{
	struct held *held;

	while ((held = TAILQ_FIRST(&holds->list)) != NULL) {
		TAILQ_REMOVE(&holds->list, held, link);
		free(held->target);
		free(held->method);
		free(held->path);
		free(held);
	}
	holds->count = 0;
}

uint64_t
sim_holds_add(struct sim_holds *holds, const struct sim_seen *seen, enum sim_hold kind)
{
	struct held *held;

	if (holds->count == HOLDS_MAX) {
		log_warn("hold_dropped", LOG_S("path", seen->path));
		return 0;
	}
	held = mem_calloc(1, sizeof *held);
	held->id = ++holds->last_id;
	held->kind = kind;
	held->since = clock_mono();
	held->target = mem_strdup(seen->target);
	held->method = mem_strdup(seen->method);
	held->path = mem_strdup(seen->path);
	TAILQ_INSERT_TAIL(&holds->list, held, link);
	holds->count++;
	return held->id;
}

bool
sim_holds_last(const struct sim_holds *holds, uint64_t id)
{
	const struct held *held;

	if (id == 0)
		return false;
	TAILQ_FOREACH(held, &holds->list, link)
		if (held->id == id)
			return true;
	return false;
}

bool
sim_holds_any(const struct sim_holds *holds)
{
	return holds->count > 0;
}

static void
put_text(struct buf *out, const char *key, const char *text)
{
	buf_printf(out, "\"%s\":\"", key);
	buf_put_json(out, text, strlen(text));
	buf_puts(out, "\",");
}

void
sim_holds_list(const struct sim_holds *holds, struct buf *out)
{
	int64_t now_ms = clock_mono().ms;
	const char *comma = "";
	const struct held *held;

	buf_puts(out, "{\"held\":[");
	TAILQ_FOREACH(held, &holds->list, link) {
		buf_printf(out, "%s{", comma);
		put_text(out, "target", held->target);
		put_text(out, "method", held->method);
		put_text(out, "path", held->path);
		put_text(out, "hold", sim_hold_word(held->kind));
		buf_printf(
		    out, "\"for_ms\":%lld}", (long long)(now_ms - held->since.ms));
		comma = ",";
	}
	buf_puts(out, "]}\n");
}
