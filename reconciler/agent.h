/* The agent of one node (`ipwarden --agent`): keeps the PodTrackerSlices of that node
 * true. Nobody else writes them while it does, so it needs no lease and no watch of
 * them: what it wrote last it knows, and every ten minutes it writes all of it again,
 * which tells the leader that it is there. */
#ifndef IPW_AGENT_H
#define IPW_AGENT_H

#include "state.h"

/* What changes within that time after the first change is written with it. */
#define AGENT_GATHER_MS 200
/* From one write to the next at least, failures aside. */
#define AGENT_LEAST_MS 5000
/* Until all is written again though nothing has changed: a random time in between, so
 * that the agents of many nodes do not come together. */
#define AGENT_REFRESH_LEAST_MS 480000
#define AGENT_REFRESH_MOST_MS  600000

struct agent;

struct agent *agent_new(const char *node);
void agent_free(struct agent *agent);

/* Why the node's slices are not what they should be; "" they are. */
const char *agent_unready(const struct core *core);
/* Writes what is due. */
void agent_run(struct core *core);

#endif
