/* Without _GNU_SOURCE, as proto/shim.c: it defines connect(). */
#undef _GNU_SOURCE
#define _DEFAULT_SOURCE 1

#include "connect.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dial.h"
#include "mem.h"

struct ask {
	uint64_t id;
	struct dial *dial;
	dial_fn *fn;
	void *arg;
	struct addrinfo *all, *next; /* addresses; those not yet tried */
	struct loop_timer *timer;
	int fd;	   /* being connected; -1: none */
	int error; /* of the last try */
	TAILQ_ENTRY(ask) link;
};

struct dial {
	struct loop *loop;
	const char *host, *port;
	uint64_t id_next;
	TAILQ_HEAD(, ask) asks;
};

/* Debian 12's libcurl calls it for descriptors that are connected already
 * (proto/shim.h).
 */
int
connect(int fd, const struct sockaddr *address, socklen_t len)
{
	struct sockaddr_storage peer;
	socklen_t peer_len = sizeof peer;

	if (getpeername(fd, (struct sockaddr *)&peer, &peer_len) == 0)
		return 0;
	return (int)syscall(SYS_connect, fd, address, len);
}

struct dial *
dial_new(struct loop *loop, int dial_fd)
{
	struct dial *dial = mem_calloc(1, sizeof *dial);

	(void)dial_fd;
	dial->loop = loop;
	TAILQ_INIT(&dial->asks);
	return dial;
}

void
connect_set_server(struct dial *dial, const char *host, const char *port)
{
	dial->host = host;
	dial->port = port;
}

static void
close_try(struct ask *ask)
{
	if (ask->fd < 0)
		return;
	loop_remove_fd(ask->dial->loop, ask->fd);
	close(ask->fd);
	ask->fd = -1;
}

static void
free_ask(struct ask *ask)
{
	TAILQ_REMOVE(&ask->dial->asks, ask, link);
	close_try(ask);
	loop_timer_free(ask->timer);
	if (ask->all != NULL)
		freeaddrinfo(ask->all);
	free(ask);
}

void
dial_free(struct dial *dial)
{
	if (dial == NULL)
		return;
	while (!TAILQ_EMPTY(&dial->asks))
		free_ask(TAILQ_FIRST(&dial->asks));
	free(dial);
}

static void
end_ask(struct ask *ask, int fd, int error)
{
	dial_fn *fn = ask->fn;
	void *arg = ask->arg;

	free_ask(ask);
	fn(arg, fd, error);
}

static void
on_writable(void *arg, int fd, uint32_t events)
{
	struct ask *ask = arg;
	int error = 0;
	socklen_t len = sizeof error;

	(void)events;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error != 0) {
		ask->error = error;
		close_try(ask);
		loop_timer_arm(ask->timer, 0);
		return;
	}
	loop_remove_fd(ask->dial->loop, fd);
	ask->fd = -1;
	end_ask(ask, fd, 0);
}

/* loop_timer_fn: the next address; the one before is given up. */
static void
try_next(void *arg)
{
	struct ask *ask = arg;
	const struct addrinfo *to = ask->next;

	if (ask->fd >= 0)
		ask->error = ETIMEDOUT;
	close_try(ask);
	if (to == NULL) {
		end_ask(ask, -1, ask->error);
		return;
	}
	ask->next = to->ai_next;
	ask->fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (ask->fd < 0 || (connect(ask->fd, to->ai_addr, to->ai_addrlen) < 0 &&
			       errno != EINPROGRESS)) {
		ask->error = errno;
		if (ask->fd >= 0)
			close(ask->fd);
		ask->fd = -1;
		loop_timer_arm(ask->timer, 0);
		return;
	}
	loop_set_fd(ask->dial->loop, ask->fd, EPOLLOUT, on_writable, ask);
	loop_timer_arm(ask->timer, DIAL_TIMEOUT_MS);
}

uint64_t
dial_ask(struct dial *dial, enum dial_entry entry, dial_fn *fn, void *arg)
{
	static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct ask *ask = mem_calloc(1, sizeof *ask);

	(void)entry;
	ask->id = ++dial->id_next;
	ask->dial = dial;
	ask->fn = fn;
	ask->arg = arg;
	ask->fd = -1;
	ask->error = EHOSTUNREACH;
	ask->timer = loop_timer_new(dial->loop, try_next, ask);
	if (getaddrinfo(dial->host, dial->port, &hints, &ask->all) != 0)
		ask->all = NULL;
	ask->next = ask->all;
	TAILQ_INSERT_TAIL(&dial->asks, ask, link);
	loop_timer_arm(ask->timer, 0);
	return ask->id;
}

void
dial_cancel(struct dial *dial, uint64_t id)
{
	struct ask *ask;

	TAILQ_FOREACH(ask, &dial->asks, link)
		if (ask->id == id)
			break;
	if (ask != NULL)
		free_ask(ask);
}

/* No dialer starts anew. */
void
dial_again(struct dial *dial)
{
	(void)dial;
}
