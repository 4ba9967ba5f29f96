/* The answer's side of an exchange. */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "exchange.h"

/* The value of the header when it has that name: without the space around it. */
static bool
header_value(const char *line, size_t len, const char *name, const char **ret_value,
    size_t *ret_len)
{
	size_t name_len = strlen(name);

	if (len <= name_len || line[name_len] != ':' ||
	    strncasecmp(line, name, name_len) != 0)
		return false;
	line += name_len + 1;
	len -= name_len + 1;
	while (len > 0 && isspace((unsigned char)line[len - 1]))
		len--;
	while (len > 0 && isspace((unsigned char)*line)) {
		line++;
		len--;
	}
	*ret_value = line;
	*ret_len = len;
	return true;
}

/* Seconds or a date (RFC 9110 §10.2.3); anything else counts as not given. */
static int64_t
read_retry_after(const char *value, size_t len)
{
	char text[64];
	int64_t wait_ms;
	char *end;

	if (len == 0 || len >= sizeof text)
		return -1;
	memcpy(text, value, len);
	text[len] = '\0';
	if (strspn(text, "0123456789") == len) {
		long long seconds = strtoll(text, &end, 10);

		wait_ms = seconds > HTTP_RETRY_AFTER_MAX_MS / 1000
			      ? HTTP_RETRY_AFTER_MAX_MS
			      : seconds * 1000;
	} else {
		time_t when = curl_getdate(text, NULL);

		if (when == (time_t)-1)
			return -1;
		wait_ms = (int64_t)when * 1000 - clock_wall().ms;
	}
	if (wait_ms < 0)
		return 0;
	return wait_ms < HTTP_RETRY_AFTER_MAX_MS ? wait_ms : HTTP_RETRY_AFTER_MAX_MS;
}

size_t
answer_take_header(char *line, size_t size, size_t count, void *arg)
{
	struct http_exchange *exchange = arg;
	struct http_reply *reply = &exchange->reply;
	size_t len = size * count;
	const char *value;
	size_t value_len;

	exchange_touch(exchange);
	if (exchange->cancelled)
		return 0;
	if (len > HTTP_HEADERS_MAX - exchange->headers_len) {
		exchange->error = -E2BIG;
		return 0;
	}
	exchange->headers_len += len;
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		exchange_take_version(exchange, len >= 6 && line[5] == '1');
		/* another answer (after 100 Continue) */
		reply->content_type[0] = '\0';
		reply->retry_after_ms = -1;
	} else if (header_value(line, len, "Content-Type", &value, &value_len)) {
		if (value_len < sizeof reply->content_type) {
			memcpy(reply->content_type, value, value_len);
			reply->content_type[value_len] = '\0';
		}
	} else if (header_value(line, len, "Retry-After", &value, &value_len)) {
		reply->retry_after_ms = read_retry_after(value, value_len);
	}
	return len;
}

static bool
is_streamed(struct http_exchange *exchange)
{
	long status = 0;

	if (exchange->data == NULL)
		return false;
	curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
	return status >= 200 && status <= 299;
}

size_t
answer_take_body(char *piece, size_t size, size_t count, void *arg)
{
	struct http_exchange *exchange = arg;
	size_t len = size * count;
	int rc;

	exchange_touch(exchange);
	if (exchange->cancelled)
		return 0;
	if (is_streamed(exchange))
		rc = exchange->data(exchange->arg, piece, len);
	else
		rc = buf_put(&exchange->answer, piece, len);
	if (rc == 0)
		return len;
	if (rc == -EAGAIN) {
		exchange->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	assert(rc < 0);
	exchange->error = rc;
	return 0;
}

int
answer_error(CURLcode code)
{
	/* an int: curl may know more codes than its enum */
	switch ((int)code) {
	case CURLE_OK:
		return 0;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return -EACCES;
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
	case CURLE_ABORTED_BY_CALLBACK:
		return -ECONNRESET;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	default:
		return -EPROTO;
	}
}
