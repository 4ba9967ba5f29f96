/* What the parts of the client share. Private to kube/. */
#ifndef IPW_CLIENT_H
#define IPW_CLIENT_H

#include <stdint.h>
#include <sys/queue.h>

#include "http.h"
#include "kube.h"
#include "rate.h"

/* Longest reason and message that are kept of a Status (bytes, NUL included). */
#define STATUS_REASON_MAX  64
#define STATUS_MESSAGE_MAX 512

struct kube_call_state;

struct kube {
	struct loop *loop;
	struct http_target *target;
	char *user_agent;	  /* a header line */
	char *host;		  /* NAME:PORT */
	kube_measure_fn *measure; /* NULL: nobody counts */
	void *measure_arg;
	/* One higher with each credential: tells whether a 401 was for an older one. */
	uint64_t credentials;
	/* the newest halves of the client certificate; NULL: not given */
	char *cert;
	size_t cert_len;
	char *key;
	size_t key_len;
	TAILQ_HEAD(, kube_call_state) calls; /* those on their way */
	size_t calls_len;		     /* of them, those that are not urgent */
	/* in the order in which they were made, until there is a token for each */
	TAILQ_HEAD(kube_queue, kube_call_state) waiting;
	size_t waiting_len;
	struct rate call_rate;
	struct loop_timer *call_timer;
	TAILQ_HEAD(, kube_informer) informers;
};

/* The server's Status (meta/v1), as far as we use it. */
struct kube_status {
	int code; /* 0: not given */
	char reason[STATUS_REASON_MAX];
	char message[STATUS_MESSAGE_MAX];
	int64_t retry_after_ms; /* -1: not given */
};

/* Returns 0, or -EBADMSG with *ret_status untouched when `json` (may be NULL) is none.
 */
int kube_status_read(struct json_object *json, struct kube_status *ret_status);
/* A JSON object; NULL when the text is none. The caller's. */
struct json_object *kube_json_parse(const char *text, size_t len);
void kube_json_free(struct json_object *json);

/* To whoever counts requests. */
void kube_measured(const struct kube *kube, const char *method, int error, int status);

/* loop_timer_fn of call_timer: starts or ends what waits. */
void kube_calls_turn(void *kube);
/* Ends the calls without calling done. */
void kube_calls_free(struct kube *kube);

/* New credentials: an informer that waits after a failure tries again. */
void kube_informer_hurry(struct kube_informer *informer);
struct kube_informer *kube_informer_next(struct kube_informer *informer);
/* Frees an informer that was given up from within its own handlers. */
void kube_informer_bury(struct kube_informer *informer);

#endif
