/* Clocks. Monotonic, boot and wall time are different types, so that one cannot be
 * compared with another by mistake. All in milliseconds. */
#ifndef IPW_CLOCK_H
#define IPW_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mono_time {
	int64_t ms; /* CLOCK_MONOTONIC */
};

struct boot_time {
	int64_t ms; /* CLOCK_BOOTTIME: goes on while the machine is suspended */
};

struct wall_time {
	int64_t ms; /* since 1970-01-01T00:00:00Z */
};

struct mono_time clock_mono(void);
struct boot_time clock_boot(void);
struct wall_time clock_wall(void);

/* RFC 3339 in UTC. `micro` writes six digits of a second (Kubernetes MicroTime), else
 * whole seconds (Time). `out` takes CLOCK_TEXT_MAX bytes. */
#define CLOCK_TEXT_MAX 40u
void clock_format(struct wall_time time, bool micro, char *out, size_t out_size);

/* Reads an RFC 3339 time with Z or a numeric offset. Returns 0, or -EINVAL with
 * *ret_time untouched. */
int clock_parse(const char *text, struct wall_time *ret_time);

#endif
