#include "target.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exchange.h"
#include "log.h"
#include "mem.h"

void
secret_free(char *secret, size_t len)
{
	if (secret == NULL)
		return;
	explicit_bzero(secret, len);
	free(secret);
}

struct identity *
identity_hold(struct identity *identity)
{
	identity->references++;
	return identity;
}

void
identity_drop(struct identity *identity)
{
	if (identity == NULL || --identity->references > 0)
		return;
	trust_drop(identity->trust);
	free(identity->cert);
	secret_free(identity->key, identity->key_len);
	free(identity);
}

static char *
copy_text(const char *text, size_t len)
{
	char *copy = NULL;

	if (len > 0) {
		copy = mem_calloc(len + 1, 1);
		memcpy(copy, text, len);
	}
	return copy;
}

/* curl keeps idle connections and reuses one when host, port and TLS settings are the
 * same. That is too coarse for us (the key of a certificate does not count, nor does
 * the dialer's entry), and a second multi handle cannot be made under the filter. So
 * each identity of each target says that it connects to an address of its own in
 * 127.0.0.0/8, which becomes a part of what must be the same. Nothing is ever opened to
 * that address: the descriptor comes from the dialer; and as it is a literal, nothing
 * is resolved. */
static void
name_pool(struct identity *identity, long port)
{
	static uint32_t last;
	uint32_t number = ++last & 0xffffff;

	snprintf(identity->connect_to, sizeof identity->connect_to,
	    "::127.%u.%u.%u:%ld", (unsigned int)(number >> 16),
	    (unsigned int)(number >> 8 & 0xff), (unsigned int)(number & 0xff), port);
}

static bool
is_plain(const struct http_target *target)
{
	return strcmp(target->scheme, "http") == 0;
}

/* Puts a copy of the identity, with a pool of its own, in the place of the present one.
 * What the caller replaces in it is freed by identity_drop. */
static struct identity *
renew_identity(struct http_target *target)
{
	const struct identity *old = target->identity;
	struct identity *identity = mem_calloc(1, sizeof *identity);

	identity->references = 1;
	identity->trust = trust_hold(old->trust);
	identity->insecure = old->insecure;
	identity->cert = copy_text(old->cert, old->cert_len);
	identity->cert_len = old->cert_len;
	identity->key = copy_text(old->key, old->key_len);
	identity->key_len = old->key_len;
	identity->speaks_one = is_plain(target);
	name_pool(identity, target->port);
	identity_drop(target->identity);
	target->identity = identity;
	return identity;
}

void
target_leave_pool(struct http_target *target, const struct identity *identity)
{
	if (target->identity == identity)
		renew_identity(target);
}

static bool
is_same(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

static char *
url_part(CURLU *url, CURLUPart part, unsigned int flags)
{
	char *text = NULL;
	char *copy;

	if (curl_url_get(url, part, &text, flags) != CURLUE_OK)
		return NULL;
	copy = mem_strdup(text);
	curl_free(text);
	return copy;
}

static bool
has_part(CURLU *url, CURLUPart part)
{
	char *text = url_part(url, part, 0);
	bool has = text != NULL;

	free(text);
	return has;
}

/* The parts of a base URL that count; false when there is anything more or less. */
static bool
read_url(struct http_target *target, CURLU *url)
{
	char *scheme = url_part(url, CURLUPART_SCHEME, 0);
	char *port = url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	bool ok = scheme != NULL && port != NULL && has_part(url, CURLUPART_HOST) &&
		  !has_part(url, CURLUPART_USER) &&
		  !has_part(url, CURLUPART_PASSWORD) &&
		  !has_part(url, CURLUPART_QUERY) && !has_part(url, CURLUPART_FRAGMENT);

	if (ok && strcmp(scheme, "https") == 0)
		target->scheme = "https";
	else if (ok && strcmp(scheme, "http") == 0)
		target->scheme = "http";
	else
		ok = false;
	if (ok)
		target->port = strtol(port, NULL, 10);
	free(scheme);
	free(port);
	return ok;
}

struct http_target *
http_target_new(struct http *http, enum dial_entry entry, const char *base_url)
{
	struct http_target *target = mem_calloc(1, sizeof *target);
	CURLU *url = curl_url();
	size_t len = strlen(base_url);
	bool ok;

	assert(url != NULL);
	ok = curl_url_set(url, CURLUPART_URL, base_url, CURLU_DISALLOW_USER) ==
		 CURLUE_OK &&
	     read_url(target, url);
	curl_url_cleanup(url);
	if (!ok) {
		log_error("http_url_refused", LOG_S("url", base_url));
		free(target);
		return NULL;
	}
	while (len > 0 && base_url[len - 1] == '/')
		len--;
	target->http = http;
	target->entry = entry;
	target->base_url = mem_strndup(base_url, len);
	target->identity = mem_calloc(1, sizeof *target->identity);
	target->identity->references = 1;
	target->identity->trust = trust_new(NULL, 0);
	target->identity->speaks_one = is_plain(target);
	name_pool(target->identity, target->port);
	return target;
}

static void
forget_bearer(struct http_target *target)
{
	if (target->bearer_header != NULL)
		secret_free(target->bearer_header, strlen(target->bearer_header));
	target->bearer_header = NULL;
}

void
http_target_free(struct http_target *target)
{
	if (target == NULL)
		return;
	http_cancel_all(target->http, target);
	forget_bearer(target);
	identity_drop(target->identity);
	free(target->base_url);
	free(target);
}

void
http_target_set_insecure(struct http_target *target)
{
	renew_identity(target)->insecure = true;
}

void
http_target_set_ca(struct http_target *target, const char *pem, size_t len)
{
	struct identity *identity = target->identity;

	if (trust_is(identity->trust, pem, len))
		return;
	identity = renew_identity(target);
	trust_drop(identity->trust);
	identity->trust = trust_new(pem, len);
}

void
http_target_set_client(struct http_target *target, const char *cert_pem,
    size_t cert_len, const char *key_pem, size_t key_len)
{
	struct identity *identity = target->identity;

	if (is_same(identity->cert, identity->cert_len, cert_pem, cert_len) &&
	    is_same(identity->key, identity->key_len, key_pem, key_len))
		return;
	identity = renew_identity(target);
	free(identity->cert);
	secret_free(identity->key, identity->key_len);
	identity->cert = copy_text(cert_pem, cert_len);
	identity->cert_len = cert_len;
	identity->key = copy_text(key_pem, key_len);
	identity->key_len = key_len;
}

/* The token goes with each request, so connections outlive it. */
int
http_target_set_bearer(struct http_target *target, const char *token, size_t len)
{
	static const char prefix[] = "Authorization: Bearer ";
	char *header;

	if (token == NULL) {
		forget_bearer(target);
		return 0;
	}
	if (len == 0 || len > HTTP_BEARER_MAX)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)token[i] < 0x20 || token[i] == 0x7f)
			return -EINVAL;
	header = mem_calloc(sizeof prefix + len, 1);
	memcpy(header, prefix, sizeof prefix - 1);
	memcpy(header + sizeof prefix - 1, token, len);
	forget_bearer(target);
	target->bearer_header = header;
	return 0;
}

static BIO *
open_text(const char *pem, size_t len)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);

	assert(bio != NULL);
	return bio;
}

/* A key with a passphrase is of no use to us: it is not asked for. */
static int
no_passphrase(char *out, int size, int writing, void *arg)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

bool
http_client_fits(
    const char *cert_pem, size_t cert_len, const char *key_pem, size_t key_len)
{
	BIO *cert_bio, *key_bio;
	X509 *cert;
	EVP_PKEY *key;
	bool fits;

	if (cert_len > INT32_MAX || key_len > INT32_MAX)
		return false;
	cert_bio = open_text(cert_pem, cert_len);
	key_bio = open_text(key_pem, key_len);
	cert = PEM_read_bio_X509(cert_bio, NULL, no_passphrase, NULL);
	key = PEM_read_bio_PrivateKey(key_bio, NULL, no_passphrase, NULL);
	fits = cert != NULL && key != NULL && X509_check_private_key(cert, key) == 1;
	X509_free(cert);
	EVP_PKEY_free(key);
	BIO_free(cert_bio);
	BIO_free(key_bio);
	ERR_clear_error();
	return fits;
}
