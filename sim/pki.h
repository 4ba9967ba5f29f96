/* The world's certificate authority, made anew at each start: EC P-256, valid from a
 * day ago to a day ahead. Keys live in this process and in the files that it writes. */
#ifndef IPW_SIM_PKI_H
#define IPW_SIM_PKI_H

struct pki;

/* A certificate and its private key (PKCS #8), both PEM, owned by the caller. */
struct pki_pair {
	char *cert_pem;
	char *key_pem;
};

/* NULL on failure (logged). */
struct pki *pki_new(void);
void pki_free(struct pki *pki);
/* Lives as long as the authority. */
const char *pki_ca_pem(const struct pki *pki);

/* A server certificate for 127.0.0.1, ::1, localhost and kubernetes.default.svc, and a
 * client certificate with that common name. Return 0 or -EIO (logged). */
int pki_issue_server(struct pki *pki, struct pki_pair *ret_pair);
int pki_issue_client(struct pki *pki, const char *name, struct pki_pair *ret_pair);
/* Wipes the key. */
void pki_pair_free(struct pki_pair *pair);

#endif
