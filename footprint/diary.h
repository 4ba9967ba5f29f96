/* Keeps the days (day.h) that are being written: today, and for a while the one before.
 * What was seen is written when something is new, or goes on, by compare and set: so
 * who is started anew goes on with the day. A while after midnight the day before is
 * immutable, and days that are older than the retention are deleted. What is refused is
 * logged, and tried again; a day that has to go with something unwritten, since it was
 * not written for a day or clocks jump, is told, and the next write fails. */
#ifndef IPW_FOOTPRINT_DIARY_H
#define IPW_FOOTPRINT_DIARY_H

#include <stdbool.h>
#include <stdint.h>

#include "day.h"
#include "round.h"

struct diary;

struct diary_options {
	const char *namespace; /* copied */
	int64_t retention_s;   /* since its creation; older ones go; 0: none does */
	store_call_fn *call;
	void *arg;
};

#define DIARY_RETENTION_S (90 * 86400)

struct diary *diary_new(const struct diary_options *options);
/* Not while a request of its is open, unless the client is freed first. */
void diary_free(struct diary *diary);

/* As day_see; what lasts over midnight is divided there. What began DAY_GAP_MS before
 * it was seen, or longer ago, was seen then and no more: that it came there is known,
 * but not that it stayed. Where another one led before midnight, the time from its last
 * write to midnight is a gap. */
void diary_see(struct diary *diary, const char *address, const struct stay *seen);

/* Writes what there is to write, and tells when that is over; false: there is nothing,
 * or it is still at the last time. */
typedef void diary_done_fn(void *arg, bool failed);
bool diary_write(
    struct diary *diary, struct wall_time now, diary_done_fn *done, void *arg);
/* The same a last time, as store_write_last. */
bool diary_write_last(
    struct diary *diary, struct wall_time now, diary_done_fn *done, void *arg);
/* Gives up what is being written, and forgets what was seen: somebody else leads. As
 * round_abort. */
void diary_forget(struct diary *diary);

#endif
