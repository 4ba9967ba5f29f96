/* The inside of an informer. Private to kube/. */
#ifndef IPW_INFORMER_H
#define IPW_INFORMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "client.h"
#include "frame.h"

/* A resourceVersion (bytes, NUL included): opaque, in practice a number. */
#define VERSION_MAX 64

/* A continue token (bytes, NUL included): base64 of a small object with a key in it. */
#define CONTINUE_MAX 8192

enum phase {
	PHASE_WAITING, /* for the timer */
	PHASE_LIST,
	PHASE_WATCH,
};

/* One object on its way to the handler, inside informer->frame.text. */
struct offer {
	bool held; /* the handler said -EAGAIN: it is to be given again */
	enum kube_event event;
	const char *json;
	size_t len;
	char version[VERSION_MAX]; /* the position after it; "" in a list */
};

struct kube_informer {
	struct kube *kube;
	char *path;
	char *query;
	struct kube_informer_handlers handlers;
	void *arg;
	TAILQ_ENTRY(kube_informer) link;
	struct loop_timer *timer;
	/* handlers may restart and free the informer under our feet */
	unsigned int inside;
	unsigned int restarts;
	bool doomed;

	enum phase phase;
	struct http_exchange *exchange;
	struct mono_time started;
	struct boot_time progressed; /* by an event, a bookmark, a page of the list */
	int64_t slept_ms;	     /* by then, in the life of the machine */
	struct mono_time awake_at;   /* what is read from then on counts as progress */

	/* where the watch goes on; "": list first */
	char position[VERSION_MAX];
	char *next_page; /* continue token of the next page; NULL: the first */

	/* the present answer */
	struct frame frame;
	struct offer offer;
	size_t skip;		/* bytes used of what http gives again after a pause */
	bool begun;		/* a byte of it has come */
	bool answered;		/* the watch has given an event */
	bool oversized;		/* ended for a line that is too long */
	bool refused_by_server; /* ended by an ERROR event: `status` */
	struct kube_status status;
	char list_version[VERSION_MAX];
	char list_continue[CONTINUE_MAX];

	/* in a row */
	unsigned int failures;	   /* without one good answer */
	unsigned int expiries;	   /* 410 without an event */
	unsigned int watch_errors; /* refused watches without an event */
	uint64_t refused;
};

/* A whole event came, or is being held: the watch is alive, though who holds an event
 * does not progress. */
void kube_informer_heard(struct kube_informer *informer);

/* An event, a bookmark or a page of the list was read. What comes right after a sleep
 * may have been sent before it, and does not count. */
void kube_informer_progress(struct kube_informer *informer);

/* events.c: http_request.data. */
int informer_take(void *arg, const char *piece, size_t len);

#endif
