#include "pki.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"

#define VALID_S (24L * 60L * 60L)
/* Bytes of a serial number, RFC 5280 §4.1.2.2 allows 20. */
#define SERIAL_LEN 16

struct pki {
	EVP_PKEY *key;
	X509 *cert;
	char *ca_pem;
};

/* One X.509 v3 extension in OpenSSL's notation, x509v3_config(5). */
struct extension {
	int nid;
	const char *value;
};

static const struct extension ca_extensions[] = {
    {NID_basic_constraints, "critical,CA:TRUE"},
    {NID_key_usage, "critical,keyCertSign,cRLSign"},
    {NID_subject_key_identifier, "hash"},
    {0, NULL},
};

static const struct extension server_extensions[] = {
    {NID_basic_constraints, "critical,CA:FALSE"},
    {NID_key_usage, "critical,digitalSignature"},
    {NID_ext_key_usage, "serverAuth"},
    {NID_subject_alt_name, "IP:127.0.0.1,IP:::1,DNS:localhost,"
			   "DNS:kubernetes.default.svc"},
    {NID_authority_key_identifier, "keyid"},
    {0, NULL},
};

static const struct extension client_extensions[] = {
    {NID_basic_constraints, "critical,CA:FALSE"},
    {NID_key_usage, "critical,digitalSignature"},
    {NID_ext_key_usage, "clientAuth"},
    {NID_authority_key_identifier, "keyid"},
    {0, NULL},
};

static bool
add_extensions(X509 *cert, X509 *issuer, const struct extension *extensions)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&context);
	for (; extensions->value != NULL; extensions++) {
		X509_EXTENSION *extension = X509V3_EXT_conf_nid(
		    NULL, &context, extensions->nid, extensions->value);
		bool added =
		    extension != NULL && X509_add_ext(cert, extension, -1) == 1;

		X509_EXTENSION_free(extension);
		if (!added)
			return false;
	}
	return true;
}

static bool
set_serial(X509 *cert)
{
	unsigned char bytes[SERIAL_LEN];
	BIGNUM *number = NULL;
	bool done;

	if (RAND_bytes(bytes, sizeof bytes) != 1)
		return false;
	bytes[0] = (bytes[0] & 0x7f) | 0x40; /* positive, of constant length */
	number = BN_bin2bn(bytes, sizeof bytes, NULL);
	done = number != NULL &&
	       BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
	BN_free(number);
	return done;
}

static bool
set_subject(X509 *cert, const char *name)
{
	return X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN",
		   MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) == 1;
}

/* `issuer` NULL: signs itself. */
static X509 *
certificate_new(EVP_PKEY *key, const char *name, const struct extension *extensions,
    X509 *issuer, EVP_PKEY *issuer_key)
{
	X509 *cert = X509_new();

	if (cert == NULL)
		return NULL;
	if (issuer == NULL)
		issuer = cert;
	if (X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
	    set_subject(cert, name) &&
	    X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), -VALID_S) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(cert), VALID_S) != NULL &&
	    X509_set_pubkey(cert, key) == 1 &&
	    add_extensions(cert, issuer, extensions) &&
	    X509_sign(cert, issuer_key, EVP_sha256()) > 0)
		return cert;
	X509_free(cert);
	return NULL;
}

/* The contents of a memory BIO, as a text of the caller. */
static char *
text_of(BIO *bio)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);

	return mem_strndup(data, (size_t)len);
}

static char *
certificate_pem(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem = NULL;

	if (bio != NULL && PEM_write_bio_X509(bio, cert) == 1)
		pem = text_of(bio);
	BIO_free(bio);
	return pem;
}

static char *
key_pem(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *pem = NULL;

	if (bio != NULL &&
	    PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1)
		pem = text_of(bio);
	BIO_free(bio);
	return pem;
}

static void
log_failure(const char *event)
{
	char reason[256];

	ERR_error_string_n(ERR_get_error(), reason, sizeof reason);
	log_error(event, LOG_S("reason", reason));
}

struct pki *
pki_new(void)
{
	struct pki *pki = mem_calloc(1, sizeof *pki);

	pki->key = EVP_EC_gen("P-256");
	if (pki->key != NULL)
		pki->cert = certificate_new(
		    pki->key, "ipwarden-sim-ca", ca_extensions, NULL, pki->key);
	if (pki->cert != NULL)
		pki->ca_pem = certificate_pem(pki->cert);
	if (pki->ca_pem == NULL) {
		log_failure("pki_authority_failed");
		pki_free(pki);
		return NULL;
	}
	return pki;
}

void
pki_free(struct pki *pki)
{
	if (pki == NULL)
		return;
	EVP_PKEY_free(pki->key);
	X509_free(pki->cert);
	free(pki->ca_pem);
	free(pki);
}

const char *
pki_ca_pem(const struct pki *pki)
{
	return pki->ca_pem;
}

static int
issue(struct pki *pki, const char *name, const struct extension *extensions,
    struct pki_pair *ret_pair)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct pki_pair pair = {NULL, NULL};
	X509 *cert = NULL;

	if (key != NULL)
		cert = certificate_new(key, name, extensions, pki->cert, pki->key);
	if (cert != NULL) {
		pair.cert_pem = certificate_pem(cert);
		pair.key_pem = key_pem(key);
	}
	X509_free(cert);
	EVP_PKEY_free(key);
	if (pair.cert_pem == NULL || pair.key_pem == NULL) {
		log_failure("pki_certificate_failed");
		pki_pair_free(&pair);
		return -EIO;
	}
	*ret_pair = pair;
	return 0;
}

int
pki_issue_server(struct pki *pki, struct pki_pair *ret_pair)
{
	return issue(pki, "ipwarden-sim", server_extensions, ret_pair);
}

int
pki_issue_client(struct pki *pki, const char *name, struct pki_pair *ret_pair)
{
	return issue(pki, name, client_extensions, ret_pair);
}

void
pki_pair_free(struct pki_pair *pair)
{
	if (pair->key_pem != NULL)
		explicit_bzero(pair->key_pem, strlen(pair->key_pem));
	free(pair->key_pem);
	free(pair->cert_pem);
	*pair = (struct pki_pair){NULL, NULL};
}
