/* Everybody but ipwarden: who makes nodes, pods and allocations and changes them, who
 * reaches into the cloud by hand, and what else goes wrong. */
#ifndef IPW_USERS_H
#define IPW_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADDRESSES_MAX 4u

struct users {
	size_t nodes, addresses; /* that there are */
	uint64_t habits;	 /* which of the happenings may happen, a bit each */
	bool tracked;		 /* there are PodTrackers */
	bool kept;		 /* footprints are */
	bool hours_passed;	 /* since all came to rest */
	int64_t old_since_ms;	 /* a pod of the old controller runs; 0 none */
};
extern struct users users;

extern const char *const users_addresses[ADDRESSES_MAX];

/* The scenery of a schedule. */
void users_make(size_t replicas);
/* The pod of one of ours. */
void users_put_replica(size_t replica, bool ready);
/* Something happens. */
void users_happen(void);
/* All is as it should be, but allocations that are being deleted: to be called until
 * they are gone. */
void users_mend(void);

/* troubles.c: something goes wrong with replicas or what they need. */
void troubles_make(void);
void troubles_happen(void);
void troubles_end(void);

#endif
