/* An endpoint and what it is spoken to with. Private to http/. */
#ifndef IPW_TARGET_H
#define IPW_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "http.h"
#include "trust.h"

/* CAs, client certificate and key of one moment. Counted: each exchange holds the one
 * that it was started with, for curl borrows the texts. Never changed once it is used.
 */
struct identity {
	unsigned int references;
	struct trust *trust;
	bool insecure; /* whoever the server is */
	char *cert;
	size_t cert_len;
	char *key;
	size_t key_len;
	/* A CURLOPT_CONNECT_TO entry that names the pool of connections, see target.c.
	 */
	char connect_to[64];
	/* One connection is opened after the other, so that exchanges can share one
	 * where the server speaks HTTP/2: who is at it, NULL: nobody. */
	const struct http_exchange *opener;
	/* The server is known to speak HTTP/1: each connection carries one exchange at
	 * a time, and all may be opened at once. */
	bool speaks_one;
};

struct http_target {
	struct http *http;
	enum dial_entry entry;
	char *base_url; /* without a slash at its end */
	const char *scheme;
	long port;
	struct identity *identity;
	char *bearer_header; /* "Authorization: Bearer …"; NULL: none */
};

struct identity *identity_hold(struct identity *identity);
void identity_drop(struct identity *identity);

/* New exchanges do not use the connections of this identity any more. */
void target_leave_pool(struct http_target *target, const struct identity *identity);

/* Wipes and frees a text; takes NULL. */
void secret_free(char *secret, size_t len);

#endif
