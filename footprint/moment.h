/* Points in time as Pod Ashiato writes them: RFC 3339 with the fraction's trailing
 * zeros left out, in the local zone, with "Z" where its offset is zero (Go's
 * time.RFC3339Nano). */
#ifndef IPW_FOOTPRINT_MOMENT_H
#define IPW_FOOTPRINT_MOMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct moment {
	int64_t seconds; /* since 1970-01-01T00:00:00Z */
	int32_t nanos;
};

/* Bytes, NUL included. */
#define MOMENT_TEXT_MAX 48u
#define MOMENT_HOUR_MAX 16u

/* Which zone is local, before anything is formatted: UTC when `utc`, for which no file
 * is opened, else as Go has it, TZ: not set is /etc/localtime, and whatever names no
 * zone file is UTC, a POSIX rule, too. Who is to lose the right to open files reads the
 * zone first, and may choose UTC afterwards. */
void moment_zone(bool utc);

struct moment moment_now(void);
/* Returns 0, or -EINVAL when it is no RFC 3339 time. */
int moment_parse(const char *text, struct moment *ret_moment);
void moment_format(struct moment moment, char *out, size_t out_size);
/* When its hour began. */
struct moment moment_hour_start(struct moment moment);
/* YYYYMMDDHH, local. */
void moment_hour(struct moment moment, char *out, size_t out_size);

#endif
