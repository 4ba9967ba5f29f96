/* A client of the Kubernetes API: calls, and list + watch, over http/. */
#ifndef IPW_KUBE_H
#define IPW_KUBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http.h"
#include "settings.h"

struct json_object;
struct kube;

/* Takes host, port, TLS name and version from the settings. NULL (logged) when they
 * make no URL. The API server's audit log has "ipwarden-PROCESS/VERSION" as the agent.
 */
struct kube *kube_new(struct loop *loop, struct http *http,
    const struct settings *settings, const char *process);
/* Ends its informers and calls; no callback is called any more. Not from within one. */
void kube_free(struct kube *kube);
/* A credential as worker_hooks.file hands it over: reads and closes fd. Kinds that are
 * not for the API server are ignored (and closed). Returns 0 or a negative errno
 * (logged). A client certificate and its key come apart: they are used as soon as they
 * fit. Informers that wait after a failure try again at once. */
int kube_set_file(struct kube *kube, enum file_kind kind, int fd);

/* Told of each request whose answer has ended, watches included: `code` is the HTTP
 * status or, as k8s.io/client-go says it, "<error>"; `host` is NAME:PORT. */
typedef void kube_measure_fn(
    void *arg, const char *code, const char *method, const char *host);
void kube_measure(struct kube *kube, kube_measure_fn *fn, void *arg);

/* --- calls -------------------------------------------------------------------------
 */

struct kube_reply {
	int error;	 /* as http_reply; 0 when the server answered at all */
	int status;	 /* HTTP status */
	char reason[64]; /* Status.reason ("Conflict", "NotFound", …), "" on success */
	char message[512]; /* Status.message, or the transport's detail */
	struct json_object
	    *json;		/* the body; borrowed; NULL when it is no JSON object */
	int64_t retry_after_ms; /* -1: not given */
	bool maybe_sent;	/* a lost answer: the request may have had its effect */
};

enum kube_body {
	KUBE_BODY_JSON,	       /* application/json: create, update, evict */
	KUBE_BODY_MERGE_PATCH, /* application/merge-patch+json */
	KUBE_BODY_STRATEGIC_PATCH,
};

struct kube_call {
	const char *method;
	const char
	    *path; /* "/api/v1/nodes/n1"; with ?fieldManager=… for writes by itself */
	enum kube_body body_kind;
	const char *body;   /* JSON text; copied; NULL: none */
	int64_t timeout_ms; /* 0: KUBE_CALL_TIMEOUT_MS; its turn is waited for in it */
	bool urgent;	    /* does not wait for its turn: renewals of the lease */
	/* The server's audit log has it as auditID (header Audit-ID); copied; NULL: the
	 * server makes one. Of the characters of a UUID. */
	const char *request_id;
};

#define KUBE_CALL_TIMEOUT_MS 10000
#define KUBE_FIELD_MANAGER   "ipwarden"

/* Calls are made at most at this rate, beyond a burst, and so many are open at once,
 * fewer than http/ has connections: a lease's renewal finds one. More wait for their
 * turn, in order. What waits for half of its timeout ends with -ETIMEDOUT, certainly
 * not sent; beyond KUBE_CALLS_WAITING_MAX calls end with -EBUSY. The requests of
 * informers do not count: they back off by themselves. */
#define KUBE_CALLS_BURST       200
#define KUBE_CALLS_PER_S       50
#define KUBE_CALLS_OPEN_MAX    8
#define KUBE_CALLS_WAITING_MAX 1024

/* Exactly once, later. A 401 is no answer while a newer credential has arrived since
 * the request was made: then it is made once more. */
typedef void kube_done_fn(void *arg, const struct kube_reply *reply);
void kube_call(
    struct kube *kube, const struct kube_call *call, kube_done_fn *done, void *arg);

/* Percent-encodes `text` for a path segment or a query value; caller frees. */
char *kube_escape(const char *text);

/* --- list + watch (an informer without a store) -------------------------------------
 */

enum kube_event { KUBE_ADDED, KUBE_MODIFIED, KUBE_DELETED };

struct kube_informer_handlers {
	/* A complete list begins: what is not seen until sync_end no longer exists. May
	 * come again before sync_end: that list was given up, this is another one. An
	 * object may come more than once in a list. Returns 0; -EAGAIN to be told again
	 * after kube_informer_resume. */
	int (*sync_begin)(void *arg);
	void (*sync_end)(void *arg);
	/* One object's JSON text, borrowed, not NUL-terminated, at most KUBE_OBJECT_MAX
	 * bytes. The objects of a list come as KUBE_ADDED (without kind and
	 * apiVersion). Returns 0; -EAGAIN to be given it again after
	 * kube_informer_resume; -EBADMSG when it was refused (counted, logged; the
	 * stream goes on). What is malformed or larger is refused without a call. */
	int (*object)(void *arg, enum kube_event event, const char *json, size_t len);
	/* The list or watch failed and will be tried again; `message` is for people,
	 * `status` the server's (HTTP, or of an ERROR event), 0: it did not answer.
	 * While failing, nothing that was believed changes. */
	void (*failed)(void *arg, int status, const char *message);
};

struct kube_informer;
/* `path` is the collection, e.g. "/api/v1/pods"; `query` more parameters or "". Lists
 * in pages of KUBE_PAGE, watches with bookmarks from the list's resourceVersion,
 * resumes after a cut, lists anew after 410. Backs off with jitter. */
struct kube_informer *kube_informer_new(struct kube *kube, const char *path,
    const char *query, const struct kube_informer_handlers *handlers, void *arg);
/* This, restart and resume may be called from within the handlers. */
void kube_informer_free(struct kube_informer *informer);
/* Forget the position and list anew (the receiver lost its state). */
void kube_informer_restart(struct kube_informer *informer);
void kube_informer_resume(struct kube_informer *informer);
/* When the server said something last: an event, a bookmark or the end of a list's
 * page. While the machine sleeps it says nothing. */
struct boot_time kube_informer_progressed(const struct kube_informer *informer);
/* Since when it has said nothing (milliseconds). */
int64_t kube_informer_silent_ms(const struct kube_informer *informer);
/* Objects and lines that were refused since kube_informer_new. */
uint64_t kube_informer_refused(const struct kube_informer *informer);

#define KUBE_PAGE "500"

#endif
