/* The simulated API server without its HTTP server: a test calls the handler with
 * requests of its own making and reads the answers. */
#ifndef IPW_SIM_KUBE_RIG_H
#define IPW_SIM_KUBE_RIG_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "kube_json.h"
#include "kube_world.h"
#include "sim.h"

#define RIG_ADMIN      "admin-token"
#define RIG_CONTROLLER "controller-token"
#define RIG_READER     "reader-token"

struct rig {
	struct loop *loop;
	struct sim_faults *faults;
	struct sim_kube *kube;
	const char *token;	 /* sent with each request; NULL: none */
	const char *certificate; /* the client certificate's name; NULL: none */
	const char *accept;	 /* NULL: application/json */
	const char *agent;	 /* NULL: none */
	bool again;		 /* the next request follows a put-off one */
	unsigned wakes;		 /* how often watches were woken */
	/* of the last answer */
	struct sim_reply reply;
	struct json_object *json; /* NULL: the body is none */
};

extern struct rig rig;

/* A new world with the three tokens above; requests come from the admin. */
void rig_setup(void);
void rig_teardown(void);

/* One request; `target` may have a query. The media type is that of the method, a merge
 * patch for PATCH. Returns the status; 0 when the connection was cut. */
int rig_send(const char *method, const char *target, const char *body);
/* With a media type of its own, and a body that may hold anything. */
int rig_send_typed(const char *method, const char *target, const char *type,
    const char *body, size_t body_len);
/* As rig_send, the body a printf format. */
int rig_sendf(const char *method, const char *target, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Text and number in the last answer's JSON, by a dotted path. */
const char *rig_text(const char *path);
int64_t rig_int(const char *path);
const char *rig_header(const char *name);

/* Starts a watch; the stream is the caller's to close. */
struct sim_stream rig_watch(const char *target);
/* What a stream has ready, up to the next bookmark, as an array of events; the caller
 * owns it. NULL at the end of the stream. */
struct json_object *rig_events(const struct sim_stream *stream);
/* "ADDED a, DELETED b": what a stream has ready; lives until the next call. "end" at
 * the end. */
const char *rig_story(const struct sim_stream *stream);

/* Runs the loop until the object at the path is gone. False: it did not go in time. */
bool rig_wait_gone(const char *path);

#endif
