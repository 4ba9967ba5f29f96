/* The CAs that a server's certificate is verified with: parsed once, at their first
 * use, and shared by all connections. (curl would copy and parse the bundle for each of
 * them; that of a system has more than 200 KB.) Private to http/. */
#ifndef IPW_TRUST_H
#define IPW_TRUST_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

struct trust;

/* PEM; copied; len 0: no CA, no server is trusted. Counted: whoever holds one drops it.
 */
struct trust *trust_new(const char *pem, size_t len);
struct trust *trust_hold(struct trust *trust);
/* Takes NULL. */
void trust_drop(struct trust *trust);
/* Whether it was made of these very bytes. */
bool trust_is(const struct trust *trust, const char *pem, size_t len);
/* Makes it what a connection verifies with. Returns 0, or -EINVAL when there is no
 * certificate in it. */
int trust_apply(struct trust *trust, SSL_CTX *context);

#endif
