/* Keeps the ConfigMaps of the hours true to what was noted: at an interval in which
 * something new was, it reads those of the hour, adds what is missing and writes what
 * has changed, by compare and set; so who is started anew goes on with the hour, and
 * what others wrote there stays. When the hour turns, the old one is written a last
 * time, when it is known that it was watched to its end, or not, and is immutable from
 * then on. What is refused is logged, and tried again at the
 * next interval. Who only notes, and never writes, keeps the hour and the one before.
 */
#ifndef IPW_FOOTPRINT_STORE_H
#define IPW_FOOTPRINT_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "moment.h"
#include "round.h"
#include "watched.h"

struct store;

struct store_options {
	const char *namespace; /* copied */
	int64_t retention_s;   /* since its creation; older ones go; 0: none does */
	int64_t bytes_max;     /* of all; beyond it the oldest go; 0: no limit */
	struct watched_filter filter; /* which pods are noted */
	/* The hour's are read again after that, and put right, though nothing is new;
	 * 0: at each interval. */
	int64_t reread_s;
	store_call_fn *call;
	void *arg;
};

#define STORE_RETENTION_S (72 * 3600)
#define STORE_BYTES_MAX	  (64 * 1024 * 1024)

struct store *store_new(const struct store_options *options);
/* Not while a request of its is open, unless the client is freed first. */
void store_free(struct store *store);

/* A pod was seen at `now` on `node` ("": not scheduled). */
void store_note(struct store *store, const char *namespace, const char *pod,
    const char *node, struct moment now);

/* All pods of the filter that there were from `since` until `until` have been noted.
 * What is noted when the hour has turned, and before its end was heard, is in both
 * hours: it may be news of the old one. After a silence of more than STORE_SILENCE_MS
 * it is in the new one only, and nothing is said of the old one's end. */
#define STORE_SILENCE_MS 90000
void store_watch(struct store *store, struct moment since, struct moment until);

/* Writes what there is to write, and tells when that is over; false when it is still at
 * the last time (then the next interval does it). `done` may be NULL; `failed`:
 * something could not be written. */
typedef void store_done_fn(void *arg, bool failed);
bool store_write(
    struct store *store, struct moment now, store_done_fn *done, void *arg);
/* The same a last time: nothing is cleaned, and nothing read again that is not new;
 * what is told of the watching is brought up to date. What is being cleaned is left to
 * the next one; false as above: then once more when that is over. */
bool store_write_last(
    struct store *store, struct moment now, store_done_fn *done, void *arg);
/* Gives up what is being written, since somebody else may go on with it: its `done`
 * does not come, and neither may the answer to the request that is open. What was noted
 * stays, and is looked for at the next write. */
void store_abort(struct store *store);

#endif
