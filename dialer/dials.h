/* The connections that a dialer is opening, and the names it waits for. Each dial ends
 * in exactly one call of the `done` function. */
#ifndef IPW_DIALER_DIALS_H
#define IPW_DIALER_DIALS_H

#include <stdint.h>

#include "entries.h"
#include "loop.h"

/* Connections that are being opened at one time. */
#define DIALS_MAX 16

/* fd >= 0: connected (never half open), the callee's to close; else `error` is a
 * positive errno. */
typedef void dials_done_fn(void *arg, uint64_t id, int fd, int error);

struct dials;

/* `entries` is borrowed as long as the dials live. */
struct dials *dials_new(
    struct loop *loop, const struct entries *entries, dials_done_fn *done, void *arg);
void dials_free(struct dials *dials);

/* Begins one. Returns 0; -EACCES for an entry that is not allowed; -EAGAIN when
 * DIALS_MAX are open. With an error `done` is not called; it may be called within. */
int dials_begin(struct dials *dials, uint64_t id, uint32_t entry);

/* Hears the resolver's answers on FD_RESOLVE. Returns 0 or a negative errno. */
int dials_hear(struct dials *dials);

/* The resolver started anew: names that are still open are asked again. */
void dials_again(struct dials *dials);

#endif
