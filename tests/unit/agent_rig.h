/* Agents of nodes, each a core of its own, before one API server, which has slices and
 * counts what was wrong with a request; and a clock. */
#ifndef IPW_AGENT_RIG_H
#define IPW_AGENT_RIG_H

#include "core.h"
#include "map.h"
#include "slice_body.h"

#define RIG_AGENTS_MAX 500
/* One way of a request or its answer, and what the server works on each: it takes 500 a
 * second. */
#define RIG_WAY_MS  20
#define RIG_WORK_MS 2

struct json_object;
struct rig_request;

struct rig_peer {
	struct core *core;
	char node[16]; /* "" a leader */
	char reason[TEXT_MAX + 1];
	int64_t wake_ms; /* INT64_MAX: never */
	unsigned long writes;
};

struct rig {
	struct rig_peer peers[RIG_AGENTS_MAX + 1];
	size_t len;
	struct rig_peer *leader; /* told of each slice that is written; NULL: none */
	int64_t now_ms, free_ms; /* the server is, then */
	uint64_t random;
	unsigned long uids;
	struct rig_request *first, **last;
	struct map *objects; /* by path */
	bool unserved;
	int status;	     /* that all are answered with; 0: none */
	const char *refused; /* of this method alone; NULL: any */
	unsigned long writes, deletes, conflicts, missing, lines;
};

extern struct rig rig;

/* Of a test suite. */
void rig_setup(void);
void rig_teardown(void);

/* An agent, or for "" a leader, that has been told of nothing yet. */
struct rig_peer *rig_make_peer(const char *node);
/* Lets time pass. */
void rig_run(int64_t ms);
struct core_time rig_now(void);

/* What the server has; NULL: nothing. */
struct json_object *rig_get(const char *path);
struct json_object *rig_slice(const char *name);
/* A member's text; "" none. */
const char *rig_text(struct json_object *object, const char *key);
/* One that another hand has left. */
void rig_put_slice(const char *name, const char *node);

/* What the watcher tells: `message` is freed. */
void rig_tell(struct rig_peer *peer, struct message *message);
void rig_tell_sync(struct rig_peer *peer, int kind, enum sync_phase phase);
void rig_tell_node(struct rig_peer *peer, const char *node, const char *uid);
void rig_tell_pod(
    struct rig_peer *peer, const char *node, unsigned number, const char *ip);
void rig_tell_pod_gone(struct rig_peer *peer, const char *node, unsigned number);
void rig_tell_slice(struct rig_peer *peer, const char *name);
/* All that there is of its node, with so many pods. */
void rig_list(struct rig_peer *peer, unsigned pods);

#endif
