#include "server.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connections.h"
#include "exits.h"
#include "exposition.h"
#include "fds.h"
#include "log.h"
#include "mem.h"

/* Connections of one listener at once, which connections.h keeps below that: those that
 * it has ended are closed in libmicrohttpd's next round, in which some ten more may
 * come. What a request may take (bytes). */
#define CONNECTIONS_MAX (CONNECTIONS_WAITING_MAX + CONNECTIONS_ANSWERING_MAX + 32u)
#define MEMORY_MAX	((size_t)16 * 1024)

/* The connections are looked at this often at the latest. */
#define LOOK_MS 1000

/* While clients take their time with so much of earlier pages (bytes), the one that
 * does for the longest time is ended before a further page is made; and none is made
 * while they have twice as much: a page each would be more than this process may have.
 */
#define PAGES_BYTES_MAX (16u << 20)

struct listener {
	struct server *server;
	struct MHD_Daemon *daemon;
	struct connections connections;
	int epoll_fd;
	bool metrics; /* /metrics is served here too */
};

struct server {
	struct loop *loop;
	const struct registry *registry;
	const struct health *health;
	const char *cluster;
	struct loop_timer *timer;
	size_t pages_bytes; /* of the bodies that are on their way, or kept */
	/* Many may ask for the metrics at once: as long as nothing changes they share
	 * one page. NULL: none yet. */
	struct MHD_Response *page;
	enum exposition_format page_format;
	int page_status;
	uint64_t page_changes;
	struct listener listeners[2];
};

#define TYPE_TEXT "text/plain; charset=utf-8"

struct body {
	struct server *server;
	struct buf text;
	size_t counted; /* in pages_bytes */
};

static struct body *
body_new(struct server *server)
{
	struct body *body = mem_calloc(1, sizeof *body);

	body->server = server;
	buf_init(&body->text, EXPOSITION_MAX);
	return body;
}

/* libmicrohttpd's, when the last byte is sent or the client is gone. */
static void
body_free(void *arg)
{
	struct body *body = arg;

	body->server->pages_bytes -= body->counted;
	buf_free(&body->text);
	free(body);
}

/* Takes the body. NULL when there is no memory for it. */
static struct MHD_Response *
response_new(struct body *body, const char *type)
{
	struct MHD_Response *response =
	    MHD_create_response_from_buffer_with_free_callback_cls(
		body->text.len, body->text.data, body_free, body);

	if (response == NULL) {
		body_free(body);
		return NULL;
	}
	body->counted = body->text.cap;
	body->server->pages_bytes += body->counted;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	return response;
}

static enum MHD_Result
answer(struct MHD_Connection *connection, int status, struct body *body)
{
	struct MHD_Response *response = response_new(body, TYPE_TEXT);
	enum MHD_Result result;

	if (response == NULL)
		return MHD_NO;
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, (unsigned int)status, response);
	MHD_destroy_response(response);
	return result;
}

static void
page_drop(struct server *server)
{
	if (server->page != NULL)
		MHD_destroy_response(server->page);
	server->page = NULL;
}

static void
page_make(struct server *server, enum exposition_format format)
{
	struct body *body = body_new(server);
	const char *type = exposition_type(format);

	server->page_format = format;
	server->page_status = MHD_HTTP_OK;
	if (exposition_write(server->registry, format, server->cluster, &body->text) <
	    0) {
		buf_free(&body->text);
		buf_puts(&body->text, "too many series");
		server->page_status = MHD_HTTP_INTERNAL_SERVER_ERROR;
		type = TYPE_TEXT;
	}
	server->page = response_new(body, type);
	server->page_changes = registry_changes(server->registry);
}

static enum MHD_Result
answer_metrics(struct listener *listener, struct MHD_Connection *connection)
{
	struct server *server = listener->server;
	enum exposition_format format = exposition_negotiate(
	    MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept"));

	if (server->page_changes != registry_changes(server->registry) ||
	    server->page_format != format)
		page_drop(server);
	if (server->page == NULL && server->pages_bytes >= PAGES_BYTES_MAX)
		connections_end_answering(&listener->connections);
	if (server->page == NULL && server->pages_bytes >= 2 * PAGES_BYTES_MAX) {
		struct body *body = body_new(server);

		buf_puts(&body->text, "busy");
		return answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE, body);
	}
	if (server->page == NULL)
		page_make(server, format);
	if (server->page == NULL)
		return MHD_NO;
	return MHD_queue_response(
	    connection, (unsigned int)server->page_status, server->page);
}

static int
answer_path(
    const struct server *server, const char *path, bool verbose, struct buf *body)
{
	if (strcmp(path, "/healthz") == 0)
		return health_healthz(
		    server->health, loop_now(server->loop), verbose, body);
	if (strcmp(path, "/readyz") == 0)
		return health_readyz(
		    server->health, loop_now(server->loop), verbose, body);
	buf_puts(body, "not found");
	return MHD_HTTP_NOT_FOUND;
}

/* --- who is there --- */

static struct connection *
connection_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
	    ->socket_context;
}

static void
on_connection(void *arg, struct MHD_Connection *connection, void **member,
    enum MHD_ConnectionNotificationCode code)
{
	struct listener *listener = arg;

	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		*member = connections_add(&listener->connections,
		    MHD_get_connection_info(
			connection, MHD_CONNECTION_INFO_CONNECTION_FD)
			->connect_fd,
		    loop_now(listener->server->loop));
	else
		connections_remove(&listener->connections, *member);
}

static void
on_completed(void *arg, struct MHD_Connection *connection, void **state,
    enum MHD_RequestTerminationCode code)
{
	struct listener *listener = arg;

	(void)state;
	(void)code;
	connections_answered(&listener->connections, connection_of(connection),
	    loop_now(listener->server->loop));
}

/* libmicrohttpd reads the end of the connection, and closes it. */
static void
end_connection(int fd)
{
	shutdown(fd, SHUT_RDWR);
}

/* --- requests --- */

/* libmicrohttpd calls it once with the head, then with each piece of a body, which
 * nobody reads, and again when the request is whole: only then it takes an answer. */
static enum MHD_Result
on_request(void *arg, struct MHD_Connection *connection, const char *path,
    const char *method, const char *version, const char *data, size_t *data_len,
    void **state)
{
	static char seen;
	struct listener *listener = arg;
	struct body *body;
	int status = MHD_HTTP_METHOD_NOT_ALLOWED;
	bool get, verbose;

	(void)version;
	(void)data;
	if (*state == NULL) {
		*state = &seen;
		return MHD_YES;
	}
	if (*data_len > 0) {
		*data_len = 0;
		return MHD_YES;
	}
	connections_answer(&listener->connections, connection_of(connection),
	    loop_now(listener->server->loop));
	get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
	if (get && listener->metrics && strcmp(path, "/metrics") == 0)
		return answer_metrics(listener, connection);
	verbose = MHD_lookup_connection_value_n(connection, MHD_GET_ARGUMENT_KIND,
		      "verbose", 7, NULL, NULL) == MHD_YES;
	body = body_new(listener->server);
	if (get)
		status = answer_path(listener->server, path, verbose, &body->text);
	else
		buf_puts(&body->text, "method not allowed");
	return answer(connection, status, body);
}

static void
run(struct server *server)
{
	int64_t wait_ms = LOOK_MS;

	for (int i = 0; i < 2; i++) {
		MHD_UNSIGNED_LONG_LONG left_ms;

		connections_expire(
		    &server->listeners[i].connections, loop_now(server->loop));
		MHD_run(server->listeners[i].daemon);
		if (MHD_get_timeout(server->listeners[i].daemon, &left_ms) == MHD_YES &&
		    left_ms < (unsigned long long)wait_ms)
			wait_ms = (int64_t)left_ms;
	}
	loop_timer_arm(server->timer, wait_ms);
}

static void
on_event(void *arg, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	run(arg);
}

static void
on_timer(void *arg)
{
	run(arg);
}

static void
listener_open(struct server *server, int index, int fd)
{
	struct listener *listener = &server->listeners[index];
	const union MHD_DaemonInfo *info = NULL;

	listener->server = server;
	listener->metrics = fd == FD_LISTEN_METRICS;
	connections_init(&listener->connections, end_connection);
	listener->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request,
	    listener, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
	    CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_MAX,
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, listener,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, listener, MHD_OPTION_END);
	if (listener->daemon != NULL)
		info = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL) {
		log_error("http_failed", LOG_N("fd", fd));
		_exit(EXIT_FATAL);
	}
	listener->epoll_fd = info->epoll_fd;
}

struct server *
server_open(
    struct loop *loop, const struct registry *registry, const struct health *health)
{
	struct server *server = mem_calloc(1, sizeof *server);

	server->loop = loop;
	server->registry = registry;
	server->health = health;
	server->timer = loop_timer_new(loop, on_timer, server);
	listener_open(server, 0, FD_LISTEN_METRICS);
	listener_open(server, 1, FD_LISTEN_HEALTH);
	return server;
}

void
server_start(struct server *server, const char *cluster)
{
	server->cluster = cluster;
	for (int i = 0; i < 2; i++)
		loop_set_fd(server->loop, server->listeners[i].epoll_fd, EPOLLIN,
		    on_event, server);
	run(server);
}

unsigned long
server_ended(const struct server *server, bool metrics)
{
	return server->listeners[metrics ? 0 : 1].connections.ended;
}
