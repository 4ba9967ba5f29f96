/* PodTrackers, and what others than the leader do with them and with PodTrackerSlices:
 * users, the agents of nodes, and an old Pod IP Tracker. */
#ifndef IPW_TRACKERS_H
#define IPW_TRACKERS_H

/* Those that there may be. */
#define TRACKERS_OF_USERS 2u

/* The scenery of a schedule that has them: also what was left behind by earlier leaders
 * and agents. */
void trackers_make(void);
/* Something happens. */
void trackers_happen(void);
/* What agents do: the slices of their nodes are as they have to be. */
void trackers_keep(void);
/* The definitions are there. */
void trackers_mend(void);

#endif
