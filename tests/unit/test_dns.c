/* The resolver's pure parts: queries, hostile answers, resolv.conf, the cache. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "cache.h"
#include "conf.h"
#include "dns.h"

#define ID 0x1234

/* A message that is built piece by piece. */
struct message {
	uint8_t bytes[2048];
	size_t len;
};

static void
put(struct message *m, const void *bytes, size_t len)
{
	cr_assert_leq(m->len + len, sizeof m->bytes);
	memcpy(m->bytes + m->len, bytes, len);
	m->len += len;
}

static void
put_u16(struct message *m, unsigned int value)
{
	uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};

	put(m, bytes, 2);
}

static void
put_name(struct message *m, const char *name)
{
	while (*name != '\0') {
		uint8_t label = (uint8_t)strcspn(name, ".");

		put(m, &label, 1);
		put(m, name, label);
		name += label + (name[label] == '.' ? 1 : 0);
	}
	put(m, "", 1);
}

static void
begin(struct message *m, unsigned int flags, unsigned int answers, const char *name)
{
	*m = (struct message){0};
	put_u16(m, ID);
	put_u16(m, 0x8180u | flags);
	put_u16(m, 1);
	put_u16(m, answers);
	put(m, "\0\0\0", 4);
	put_name(m, name);
	put_u16(m, DNS_TYPE_A);
	put_u16(m, 1);
}

static void
put_record(struct message *m, const char *name, unsigned int type, uint32_t ttl_s,
    const void *data, size_t len)
{
	put_name(m, name);
	put_u16(m, type);
	put_u16(m, 1);
	put_u16(m, ttl_s >> 16);
	put_u16(m, ttl_s & 0xffff);
	put_u16(m, (unsigned int)len);
	put(m, data, len);
}

static void
put_alias(struct message *m, const char *name, uint32_t ttl_s, const char *target)
{
	struct message data = {.len = 0};

	put_name(&data, target);
	put_record(m, name, 5, ttl_s, data.bytes, data.len);
}

static int
read_a(const struct message *m, struct dns_answer *answer)
{
	return dns_read_answer(m->bytes, m->len, ID, "a.test", DNS_TYPE_A, answer);
}

Test(dns, query_bytes)
{
	static const uint8_t expected[] =
	    "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01"
	    "\x01"
	    "a\x04test\x00\x00\x1c\x00\x01"
	    "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00";
	uint8_t out[DNS_QUERY_MAX];

	cr_assert_eq(
	    dns_write_query(out, ID, "a.test", DNS_TYPE_AAAA, true), sizeof expected);
	cr_assert_arr_eq(out, expected, sizeof expected);
	cr_assert_eq(dns_write_query(out, ID, "a.test", DNS_TYPE_AAAA, false),
	    sizeof expected - 11);
	cr_assert_eq(out[11], 0);
	cr_assert_eq(dns_write_query(out, ID, "a..test", DNS_TYPE_A, false), 0);
}

Test(dns, longest_query_fits)
{
	uint8_t out[DNS_QUERY_MAX];
	char name[254];

	memset(name, 'a', sizeof name - 1);
	name[253] = '\0';
	for (size_t i = 63; i < 253; i += 64)
		name[i] = '.';
	cr_assert(dns_name_is_valid(name));
	cr_assert_eq(dns_write_query(out, ID, name, DNS_TYPE_A, true), DNS_QUERY_MAX);
}

Test(dns, names)
{
	char long_label[65];

	memset(long_label, 'a', 64);
	long_label[64] = '\0';
	cr_assert(dns_name_is_valid("a"));
	cr_assert(dns_name_is_valid("_x.A-1.test"));
	cr_assert(dns_name_is_valid(long_label + 1));
	cr_assert_not(dns_name_is_valid(long_label));
	cr_assert_not(dns_name_is_valid(""));
	cr_assert_not(dns_name_is_valid("."));
	cr_assert_not(dns_name_is_valid("a."));
	cr_assert_not(dns_name_is_valid(".a"));
	cr_assert_not(dns_name_is_valid("a b"));
	cr_assert_not(dns_name_is_valid("a\\.b"));
	cr_assert_not(dns_name_is_valid("\xc3\xa4.test"));
}

Test(dns, chain_in_any_order_and_least_ttl)
{
	struct dns_answer answer;
	struct message m;

	begin(&m, 0, 4, "A.TEST");
	put_record(&m, "c.test", DNS_TYPE_A, 90, "\xc0\x00\x02\x01", 4);
	put_alias(&m, "b.test", 30, "c.test");
	put_record(&m, "other.test", DNS_TYPE_A, 1, "\xc0\x00\x02\x63", 4);
	put_alias(&m, "a.test", 60, "b.test");
	cr_assert_eq(read_a(&m, &answer), 0);
	cr_assert_eq(answer.count, 1);
	cr_assert_eq(answer.ttl_s, 30);
	cr_assert_eq(answer.addresses[0].family, AF_INET);
	cr_assert_arr_eq(answer.addresses[0].bytes, "\xc0\x00\x02\x01", 4);
}

Test(dns, more_addresses_than_are_kept)
{
	struct dns_answer answer;
	struct message m;

	begin(&m, 0, 20, "a.test");
	for (uint8_t i = 0; i < 20; i++) {
		uint8_t address[4] = {192, 0, 2, i};

		put_record(&m, "a.test", DNS_TYPE_A, 60, address, 4);
	}
	cr_assert_eq(read_a(&m, &answer), 0);
	cr_assert_eq(answer.count, DNS_ADDRESSES_MAX);
}

Test(dns, circles_and_long_chains_end)
{
	struct dns_answer answer;
	struct message m;
	char from[16] = "a.test", to[16] = "b0.test";

	begin(&m, 0, 2, "a.test");
	put_alias(&m, "a.test", 60, "b.test");
	put_alias(&m, "b.test", 60, "a.test");
	cr_assert_eq(read_a(&m, &answer), -EIO);

	begin(&m, 0, DNS_CHAIN_MAX + 2, "a.test");
	for (unsigned int i = 0; i <= DNS_CHAIN_MAX; i++) {
		put_alias(&m, from, 60, to);
		memcpy(from, to, sizeof from);
		to[1]++;
	}
	put_record(&m, from, DNS_TYPE_A, 60, "\xc0\x00\x02\x01", 4);
	cr_assert_eq(read_a(&m, &answer), -EIO);
}

Test(dns, not_our_answer)
{
	struct dns_answer answer;
	struct message m;

	begin(&m, 0, 1, "a.test");
	put_record(&m, "a.test", DNS_TYPE_A, 60, "\xc0\x00\x02\x01", 4);
	cr_assert_eq(read_a(&m, &answer), 0);
	cr_assert_eq(
	    dns_read_answer(m.bytes, m.len, ID + 1, "a.test", DNS_TYPE_A, &answer),
	    -EBADMSG);
	cr_assert_eq(dns_read_answer(m.bytes, m.len, ID, "b.test", DNS_TYPE_A, &answer),
	    -EBADMSG);
	cr_assert_eq(
	    dns_read_answer(m.bytes, m.len, ID, "a.test", DNS_TYPE_AAAA, &answer),
	    -EBADMSG);
	m.bytes[2] &= 0x7f; /* a query */
	cr_assert_eq(read_a(&m, &answer), -EBADMSG);
	m.bytes[2] |= 0x80;
	m.bytes[5] = 2; /* two questions */
	cr_assert_eq(read_a(&m, &answer), -EBADMSG);
	m.bytes[5] = 1;
	cr_assert_eq(read_a(&m, &answer), 0);
}

Test(dns, codes)
{
	static const struct {
		unsigned int flags;
		int rc;
	} cases[] = {{0, -ENODATA}, {0x0200, -EMSGSIZE}, {1, -ENOTSUP}, {2, -EIO},
	    {3, -ENOENT}, {4, -ENOTSUP}, {5, -EIO}, {15, -EIO}};
	struct dns_answer answer;
	struct message m;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin(&m, cases[i].flags, 0, "a.test");
		cr_assert_eq(read_a(&m, &answer), cases[i].rc, "case %zu", i);
	}
}

Test(dns, malformed)
{
	struct dns_answer answer;
	struct message m;

	begin(&m, 0, 1, "a.test");
	put_record(&m, "a.test", DNS_TYPE_A, 60, "\xc0\x00\x02\x01", 3);
	cr_assert_eq(read_a(&m, &answer), -EIO, "an address of three bytes");

	begin(&m, 0, 2, "a.test");
	put_record(&m, "a.test", DNS_TYPE_A, 60, "\xc0\x00\x02\x01", 4);
	cr_assert_eq(read_a(&m, &answer), -EIO, "a record is missing");

	begin(&m, 0, 1, "a.test");
	put_record(&m, "a.test", 5, 60, "\xc0\x0c\x00", 3);
	cr_assert_eq(read_a(&m, &answer), -EIO, "bytes after an alias");

	begin(&m, 0, 65, "a.test");
	for (int i = 0; i < 65; i++)
		put_record(&m, "a", 16, 60, "", 0);
	cr_assert_eq(read_a(&m, &answer), -EIO, "too many records");
}

/* Every length of a good message: never a success but at the full one. */
Test(dns, cut_anywhere)
{
	struct dns_answer answer;
	struct message m;

	begin(&m, 0, 1, "a.test");
	put_record(&m, "a.test", DNS_TYPE_A, 60, "\xc0\x00\x02\x01", 4);
	for (size_t len = 0; len < m.len; len++)
		cr_assert_lt(
		    dns_read_answer(m.bytes, len, ID, "a.test", DNS_TYPE_A, &answer),
		    0);
	cr_assert_eq(read_a(&m, &answer), 0);
}

static void
read_conf(const char *text, struct conf *conf)
{
	conf_read(text, strlen(text), 53, conf);
}

Test(conf, everything)
{
	struct sockaddr_in ipv4;
	struct conf conf;

	read_conf(
	    "# comment\n; another\nnameserver 192.0.2.1\r\nnameserver\t192.0.2.2\n"
	    "nameserver fe80::1%eth0\nnameserver 2001:db8::1\n"
	    "nameserver 192.0.2.3\nnameserver 192.0.2.4\n"
	    "domain lost.test\nsearch a.test. . bad..test b.test\n"
	    "options rotate ndots:99 timeout:0 attempts:3x\nunknown words",
	    &conf);
	cr_assert_eq(conf.servers_len, CONF_SERVERS_MAX);
	memcpy(&ipv4, &conf.servers[0].address, sizeof ipv4);
	cr_assert_eq(ipv4.sin_addr.s_addr, inet_addr("192.0.2.1"));
	cr_assert_eq(ipv4.sin_port, htons(53));
	cr_assert_eq(conf.servers[1].address.ss_family, AF_INET);
	cr_assert_eq(conf.servers[2].address.ss_family, AF_INET6);
	cr_assert_eq(conf.search_len, 2);
	cr_assert_str_eq(conf.search[0], "a.test");
	cr_assert_str_eq(conf.search[1], "b.test");
	cr_assert_eq(conf.ndots, CONF_NDOTS_MAX);
	cr_assert_eq(conf.timeout_s, 1);
	cr_assert_eq(conf.attempts, 3);
}

Test(conf, defaults)
{
	struct sockaddr_in ipv4;
	struct conf conf;

	read_conf("", &conf);
	cr_assert_eq(conf.servers_len, 1);
	memcpy(&ipv4, &conf.servers[0].address, sizeof ipv4);
	cr_assert_eq(ipv4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	cr_assert_eq(conf.ndots, 1);
	cr_assert_eq(conf.attempts, 2);
}

/* All candidates, blanks between them. */
static const char *
candidates(const struct conf *conf, const char *name)
{
	static char all[1024];
	char one[RESOLVE_NAME_SIZE];
	int rc;

	all[0] = '\0';
	for (size_t i = 0; (rc = conf_candidate(conf, name, i, one)) >= 0; i++) {
		if (rc == 1) {
			strncat(all, one, sizeof all - strlen(all) - 2);
			strncat(all, " ", 2);
		}
	}
	return all;
}

Test(conf, candidates)
{
	struct conf conf;
	char name[252];

	read_conf("search one.test two.test\noptions ndots:2", &conf);
	cr_assert_str_eq(candidates(&conf, "web"), "web.one.test web.two.test web ");
	cr_assert_str_eq(
	    candidates(&conf, "a.b.c"), "a.b.c a.b.c.one.test a.b.c.two.test ");
	cr_assert_str_eq(candidates(&conf, "web."), "web ");
	cr_assert_str_eq(candidates(&conf, ""), "");
	memset(name, 'a', sizeof name - 1);
	name[251] = '\0';
	for (size_t i = 63; i < 251; i += 64)
		name[i] = '.';
	cr_assert_eq(
	    strlen(candidates(&conf, name)), 252, "only itself is short enough");
	read_conf("", &conf);
	cr_assert_str_eq(candidates(&conf, "web"), "web ");
}

Test(cache, lives_as_long_as_its_ttl)
{
	struct resolve_reply reply = {.count = 1, .addresses[0].family = AF_INET};
	struct resolve_reply found = {.id = 7};
	static struct cache cache;

	cache_put(&cache, "none.test", (struct mono_time){0}, 0, &reply);
	cr_assert_not(cache_find(&cache, "none.test", (struct mono_time){0}, &found));
	cache_put(&cache, "a.test", (struct mono_time){1000}, 2, &reply);
	cr_assert(cache_find(&cache, "A.test", (struct mono_time){2999}, &found));
	cr_assert_eq(found.count, 1);
	cr_assert_eq(found.id, 7);
	cr_assert_not(cache_find(&cache, "a.test", (struct mono_time){3000}, &found));
	cache_put(&cache, "a.test", (struct mono_time){0}, UINT32_MAX, &reply);
	cr_assert(cache_find(&cache, "a.test",
	    (struct mono_time){1000 * (int64_t)CACHE_TTL_MAX_S - 1}, &found));
	cr_assert_not(cache_find(&cache, "a.test",
	    (struct mono_time){1000 * (int64_t)CACHE_TTL_MAX_S}, &found));
	cr_assert_not(cache_find(&cache, "", (struct mono_time){0}, &found));
	cache_clear(&cache);
	cr_assert_not(cache_find(&cache, "a.test", (struct mono_time){0}, &found));
}

Test(cache, full_forgets_the_oldest)
{
	struct resolve_reply reply = {.count = 1};
	struct resolve_reply found;
	static struct cache cache;
	char name[] = "n00.test";

	for (uint32_t i = 0; i <= CACHE_NAMES_MAX; i++) {
		name[1] = (char)('0' + i / 10);
		name[2] = (char)('0' + i % 10);
		cache_put(&cache, name, (struct mono_time){0}, 10 + i, &reply);
	}
	cr_assert_not(cache_find(&cache, "n00.test", (struct mono_time){0}, &found));
	cr_assert(cache_find(&cache, "n01.test", (struct mono_time){0}, &found));
	cr_assert(cache_find(&cache, "n64.test", (struct mono_time){0}, &found));
}
