/* Which pod was on which node in one hour, as its ConfigMaps say (footprint/hour.h): on
 * the one where it was last in that hour, and before. Pure. */
#ifndef IPW_CTL_SEEN_H
#define IPW_CTL_SEEN_H

#include <stdbool.h>
#include <stddef.h>

#include "watched.h"

struct json_object;
struct seen;

struct seen *seen_new(void);
void seen_free(struct seen *seen);

/* As of history.h. */
typedef void seen_problem_fn(
    void *arg, const char *configmap, const char *key, const char *text);

/* The hour's ConfigMaps in order, borrowed: a later one has the later word. What is no
 * pod's key, or no node's name, is told and not taken. */
void seen_add(struct seen *seen, const char *name, struct json_object *part,
    seen_problem_fn *fn, void *arg);

/* Everything could be taken. */
bool seen_is_whole(const struct seen *seen);

/* When its writers watched the pods, and which (footprint/watched.h). False: none of
 * the ConfigMaps says so. */
bool seen_tells(const struct seen *seen);
const struct watched *seen_watched(const struct seen *seen);

/* NULL: it is not in it; "": it was on no node. Borrowed. */
const char *seen_node(const struct seen *seen, const char *namespace, const char *pod);

/* A node that the pod was on in that hour before it was on the last one; NULL: none is
 * known. Borrowed. */
const char *seen_left(const struct seen *seen, const char *namespace, const char *pod);
bool seen_left_node(
    const struct seen *seen, const char *namespace, const char *pod, const char *node);

/* NAMESPACE and NAME of those on a node, in no order; of those that left it in that
 * hour. */
typedef void seen_pod_fn(void *arg, const char *namespace, const char *name);
void seen_walk(const struct seen *seen, const char *node, seen_pod_fn *fn, void *arg);
void seen_walk_left(
    const struct seen *seen, const char *node, seen_pod_fn *fn, void *arg);

#endif
