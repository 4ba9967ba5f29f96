/* What the watcher told: nodes, pods (also by node), and whether each kind is complete.
 * Also short-lived notes that the plan heeds. No decisions. */
#ifndef IPW_WORLD_H
#define IPW_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "effects.h"
#include "map.h"
#include "place.h"
#include "world_pod.h"

/* Objects held at most; beyond that the kind never counts as complete, so that nothing
 * is decided on a part of it. Kubernetes' own documented limits with room to spare. */
#define WORLD_NODES_MAX 20000u
#define WORLD_PODS_MAX	400000u
/* Notes kept; the oldest goes first. */
#define WORLD_NOTES_MAX 1024u

struct world_node {
	char name[NAME_MAX_LEN + 1];
	char uid[UID_MAX_LEN + 1];
	char provider_id[256];
	char boot_id[UID_MAX_LEN + 1];
	struct place place; /* of providerID */
	bool placed;	    /* providerID was understood */
	bool unschedulable, deleting, skip, oversize;
	enum node_ready ready;
	int64_t ready_since_ms; /* wall */
	struct texts labels;	/* key, value, … */
	struct texts taints;	/* key, value, effect, … */
	char internal_ip[ADDRESS_MAX + 1];
	struct texts resources; /* as in the fact */
	/* when it, or a pod on it, was last shown otherwise: wall, and world->changes
	 */
	int64_t changed_ms;
	uint64_t changed;
	uint64_t seen;
};

struct world {
	struct map *nodes; /* by name */
	struct table pods; /* by uid */
	struct table kins; /* of the pods */
	struct map *hosts; /* node name → struct world_host */
	struct map *notes; /* key → struct world_note */
	struct map *olds;  /* by uid: pods of the old controller, of `pods` */
	/* Counts what a PodTracker would show otherwise. */
	uint64_t changes;
	struct wall_time now; /* set by who feeds it */
	struct {
		uint64_t generation;
		bool complete;
		bool overflow;
		struct wall_time since; /* complete since */
		struct wall_time heard; /* and of all that there was until then */
	} sync[FACT_KIND_COUNT];
};

struct world *world_new(void);
void world_free(struct world *world);

/* The watcher is gone or new: what is known stays, but nothing is complete. */
void world_unsync(struct world *world);
/* A list of `kind` begins, or has ended (what was not seen since is forgotten). */
void world_sync(struct world *world, enum fact_kind kind, enum sync_phase phase,
    struct wall_time now);
/* While it is complete: all that there was until then has been told. */
void world_heard(struct world *world, enum fact_kind kind, struct wall_time until);
bool world_complete(const struct world *world);

/* What an upsert or removal of a node changes for the cloud's view of it. */
enum world_change { WORLD_SAME, WORLD_CHANGED, WORLD_UPSET };

/* UPSET: uid, providerID, bootID or Ready changed: its places are to be observed anew.
 */
enum world_change world_put_node(struct world *world, const struct msg_fact_node *fact);
void world_put_pod(struct world *world, const struct msg_fact_pod *fact);
enum world_change world_remove_node(
    struct world *world, const char *name, const char *uid);
void world_remove_pod(struct world *world, const char *uid);

struct world_node *world_node(const struct world *world, const char *name);
/* The node whose providerID names that instance, or NULL. */
struct world_node *world_node_at(const struct world *world, const char *project,
    const char *zone, const char *instance);
/* A pod of the controller that ipwarden replaces (COMPATIBILITY.md §1), unless it has
 * ended for good. Our own pods carry its label, too, and our name besides. */
#define WORLD_OLD_APP  "ip-address-controller" /* label app */
#define WORLD_OUR_NAME "ipwarden"	       /* label app.kubernetes.io/name */
bool world_pod_is_old(const struct world_pod *pod);
/* The first of them that the watcher told of; NULL none. */
const struct world_pod *world_old_pod(const struct world *world);
/* NULL: there is none of that uid. */
const struct world_pod *world_pod(const struct world *world, const char *uid);
/* All pods; `pod` NULL: the first, NULL after the last. */
const struct world_pod *world_next_pod(
    const struct world *world, const struct world_pod *pod);
/* First of the pods on a node; go on with ->next. */
const struct world_pod *world_pods(const struct world *world, const char *node);

/* Plain makers, for fresh reads too. */
struct world_node *world_node_new(const struct msg_fact_node *fact);
void world_node_free(void *node);

/* A note lasts until `until`; e.g. an attach failed on that node lately. */
void world_note(struct world *world, const char *kind, const char *about,
    const char *detail, struct mono_time until);
bool world_noted(const struct world *world, const char *kind, const char *about,
    const char *detail, struct mono_time now);
#define NOTE_ATTACH_FAILED    "attach-failed" /* address, node uid */
#define NOTE_WORKLOAD_MISSING "workload"      /* allocation uid, "" */

#endif
