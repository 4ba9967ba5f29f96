/* The status of a PodTracker: what the world has, in the fields of the Pod IP Tracker
 * and some more, below the size that an API server takes. Pure. */
#ifndef IPW_TRACKER_BODY_H
#define IPW_TRACKER_BODY_H

#include "tracker_json.h"

/* Bytes of podIPs and nodeInfo together: with all else the object stays below 1 MiB,
 * and that below what etcd takes (1.5 MiB). */
#define TRACKER_BODY_MAX (960u * 1024u)
/* Of that, nodeInfo's when not all fits: nodes come without their pods then. */
#define TRACKER_BODY_NODES_MAX (320u * 1024u)

struct tracker_body {
	size_t pods, nodes; /* all that there are */
	bool truncated;
	uint64_t hash; /* of all but the times at which something changed */
};

/* Adds `"podCount":…` up to `"nodeInfo":…`, without braces around it. Lists that are
 * empty are null: a merge patch takes them away. `namespace` "" = all. */
void tracker_body_put(const struct world *world, const char *namespace, struct buf *out,
    struct tracker_body *ret_body);

#endif
