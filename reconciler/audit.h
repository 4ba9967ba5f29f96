/* The audit stream: one JSON line per change, in order, on a descriptor that nobody
 * else writes. Never blocks the loop: what the reader does not take is kept up to
 * AUDIT_MAX bytes, what comes beyond that is counted, and a line in the stream says so
 * afterwards. Lines are chained (proto/chain.h). */
#ifndef IPW_AUDIT_H
#define IPW_AUDIT_H

#include <stdbool.h>

#include "clock.h"
#include "loop.h"

/* Bytes that wait for the reader. */
#define AUDIT_MAX (1024u * 1024u)

struct audit;

/* Told when the stream breaks or loses lines (why, for people), and "" when it is whole
 * again. May come from within audit_write. */
typedef void audit_trouble_fn(void *arg, const char *reason);

/* `fd` stays the caller's, open for writing; only write(2) is used on it, in pieces
 * that do not block a descriptor that has said it is writable, whatever its flags.
 * Before sandbox_lock (it has SIGPIPE ignored). */
struct audit *audit_new(
    struct loop *loop, int fd, audit_trouble_fn *trouble, void *arg);
void audit_free(struct audit *audit);

/* `line` is a JSON object without newlines; one that is none, or longer than
 * CHAIN_LINE_MAX, is refused and counted as lost. `time` becomes its first member,
 * unless that is a time already. */
void audit_write(struct audit *audit, struct wall_time time, const char *line);

/* Nothing waits, or nothing more can be written. */
bool audit_idle(const struct audit *audit);

#endif
