#include "track.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "mem.h"

/* One name of a pod, and what was last known under it. */
struct place {
	char *path;
	struct footprint *print; /* NULL: there is none now */
	char *node;		 /* the last one; NULL: none yet */
	char *ip;
	struct moment seen;
	uint64_t list; /* the last one that had it */
	bool walked;   /* this incarnation */
};

struct ended {
	struct footprint *print;
	struct moment seen;
	STAILQ_ENTRY(ended) link;
};

struct track {
	track_event_fn *event;
	void *arg;
	struct place **places; /* sorted by path */
	size_t len, cap;
	uint64_t list;
	bool complete; /* there has been a whole list */
	STAILQ_HEAD(, ended) ended;
	size_t ended_len, missed;
};

struct track *
track_new(track_event_fn *event, void *arg)
{
	struct track *track = mem_calloc(1, sizeof *track);

	track->event = event;
	track->arg = arg;
	STAILQ_INIT(&track->ended);
	return track;
}

static void
free_place(struct place *place)
{
	free(place->path);
	free(place->print);
	free(place->node);
	free(place->ip);
	free(place);
}

static void
forget_ended(struct track *track)
{
	struct ended *ended;

	while ((ended = STAILQ_FIRST(&track->ended)) != NULL) {
		STAILQ_REMOVE_HEAD(&track->ended, link);
		free(ended->print);
		free(ended);
	}
	track->ended_len = track->missed = 0;
}

void
track_free(struct track *track)
{
	if (track == NULL)
		return;
	for (size_t i = 0; i < track->len; i++)
		free_place(track->places[i]);
	free(track->places);
	forget_ended(track);
	free(track);
}

/* Where `path` is, or would be put. */
static size_t
find(const struct track *track, const char *path)
{
	size_t low = 0, high = track->len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(track->places[middle]->path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct place *
place_of(struct track *track, const char *path)
{
	size_t at = find(track, path);

	return at < track->len && strcmp(track->places[at]->path, path) == 0
		   ? track->places[at]
		   : NULL;
}

/* A list comes in order, so that most are put at the end. */
static struct place *
make_place(struct track *track, const char *path)
{
	size_t at = find(track, path);
	struct place *place = mem_calloc(1, sizeof *place);

	place->path = mem_strdup(path);
	if (track->len == track->cap) {
		track->cap = track->cap > 0 ? 2 * track->cap : 64;
		track->places =
		    mem_realloc(track->places, track->cap, sizeof(struct place *));
	}
	memmove(track->places + at + 1, track->places + at,
	    (track->len - at) * sizeof(struct place *));
	track->places[at] = place;
	track->len++;
	return place;
}

static void
tell(const struct track *track, enum track_event event, const struct footprint *print,
    const char *was, struct moment now)
{
	if (track->complete && track->event != NULL)
		track->event(track->arg, event, print, was, now);
}

/* --- what happens -------------------------------------------------------------------
 */

/* One that nobody has walked past is kept until somebody does. */
static void
end_print(struct track *track, struct place *place)
{
	struct ended *ended;

	if (place->walked) {
		free(place->print);
	} else if (track->ended_len >= TRACK_ENDED_MAX) {
		track->missed++;
		free(place->print);
	} else {
		ended = mem_calloc(1, sizeof *ended);
		ended->print = place->print;
		ended->seen = place->seen;
		STAILQ_INSERT_TAIL(&track->ended, ended, link);
		track->ended_len++;
	}
	place->print = NULL;
}

/* Tells and keeps what `text` has become; "" is nothing yet. */
static void
follow(const struct track *track, const struct footprint *print, char **last,
    const char *text, enum track_event event, struct moment now)
{
	const char *was = *last != NULL ? *last : "";

	if (text[0] == '\0' || strcmp(was, text) == 0)
		return;
	/* a first node is no move, but a first address is one that was not there */
	if (*last != NULL || event == TRACK_ADDRESS)
		tell(track, event, print, was, now);
	free(*last);
	*last = mem_strdup(text);
}

static void
remove_place(struct track *track, struct place *place, struct moment now)
{
	tell(track, TRACK_DELETED, place->print, NULL, now);
	place->seen = now;
	end_print(track, place);
}

void
track_put(struct track *track, struct footprint *print, struct moment now)
{
	struct place *place = place_of(track, print->path);
	bool is_new;

	if (place == NULL)
		place = make_place(track, print->path);
	if (place->print != NULL && strcmp(place->print->uid, print->uid) != 0)
		remove_place(track, place, now);
	is_new = place->print == NULL;
	free(place->print);
	place->print = print;
	place->seen = now;
	place->list = track->list;
	if (is_new) {
		place->walked = false;
		tell(track, TRACK_CREATED, print, NULL, now);
	}
	follow(track, print, &place->node, print->node, TRACK_MOVED, now);
	follow(track, print, &place->ip, print->ip, TRACK_ADDRESS, now);
}

void
track_remove(struct track *track, const struct footprint *print, struct moment now)
{
	struct place *place = place_of(track, print->path);

	if (place != NULL && place->print != NULL &&
	    strcmp(place->print->uid, print->uid) == 0)
		remove_place(track, place, now);
}

void
track_begin(struct track *track)
{
	track->list++;
}

void
track_end(struct track *track, struct moment now)
{
	for (size_t i = 0; i < track->len; i++)
		if (track->places[i]->print != NULL &&
		    track->places[i]->list != track->list)
			remove_place(track, track->places[i], now);
	track->complete = true;
}

/* --- walking ------------------------------------------------------------------------
 */

static void
forget_old(struct track *track, struct moment now)
{
	size_t kept = 0;

	for (size_t i = 0; i < track->len; i++) {
		struct place *place = track->places[i];

		if (place->print == NULL &&
		    now.seconds - place->seen.seconds > TRACK_MEMORY_S)
			free_place(place);
		else
			track->places[kept++] = place;
	}
	track->len = kept;
}

size_t
track_walk(struct track *track, struct moment now, track_walk_fn *fn, void *arg)
{
	struct ended *ended;
	size_t count = track->ended_len;

	STAILQ_FOREACH(ended, &track->ended, link)
		fn(arg, ended->print, ended->seen);
	forget_ended(track);
	forget_old(track, now);
	for (size_t i = 0; i < track->len; i++) {
		struct place *place = track->places[i];

		if (place->print == NULL)
			continue;
		place->walked = true;
		count++;
		fn(arg, place->print, now);
	}
	return count;
}

size_t
track_missed(const struct track *track)
{
	return track->missed;
}
