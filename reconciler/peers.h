/* The pods around us: the other replicas, and those of the controller that ipwarden
 * replaces (COMPATIBILITY.md §1). While one of the latter runs, in any namespace,
 * nothing is changed but our own status; SEMANTICS.md "First contact". */
#ifndef IPW_PEERS_H
#define IPW_PEERS_H

#include "state.h"

/* Replicas whose annotation is to be changed, at a time. */
#define PEERS_MAX 64u
/* A list that had a pod of the old controller which the watcher does not tell of is
 * read again after that. */
#define PEERS_AGAIN_MS 2000
/* While the watch of pods is not complete the list is read anew after REFRESH, and says
 * nothing any more after GOOD: as long as a dead watch may pass for a live one. */
#define PEERS_REFRESH_MS 15000
#define PEERS_GOOD_MS	 30000

/* Who could take over from us is known for so long. */
#define PEERS_SUCCESSOR_MS 2000

#define REASON_OTHER_CONTROLLER "OtherControllerRunning"

enum peers_verdict {
	PEERS_UNKNOWN, /* not read (recently enough): nothing may be done */
	PEERS_OTHER,   /* the old controller runs */
	PEERS_ALONE,
};

struct peers *peers_new(void);
void peers_free(struct peers *peers);
/* A new term: what was read before says nothing. */
void peers_forget(struct core *core);

/* The API server is there again. */
void peers_recover(struct core *core);

/* Reads the pods if that is due, and keeps the annotation of our replicas right. */
enum peers_verdict peers_look(struct core *core);
/* With PEERS_OTHER: which pod, as "namespace/name". Borrowed. */
const char *peers_other(const struct core *core);
/* The last read went wrong: for as long nothing is done. */
bool peers_failing(const struct core *core);
/* Whether the cloudworker may have a grant: we were alone when we last knew. */
bool peers_clear(const struct core *core);

/* The node that our own pod runs on; "" not known. Borrowed. */
const char *peers_own_node(const struct core *core);
/* Another replica that is Ready, on another node than ours (borrowed). UNKNOWN: it is
 * being read. */
enum peers_successor {
	PEERS_SUCCESSOR_UNKNOWN,
	PEERS_SUCCESSOR_NONE,
	PEERS_SUCCESSOR,
};
enum peers_successor peers_successor(struct core *core, const char **ret_name);

#endif
