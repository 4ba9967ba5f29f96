/* HTTPS (and, for loopback and metadata, HTTP) on curl-multi in base/loop, over
 * connected descriptors that a dialer opens. No file, socket, resolver, proxy or
 * redirect is ever used. Everything bad that a server can send ends the exchange with
 * an error. */
#ifndef IPW_HTTP_H
#define IPW_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dial.h"
#include "loop.h"

struct http;
struct http_target;
struct http_exchange;

/* Exchanges that may be open at once; more end with -EBUSY. */
#define HTTP_EXCHANGES_MAX 256

/* Status line and headers of all answers to one request (bytes). */
#define HTTP_HEADERS_MAX (64u * 1024u)

/* A bearer token (bytes), and a path with its query. */
#define HTTP_BEARER_MAX (32u * 1024u)
#define HTTP_PATH_MAX	(32u * 1024u)

/* TCP connection, TLS included (milliseconds). */
#define HTTP_CONNECT_TIMEOUT_MS 10000

/* What a server asks us to wait is believed up to here (milliseconds). */
#define HTTP_RETRY_AFTER_MAX_MS (3600 * 1000)

/* Loads what the TLS library and curl need, and ignores SIGPIPE; before sandbox_lock.
 * The program must bring a connect() that answers 0 for a descriptor that is connected
 * (proto/shim.c): libcurl before 8 calls it for the descriptors that it is handed. */
struct http *http_new(struct loop *loop, struct dial *dial);
/* After its targets. Not from within a callback. */
void http_free(struct http *http);

/* One endpoint. `base_url` is scheme://name[:port][/prefix]; the connection goes to
 * `entry` whatever the name says, TLS verifies the name. Plain http only where
 * `base_url` says so. Lives until http_target_free; its exchanges are cancelled then.
 * NULL (logged) when `base_url` is nothing of that form. */
struct http_target *http_target_new(
    struct http *http, enum dial_entry entry, const char *base_url);
void http_target_free(struct http_target *target);
/* The server is not verified, and no CA is used; before the first exchange. */
void http_target_set_insecure(struct http_target *target);
/* PEM; copied; len 0: none. New exchanges use them; connections made with older ones
 * are not reused. Without a CA no server is trusted. The same bytes again change
 * nothing. */
void http_target_set_ca(struct http_target *target, const char *pem, size_t len);
void http_target_set_client(struct http_target *target, const char *cert_pem,
    size_t cert_len, const char *key_pem, size_t key_len);
/* True when the private key belongs to the (first) certificate. While a pair is being
 * rotated, its halves arrive one after the other. */
bool http_client_fits(
    const char *cert_pem, size_t cert_len, const char *key_pem, size_t key_len);
/* Sent as "Authorization: Bearer …"; copied, wiped when replaced. NULL: none. A token
 * with control characters is refused with -EINVAL. */
int http_target_set_bearer(struct http_target *target, const char *token, size_t len);

struct http_reply {
	int error;	  /* 0; -ETIMEDOUT, -ECONNREFUSED, -ECONNRESET, -EPROTO,
			   * -EACCES (certificate), -E2BIG (larger than size_max) … */
	char detail[160]; /* for people, when error != 0 */
	int status;	  /* HTTP status, 0 when there was none */
	const char *body; /* borrowed; NUL-terminated; "" when streamed */
	size_t body_len;
	char content_type[96];
	int64_t retry_after_ms; /* -1: not given */
	int64_t duration_ms;
	/* The request had been handed to the kernel when it failed: it may have had its
	 * effect. false: certainly not sent, or answered (error is 0). Only a GET is
	 * ever sent a second time without its caller. */
	bool maybe_sent;
};

struct http_request {
	const char *method; /* GET, POST, PUT, PATCH, DELETE */
	const char
	    *path; /* after base_url, with the query: "/api/v1/nodes?limit=500" */
	const char *const
	    *headers;	  /* "Name: value"; NULL-terminated, or NULL; copied */
	const char *body; /* copied, wiped; NULL: none */
	size_t body_len;
	int64_t timeout_ms; /* the whole exchange; 0: none (watches) */
	int64_t idle_ms;    /* no byte for so long ends it with -ETIMEDOUT; 0: none */
	size_t size_max;    /* of the body when it is gathered; 0: HTTP_BODY_MAX */
	/* Streamed: called with each piece of a 2xx body; other statuses are gathered.
	 * Returns 0 to go on, -EAGAIN to be paused before this piece (http_resume gives
	 * it again), another negative errno to end the exchange with that error. NULL:
	 * the body is gathered. */
	int (*data)(void *arg, const char *piece, size_t len);
	void (*done)(
	    void *arg, const struct http_reply *reply); /* exactly once, later */
	void *arg;
};

/* Never fails at once: errors come through done. The exchange is valid until done. All
 * of these may be called from within data and done. */
struct http_exchange *http_start(
    struct http_target *target, const struct http_request *request);
/* Ends it without calling done. */
void http_cancel(struct http_exchange *exchange);
void http_resume(struct http_exchange *exchange);

#endif
