#include "web.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dial.h"
#include "fdpass.h"
#include "mem.h"

/* Connections that one server of a test may have over its life. */
#define CONNS_MAX 512

/* --- connect() ----------------------------------------------------------------------
 */

static atomic_int stray_connects;

/* By its symbol: glibc's declaration has a transparent union that ISO C cannot match.
 */
int web_connect(int fd, const struct sockaddr *address, socklen_t len) __asm__(
    "connect");

int
web_connect(int fd, const struct sockaddr *address, socklen_t len)
{
	struct sockaddr_storage peer;
	socklen_t peer_len = sizeof peer;

	if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
		return (int)syscall(SYS_connect, fd, address, len);
	if (getpeername(fd, (struct sockaddr *)&peer, &peer_len) == 0)
		return 0;
	atomic_fetch_add(&stray_connects, 1);
	errno = ECONNREFUSED;
	return -1;
}

int
web_stray_connects(void)
{
	return atomic_load(&stray_connects);
}

/* --- certificates -------------------------------------------------------------------
 */

static void
add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert(extension != NULL);
	X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
}

static char *
bio_text(BIO *bio)
{
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);
	char *text = mem_strndup(data, (size_t)len);

	BIO_free(bio);
	return text;
}

static EVP_PKEY *
read_key(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert(key != NULL);
	return key;
}

static X509 *
read_cert(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert(cert != NULL);
	return cert;
}

static void
sign(X509 *cert, EVP_PKEY *own, const struct web_pair *ca)
{
	EVP_PKEY *key = ca != NULL ? read_key(ca->key) : own;
	int rc;

	if (ca != NULL) {
		X509 *issuer = read_cert(ca->cert);

		X509_set_issuer_name(cert, X509_get_subject_name(issuer));
		X509_free(issuer);
	} else {
		X509_set_issuer_name(cert, X509_get_subject_name(cert));
	}
	rc = X509_sign(cert, key, EVP_sha256());
	assert(rc > 0);
	if (ca != NULL)
		EVP_PKEY_free(key);
}

struct web_pair
web_pair_new(const char *name, const struct web_pair *ca)
{
	static long serial;
	struct web_pair pair;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	BIO *cert_bio = BIO_new(BIO_s_mem());
	BIO *key_bio = BIO_new(BIO_s_mem());
	char *alternative = mem_printf("DNS:%s", name);

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	if (ca == NULL)
		add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
	else
		add_extension(cert, NID_subject_alt_name, alternative);
	sign(cert, key, ca);
	PEM_write_bio_X509(cert_bio, cert);
	PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL);
	pair.cert = bio_text(cert_bio);
	pair.key = bio_text(key_bio);
	X509_free(cert);
	EVP_PKEY_free(key);
	free(alternative);
	return pair;
}

void
web_pair_free(struct web_pair *pair)
{
	free(pair->cert);
	free(pair->key);
}

/* --- the server ---------------------------------------------------------------------
 */

struct web_conn {
	struct web *web;
	int fd;
	int number;
	SSL *ssl;
	pthread_t thread;
	bool closing;
	bool hard;
	char *input; /* bytes read and not yet used */
	size_t input_len;
};

struct web {
	struct web_options options;
	int listen_fd;
	uint16_t port;
	pthread_t thread;
	SSL_CTX *tls;
	struct web_conn conns[CONNS_MAX];
	atomic_int connections;
	atomic_int requests;
};

static ssize_t
conn_read(struct web_conn *conn, char *out, size_t size)
{
	if (conn->ssl != NULL)
		return SSL_read(conn->ssl, out, (int)size);
	return recv(conn->fd, out, size, 0);
}

bool
web_send(struct web_conn *conn, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t sent = conn->ssl != NULL
				   ? SSL_write(conn->ssl, data, (int)len)
				   : send(conn->fd, data, len, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		data += sent;
		len -= (size_t)sent;
	}
	return true;
}

bool
web_answer(struct web_conn *conn, int status, const char *headers, const char *body)
{
	char *text =
	    mem_printf("HTTP/1.1 %d Status\r\nContent-Type: application/json\r\n"
		       "Content-Length: %zu\r\n%s\r\n%s",
		status, strlen(body), headers, body);
	bool ok = web_send(conn, text, strlen(text));

	free(text);
	return ok;
}

bool
web_begin_chunks(struct web_conn *conn)
{
	static const char head[] =
	    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n";

	return web_send(conn, head, sizeof head - 1);
}

bool
web_chunk(struct web_conn *conn, const char *data, size_t len)
{
	char *text = mem_calloc(len + 32, 1);
	int head = snprintf(text, 24, "%zx\r\n", len);
	bool ok;

	if (len > 0)
		memcpy(text + head, data, len);
	memcpy(text + head + len, "\r\n", 2);
	ok = web_send(conn, text, (size_t)head + len + 2);
	free(text);
	return ok;
}

void
web_close(struct web_conn *conn, bool hard)
{
	conn->closing = true;
	conn->hard = hard;
}

void
web_wait_closed(struct web_conn *conn)
{
	char bytes[256];

	while (conn_read(conn, bytes, sizeof bytes) > 0)
		;
	conn->closing = true;
}

void
web_client_name(struct web_conn *conn, char *out, size_t size)
{
	X509 *cert = conn->ssl != NULL ? SSL_get1_peer_certificate(conn->ssl) : NULL;

	out[0] = '\0';
	if (cert != NULL)
		X509_NAME_get_text_by_NID(
		    X509_get_subject_name(cert), NID_commonName, out, (int)size);
	X509_free(cert);
}

/* Reads until the input holds `marker` (NULL: `need` bytes); false at the end. */
static bool
fill(struct web_conn *conn, const char *marker, size_t need)
{
	for (;;) {
		ssize_t got;

		conn->input[conn->input_len] = '\0';
		if (marker != NULL ? strstr(conn->input, marker) != NULL
				   : conn->input_len >= need)
			return true;
		if (conn->input_len == WEB_REQUEST_MAX)
			return false;
		got = conn_read(conn, conn->input + conn->input_len,
		    WEB_REQUEST_MAX - conn->input_len);
		if (got <= 0)
			return false;
		conn->input_len += (size_t)got;
	}
}

static size_t
content_length(const char *head)
{
	for (const char *line = head; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncasecmp(line, "Content-Length:", 15) == 0)
			return (size_t)strtoul(line + 15, NULL, 10);
		if (*line == '\0')
			break;
	}
	return 0;
}

static bool
serve_one(struct web_conn *conn)
{
	struct web *web = conn->web;
	struct web_request request = {.connection = conn->number};
	char *head, *body, *end;
	size_t head_len, body_len;

	if (!fill(conn, "\r\n\r\n", 0))
		return false;
	end = strstr(conn->input, "\r\n\r\n");
	head_len = (size_t)(end - conn->input) + 4;
	head = mem_strndup(conn->input, head_len);
	body_len = content_length(head);
	if (!fill(conn, NULL, head_len + body_len)) {
		free(head);
		return false;
	}
	body = mem_strndup(conn->input + head_len, body_len);
	conn->input_len -= head_len + body_len;
	memmove(conn->input, conn->input + head_len + body_len, conn->input_len);
	sscanf(head, "%15s %1023s", request.method, request.path);
	request.head = head;
	request.body = body;
	request.number = atomic_fetch_add(&web->requests, 1);
	web->options.fn(conn, &request, web->options.arg);
	free(head);
	free(body);
	return !conn->closing;
}

static void *
serve(void *arg)
{
	struct web_conn *conn = arg;
	struct linger now = {.l_onoff = 1};

	conn->input = mem_calloc(WEB_REQUEST_MAX + 1, 1);
	if (conn->ssl == NULL || SSL_accept(conn->ssl) == 1)
		while (serve_one(conn))
			;
	if (conn->hard)
		setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	else if (conn->ssl != NULL)
		SSL_shutdown(conn->ssl);
	if (!conn->hard)
		shutdown(conn->fd, SHUT_RDWR);
	SSL_free(conn->ssl);
	conn->ssl = NULL;
	free(conn->input);
	if (conn->hard) {
		close(conn->fd);
		conn->fd = -1;
	}
	return NULL;
}

static void *
accept_all(void *arg)
{
	struct web *web = arg;

	for (;;) {
		int fd = accept(web->listen_fd, NULL, NULL);
		int number = atomic_load(&web->connections);
		struct web_conn *conn = &web->conns[number];
		int one = 1;
		int rc;

		if (fd < 0)
			return NULL;
		assert(number < CONNS_MAX);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		conn->web = web;
		conn->fd = fd;
		conn->number = number;
		if (web->tls != NULL) {
			conn->ssl = SSL_new(web->tls);
			SSL_set_fd(conn->ssl, fd);
		}
		rc = pthread_create(&conn->thread, NULL, serve, conn);
		assert(rc == 0);
		atomic_store(&web->connections, number + 1);
	}
}

static void
set_up_tls(struct web *web)
{
	const struct web_options *options = &web->options;
	X509 *cert = read_cert(options->tls->cert);
	EVP_PKEY *key = read_key(options->tls->key);

	web->tls = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(web->tls, cert);
	SSL_CTX_use_PrivateKey(web->tls, key);
	X509_free(cert);
	EVP_PKEY_free(key);
	if (options->client_ca != NULL) {
		X509 *ca = read_cert(options->client_ca);

		X509_STORE_add_cert(SSL_CTX_get_cert_store(web->tls), ca);
		X509_free(ca);
		SSL_CTX_set_verify(
		    web->tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
}

struct web *
web_new(const struct web_options *options)
{
	struct web *web = mem_calloc(1, sizeof *web);
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof address;
	int rc;

	web->options = *options;
	if (options->tls != NULL)
		set_up_tls(web);
	web->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	rc = bind(web->listen_fd, (struct sockaddr *)&address, len);
	assert(rc == 0);
	rc = listen(web->listen_fd, 64);
	assert(rc == 0);
	getsockname(web->listen_fd, (struct sockaddr *)&address, &len);
	web->port = ntohs(address.sin_port);
	rc = pthread_create(&web->thread, NULL, accept_all, web);
	assert(rc == 0);
	return web;
}

void
web_free(struct web *web)
{
	int count;

	shutdown(web->listen_fd, SHUT_RDWR);
	pthread_join(web->thread, NULL);
	close(web->listen_fd);
	count = atomic_load(&web->connections);
	for (int i = 0; i < count; i++) {
		struct web_conn *conn = &web->conns[i];

		if (conn->fd >= 0)
			shutdown(conn->fd, SHUT_RDWR);
		pthread_join(conn->thread, NULL);
		if (conn->fd >= 0)
			close(conn->fd);
	}
	SSL_CTX_free(web->tls);
	free(web);
}

uint16_t
web_port(const struct web *web)
{
	return web->port;
}

int
web_connections(const struct web *web)
{
	return atomic_load(&web->connections);
}

int
web_requests(const struct web *web)
{
	return atomic_load(&web->requests);
}

/* --- the dialer ---------------------------------------------------------------------
 */

static int
open_connection(int port)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr = {htonl(INADDR_LOOPBACK)},
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (syscall(SYS_connect, fd, &address, sizeof address) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void *
dial_all(void *arg)
{
	struct web_dialer *dialer = arg;
	struct dial_request request;

	while (recv(dialer->fd, &request, sizeof request, 0) == sizeof request) {
		struct dial_reply reply = {.id = request.id};
		int fd = -1;

		atomic_store(&dialer->entry, (int)request.entry);
		atomic_fetch_add(&dialer->asked, 1);
		if (atomic_load(&dialer->mute))
			continue;
		reply.error = atomic_load(&dialer->error);
		if (reply.error == 0) {
			fd = open_connection(atomic_load(&dialer->port));
			if (fd < 0)
				reply.error = ECONNREFUSED;
		}
		fdpass_send(dialer->fd, &reply, sizeof reply, fd);
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

void
web_dialer_start(struct web_dialer *dialer, uint16_t port)
{
	pthread_t thread;
	int pair[2];
	int rc = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);

	assert(rc == 0);
	memset(dialer, 0, sizeof *dialer);
	dialer->client_fd = pair[0];
	dialer->fd = pair[1];
	atomic_store(&dialer->port, port);
	rc = pthread_create(&thread, NULL, dial_all, dialer);
	assert(rc == 0);
	dialer->thread = (unsigned long)thread;
}

void
web_dialer_stop(struct web_dialer *dialer)
{
	shutdown(dialer->fd, SHUT_RDWR);
	pthread_join((pthread_t)dialer->thread, NULL);
	close(dialer->fd);
	close(dialer->client_fd);
}
