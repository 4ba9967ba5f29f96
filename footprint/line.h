/* One pod at one time: what is read of its JSON, and the line that Pod Ashiato writes
 * of it. Pure. */
#ifndef IPW_FOOTPRINT_LINE_H
#define IPW_FOOTPRINT_LINE_H

#include <stddef.h>

#include "buf.h"
#include "moment.h"

/* Longest line (bytes): of a pod with some thousand conditions. */
#define LINE_MAX_LEN (1024u * 1024u)

/* The texts lie behind it; one free. */
struct footprint {
	const char *path; /* NAMESPACE/NAME: pods are listed in its order */
	const char *namespace;
	const char *name;
	const char *uid;
	const char *node; /* "": not scheduled; as the others when the API has none */
	const char *ip;
	const char *phase;
	const char *conditions; /* as they stand in the line; "": none */
};

/* NULL when it is no pod, a text is longer than any API server allows, or a time is
 * none. The caller's. */
struct footprint *footprint_read(const char *json, size_t len);

/* Adds the line, with its newline:
 *   {"namespace":…,"pod_name":…,"node_name":…,"pod_ip":…,"phase":…,"timestamp":…,
 *    "conditions":[{"type":…,"status":…,"last_transition_time":…},…]} */
int footprint_line(const struct footprint *print, struct moment now, struct buf *out);
/* The same with `"event":"EVENT"` at its end and, unless `key` is NULL, `"KEY":"WAS"`.
 */
int footprint_event(const struct footprint *print, struct moment now, const char *event,
    const char *key, const char *was, struct buf *out);

#endif
