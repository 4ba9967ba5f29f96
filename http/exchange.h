/* One request and its answer, from http_start to done. Private to http/. */
#ifndef IPW_EXCHANGE_H
#define IPW_EXCHANGE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "buf.h"
#include "http.h"
#include "target.h"

/* curl asks for a socket in the middle of its work, and must be answered at once; a
 * dialer answers later. Whether curl needs a new connection or has a kept one, only
 * curl knows. So an exchange is given to curl without a descriptor; when curl does ask,
 * it is told that there is none, the exchange fails and comes out, the dialer is asked,
 * and with its descriptor in the hand the exchange is given to curl a second time.
 * Should curl then prefer a connection that became free meanwhile, the descriptor is
 * closed.
 *
 * Over HTTP/2 exchanges share a connection. Which version a server speaks is known when
 * its connection stands; so while one exchange opens one, others that need one wait for
 * it, and are then given to curl again, which shares it or asks for another.
 *
 * curl's functions must not be called from within its callbacks. So nothing here acts
 * at once: http_start, http_cancel and http_resume write down a wish, and settle
 * fulfils it from the loop. */
struct http {
	struct loop *loop;
	struct dial *dial;
	CURLM *multi;
	struct loop_timer *curl_timer;
	struct loop_timer *settle_timer;
	size_t exchanges_len;
	TAILQ_HEAD(, http_exchange) exchanges;
};

struct http_exchange {
	struct http *http;
	struct http_target *target; /* gone when it is cancelled */
	enum dial_entry entry;
	struct identity *identity;
	TAILQ_ENTRY(http_exchange) link;

	/* the request */
	CURL *easy;
	struct curl_slist *headers;
	struct curl_slist *connect_to;
	char *body;
	size_t body_len;
	bool repeatable; /* a GET */
	int (*data)(void *arg, const char *piece, size_t len);
	void (*done)(void *arg, const struct http_reply *reply);
	void *arg;

	/* time */
	struct loop_timer *timer;
	int64_t timeout_ms;
	int64_t idle_ms;
	struct mono_time started;
	struct mono_time active; /* the last sign of life */

	/* the connection */
	uint64_t dial_id; /* valid while dialling */
	int fd;		  /* connected, not yet taken by curl; or -1 */
	int dials;

	/* wishes, fulfilled outside of curl's callbacks */
	bool cancelled;
	bool starting;
	bool resuming;

	/* state */
	bool added; /* curl has it */
	bool dialling;
	bool waiting;  /* for the connection that another exchange opens */
	bool wants_fd; /* curl asked for a connection and was told to come again */
	bool paused;
	bool sent;
	bool finished; /* done is to be called */

	/* the answer */
	int error; /* why we broke it off ourselves */
	char curl_error[CURL_ERROR_SIZE];
	size_t headers_len;
	struct buf answer;
	struct http_reply reply;
};

/* answer.c: the callbacks that read an answer. */
size_t answer_take_header(char *line, size_t size, size_t count, void *arg);
size_t answer_take_body(char *piece, size_t size, size_t count, void *arg);
/* What curl ended with, as a negative errno; 0 for CURLE_OK. */
int answer_error(CURLcode code);

/* request.c: the easy handle. Returns 0, or -EINVAL when the request cannot be sent as
 * it is; exchange->easy is set either way. */
int request_prepare(struct http_exchange *exchange, const struct http_target *target,
    const struct http_request *request);
void request_free(struct http_exchange *exchange);

/* exchange.c */
curl_socket_t exchange_open_socket(
    void *arg, curlsocktype purpose, struct curl_sockaddr *address);
int exchange_before_send(
    void *arg, char *peer, char *local, int peer_port, int local_port);
void exchange_touch(struct http_exchange *exchange);
/* The version of HTTP that its answer came by. */
void exchange_take_version(struct http_exchange *exchange, bool one);
void exchange_enter_curl(struct http_exchange *exchange);
void exchange_leave_curl(struct http_exchange *exchange);
void exchange_unpause(struct http_exchange *exchange);
/* curl is done with it: dials, or finishes. */
void exchange_conclude(struct http_exchange *exchange, CURLcode code);
/* Calls `done`. */
void exchange_report(struct http_exchange *exchange);
void exchange_free(struct http_exchange *exchange);

/* http.c */
void http_settle_soon(struct http *http);
void http_cancel_all(struct http *http, const struct http_target *target);

#endif
