#include "http.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>

#include "log.h"
#include "mem.h"

/* Largest reply that is sent from memory at once (bytes): a long list of objects. */
#define REPLY_MAX (64u * 1024u * 1024u)
/* What a stream may hand over in one go (bytes): a watch's whole initial state. */
#define STREAM_MAX (64u * 1024u * 1024u)
/* Connections of one listener at a time. */
#define CONNECTIONS_MAX 2000u
/* Memory of one connection for headers and buffers (bytes). */
#define CONNECTION_MEMORY 65536u
/* A connection without any traffic is closed after this long, a suspended one is not.
 */
#define IDLE_S 300u
/* What the library asks a stream for at a time (bytes). */
#define STREAM_BLOCK 16384u

struct sim_http {
	struct loop *loop;
	struct sim_http_options options;
	struct MHD_Daemon *daemon;
	int epoll_fd;
	uint16_t port;
	struct loop_timer *timer; /* the library's own timeout */
	bool resumed;		  /* since the last run of the library */
	LIST_HEAD(, exchange) exchanges;
};

/* One request and its reply. Lives from the request's headers to the library's
 * completion callback, which also comes when the client has left. */
struct exchange {
	struct sim_http *http;
	struct MHD_Connection *connection;
	struct buf body;
	bool again;
	bool suspended;
	struct loop_timer *timer; /* wakes the suspended connection */
	int watched_fd;		  /* the suspended stream's socket, or -1 */
	char *client_name;
	struct sim_stream stream;
	struct buf out; /* of the stream */
	size_t out_sent;
	int stream_rc; /* 0, or how the stream ends once `out` is sent */
	LIST_ENTRY(exchange) link;
};

static void on_epoll(void *arg, int fd, uint32_t events);
static void on_timeout(void *arg);
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection,
    const char *url, const char *method, const char *version, const char *upload,
    size_t *upload_len, void **exchange);
static void on_completed(void *arg, struct MHD_Connection *connection, void **exchange,
    enum MHD_RequestTerminationCode code);

/* The library wants a plain pointer, and only reads. */
static struct MHD_OptionItem
text_option(enum MHD_OPTION option, const char *text)
{
	return (struct MHD_OptionItem){option, 0, (void *)(uintptr_t)text};
}

static enum MHD_Result
on_accept(void *arg, const struct sockaddr *address, socklen_t address_len)
{
	const struct sim_http *http = arg;

	(void)address;
	(void)address_len;
	if (http->options.refuses == NULL || !http->options.refuses(http->options.arg))
		return MHD_YES;
	return MHD_NO;
}

/* `listen_fd` -1: a socket is made. */
static struct MHD_Daemon *
start_daemon(struct sim_http *http, int listen_fd)
{
	const struct sim_http_options *options = &http->options;
	struct sockaddr_in address = {
	    .sin_family = AF_INET,
	    .sin_port = htons(options->port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	unsigned int flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
	struct MHD_OptionItem more[5] = {text_option(MHD_OPTION_END, NULL)};
	size_t count = 0;

	if (listen_fd >= 0)
		more[count++] =
		    (struct MHD_OptionItem){MHD_OPTION_LISTEN_SOCKET, listen_fd, NULL};
	if (options->cert_pem != NULL) {
		flags |= MHD_USE_TLS;
		more[count++] =
		    text_option(MHD_OPTION_HTTPS_MEM_CERT, options->cert_pem);
		more[count++] = text_option(MHD_OPTION_HTTPS_MEM_KEY, options->key_pem);
	}
	if (options->cert_pem != NULL && options->client_ca_pem != NULL)
		more[count++] =
		    text_option(MHD_OPTION_HTTPS_MEM_TRUST, options->client_ca_pem);
	more[count] = text_option(MHD_OPTION_END, NULL);
	return MHD_start_daemon(flags, options->port, on_accept, http, on_request, http,
	    MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
	    MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
	    MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_NOTIFY_COMPLETED,
	    on_completed, http, MHD_OPTION_ARRAY, more, MHD_OPTION_END);
}

static void
attach_daemon(struct sim_http *http)
{
	int rc;

	http->epoll_fd =
	    MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	rc = loop_set_fd(http->loop, http->epoll_fd, EPOLLIN, on_epoll, http);
	assert(rc == 0);
}

struct sim_http *
sim_http_new(struct loop *loop, const struct sim_http_options *options)
{
	struct sim_http *http = mem_calloc(1, sizeof *http);

	http->loop = loop;
	http->options = *options;
	LIST_INIT(&http->exchanges);
	http->timer = loop_timer_new(loop, on_timeout, http);
	http->daemon = start_daemon(http, -1);
	if (http->daemon == NULL) {
		log_error("http_start_failed", LOG_N("port", options->port),
		    LOG_S("reason", strerror(errno)));
		loop_timer_free(http->timer);
		free(http);
		return NULL;
	}
	http->port = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	attach_daemon(http);
	return http;
}

uint16_t
sim_http_port(const struct sim_http *http)
{
	return http->port;
}

static void
run_daemon(struct sim_http *http)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;

	http->resumed = false;
	MHD_run(http->daemon);
	/* what TLS holds back and what was resumed in a callback is not seen by epoll:
	 * the library then asks for a timeout of 0 */
	if (http->resumed)
		loop_timer_arm(http->timer, 0);
	else if (MHD_get_timeout(http->daemon, &wait_ms) == MHD_YES)
		loop_timer_arm(http->timer, (int64_t)wait_ms);
	else
		loop_timer_disarm(http->timer);
}

static void
on_epoll(void *arg, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	run_daemon(arg);
}

static void
on_timeout(void *arg)
{
	run_daemon(arg);
}

/* --- one exchange ------------------------------------------------------------------
 */

static struct exchange *
exchange_new(struct sim_http *http, struct MHD_Connection *connection)
{
	struct exchange *exchange = mem_calloc(1, sizeof *exchange);

	exchange->http = http;
	exchange->connection = connection;
	exchange->watched_fd = -1;
	buf_init(&exchange->body, SIM_BODY_MAX);
	buf_init(&exchange->out, STREAM_MAX);
	LIST_INSERT_HEAD(&http->exchanges, exchange, link);
	return exchange;
}

static void
exchange_unwatch(struct exchange *exchange)
{
	if (exchange->watched_fd >= 0)
		loop_remove_fd(exchange->http->loop, exchange->watched_fd);
	exchange->watched_fd = -1;
}

static void
exchange_free(struct exchange *exchange)
{
	if (exchange == NULL)
		return;
	LIST_REMOVE(exchange, link);
	exchange_unwatch(exchange);
	loop_timer_free(exchange->timer);
	if (exchange->stream.close != NULL)
		exchange->stream.close(exchange->stream.state);
	buf_free(&exchange->body);
	buf_free(&exchange->out);
	free(exchange->client_name);
	free(exchange);
}

static void
on_completed(void *arg, struct MHD_Connection *connection, void **exchange,
    enum MHD_RequestTerminationCode code)
{
	(void)arg;
	(void)connection;
	(void)code;
	exchange_free(*exchange);
	*exchange = NULL;
}

static void
exchange_resume(void *arg)
{
	struct exchange *exchange = arg;

	if (!exchange->suspended)
		return;
	exchange->suspended = false;
	exchange_unwatch(exchange);
	if (exchange->timer != NULL)
		loop_timer_disarm(exchange->timer);
	MHD_resume_connection(exchange->connection);
	exchange->http->resumed = true;
	loop_timer_arm(exchange->http->timer, 0);
}

/* `wait_ms` <= 0: until somebody resumes it. */
static void
exchange_suspend(struct exchange *exchange, int64_t wait_ms)
{
	MHD_suspend_connection(exchange->connection);
	exchange->suspended = true;
	if (wait_ms <= 0)
		return;
	if (exchange->timer == NULL)
		exchange->timer =
		    loop_timer_new(exchange->http->loop, exchange_resume, exchange);
	loop_timer_arm(exchange->timer, wait_ms);
}

void
sim_http_wake(struct sim_http *http)
{
	struct exchange *exchange;

	LIST_FOREACH(exchange, &http->exchanges, link)
		if (exchange->stream.next != NULL)
			exchange_resume(exchange);
}

static void
stop_daemon(struct sim_http *http)
{
	struct exchange *exchange;

	if (http->daemon == NULL)
		return;
	/* the library must not be stopped with suspended connections in it */
	LIST_FOREACH(exchange, &http->exchanges, link)
		exchange_resume(exchange);
	loop_remove_fd(http->loop, http->epoll_fd);
	MHD_stop_daemon(http->daemon);
	http->daemon = NULL;
	assert(LIST_EMPTY(&http->exchanges));
}

void
sim_http_free(struct sim_http *http)
{
	if (http == NULL)
		return;
	stop_daemon(http);
	loop_timer_free(http->timer);
	free(http);
}

int
sim_http_restart(struct sim_http *http, const char *cert_pem, const char *key_pem)
{
	int listen_fd = MHD_quiesce_daemon(http->daemon);

	stop_daemon(http);
	loop_timer_disarm(http->timer);
	http->options.port = http->port;
	if (cert_pem != NULL) {
		http->options.cert_pem = cert_pem;
		http->options.key_pem = key_pem;
	}
	http->daemon = start_daemon(http, listen_fd);
	if (http->daemon == NULL) {
		log_error("http_restart_failed", LOG_N("port", http->port));
		return -EIO;
	}
	attach_daemon(http);
	return 0;
}

/* --- streams -----------------------------------------------------------------------
 */

/* The library does not look at the socket of a suspended connection. */
static void
on_client_left(void *arg, int fd, uint32_t events)
{
	struct exchange *exchange = arg;

	(void)fd;
	(void)events;
	exchange->stream_rc = -EPIPE;
	exchange_resume(exchange);
}

static void
stream_suspend(struct exchange *exchange)
{
	int fd = MHD_get_connection_info(
	    exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD)
		     ->connect_fd;

	exchange_suspend(exchange, exchange->stream.poll_ms);
	if (loop_set_fd(
		exchange->http->loop, fd, EPOLLRDHUP, on_client_left, exchange) == 0)
		exchange->watched_fd = fd;
}

static void
stream_refill(struct exchange *exchange)
{
	int rc;

	buf_reset(&exchange->out);
	exchange->out_sent = 0;
	rc = exchange->stream.next(exchange->stream.state, &exchange->out);
	if (exchange->out.refused) {
		log_error("stream_too_large", LOG_N("size_max", STREAM_MAX));
		rc = -EPIPE;
	}
	if (rc != -EAGAIN)
		exchange->stream_rc = rc;
}

static ssize_t
on_stream(void *arg, uint64_t position, char *out, size_t out_size)
{
	struct exchange *exchange = arg;
	size_t len;

	(void)position;
	if (exchange->out_sent == exchange->out.len && exchange->stream_rc == 0)
		stream_refill(exchange);
	len = exchange->out.len - exchange->out_sent;
	if (len == 0 && exchange->stream_rc == -ECANCELED)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (len == 0 && exchange->stream_rc != 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (len == 0) {
		stream_suspend(exchange);
		return 0;
	}
	if (len > out_size)
		len = out_size;
	memcpy(out, exchange->out.data + exchange->out_sent, len);
	exchange->out_sent += len;
	return (ssize_t)len;
}

/* --- requests ----------------------------------------------------------------------
 */

static void
answer_error(
    struct sim_reply *reply, int status, const char *reason, const char *message)
{
	reply->status = status;
	buf_free(&reply->body);
	buf_printf(&reply->body,
	    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},"
	    "\"status\":\"Failure\",\"message\":\"%s\",\"reason\":\"%s\",\"code\":%d}"
	    "\n",
	    message, reason, status);
}

/* Takes the reply's body over. */
static struct MHD_Response *
response_new(struct exchange *exchange, struct sim_reply *reply)
{
	struct MHD_Response *response;

	if (reply->body.refused)
		answer_error(reply, 500, "InternalError", "the reply is too large");
	if (reply->stream.next != NULL) {
		buf_free(&reply->body);
		response = MHD_create_response_from_callback(
		    MHD_SIZE_UNKNOWN, STREAM_BLOCK, on_stream, exchange, NULL);
	} else if (reply->body.data != NULL) {
		response = MHD_create_response_from_buffer(
		    reply->body.len, reply->body.data, MHD_RESPMEM_MUST_FREE);
	} else {
		response =
		    MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	}
	assert(response != NULL);
	MHD_add_response_header(
	    response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
	for (size_t i = 0; i < reply->headers_len; i++)
		MHD_add_response_header(
		    response, reply->headers[i].name, reply->headers[i].value);
	return response;
}

static enum MHD_Result
exchange_answer(struct exchange *exchange, const char *method, const char *path)
{
	const struct sim_http_options *options = &exchange->http->options;
	struct sim_request request = {
	    .method = method,
	    .path = path,
	    .body = exchange->body.data != NULL ? exchange->body.data : "",
	    .body_len = exchange->body.len,
	    .again = exchange->again,
	    .connection = exchange,
	};
	struct sim_reply reply = {.status = 200, .content_type = "application/json"};
	struct MHD_Response *response;
	enum MHD_Result queued;

	buf_init(&reply.body, REPLY_MAX);
	if (exchange->body.refused)
		answer_error(&reply, 413, "RequestEntityTooLarge",
		    "Request entity too large: limit is 3145728");
	else
		options->handler(options->arg, &request, &reply);
	exchange->stream = reply.stream; /* closed with the exchange, whatever comes */
	if (reply.drop || reply.defer_ms > 0)
		buf_free(&reply.body);
	if (reply.drop)
		return MHD_NO;
	if (reply.defer_ms > 0) {
		assert(reply.stream.next == NULL);
		exchange->again = true;
		exchange_suspend(exchange, reply.defer_ms);
		return MHD_YES;
	}
	response = response_new(exchange, &reply);
	queued = MHD_queue_response(
	    exchange->connection, (unsigned int)reply.status, response);
	MHD_destroy_response(response);
	return queued;
}

/* Called with the headers, with each piece of the body, with its end, and again after
 * the connection was suspended without an answer. */
static enum MHD_Result
on_request(void *arg, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload, size_t *upload_len,
    void **exchange)
{
	(void)version;
	if (*exchange == NULL) {
		*exchange = exchange_new(arg, connection);
		return MHD_YES;
	}
	if (*upload_len > 0) {
		/* too much of it is read to the end all the same, so that the client
		 * sees the refusal and not a broken connection */
		buf_put(&((struct exchange *)*exchange)->body, upload, *upload_len);
		*upload_len = 0;
		return MHD_YES;
	}
	return exchange_answer(*exchange, method, url);
}

/* --- what a handler may ask for ----------------------------------------------------
 */

void
sim_reply_header(struct sim_reply *reply, const char *name, const char *value)
{
	size_t slot = reply->headers_len;
	size_t len = strlen(value);

	assert(slot < sizeof reply->headers / sizeof reply->headers[0]);
	assert(len < sizeof reply->headers[slot].value);
	reply->headers[slot].name = name;
	memcpy(reply->headers[slot].value, value, len + 1);
	reply->headers_len++;
}

static const char *
request_value(
    const struct sim_request *request, enum MHD_ValueKind kind, const char *name)
{
	const struct exchange *exchange = request->connection;
	const char *value;

	if (exchange == NULL || MHD_lookup_connection_value_n(exchange->connection,
				    kind, name, strlen(name), &value, NULL) != MHD_YES)
		return NULL;
	return value != NULL ? value : ""; /* "?watch" without "=" */
}

const char *
sim_request_query(const struct sim_request *request, const char *name)
{
	return request_value(request, MHD_GET_ARGUMENT_KIND, name);
}

const char *
sim_request_header(const struct sim_request *request, const char *name)
{
	return request_value(request, MHD_HEADER_KIND, name);
}

/* The common name in a DER certificate, or NULL. */
static char *
certificate_name(const gnutls_datum_t *der)
{
	gnutls_x509_crt_t certificate;
	char name[256];
	size_t name_size = sizeof name;
	char *found = NULL;

	if (gnutls_x509_crt_init(&certificate) < 0)
		return NULL;
	if (gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER) >= 0 &&
	    gnutls_x509_crt_get_dn_by_oid(
		certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &name_size) >= 0)
		found = mem_strndup(name, name_size);
	gnutls_x509_crt_deinit(certificate);
	return found;
}

const char *
sim_request_client_name(const struct sim_request *request)
{
	struct exchange *exchange = request->connection;
	const union MHD_ConnectionInfo *info;
	const gnutls_datum_t *chain;
	unsigned int status, count = 0;
	gnutls_session_t session;

	if (exchange == NULL || exchange->http->options.client_ca_pem == NULL)
		return NULL;
	if (exchange->client_name != NULL)
		return exchange->client_name;
	info = MHD_get_connection_info(
	    exchange->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (info == NULL || info->tls_session == NULL)
		return NULL;
	session = info->tls_session;
	chain = gnutls_certificate_get_peers(session, &count);
	if (chain == NULL || count == 0 ||
	    gnutls_certificate_verify_peers2(session, &status) < 0 || status != 0)
		return NULL;
	exchange->client_name = certificate_name(&chain[0]);
	return exchange->client_name;
}
