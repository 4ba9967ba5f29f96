/* Pods and nodes as they stand in a PodTracker's status and in slices
 * (crds/podtracker.yaml). Pure. */
#ifndef IPW_TRACKER_JSON_H
#define IPW_TRACKER_JSON_H

#include "buf.h"
#include "world.h"

/* A text that grows, and the hash of all of it that does not tell when. */
struct tracker_json {
	struct buf *out;
	uint64_t hash;
	size_t hashed; /* so far */
};

void tracker_json_begin(struct tracker_json *json, struct buf *out);
/* What has been written since the last of these counts for the hash, or does not. */
void tracker_json_count(struct tracker_json *json);
void tracker_json_ignore(struct tracker_json *json);
/* A hash that an object of the server has; "" when it is none of ours. */
const char *tracker_json_hash(const char *text);

/* Pods with an address, of that namespace ("" all), by namespace and name, which is the
 * order in which they are told. The caller's, free(). */
const struct world_pod **tracker_json_pods(
    const struct world *world, const char *namespace, size_t *ret_len);
/* Those of one node. The caller's, free(). */
const struct world_pod **tracker_json_pods_on(const struct world *world,
    const char *namespace, const char *node, size_t *ret_len);
/* Nodes by name. The caller's, free(). */
const struct world_node **tracker_json_nodes(
    const struct world *world, size_t *ret_len);

/* One whole object. */
void tracker_json_pod(struct buf *out, const struct world_pod *pod);
/* `"resources":{…}`. */
void tracker_json_resources(struct buf *out, const struct world_node *node);

#endif
