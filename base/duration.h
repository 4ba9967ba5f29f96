/* A duration as Go's time.ParseDuration has it ("1h30m", "300ms", "-1.5s", "0"). */
#ifndef IPW_DURATION_H
#define IPW_DURATION_H

#include <stdint.h>

/* Rounded up to whole milliseconds. Returns 0 or -EINVAL. */
int duration_parse(const char *text, int64_t *ret_ms);

#endif
