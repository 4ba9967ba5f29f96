/* One question (one name, one type) put to the servers in turn until one answers. Each
 * try has a socket, a source port and an id of its own. */
#ifndef IPW_RESOLVER_QUERY_H
#define IPW_RESOLVER_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "dns.h"
#include "loop.h"

/* A try waits at most this long, whatever resolv.conf says: a dial lasts three seconds,
 * and a dead server must leave time for the next one. */
#define QUERY_TRY_MAX_MS 1000u

/* Packets that are no answer to our question, until the try is given up. */
#define QUERY_STRAYS_MAX 16u

/* Called from the loop, never from within query_start. */
typedef void query_done_fn(void *arg);

struct query {
	struct loop *loop;
	const struct conf *conf; /* borrowed; may change between tries */
	query_done_fn *done;
	void *arg;
	enum dns_type type;
	struct loop_timer *timer;
	/* of the question that is or was open */
	char name[RESOLVE_NAME_SIZE];
	bool open;
	bool plain; /* without EDNS */
	uint16_t id;
	int fd; /* -1: none */
	unsigned int tries;
	unsigned int strays;
	int error; /* once it is not open: as dns_read_answer, or -ETIMEDOUT */
	struct dns_answer answer; /* when error is 0 */
};

void query_init(struct query *query, struct loop *loop, const struct conf *conf,
    enum dns_type type, query_done_fn *done, void *arg);
/* Closes what is open; `done` is not called. */
void query_stop(struct query *query);
void query_free(struct query *query);

/* Begins with a valid name; not while one is open. */
void query_start(struct query *query, const char *name);

#endif
