/* A scripted web server, a dialer and certificates for the tests of http/ and kube/.
 * The server and the dialer run in threads of the test program; all traffic is on
 * 127.0.0.1. web.c also brings the connect() that programs with http/ need (see
 * http.h): it serves only descriptors that are connected already, and counts the
 * others. */
#ifndef IPW_WEB_H
#define IPW_WEB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Largest request that the server reads (bytes). */
#define WEB_REQUEST_MAX (256u * 1024u)

struct web;
struct web_conn;

struct web_request {
	char method[16];
	char path[1024];  /* with the query */
	const char *head; /* request line and headers, NUL-terminated */
	const char *body; /* NUL-terminated */
	int number;	  /* 0, 1, 2 …: of all requests to this server */
	int connection;	  /* 0, 1, 2 …: which connection it came by */
};

/* Answers one request with web_send; runs in a thread of its own per connection. */
typedef void web_fn(
    struct web_conn *conn, const struct web_request *request, void *arg);

struct web_pair {
	char *cert;
	char *key;
};

/* A certificate made for the test: by `ca`, or self-signed as a CA when that is NULL.
 */
struct web_pair web_pair_new(const char *name, const struct web_pair *ca);
void web_pair_free(struct web_pair *pair);

struct web_options {
	web_fn *fn;
	void *arg;
	const struct web_pair *tls; /* NULL: plain */
	const char *client_ca;	    /* NULL: client certificates are not asked for */
};

struct web *web_new(const struct web_options *options);
void web_free(struct web *web);
uint16_t web_port(const struct web *web);
int web_connections(const struct web *web);
int web_requests(const struct web *web);

/* False when the client is gone. */
bool web_send(struct web_conn *conn, const char *data, size_t len);
/* A whole answer with Content-Length; `headers` are lines that end with \r\n, or "". */
bool web_answer(
    struct web_conn *conn, int status, const char *headers, const char *body);
/* The head of a chunked answer, and one chunk of it; an empty chunk ends it. */
bool web_begin_chunks(struct web_conn *conn);
bool web_chunk(struct web_conn *conn, const char *data, size_t len);
/* The connection is closed after this request: with an RST if `hard`. */
void web_close(struct web_conn *conn, bool hard);
/* Waits until the client has closed the connection. */
void web_wait_closed(struct web_conn *conn);
/* Common name of the client's certificate; "" when there is none. */
void web_client_name(struct web_conn *conn, char *out, size_t size);

/* The other end of a client's dial descriptor. */
struct web_dialer {
	int client_fd;
	int fd;
	atomic_int port;  /* on 127.0.0.1 */
	atomic_int error; /* != 0: the answer to everything */
	atomic_bool mute; /* nothing is answered */
	atomic_int asked;
	atomic_int entry; /* of the last ask */
	unsigned long thread;
};

void web_dialer_start(struct web_dialer *dialer, uint16_t port);
void web_dialer_stop(struct web_dialer *dialer);

/* connect() calls for sockets that were not connected: must be none. */
int web_stray_connects(void);

#endif
