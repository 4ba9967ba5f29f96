/* What a dialer asks the resolver and what it gets: SEQPACKET (a dialer's FD_RESOLVE,
 * the resolver's FD_RESOLVE_n), host byte order, exact sizes, no descriptors. */
#ifndef IPW_RESOLVE_H
#define IPW_RESOLVE_H

#include <stdint.h>

/* A name in text, NUL included; the bytes after the NUL are 0. */
#define RESOLVE_NAME_SIZE 256u

/* Addresses in one reply; at most half of each family, IPv4 first. */
#define RESOLVE_ADDRESSES_MAX 8u

/* Questions that one dialer may have open. Asking for a name that is still open
 * replaces the earlier question: only the later id is answered. */
#define RESOLVE_OPEN_MAX 4u

struct resolve_request {
	uint64_t id; /* echoed */
	char name[RESOLVE_NAME_SIZE];
};

struct resolve_address {
	uint32_t family;   /* AF_INET or AF_INET6 */
	uint8_t bytes[16]; /* network byte order; IPv4 in the first four, the rest 0 */
};

/* error: 0 (count > 0), or an errno:
 *   ENOENT     the name does not exist, or has no address
 *   ETIMEDOUT  no server answered
 *   EMSGSIZE   an answer was truncated; answers over TCP are not asked for
 *   EIO        the servers failed, or answered nonsense
 *   EINVAL     not a host name
 *   EAGAIN     too many questions open
 * The addresses are what the servers said: the dialer judges them. */
struct resolve_reply {
	uint64_t id;
	int32_t error;
	uint32_t count;
	struct resolve_address addresses[RESOLVE_ADDRESSES_MAX];
};

#endif
