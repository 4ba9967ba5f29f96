#include "clients.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "fdpass.h"
#include "fds.h"
#include "log.h"
#include "lookup.h"
#include "mem.h"

/* Requests taken from one dialer in one round of the loop. */
#define ROUND_REQUESTS_MAX 16

/* Dropped requests and replies are told at most this often. */
#define DROPS_LOG_MS 10000

_Static_assert(FD_RESOLVE_2 - FD_RESOLVE_0 + 1 == LOOKUP_CLIENTS, "one number each");

struct clients {
	struct loop *loop;
	struct lookups *lookups;
	unsigned int malformed;	 /* requests dropped since the last log line */
	unsigned int unanswered; /* replies that a dialer did not take */
	struct loop_timer *drops;
	bool drops_armed;
};

static void
drops_log(void *arg)
{
	struct clients *clients = arg;

	clients->drops_armed = clients->malformed > 0 || clients->unanswered > 0;
	if (!clients->drops_armed)
		return;
	log_warn("questions_dropped", LOG_N("malformed", clients->malformed),
	    LOG_N("unanswered", clients->unanswered));
	clients->malformed = 0;
	clients->unanswered = 0;
	loop_timer_arm(clients->drops, DROPS_LOG_MS);
}

static void
drops_count(struct clients *clients, unsigned int *counter)
{
	(*counter)++;
	if (!clients->drops_armed)
		drops_log(clients);
}

static void
answer(void *arg, unsigned int client, const struct resolve_reply *reply)
{
	struct clients *clients = arg;

	if (fdpass_send_plain(FD_RESOLVE_0 + (int)client, reply, sizeof *reply) < 0)
		drops_count(clients, &clients->unanswered);
}

static void
on_dialer(void *arg, int fd, uint32_t events)
{
	struct clients *clients = arg;

	for (size_t i = 0; i < ROUND_REQUESTS_MAX; i++) {
		struct resolve_request request = {0};
		ssize_t len = fdpass_receive_plain(fd, &request, sizeof request);

		if (len == -EAGAIN)
			return;
		/* an empty packet reads like the end; only the end is also told in
		 * events */
		if (len <= 0 && (events & (EPOLLHUP | EPOLLRDHUP)) != 0) {
			loop_remove_fd(clients->loop, fd);
			return;
		}
		if (len != (ssize_t)sizeof request ||
		    memchr(request.name, '\0', sizeof request.name) == NULL)
			drops_count(clients, &clients->malformed);
		else
			lookups_ask(clients->lookups, (unsigned int)(fd - FD_RESOLVE_0),
			    &request);
	}
}

struct clients *
clients_new(struct loop *loop, const struct conf *conf)
{
	struct clients *clients = mem_calloc(1, sizeof *clients);

	*clients = (struct clients){.loop = loop};
	clients->drops = loop_timer_new(loop, drops_log, clients);
	clients->lookups = lookups_new(loop, conf, answer, clients);
	for (int fd = FD_RESOLVE_0; fd <= FD_RESOLVE_2; fd++) {
		int rc =
		    loop_set_fd(loop, fd, EPOLLIN | EPOLLRDHUP, on_dialer, clients);

		if (rc == 0)
			continue;
		log_error("descriptors_refused", LOG_N("number", fd),
		    LOG_S("error", strerror(-rc)));
		clients_free(clients);
		return NULL;
	}
	return clients;
}

void
clients_free(struct clients *clients)
{
	if (clients == NULL)
		return;
	lookups_free(clients->lookups);
	loop_timer_free(clients->drops);
	free(clients);
}

void
clients_forget(struct clients *clients)
{
	lookups_forget(clients->lookups);
}
