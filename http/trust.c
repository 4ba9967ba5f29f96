#include "trust.h"

#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

struct trust {
	unsigned int references;
	char *pem;
	size_t len;
	X509_STORE *store; /* NULL: not used yet */
};

struct trust *
trust_new(const char *pem, size_t len)
{
	struct trust *trust = mem_calloc(1, sizeof *trust);

	trust->references = 1;
	trust->pem = mem_calloc(len + 1, 1);
	if (len > 0)
		memcpy(trust->pem, pem, len);
	trust->len = len;
	return trust;
}

struct trust *
trust_hold(struct trust *trust)
{
	trust->references++;
	return trust;
}

void
trust_drop(struct trust *trust)
{
	if (trust == NULL || --trust->references > 0)
		return;
	X509_STORE_free(trust->store);
	free(trust->pem);
	free(trust);
}

bool
trust_is(const struct trust *trust, const char *pem, size_t len)
{
	return trust->len == len && (len == 0 || memcmp(trust->pem, pem, len) == 0);
}

/* Adds what a bundle holds; how many certificates those were. */
static size_t
add_all(X509_STORE *store, STACK_OF(X509_INFO) * all)
{
	size_t certificates = 0;

	for (int i = 0; i < sk_X509_INFO_num(all); i++) {
		const X509_INFO *one = sk_X509_INFO_value(all, i);

		if (one->x509 != NULL && X509_STORE_add_cert(store, one->x509) == 1)
			certificates++;
	}
	return certificates;
}

static size_t
read_all(X509_STORE *store, const char *pem, size_t len)
{
	BIO *bio = len <= INT_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
	STACK_OF(X509_INFO) *all = NULL;
	size_t certificates = 0;

	if (bio != NULL)
		all = PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL);
	if (all != NULL)
		certificates = add_all(store, all);
	sk_X509_INFO_pop_free(all, X509_INFO_free);
	BIO_free(bio);
	ERR_clear_error();
	return certificates;
}

/* As curl sets up its own: what is in the bundle is trusted, a root or not. */
static X509_STORE *
make_store(const char *pem, size_t len)
{
	X509_STORE *store = X509_STORE_new();

	if (store == NULL)
		return NULL;
	X509_STORE_set_flags(
	    store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
	if (len == 0 || read_all(store, pem, len) > 0)
		return store;
	X509_STORE_free(store);
	return NULL;
}

int
trust_apply(struct trust *trust, SSL_CTX *context)
{
	if (trust->store == NULL)
		trust->store = make_store(trust->pem, trust->len);
	if (trust->store == NULL)
		return -EINVAL;
	SSL_CTX_set1_cert_store(context, trust->store);
	return 0;
}
