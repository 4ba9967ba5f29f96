/* What the tests of http/ share: a world with a server, a dialer and a target, and the
 * record of an exchange. */
#ifndef IPW_HTTP_RIG_H
#define IPW_HTTP_RIG_H

#include "buf.h"
#include "http.h"
#include "web.h"

/* Longest that a test waits for what must happen (milliseconds). */
#define PATIENCE_MS 15000

struct world {
	struct loop *loop;
	struct dial *dial;
	struct web_dialer dialer;
	struct http *http;
	struct http_target *target;
	struct web *web;
	struct web_pair ca;
	struct web_pair server;
	struct web_pair client;
};

/* What became of an exchange. */
struct result {
	struct world *world;
	int done;
	struct http_reply reply;
	struct buf body;
	/* streamed bodies */
	int pieces;
	int pauses;	     /* still to be made, one before each piece */
	int error_at;	     /* the piece that is refused, from 1; 0: none */
	bool resume_at_once; /* from within data */
	bool cancel_at_once; /* from within data */
	struct http_exchange *exchange;
	struct http_exchange *to_cancel; /* from within done */
	struct http_target *to_free;	 /* from within done */
};

/* A server that answers with `fn`, and a target for it. */
void world_open(struct world *world, web_fn *fn, void *arg, bool tls);
/* Asserts that nothing ever called connect(2). */
void world_close(struct world *world);
void run_until(struct world *world, const int *count, int wanted);
/* Rounds of the loop until nothing that was begun can still be on its way. */
void run_rounds(struct world *world, int count);
/* GET and / where the request says nothing else; the result's callbacks. */
void start(
    struct world *world, struct result *result, const struct http_request *request);
/* The whole of a GET. */
void get(struct world *world, struct result *result, const char *path);
/* http_request.data for a struct result. */
int on_data(void *arg, const char *piece, size_t len);
/* web_fn: answers with the request as it came in. */
void echo(struct web_conn *conn, const struct web_request *request, void *arg);

#endif
