/* The ConfigMaps of one namespace as an API server keeps them, under a store (criterion
 * only). */
#ifndef IPW_STORE_RIG_H
#define IPW_STORE_RIG_H

#include <json-c/json.h>
#include <stdbool.h>

#include "store.h"

struct store_rig {
	struct store *store;
	struct moment now;
	struct json_object *maps; /* name → ConfigMap */
	int version;
	int gets, lists, posts, puts, deletes;
	/* the next request of that method is answered so, and not carried out */
	const char *refuse;
	int refuse_status; /* 0: not at all, nobody is there */
	int foreign_edits; /* so many GETs are followed by somebody else's PUT */
	int64_t reread_s;  /* of a store that is made from now on */
	int rounds, failed;
	char change[256]; /* the last write, as it was told */
	struct rig_call *queue;
	int log_fd;
};

/* At 2026-11-21T00:00:10Z, in UTC. */
void store_rig_begin(struct store_rig *rig);
void store_rig_end(struct store_rig *rig);
/* The program starts anew; what the API server has stays. */
void store_rig_restart(struct store_rig *rig);
/* The same with other limits. */
void store_rig_limit(struct store_rig *rig, int64_t retention_s, int64_t bytes_max);

void store_rig_note(struct store_rig *rig, const char *pod, const char *node);
/* One interval, and all its requests. Returns how many were writes. */
int store_rig_write(struct store_rig *rig);

/* Counts an interval that is over. */
store_done_fn store_rig_done;
/* For another one than the store: takes a request; answers the first, or all. */
store_call_fn store_rig_call;
void store_rig_answer(struct store_rig *rig);
void store_rig_serve(struct store_rig *rig);
/* An interval begins, and is given up before its first answer. */
void store_rig_abort(struct store_rig *rig);

/* NULL: there is none. */
struct json_object *store_rig_map(struct store_rig *rig, const char *name);
/* Of any object; NULL: it has none of that name. */
struct json_object *store_rig_member(struct json_object *json, const char *key);
const char *store_rig_data(struct store_rig *rig, const char *name, const char *key);
bool store_rig_closed(struct store_rig *rig, const char *name);
/* As it stood there since `age_s`, with `bytes` in one value. */
void store_rig_old_map(
    struct store_rig *rig, const char *name, int64_t age_s, int bytes);
/* How many lines of that event were logged. */
size_t store_rig_lines(const struct store_rig *rig, const char *event);

#endif
