/* The simulator's HTTP server: libmicrohttpd, one thread, driven by base/loop. Each
 * listener has its own handler. A handler sees a whole request and fills in a reply;
 * it may put the answer off (operations that take time) or stream it (watches). */
#ifndef IPW_SIM_HTTP_H
#define IPW_SIM_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "loop.h"

/* Largest request body that is read (bytes); larger ones get 413. */
#define SIM_BODY_MAX (3u * 1024u * 1024u)

struct sim_request {
	const char *method; /* GET, POST, PUT, PATCH, DELETE */
	const char *path;   /* decoded, without the query, "/api/v1/nodes" */
	const char *body;   /* "" when there is none; NUL-terminated */
	size_t body_len;
	bool again;	  /* this call follows a reply with defer_ms */
	void *connection; /* for the two functions below */
};

/* Decoded value of the first query parameter or header of that name, or NULL. Lives as
 * long as the request. Header names compare without case. */
const char *sim_request_query(const struct sim_request *request, const char *name);
const char *sim_request_header(const struct sim_request *request, const char *name);
/* Common name of the TLS client certificate, or NULL when there is none or it was not
 * made by client_ca_pem. Lives as long as the request. */
const char *sim_request_client_name(const struct sim_request *request);

/* A streamed body. `next` appends what is ready to `out` and returns 0; returns
 * -EAGAIN when nothing is ready (it is asked again after sim_http_wake or
 * `poll_ms`), and -ECANCELED at the end of the body, -EPIPE to break the connection
 * off. `close` runs exactly once, also when the client leaves. */
struct sim_stream {
	int (*next)(void *state, struct buf *out);
	void (*close)(void *state);
	void *state;
	int64_t poll_ms; /* ask again at the latest after this long */
};

struct sim_reply {
	int status;		  /* default 200 */
	const char *content_type; /* default application/json; constant text */
	struct buf body;
	struct {
		const char *name; /* constant text */
		char value[256];
	} headers[8];
	size_t headers_len;
	/* > 0: not answered yet; the handler is called again after that time with
	 * request->again set, the same request->connection and a fresh reply. That is
	 * so even when the client has left meanwhile; only the server's end prevents
	 * it. */
	int64_t defer_ms;
	/* the connection is closed without an answer (a fault) */
	bool drop;
	/* next != NULL: the body is streamed (chunked) instead of `body` */
	struct sim_stream stream;
};

/* Adds a header; too many or too long ones are our own bug (assert). */
void sim_reply_header(struct sim_reply *reply, const char *name, const char *value);

/* Fills in *reply, which comes zeroed but for status, content_type and an empty body.
 */
typedef void sim_handler_fn(
    void *arg, const struct sim_request *request, struct sim_reply *reply);

struct sim_http;

struct sim_http_options {
	uint16_t port;	      /* on 127.0.0.1; 0: chosen by the kernel */
	const char *cert_pem; /* NULL: plain HTTP */
	const char *key_pem;
	const char *client_ca_pem; /* NULL: client certificates are not asked for */
	sim_handler_fn *handler;
	void *arg;
	/* asked for each new connection; true: it is closed at once. May be NULL */
	bool (*refuses)(void *arg);
};

/* Starts listening. The process must ignore SIGPIPE. NULL on failure (logged). The
 * options' texts must outlive it. */
struct sim_http *sim_http_new(
    struct loop *loop, const struct sim_http_options *options);
/* Streams are closed, deferred requests are forgotten. Not from within a callback. */
void sim_http_free(struct sim_http *http);
uint16_t sim_http_port(const struct sim_http *http);
/* Ends all connections and goes on at the same port, with another certificate when one
 * is given. Not from within a callback of this server. Returns 0, or -EIO when it
 * cannot go on (logged). */
int sim_http_restart(struct sim_http *http, const char *cert_pem, const char *key_pem);
/* Streams of this server are asked again at once: something has changed. */
void sim_http_wake(struct sim_http *http);

#endif
