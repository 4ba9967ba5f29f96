#include "dns.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <resolv.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define NAME_LEN_MAX  253u
#define LABEL_LEN_MAX 63u

/* RFC 1035 §4.1.1 */
#define HEADER_LEN	   12
#define FLAG_RESPONSE	   0x8000u
#define FLAG_TRUNCATED	   0x0200u
#define FLAG_RECURSION	   0x0100u
#define FLAGS_OPCODE	   0x7800u
#define FLAGS_RCODE	   0x000fu
#define OFFSET_QUESTIONS   4
#define OFFSET_ADDITIONALS 10

bool
dns_name_is_valid(const char *name)
{
	size_t label = 0, len = strnlen(name, NAME_LEN_MAX + 1);

	if (len == 0 || len > NAME_LEN_MAX)
		return false;
	for (const char *c = name; *c != '\0'; c++) {
		bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			      (*c >= '0' && *c <= '9') || *c == '-' || *c == '_';

		if (*c == '.' && label == 0)
			return false;
		if (*c != '.' && !letter)
			return false;
		label = *c == '.' ? 0 : label + 1;
		if (label > LABEL_LEN_MAX)
			return false;
	}
	return label > 0;
}

static uint8_t *
put_u16(uint8_t *at, unsigned int value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

/* RFC 6891 §6.1.2: root name, type, payload size, no extended flags, no options. */
static uint8_t *
put_opt(uint8_t *at)
{
	*at++ = 0;
	at = put_u16(at, ns_t_opt);
	at = put_u16(at, DNS_MESSAGE_MAX);
	memset(at, 0, 6);
	return at + 6;
}

size_t
dns_write_query(
    uint8_t *out, uint16_t id, const char *name, enum dns_type type, bool edns)
{
	uint8_t *at = out;

	if (!dns_name_is_valid(name))
		return 0;
	memset(out, 0, HEADER_LEN);
	put_u16(out, id);
	put_u16(out + 2, FLAG_RECURSION);
	put_u16(out + OFFSET_QUESTIONS, 1);
	put_u16(out + OFFSET_ADDITIONALS, edns ? 1 : 0);
	at += HEADER_LEN;
	while (*name != '\0') {
		size_t label = strcspn(name, ".");

		*at++ = (uint8_t)label;
		memcpy(at, name, label);
		at += label;
		name += label + (name[label] == '.' ? 1 : 0);
	}
	*at++ = 0;
	at = put_u16(at, type);
	at = put_u16(at, ns_c_in);
	if (edns)
		at = put_opt(at);
	return (size_t)(at - out);
}

/* The one question must be ours: an answer to another one is somebody's guess. */
static bool
question_is_ours(
    const uint8_t *message, size_t len, const char *name, enum dns_type type)
{
	char asked[NS_MAXDNAME];
	const uint8_t *at = message + HEADER_LEN;
	int used;

	if (ns_get16(message + OFFSET_QUESTIONS) != 1)
		return false;
	used = ns_name_uncompress(message, message + len, at, asked, sizeof asked);
	if (used < 0 || len - HEADER_LEN - (size_t)used < 4)
		return false;
	at += used;
	return strcasecmp(asked, name) == 0 && ns_get16(at) == (unsigned int)type &&
	       ns_get16(at + 2) == ns_c_in;
}

/* What the records say about `name`: addresses, or the name it stands for. */
struct chain {
	char name[NS_MAXDNAME];
	char next[NS_MAXDNAME]; /* "": no CNAME */
	struct dns_answer answer;
};

static int
take_address(struct chain *chain, const ns_rr *record, enum dns_type type)
{
	size_t size = type == DNS_TYPE_A ? 4 : 16;
	struct resolve_address *address = &chain->answer.addresses[chain->answer.count];

	if (ns_rr_rdlen(*record) != size)
		return -EIO;
	if (chain->answer.count == DNS_ADDRESSES_MAX)
		return 0;
	*address =
	    (struct resolve_address){.family = type == DNS_TYPE_A ? AF_INET : AF_INET6};
	memcpy(address->bytes, ns_rr_rdata(*record), size);
	chain->answer.count++;
	return 0;
}

static int
take_alias(struct chain *chain, ns_msg *message, const ns_rr *record)
{
	int used = ns_name_uncompress(ns_msg_base(*message), ns_msg_end(*message),
	    ns_rr_rdata(*record), chain->next, sizeof chain->next);

	return used != (int)ns_rr_rdlen(*record) ? -EIO : 0;
}

/* One record of the answer section, if it is about chain->name. */
static int
take_record(struct chain *chain, ns_msg *message, int index, enum dns_type type)
{
	ns_rr record;
	bool alias;
	int rc;

	if (ns_parserr(message, ns_s_an, index, &record) < 0)
		return -EIO;
	alias = ns_rr_type(record) == ns_t_cname;
	if (ns_rr_class(record) != ns_c_in ||
	    (!alias && (unsigned int)ns_rr_type(record) != (unsigned int)type) ||
	    strcasecmp(ns_rr_name(record), chain->name) != 0)
		return 0;
	rc = alias ? take_alias(chain, message, &record)
		   : take_address(chain, &record, type);
	/* RFC 2181 §8: the top bit set means zero */
	if (rc == 0 && (ns_rr_ttl(record) & 0x80000000u) != 0)
		chain->answer.ttl_s = 0;
	else if (rc == 0 && ns_rr_ttl(record) < chain->answer.ttl_s)
		chain->answer.ttl_s = ns_rr_ttl(record);
	return rc;
}

/* Follows the CNAMEs through the answer section, in whatever order it stands. */
static int
follow_chain(ns_msg *message, struct chain *chain, enum dns_type type)
{
	int count = ns_msg_count(*message, ns_s_an);

	if ((unsigned int)count > DNS_RECORDS_MAX)
		return -EIO;
	for (size_t hop = 0; hop <= DNS_CHAIN_MAX; hop++) {
		chain->next[0] = '\0';
		for (int i = 0; i < count; i++) {
			int rc = take_record(chain, message, i, type);

			if (rc < 0)
				return rc;
		}
		if (chain->answer.count > 0)
			return 0;
		if (chain->next[0] == '\0')
			return -ENODATA;
		memcpy(chain->name, chain->next, sizeof chain->name);
	}
	return -EIO;
}

static int
read_records(const uint8_t *message, size_t len, const char *name, enum dns_type type,
    struct dns_answer *ret_answer)
{
	struct chain chain = {.answer.ttl_s = UINT32_MAX};
	ns_msg parsed;
	int rc;

	if (ns_initparse(message, (int)len, &parsed) < 0)
		return -EIO;
	memcpy(chain.name, name, strlen(name) + 1);
	rc = follow_chain(&parsed, &chain, type);
	if (rc == 0)
		*ret_answer = chain.answer;
	return rc;
}

int
dns_read_answer(const uint8_t *message, size_t len, uint16_t id, const char *name,
    enum dns_type type, struct dns_answer *ret_answer)
{
	unsigned int flags;

	if (len < HEADER_LEN || len > DNS_MESSAGE_MAX || !dns_name_is_valid(name))
		return -EBADMSG;
	flags = ns_get16(message + 2);
	if (ns_get16(message) != id || (flags & FLAG_RESPONSE) == 0 ||
	    (flags & FLAGS_OPCODE) != 0 || !question_is_ours(message, len, name, type))
		return -EBADMSG;
	if ((flags & FLAG_TRUNCATED) != 0)
		return -EMSGSIZE;
	switch (flags & FLAGS_RCODE) {
	case ns_r_noerror:
		return read_records(message, len, name, type, ret_answer);
	case ns_r_nxdomain:
		return -ENOENT;
	case ns_r_formerr:
	case ns_r_notimpl:
		return -ENOTSUP;
	default:
		return -EIO;
	}
}
