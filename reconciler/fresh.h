/* Nodes and pods out of the API's own JSON, for the reads right before something is
 * taken away. Pure. */
#ifndef IPW_FRESH_H
#define IPW_FRESH_H

#include "world.h"

struct json_object;

/* Annotation of the leader's pod (COMPATIBILITY.md §1). */
#define FRESH_LEADER "controller-leader"

/* A Node. NULL: it is none. The caller's, world_node_free. */
struct world_node *fresh_node(struct json_object *object);

/* A PodList: true and the pods, linked by ->next. False: it is no such list, is cut
 * (has a continue token), or a pod of it cannot be read. */
bool fresh_pods(struct json_object *list, struct world_pod **ret_pods);
void fresh_pods_free(struct world_pod *pods);

#endif
