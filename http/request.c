/* The request's side of an exchange: an easy handle of curl. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "exchange.h"
#include "mem.h"

/* Bytes that curl reads at once; pieces of a body are no larger. */
#define REQUEST_BUFFER_SIZE 65536L

/* An idle connection is closed after this long, when the next request begins (seconds).
 * Servers begin to close them at 60 to 90 s, and a request on a dying connection is a
 * request in doubt; and what a busy moment has opened is not to stay: a TLS connection
 * takes some 40 KB. The lease is renewed every 10 s. */
#define REQUEST_IDLE_MAX_S 20L

/* Options are constants and bounded texts: curl refuses one only where it lacks it, or
 * memory. */
#define set_option(easy, option, value)                                                \
	do {                                                                           \
		CURLcode set_code = curl_easy_setopt((easy), (option), (value));       \
		assert(set_code == CURLE_OK);                                          \
	} while (0)

static struct curl_slist *
add_header(struct curl_slist *list, const char *text)
{
	struct curl_slist *longer = curl_slist_append(list, text);

	assert(longer != NULL);
	return longer;
}

static bool
is_plain(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	return true;
}

/* A path that leaves the request line whole and the URL's host what it is. */
static bool
is_path(const char *path)
{
	if (path[0] != '/' || strnlen(path, HTTP_PATH_MAX) == HTTP_PATH_MAX)
		return false;
	for (const char *c = path; *c != '\0'; c++)
		if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f || *c == '#')
			return false;
	return true;
}

static int
check_request(const struct http_request *request)
{
	static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
	bool known = false;

	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
		known = known || strcmp(request->method, methods[i]) == 0;
	if (!known || !is_path(request->path))
		return -EINVAL;
	for (size_t i = 0; request->headers != NULL && request->headers[i] != NULL; i++)
		if (!is_plain(request->headers[i]) ||
		    strchr(request->headers[i], ':') == NULL)
			return -EINVAL;
	return 0;
}

static void
set_headers(struct http_exchange *exchange, const struct http_target *target,
    const struct http_request *request)
{
	bool typed = false;

	for (size_t i = 0; request->headers != NULL && request->headers[i] != NULL;
	     i++) {
		typed =
		    typed || strncasecmp(request->headers[i], "Content-Type:", 13) == 0;
		exchange->headers = add_header(exchange->headers, request->headers[i]);
	}
	if (target->bearer_header != NULL)
		exchange->headers =
		    add_header(exchange->headers, target->bearer_header);
	/* curl's own ideas: waiting for 100 Continue, and a form's type */
	exchange->headers = add_header(exchange->headers, "Expect:");
	if (!typed)
		exchange->headers = add_header(exchange->headers, "Content-Type:");
	set_option(exchange->easy, CURLOPT_HTTPHEADER, exchange->headers);
}

static void
set_method(struct http_exchange *exchange, const struct http_request *request)
{
	bool get = strcmp(request->method, "GET") == 0;
	bool writes = request->body != NULL || strcmp(request->method, "POST") == 0 ||
		      strcmp(request->method, "PUT") == 0 ||
		      strcmp(request->method, "PATCH") == 0;

	if (writes) {
		exchange->body_len = request->body != NULL ? request->body_len : 0;
		exchange->body = mem_calloc(exchange->body_len + 1, 1);
		if (exchange->body_len > 0)
			memcpy(exchange->body, request->body, exchange->body_len);
		set_option(exchange->easy, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)exchange->body_len);
		set_option(exchange->easy, CURLOPT_POSTFIELDS, exchange->body);
	} else {
		set_option(exchange->easy, CURLOPT_HTTPGET, 1L);
	}
	if (!get || writes)
		set_option(exchange->easy, CURLOPT_CUSTOMREQUEST, request->method);
	exchange->repeatable = get;
}

static void
set_blob(CURL *easy, CURLoption option, char *text, size_t len)
{
	struct curl_blob blob = {text, len, CURL_BLOB_NOCOPY};

	if (text != NULL)
		set_option(easy, option, &blob);
}

/* curl adds nothing to the store, since it is given no CA; but it would keep the first
 * one for all connections to come, whoever they are for (CURLOPT_CA_CACHE_TIMEOUT). */
static CURLcode
set_trust(CURL *easy, void *context, void *arg)
{
	struct http_exchange *exchange = arg;

	(void)easy;
	return trust_apply(exchange->identity->trust, context) == 0
		   ? CURLE_OK
		   : CURLE_SSL_CACERT_BADFILE;
}

/* Everything from memory: no file is ever named. TLS sessions are not resumed, so that
 * each connection proves who both ends are. */
static void
set_tls(struct http_exchange *exchange)
{
	struct identity *identity = exchange->identity;
	CURL *easy = exchange->easy;

	set_option(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	set_option(easy, CURLOPT_SSL_VERIFYPEER, identity->insecure ? 0L : 1L);
	set_option(easy, CURLOPT_SSL_VERIFYHOST, identity->insecure ? 0L : 2L);
	set_option(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	set_option(easy, CURLOPT_CAINFO, (char *)NULL);
	set_option(easy, CURLOPT_CAPATH, (char *)NULL);
	set_option(easy, CURLOPT_SSL_CTX_FUNCTION, set_trust);
	set_option(easy, CURLOPT_SSL_CTX_DATA, exchange);
	set_option(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	set_blob(easy, CURLOPT_SSLCERT_BLOB, identity->cert, identity->cert_len);
	set_blob(easy, CURLOPT_SSLKEY_BLOB, identity->key, identity->key_len);
}

/* NOSIGNAL on every handle, or curl calls sigaction(2); TCP options are the dialer's.
 */
static void
set_connection(struct http_exchange *exchange, const struct http_target *target)
{
	CURL *easy = exchange->easy;

	exchange->connect_to =
	    add_header(exchange->connect_to, exchange->identity->connect_to);
	set_option(easy, CURLOPT_CONNECT_TO, exchange->connect_to);
	set_option(easy, CURLOPT_OPENSOCKETFUNCTION, exchange_open_socket);
	set_option(easy, CURLOPT_OPENSOCKETDATA, exchange);
	set_option(easy, CURLOPT_PREREQFUNCTION, exchange_before_send);
	set_option(easy, CURLOPT_PREREQDATA, exchange);
	set_option(easy, CURLOPT_NOSIGNAL, 1L);
	set_option(easy, CURLOPT_PROXY, "");
	set_option(easy, CURLOPT_NOPROXY, "*");
	set_option(easy, CURLOPT_FOLLOWLOCATION, 0L);
	set_option(easy, CURLOPT_PROTOCOLS_STR, target->scheme);
	set_option(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	set_option(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
	set_option(easy, CURLOPT_TCP_NODELAY, 0L);
	set_option(easy, CURLOPT_TCP_KEEPALIVE, 0L);
	set_option(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_TIMEOUT_MS);
	set_option(easy, CURLOPT_MAXAGE_CONN, REQUEST_IDLE_MAX_S);
	set_option(easy, CURLOPT_BUFFERSIZE, REQUEST_BUFFER_SIZE);
}

/* Newer versions of curl heed this and do not call connect(). */
static int
is_connected(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	(void)arg;
	(void)fd;
	(void)purpose;
	return CURL_SOCKOPT_ALREADY_CONNECTED;
}

int
request_prepare(struct http_exchange *exchange, const struct http_target *target,
    const struct http_request *request)
{
	CURL *easy = curl_easy_init();
	char *url;
	int rc;

	assert(easy != NULL);
	exchange->easy = easy;
	rc = check_request(request);
	if (rc < 0)
		return rc;
	url = mem_printf("%s%s", target->base_url, request->path);
	set_option(easy, CURLOPT_URL, url);
	free(url);
	set_option(easy, CURLOPT_PATH_AS_IS, 1L);
	set_option(easy, CURLOPT_PRIVATE, exchange);
	set_option(easy, CURLOPT_ERRORBUFFER, exchange->curl_error);
	set_option(easy, CURLOPT_SOCKOPTFUNCTION, is_connected);
	set_option(easy, CURLOPT_HEADERFUNCTION, answer_take_header);
	set_option(easy, CURLOPT_HEADERDATA, exchange);
	set_option(easy, CURLOPT_WRITEFUNCTION, answer_take_body);
	set_option(easy, CURLOPT_WRITEDATA, exchange);
	set_method(exchange, request);
	set_headers(exchange, target, request);
	set_connection(exchange, target);
	set_tls(exchange);
	return 0;
}

void
request_free(struct http_exchange *exchange)
{
	curl_easy_cleanup(exchange->easy);
	for (struct curl_slist *item = exchange->headers; item != NULL;
	     item = item->next)
		explicit_bzero(item->data, strlen(item->data));
	curl_slist_free_all(exchange->headers);
	curl_slist_free_all(exchange->connect_to);
	secret_free(exchange->body, exchange->body_len);
}
