#include "query.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_timer(void *arg);
static void query_try_next(struct query *query);

void
query_init(struct query *query, struct loop *loop, const struct conf *conf,
    enum dns_type type, query_done_fn *done, void *arg)
{
	*query = (struct query){.loop = loop,
	    .conf = conf,
	    .done = done,
	    .arg = arg,
	    .type = type,
	    .timer = loop_timer_new(loop, on_timer, query),
	    .fd = -1};
}

static void
query_close(struct query *query)
{
	if (query->fd < 0)
		return;
	loop_remove_fd(query->loop, query->fd);
	close(query->fd);
	query->fd = -1;
}

void
query_stop(struct query *query)
{
	query_close(query);
	loop_timer_disarm(query->timer);
	query->open = false;
}

void
query_free(struct query *query)
{
	query_stop(query);
	loop_timer_free(query->timer);
}

static void
query_end(struct query *query, int error)
{
	query_stop(query);
	query->error = error;
	query->done(query->arg);
}

void
query_start(struct query *query, const char *name)
{
	assert(!query->open);
	memcpy(query->name, name, strlen(name) + 1);
	query->open = true;
	query->plain = false;
	query->tries = 0;
	query->error = -ETIMEDOUT;
	query->answer.count = 0;
	/* from the loop, so that a failure does not come back from within */
	loop_timer_arm(query->timer, 0);
}

static void
on_timer(void *arg)
{
	query_try_next(arg);
}

/* What came is no answer: the same server may still send the real one. */
static void
take_stray(struct query *query)
{
	if (++query->strays > QUERY_STRAYS_MAX)
		query_try_next(query);
}

static void
take_message(struct query *query, const uint8_t *message, size_t len)
{
	int rc = dns_read_answer(
	    message, len, query->id, query->name, query->type, &query->answer);

	switch (rc) {
	case -EBADMSG:
		take_stray(query);
		break;
	case -EIO:
		query->error = -EIO;
		query_try_next(query);
		break;
	case -ENOTSUP:
		query->error = -EIO;
		/* the same server once more, without EDNS */
		if (!query->plain)
			query->tries--;
		query->plain = true;
		query_try_next(query);
		break;
	default:
		query_end(query, rc);
	}
}

static void
on_readable(void *arg, int fd, uint32_t events)
{
	struct query *query = arg;
	uint8_t message[DNS_MESSAGE_MAX + 1];
	ssize_t len = recv(fd, message, sizeof message, MSG_DONTWAIT);

	(void)events;
	if (len >= 0)
		take_message(query, message, (size_t)len);
	else if (errno != EAGAIN && errno != EINTR)
		/* ICMP: nobody listens there */
		query_try_next(query);
}

/* A fresh socket (the kernel picks a random port when it is connected, and takes
 * packets from that server alone) and a fresh id. Returns 0 or a negative errno. */
static int
query_send(struct query *query, const struct conf_server *server)
{
	uint8_t message[DNS_QUERY_MAX];
	size_t len;

	if (getrandom(&query->id, sizeof query->id, 0) != sizeof query->id)
		return -EIO;
	len = dns_write_query(
	    message, query->id, query->name, query->type, !query->plain);
	assert(len > 0);
	query->fd = socket(
	    server->address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (query->fd < 0)
		return -errno;
	if (connect(query->fd, (const struct sockaddr *)&server->address,
		server->address_len) < 0 ||
	    send(query->fd, message, len, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)len)
		return errno != 0 ? -errno : -EIO;
	return loop_set_fd(query->loop, query->fd, EPOLLIN, on_readable, query);
}

static int64_t
try_wait_ms(const struct conf *conf)
{
	int64_t wait_ms = 1000 * (int64_t)conf->timeout_s;

	return wait_ms < QUERY_TRY_MAX_MS ? wait_ms : QUERY_TRY_MAX_MS;
}

/* All servers, and all of them again. From the second round on without EDNS: there are
 * servers that drop what they do not know. */
static void
query_try_next(struct query *query)
{
	const struct conf *conf = query->conf;

	query_close(query);
	while (query->tries < conf->servers_len * conf->attempts) {
		const struct conf_server *server =
		    &conf->servers[query->tries % conf->servers_len];

		if (query->tries++ >= conf->servers_len)
			query->plain = true;
		query->strays = 0;
		if (query_send(query, server) == 0) {
			loop_timer_arm(query->timer, try_wait_ms(conf));
			return;
		}
		query_close(query);
	}
	query_end(query, query->error);
}
