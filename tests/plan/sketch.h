/* A small world in short lines, for the tables of plan.c (tests/plan/tables) and the
 * random walks. Every line sets words of one thing, made by the first line that names
 * it; a later line overrides an earlier one.
 *
 *   node NAME [ZONE] [WORD…]      a node with its instance; Ready, nothing special
 *   pod NAME NODE [WORD…]         of Deployment sip in namespace default, running
 *   cloud ADDRESS free | on NODE | user PATH | none | global | internal | reserving
 *   cloud ADDRESS half NODE       only the list of addresses says that it is there
 *   cloud ADDRESS seen NODE       only the list of instances says so
 *   cloud ADDRESS region REGION   where it is reserved (us-west1)
 *   place PLACE fresh | dark | failed | old | unseen      a zone or region, see below
 *   changed ADDRESS               nothing was observed since we changed it
 *   nia NAME [ADDRESS…] [WORD…]   workloadRef Deployment sip; the first is the eldest
 *   entry NAME ADDRESS [WORD…]    what its status says of an address
 *   at NAME ADDRESS NODE          both: the cloud and the status say NODE
 *   note KIND ABOUT [NODE]        attach-failed ADDRESS NODE, workload NIA
 *
 * An address is ".1" for 34.1.1.1; a zone is "a" for us-west1-a. Reserved and free is
 * what no `cloud` line speaks of. The words are in sketch_words.c.
 *
 * dark: never observed, the first look failed. failed: the last look failed, the one
 * before is recent. old: the last look is too long ago. unseen: not looked at yet. */
#ifndef IPW_SKETCH_H
#define IPW_SKETCH_H

#include "holder.h"

/* Wall time of the scene: 2026-11-20T00:00:00Z. */
#define SKETCH_WALL_MS INT64_C(1795132800000)
#define SKETCH_MONO_MS INT64_C(10000000)

#define SKETCH_NODES_MAX     8
#define SKETCH_PODS_MAX	     12
#define SKETCH_CLOUDS_MAX    8
#define SKETCH_PLACES_MAX    8
#define SKETCH_NIAS_MAX	     4
#define SKETCH_NOTES_MAX     4
#define SKETCH_ADDRESSES_MAX 6 /* of one allocation */
#define SKETCH_LINE_MAX	     512

struct sketch_node {
	struct msg_fact_node fact;
	char zone[PLACE_MAX + 1], project[PLACE_MAX + 1];
	bool gone, bare; /* no node object; no instance */
	char instance[64];
	enum instance_state state;
	char external[ADDRESS_MAX + 1]; /* an ephemeral address of its instance */
};

enum sketch_shown {
	SKETCH_FREE,
	SKETCH_ON,
	SKETCH_USER,
	SKETCH_NONE,
	SKETCH_GLOBAL,
	SKETCH_INTERNAL,
	SKETCH_RESERVING,
	SKETCH_HALF,
	SKETCH_SEEN,
};

struct sketch_cloud {
	char address[ADDRESS_MAX + 1];
	char region[PLACE_MAX + 1];
	enum sketch_shown shown;
	char where[128]; /* ON, HALF, SEEN: a node; USER: a path */
	bool changed;
};

enum sketch_look {
	SKETCH_FRESH,
	SKETCH_DARK,
	SKETCH_FAILED,
	SKETCH_OLD,
	SKETCH_UNSEEN,
};

struct sketch_place {
	char name[PLACE_MAX + 1];
	enum sketch_look look;
};

struct sketch_note {
	char kind[32], about[64], node[64];
};

struct sketch {
	struct sketch_node nodes[SKETCH_NODES_MAX];
	struct msg_fact_pod pods[SKETCH_PODS_MAX];
	struct sketch_cloud clouds[SKETCH_CLOUDS_MAX];
	struct sketch_place places[SKETCH_PLACES_MAX];
	struct sketch_note notes[SKETCH_NOTES_MAX];
	struct json_object *nias[SKETCH_NIAS_MAX]; /* as the API shows them */
	size_t nodes_len, pods_len, clouds_len, places_len, notes_len, nias_len;
};

struct sketch *sketch_new(void);
void sketch_free(struct sketch *sketch);

/* 0, or -EINVAL with the reason in `error`. */
int sketch_line(struct sketch *sketch, const char *line, char *error, size_t size);

struct sketch_node *sketch_node(struct sketch *sketch, const char *name);
/* Makes it when nothing was said of it yet. */
struct sketch_cloud *sketch_cloud(struct sketch *sketch, const char *address);
/* The entry of an allocation's status; made when there is none. Borrowed. */
struct json_object *sketch_entry(struct json_object *nia, const char *address);
/* The entry says NODE. */
void sketch_entry_at(
    struct sketch *sketch, struct json_object *entry, const char *node);
const char *sketch_nia_name(const struct json_object *nia);

/* The scene of a sketch. `seed` 0: everything comes in as it is written; else in
 * another order, which must not matter. */
struct sketch_made {
	struct world *world;
	struct view *view;
	struct allocation *allocations[SKETCH_NIAS_MAX];
	struct scene scene;
};
struct sketch_made *sketch_make(struct sketch *sketch, unsigned seed);
void sketch_unmake(struct sketch_made *made);

/* A step in words: KIND [TARGET[*]] [STATE/REASON] [why] [behind OWNER] [!]; "*": the
 * ephemeral address goes first; "!": worth a warning. */
struct plan_step;
void sketch_step(const struct plan_step *step, char *out, size_t size);

/* Whether two plans of the same allocations are the same, to the last letter. */
struct plan;
bool sketch_same(
    const struct plan *plan, const struct plan *other, char *why, size_t size);

#endif
