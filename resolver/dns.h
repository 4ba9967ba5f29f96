/* DNS messages (RFC 1035): one question out, one answer read. Pure functions; the
 * answer is hostile. */
#ifndef IPW_RESOLVER_DNS_H
#define IPW_RESOLVER_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resolve.h"

/* The most that is asked for over UDP (EDNS0, RFC 6891; the DNS flag day's size: it is
 * not fragmented anywhere), and so the largest answer that is read. */
#define DNS_MESSAGE_MAX 1232u

/* Header, name, type and class, and an OPT record. */
#define DNS_QUERY_MAX (12u + 255u + 4u + 11u)

/* Addresses taken from one answer: half of what a reply holds is for each family. */
#define DNS_ADDRESSES_MAX (RESOLVE_ADDRESSES_MAX / 2)

/* CNAMEs followed in one answer, and records looked at. */
#define DNS_CHAIN_MAX	8u
#define DNS_RECORDS_MAX 64u

enum dns_type { DNS_TYPE_A = 1, DNS_TYPE_AAAA = 28 };

struct dns_answer {
	uint32_t ttl_s; /* the least on the way to the addresses */
	size_t count;
	struct resolve_address addresses[DNS_ADDRESSES_MAX];
};

/* A host name as it may stand in a question: letters, digits, '-' and '_', labels of 1
 * to 63, at most 253 bytes, no dot at the end. */
bool dns_name_is_valid(const char *name);

/* `out` takes DNS_QUERY_MAX bytes. With `edns` larger answers are asked for. Returns
 * the length, or 0 for a name that is not valid. */
size_t dns_write_query(
    uint8_t *out, uint16_t id, const char *name, enum dns_type type, bool edns);

/* Reads the answer to that question. Returns
 *   0          addresses (count > 0)
 *   -EBADMSG   not an answer to this question: as if it had not come
 *   -ENOENT    the name does not exist
 *   -ENODATA   it exists and has no such address
 *   -EMSGSIZE  truncated
 *   -ENOTSUP   the server does not understand the query (perhaps its EDNS)
 *   -EIO       the server failed or refused, or the answer is malformed */
int dns_read_answer(const uint8_t *message, size_t len, uint16_t id, const char *name,
    enum dns_type type, struct dns_answer *ret_answer);

#endif
