/* What a fault holds still: requests, their answers, operations of the cloud, until the
 * faults are cleared. So a test may stop many things at chosen steps at the same time,
 * see that each is there, and let them all go. */
#ifndef IPW_SIM_HOLD_H
#define IPW_SIM_HOLD_H

#include "buf.h"
#include "sim.h"

/* A request that is held looks so often whether it still is (ms). */
#define SIM_HOLD_LOOK_MS 10

struct sim_holds;
struct sim_holds *sim_holds_new(void);
void sim_holds_free(struct sim_holds *holds);
void sim_holds_clear(struct sim_holds *holds);

/* Something is held from now on; its id, or 0 (logged): too much is. */
uint64_t sim_holds_add(
    struct sim_holds *holds, const struct sim_seen *seen, enum sim_hold kind);
bool sim_holds_last(const struct sim_holds *holds, uint64_t id); /* 0 never does */
bool sim_holds_any(const struct sim_holds *holds);
/* {"held":[{"target","method","path","hold","for_ms"},…]}, oldest first. */
void sim_holds_list(const struct sim_holds *holds, struct buf *out);

const char *sim_hold_word(enum sim_hold kind);

#endif
