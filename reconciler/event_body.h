/* Events of events.k8s.io/v1 as JSON. Pure. */
#ifndef IPW_EVENT_BODY_H
#define IPW_EVENT_BODY_H

#include "buf.h"
#include "clock.h"
#include "messages.h"

/* What an event is about. The texts are borrowed. */
struct event_object {
	const char *api_version, *kind; /* kind NULL: nothing */
	const char *namespace;		/* "" cluster-scoped */
	const char *name;
	const char *uid; /* "" not known */
};

struct event_body {
	struct event_object regarding, related;
	const char *type; /* Normal or Warning */
	const char *reason, *note;
	const char *reporter; /* the pod's name */
	const char *name;     /* of the event itself */
	struct wall_time when;
};

/* Where its events live: those of cluster-scoped objects in `default`, as the API
 * server's validation has it. */
const char *event_body_namespace(const struct event_object *about);

/* "<object>.<id>", as a name has to look (RFC 1123). */
void event_body_name(
    const struct event_object *about, const char *id, char out[NAME_MAX_LEN + 1]);

void event_body_put(const struct event_body *event, struct buf *out);

/* The merge patch that says of an event that it has happened `count` times by now, at
 * least twice: all that the API server lets change. */
void event_body_put_series(unsigned int count, struct wall_time last, struct buf *out);

#endif
