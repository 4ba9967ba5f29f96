/* What Pod Ashiato keeps of an hour: which pod was on which node, one key
 * NAMESPACE_POD a pod, in ConfigMaps pod-ashiato-YYYYMMDDHH, -p2, -p3 … of at most
 * HOUR_PART_MAX bytes each. Pure: ConfigMaps in, ConfigMaps out. */
#ifndef IPW_FOOTPRINT_HOUR_H
#define IPW_FOOTPRINT_HOUR_H

#include "parts.h"
#include "watched.h"

struct hour;

#define HOUR_PREFIX    "pod-ashiato-"
#define HOUR_APP       "pod-ashiato"
#define HOUR_TYPE      "pod-node-mapping"
#define HOUR_SELECTOR  "app=" HOUR_APP ",type=" HOUR_TYPE
#define HOUR_LONG_KEYS "footprint.ipwarden.dev/long-keys" /* annotation */

/* Annotation of any part: a JSON object, NAMESPACE_POD (never shortened) → an array of
 * the nodes on which the pod was in that hour before it was on the one it has there. */
#define HOUR_EARLIER "footprint.ipwarden.dev/earlier-nodes"

#define HOUR_WATCHED "footprint.ipwarden.dev/watched" /* annotation: watched.h */

/* Nothing else being new, the ConfigMaps say after that how long they were watched
 * (ms).
 */
#define HOUR_EXTEND_MS 300000

#define HOUR_PART_MAX PART_MAX
/* Parts of one hour: 64 MiB. */
#define HOUR_PARTS_MAX PARTS_MAX
/* Pods that are noted in one hour: some 10 MiB of memory with names of usual length, 32
 * at most (notes.h). */
#define HOUR_PODS_MAX 131072u
/* Pods and nodes that were left, in one hour: 2 MiB with names of usual length, 9 at
 * most. Of an hour that had more nobody says that it has all. */
#define HOUR_EARLIER_MAX 16384u
/* Longest key of a ConfigMap (Kubernetes: IsConfigMapKey). */
#define HOUR_KEY_MAX  253u
#define HOUR_NAME_MAX PART_NAME_MAX

/* `name` is YYYYMMDDHH. */
struct hour *hour_new(const char *name);
void hour_free(struct hour *hour);
const char *hour_name(const struct hour *hour);

/* A pod was seen on `node` ("": not scheduled). A key that would be longer than
 * HOUR_KEY_MAX ends in a hash of the whole; its ConfigMap has the whole in the
 * annotation HOUR_LONG_KEYS, a JSON object. Returns 0; or, and nothing is noted,
 * -EINVAL when a ConfigMap cannot have such a key, -ENOSPC when it would be one more
 * than HOUR_PODS_MAX, or too much to hold; the same when one node more was left than
 * HOUR_EARLIER_MAX, which is not noted then. */
int hour_note(
    struct hour *hour, const char *namespace, const char *pod, const char *node);

/* All pods of the filter that were there in that time have been noted; a ConfigMap says
 * so, unless a pod had no place, when it is written for another reason or after
 * HOUR_EXTEND_MS. */
void hour_watch(struct hour *hour, const struct watched_span *span);
/* Until when, the last time; 0: never. */
struct wall_time hour_watched_until(const struct hour *hour);
/* A pod of that time may be missing: nothing more is said of how long. */
void hour_leave(struct hour *hour);
/* It says so at once from now on: the next writing is the last one. */
void hour_end(struct hour *hour);
/* It is time to say so though nothing else is new. */
bool hour_is_untold(const struct hour *hour);

void hour_part_name(const char *hour, size_t index, char *out, size_t out_size);
/* Adds what was noted and is not there, or is otherwise, and marks what it changed;
 * other keys, labels and annotations stay. What is immutable is left alone, and so is
 * what has no room: then there is one more part. Returns how many keys had no place. */
size_t hour_fill(struct hour *hour, struct parts *parts);
/* What hour_fill last made is written. */
void hour_written(struct hour *hour);
/* Whether something was noted that is not. */
bool hour_is_due(const struct hour *hour);

#endif
