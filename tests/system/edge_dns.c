/* A DNS server for tests: two sockets, and a zone of names that each do one thing. */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edge.h"

#define MESSAGE_MAX 2048
#define SEEN_MAX    512
#define HEADER_LEN  12

enum quirk {
	QUIRK_NONE,
	QUIRK_TRUNCATED,
	QUIRK_SILENT,
	QUIRK_WRONG_ID, /* forged answers come before the right one */
	QUIRK_WRONG_QUESTION,
	QUIRK_WRONG_SOURCE,
	QUIRK_OLD,	  /* does not understand EDNS */
	QUIRK_FAIL_FIRST, /* the first server fails, the second answers */
	QUIRK_FAIL,
	QUIRK_SILENT_IPV6, /* A is answered, AAAA is not */
};

struct zone_entry {
	const char *name;
	enum quirk quirk;
	const char *ipv4; /* NULL: none */
	const char *ipv6;
	const char *alias;
	unsigned int ttl_s;
};

static const struct zone_entry zone[] = {
    {"a.test", QUIRK_NONE, "192.0.2.1", "2001:db8::1", NULL, 60},
    {"v4.test", QUIRK_NONE, "192.0.2.4", NULL, NULL, 60},
    {"brief.test", QUIRK_NONE, "192.0.2.5", NULL, NULL, 0},
    {"alias.test", QUIRK_NONE, NULL, NULL, "middle.test", 60},
    {"middle.test", QUIRK_NONE, NULL, NULL, "v4.test", 60},
    {"round.test", QUIRK_NONE, NULL, NULL, "about.test", 60},
    {"about.test", QUIRK_NONE, NULL, NULL, "round.test", 60},
    {"big.test", QUIRK_TRUNCATED, "192.0.2.6", NULL, NULL, 60},
    {"silent1.test", QUIRK_SILENT, NULL, NULL, NULL, 0},
    {"silent2.test", QUIRK_SILENT, NULL, NULL, NULL, 0},
    {"silent3.test", QUIRK_SILENT, NULL, NULL, NULL, 0},
    {"silent4.test", QUIRK_SILENT, NULL, NULL, NULL, 0},
    {"silent5.test", QUIRK_SILENT, NULL, NULL, NULL, 0},
    {"half.test", QUIRK_SILENT_IPV6, "192.0.2.7", NULL, NULL, 60},
    {"wrong-id.test", QUIRK_WRONG_ID, "192.0.2.8", NULL, NULL, 60},
    {"wrong-question.test", QUIRK_WRONG_QUESTION, "192.0.2.9", NULL, NULL, 60},
    {"wrong-source.test", QUIRK_WRONG_SOURCE, "192.0.2.10", NULL, NULL, 60},
    {"old.test", QUIRK_OLD, "192.0.2.11", NULL, NULL, 60},
    {"fail-first.test", QUIRK_FAIL_FIRST, "192.0.2.12", NULL, NULL, 60},
    {"fail.test", QUIRK_FAIL, NULL, NULL, NULL, 0},
    {"empty.test", QUIRK_NONE, NULL, NULL, NULL, 60},
    {"web.two.test", QUIRK_NONE, "192.0.2.13", NULL, NULL, 60},
    {"rebind.test", QUIRK_NONE, "169.254.169.254", NULL, NULL, 60},
    {"rebind6.test", QUIRK_NONE, NULL, "fd00:ec2::254", NULL, 60},
    {"local.test", QUIRK_NONE, "127.0.0.1", "::1", NULL, 60},
    {"own.test", QUIRK_NONE, EDGE_OWN_ADDRESS, NULL, NULL, 60},
};

static int servers[2] = {-1, -1};
static int stranger = -1; /* forges answers from another port */
static unsigned int port;
static unsigned int queries;
static uint16_t seen_ids[SEEN_MAX], seen_ports[SEEN_MAX];

static int
server_open(const char *address, unsigned int wanted_port)
{
	struct sockaddr_in socket_address = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)wanted_port)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, address, &socket_address.sin_addr);
	if (fd >= 0 &&
	    bind(fd, (struct sockaddr *)&socket_address, sizeof socket_address) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

void
dns_open(void)
{
	struct sockaddr_in socket_address = {0};
	socklen_t len = sizeof socket_address;

	/* the second address must have the same port free */
	for (int i = 0; i < 50 && servers[1] < 0; i++) {
		if (servers[0] >= 0)
			close(servers[0]);
		servers[0] = server_open("127.0.0.1", 0);
		if (servers[0] < 0 || getsockname(servers[0],
					  (struct sockaddr *)&socket_address, &len) < 0)
			end_test("dns_open");
		port = ntohs(socket_address.sin_port);
		servers[1] = server_open("127.0.0.2", port);
	}
	stranger = server_open("127.0.0.1", 0);
	if (servers[1] < 0 || stranger < 0)
		end_test("dns_open");
	queries = 0;
}

void
dns_close(void)
{
	close(servers[0]);
	close(servers[1]);
	close(stranger);
	servers[0] = servers[1] = stranger = -1;
}

unsigned int
dns_port(void)
{
	return port;
}

int
dns_fd(int server)
{
	return servers[server];
}

static unsigned int
count_different(const uint16_t *values)
{
	unsigned int count = queries < SEEN_MAX ? queries : SEEN_MAX, different = 0;

	for (unsigned int i = 0; i < count; i++) {
		unsigned int j = 0;

		while (values[j] != values[i])
			j++;
		different += j == i ? 1 : 0;
	}
	return different;
}

struct dns_counts
dns_counts(void)
{
	return (struct dns_counts){
	    queries, count_different(seen_ids), count_different(seen_ports)};
}

struct reply {
	uint8_t bytes[MESSAGE_MAX];
	size_t len;
	unsigned int answers;
};

static void
put_bytes(struct reply *reply, const void *bytes, size_t len)
{
	if (reply->len + len > sizeof reply->bytes)
		end_test("a DNS reply grew too long");
	memcpy(reply->bytes + reply->len, bytes, len);
	reply->len += len;
}

static void
put_u16(struct reply *reply, unsigned int value)
{
	uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};

	put_bytes(reply, bytes, sizeof bytes);
}

static void
put_name(struct reply *reply, const char *name)
{
	while (*name != '\0') {
		uint8_t label = (uint8_t)strcspn(name, ".");

		put_bytes(reply, &label, 1);
		put_bytes(reply, name, label);
		name += label + (name[label] == '.' ? 1 : 0);
	}
	put_bytes(reply, "", 1);
}

static void
put_record(struct reply *reply, const char *name, unsigned int type, unsigned int ttl_s,
    const struct reply *data)
{
	put_name(reply, name);
	put_u16(reply, type);
	put_u16(reply, ns_c_in);
	put_u16(reply, ttl_s >> 16);
	put_u16(reply, ttl_s & 0xffff);
	put_u16(reply, (unsigned int)data->len);
	put_bytes(reply, data->bytes, data->len);
	reply->answers++;
}

static const struct zone_entry *
zone_find(const char *name)
{
	for (size_t i = 0; i < sizeof zone / sizeof *zone; i++)
		if (strcasecmp(zone[i].name, name) == 0)
			return &zone[i];
	return NULL;
}

static void
put_address(struct reply *reply, const char *name, unsigned int type,
    const char *address, unsigned int ttl_s)
{
	struct reply data = {.len = type == ns_t_a ? 4 : 16};

	if (address == NULL)
		return;
	inet_pton(type == ns_t_a ? AF_INET : AF_INET6, address, data.bytes);
	put_record(reply, name, type, ttl_s, &data);
}

/* The end of the chain first: the order of the records means nothing. */
static void
put_chain(
    struct reply *reply, const struct zone_entry *entry, unsigned int type, int hops)
{
	struct reply data = {0};

	if (entry == NULL || hops > 4)
		return;
	if (entry->alias != NULL) {
		put_chain(reply, zone_find(entry->alias), type, hops + 1);
		put_name(&data, entry->alias);
		put_record(reply, entry->name, ns_t_cname, entry->ttl_s, &data);
		return;
	}
	put_address(reply, entry->name, type,
	    type == ns_t_a ? entry->ipv4 : entry->ipv6, entry->ttl_s);
}

struct question {
	const uint8_t *message;
	uint16_t id;
	char name[NS_MAXDNAME];
	unsigned int type;
	bool edns;
	struct sockaddr_in from;
};

static void
reply_begin(struct reply *reply, const struct question *question, const char *name,
    unsigned int flags)
{
	*reply = (struct reply){0};
	put_u16(reply, question->id);
	put_u16(reply, 0x8180u | flags);
	put_u16(reply, 1);
	put_bytes(reply, "\0\0\0\0\0", 6);
	put_name(reply, name);
	put_u16(reply, question->type);
	put_u16(reply, ns_c_in);
}

static void
reply_send(int fd, struct reply *reply, const struct question *question)
{
	reply->bytes[7] = (uint8_t)reply->answers;
	if (sendto(fd, reply->bytes, reply->len, 0,
		(const struct sockaddr *)&question->from, sizeof question->from) < 0)
		end_test("sendto");
}

/* An answer that must not be believed. */
static void
send_forged(int fd, struct question question, const char *name, bool wrong_id)
{
	struct reply reply;

	if (wrong_id)
		question.id ^= 1;
	reply_begin(&reply, &question, name, 0);
	put_address(&reply, name, question.type,
	    question.type == ns_t_a ? "198.51.100.66" : "2001:db8::66", 60);
	reply_send(fd, &reply, &question);
}

/* Sends what the quirk sends first; false when nothing is to follow. */
static bool
serve_quirk(int server, const struct question *question, const struct zone_entry *entry,
    unsigned int *flags)
{
	switch (entry->quirk) {
	case QUIRK_SILENT:
		return false;
	case QUIRK_SILENT_IPV6:
		return question->type == ns_t_a;
	case QUIRK_TRUNCATED:
		*flags = 0x0200;
		break;
	case QUIRK_WRONG_ID:
		send_forged(servers[server], *question, question->name, true);
		break;
	case QUIRK_WRONG_QUESTION:
		send_forged(servers[server], *question, "other.test", false);
		break;
	case QUIRK_WRONG_SOURCE:
		send_forged(stranger, *question, question->name, false);
		break;
	case QUIRK_OLD:
		*flags = question->edns ? ns_r_formerr : 0;
		break;
	case QUIRK_FAIL_FIRST:
		*flags = server == 0 ? ns_r_servfail : 0;
		break;
	case QUIRK_FAIL:
		*flags = ns_r_servfail;
		break;
	case QUIRK_NONE:
		break;
	}
	return true;
}

static void
answer_question(int server, const struct question *question)
{
	const struct zone_entry *entry = zone_find(question->name);
	unsigned int flags = entry == NULL ? ns_r_nxdomain : 0;
	struct reply reply;

	if (entry != NULL && !serve_quirk(server, question, entry, &flags))
		return;
	reply_begin(&reply, question, question->name, flags);
	if ((flags & 0xf) == 0)
		put_chain(&reply, entry, question->type, 0);
	reply_send(servers[server], &reply, question);
}

static unsigned int
get_u16(const uint8_t *bytes)
{
	return (unsigned int)bytes[0] << 8 | bytes[1];
}

void
dns_serve(int server)
{
	uint8_t message[MESSAGE_MAX];
	struct question question = {.message = message};
	socklen_t from_len = sizeof question.from;
	ssize_t len = recvfrom(servers[server], message, sizeof message, MSG_DONTWAIT,
	    (struct sockaddr *)&question.from, &from_len);
	int used;

	if (len < HEADER_LEN)
		return;
	used = ns_name_uncompress(message, message + len, message + HEADER_LEN,
	    question.name, sizeof question.name);
	if (used < 0 || len < HEADER_LEN + used + 4)
		end_test("a query that is none");
	question.id = (uint16_t)get_u16(message);
	question.type = get_u16(message + HEADER_LEN + used);
	question.edns = get_u16(message + 10) > 0;
	seen_ids[queries % SEEN_MAX] = question.id;
	seen_ports[queries % SEEN_MAX] = question.from.sin_port;
	queries++;
	answer_question(server, &question);
}
