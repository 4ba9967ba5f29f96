/* PodTrackerSlices (crds/podtrackerslice.yaml) as JSON: the pods of one node, in as
 * many objects as that takes. Pure. */
#ifndef IPW_SLICE_BODY_H
#define IPW_SLICE_BODY_H

#include "tracker_json.h"

#define SLICE_API	 "tracking.ipwarden.dev/v1alpha1"
#define SLICE_COLLECTION "/apis/" SLICE_API "/podtrackerslices"
#define SLICE_RESOURCE	 "podtrackerslices.tracking.ipwarden.dev"

/* `writer` of one. */
#define SLICE_BY_LEADER "Leader"
#define SLICE_BY_AGENT	"Agent"

/* Bytes of the pods of one slice; a pod more makes another slice. */
#define SLICE_PODS_BYTES_MAX 65536u
/* Bytes of a whole one. */
#define SLICE_BODY_MAX (SLICE_PODS_BYTES_MAX + 8192u)
/* Slices of one node at most, some 15 000 pods: what is beyond is in podCount alone. */
#define SLICE_PARTS_MAX 64u

struct slice_body {
	const struct world_node *node;
	const struct world_pod **pods; /* on it, with an address, in order */
	size_t pods_len;
	size_t ends[SLICE_PARTS_MAX]; /* of the pods of each part */
	unsigned parts;		      /* at least 1 */
};

/* `node` and the world must stay as they are until slice_body_end, which frees it. */
void slice_body_begin(const struct world *world, const struct world_node *node,
    struct slice_body *ret_body);
void slice_body_end(struct slice_body *body);

/* The name of part `part`, from 1: NODE, NODE-2, NODE-3, … A node may be named so, too,
 * and the first part of a node always has the node's own name: when there are nodes `a`
 * and `a-2`, `a-2` is the first of `a-2`, and who knows that (`taken`: there is a node
 * of that name, or the object is another node's) calls the second of `a` `a-part-2`.
 * Who does not know it and writes `a-2` for `a` has it overwritten by the other one:
 * both tell whose pods they are in nodeName. */
void slice_body_name(
    const char *node, unsigned part, bool taken, char out[NAME_MAX_LEN + 1]);

/* Appends the whole object, to be created or as a merge patch; `hash` is of all but the
 * time, and stands in it as contentHash. `out` has room for SLICE_BODY_MAX. */
void slice_body_put(const struct slice_body *body, const char *name, const char *writer,
    unsigned part, struct wall_time now, struct buf *out, char hash[HASH_MAX + 1]);

#endif
