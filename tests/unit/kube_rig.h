/* What the tests of kube/ share: a scripted API server with its world, recordings of a
 * real one, and the story of an informer. */
#ifndef IPW_KUBE_RIG_H
#define IPW_KUBE_RIG_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "kube.h"
#include "web.h"

/* Longest that a test waits for what must happen (milliseconds). */
#define PATIENCE_MS 20000

/* Requests that one script remembers. */
#define PATHS_MAX 64

/* Largest recording that is read (bytes). */
#define RECORDING_MAX (1024 * 1024)

enum after {
	AFTER_END,  /* the answer is complete, the connection kept */
	AFTER_CUT,  /* the connection breaks where the body ends */
	AFTER_HOLD, /* nothing more comes */
};

struct step {
	const char *expect; /* in the path of this request; NULL: anything */
	int status;	    /* 0: 200 */
	const char *body;
	size_t chunk; /* bytes of each chunk; 0: all at once */
	enum after after;
	const char *headers; /* NULL: none */
};

struct script {
	const struct step *steps; /* one a request; then all requests hang */
	size_t steps_len;
	pthread_mutex_t lock;
	char *paths[PATHS_MAX];
	char *head; /* of the last request */
	char *body;
	int paths_len;
	int surprises; /* requests that were not as expected */
};

struct world {
	struct loop *loop;
	struct dial *dial;
	struct web_dialer dialer;
	struct http *http;
	struct kube *kube;
	struct settings settings;
	struct web *web;
	struct web_pair ca;
	struct web_pair server;
	struct script script;
};

/* A server that plays the steps. */
void world_open(struct world *world, const struct step *steps, size_t steps_len);
#define OPEN(world, steps)                                                             \
	world_open((world), (steps), sizeof(steps) / sizeof((steps)[0]))
/* One that answers with `fn`; a world of zeros. */
void world_open_with(struct world *world, web_fn *fn, void *arg, bool client_certs);
/* Asserts that every request was as the steps expect it. */
void world_close(struct world *world);
int give_file(struct kube *kube, enum file_kind kind, const char *text);
void run_until(struct world *world, const int *count, int wanted);

/* The body of a recorded answer, its status in *ret_status (or NULL); the caller's. */
char *recorded(const char *name, int *ret_status);
/* The same of a stream: each line with its end, and no more. */
char *recorded_lines(const char *name);

/* What an informer told, one word each. "(" and ")": a list begins and ends. "+name",
 * "~name", "-name": an object. "!status": a failure. */
struct story {
	struct world *world;
	struct kube_informer *informer;
	struct buf told;
	int objects;
	int syncs;
	int failures;
	char message[256];
	/* behaviour */
	bool hesitates; /* -EAGAIN the first time for each object */
	bool hesitates_to_begin;
	bool hesitated;
	int refuse_at;		 /* the object that is refused, from 1 */
	unsigned int restart_at; /* bit n: the nth object makes it restart */
	int free_at;		 /* the object that makes it free the informer */
	bool restart_on_sync;
	bool free_on_failure;
};

void story_begin(struct story *story, struct world *world, const char *query);
/* Runs until the story is this, and resumes what hesitates. */
void story_expect(struct story *story, const char *ending);
/* Runs until the server has had so many requests. */
void story_requests(struct story *story, int wanted);
/* Ends the informer and the world. */
void story_end(struct story *story);

/* JSON texts of a server. */
#define OBJECT(name, version)                                                          \
	"{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}}"
#define LIST(version, more, items)                                                     \
	"{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"" version           \
	"\",\"continue\":\"" more "\"},\"items\":[" items "]}\n"
#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"

#endif
