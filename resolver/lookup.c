#include "lookup.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cache.h"
#include "mem.h"
#include "query.h"

enum family { FAMILY_IPV4, FAMILY_IPV6, FAMILY_COUNT };

struct lookup {
	struct lookups *lookups;
	bool open;
	unsigned int client;
	uint64_t id;
	char name[RESOLVE_NAME_SIZE];
	size_t candidate; /* index of the one that is asked for */
	int failure;	  /* a server's failure on an earlier candidate, or 0 */
	struct query queries[FAMILY_COUNT];
	struct loop_timer *grace;
	struct loop_timer *deadline;
};

struct lookups {
	struct loop *loop;
	const struct conf *conf;
	lookup_reply_fn *reply;
	void *arg;
	struct cache cache;
	struct lookup list[LOOKUPS_MAX];
};

static void on_query_done(void *arg);
static void on_grace(void *arg);
static void on_deadline(void *arg);
static void lookup_next_candidate(struct lookup *lookup);

struct lookups *
lookups_new(
    struct loop *loop, const struct conf *conf, lookup_reply_fn *reply, void *arg)
{
	struct lookups *lookups = mem_calloc(1, sizeof *lookups);

	*lookups =
	    (struct lookups){.loop = loop, .conf = conf, .reply = reply, .arg = arg};
	for (size_t i = 0; i < LOOKUPS_MAX; i++) {
		struct lookup *lookup = &lookups->list[i];

		lookup->lookups = lookups;
		lookup->grace = loop_timer_new(loop, on_grace, lookup);
		lookup->deadline = loop_timer_new(loop, on_deadline, lookup);
		query_init(&lookup->queries[FAMILY_IPV4], loop, conf, DNS_TYPE_A,
		    on_query_done, lookup);
		query_init(&lookup->queries[FAMILY_IPV6], loop, conf, DNS_TYPE_AAAA,
		    on_query_done, lookup);
	}
	return lookups;
}

void
lookups_free(struct lookups *lookups)
{
	if (lookups == NULL)
		return;
	for (size_t i = 0; i < LOOKUPS_MAX; i++) {
		struct lookup *lookup = &lookups->list[i];

		for (size_t f = 0; f < FAMILY_COUNT; f++)
			query_free(&lookup->queries[f]);
		loop_timer_free(lookup->grace);
		loop_timer_free(lookup->deadline);
	}
	free(lookups);
}

void
lookups_forget(struct lookups *lookups)
{
	cache_clear(&lookups->cache);
}

static void
reply_error(struct lookups *lookups, unsigned int client, uint64_t id, int error)
{
	struct resolve_reply reply = {.id = id, .error = error};

	lookups->reply(lookups->arg, client, &reply);
}

/* The client's lookup of that name, or a free one; NULL when it has too many. */
static struct lookup *
find_lookup(struct lookups *lookups, unsigned int client, const char *name)
{
	struct lookup *unused = NULL;
	size_t open = 0;

	for (size_t i = 0; i < LOOKUPS_MAX; i++) {
		struct lookup *lookup = &lookups->list[i];

		if (!lookup->open) {
			unused = lookup;
			continue;
		}
		if (lookup->client != client)
			continue;
		if (strcasecmp(lookup->name, name) == 0)
			return lookup;
		open++;
	}
	return open < RESOLVE_OPEN_MAX ? unused : NULL;
}

static bool
name_is_valid(const char *name)
{
	char bare[RESOLVE_NAME_SIZE];
	size_t len = strlen(name);

	memcpy(bare, name, len + 1);
	if (len > 0 && bare[len - 1] == '.')
		bare[len - 1] = '\0';
	return dns_name_is_valid(bare);
}

void
lookups_ask(
    struct lookups *lookups, unsigned int client, const struct resolve_request *request)
{
	struct resolve_reply known = {.id = request->id};
	struct lookup *lookup;

	if (!name_is_valid(request->name)) {
		reply_error(lookups, client, request->id, EINVAL);
		return;
	}
	if (cache_find(&lookups->cache, request->name, clock_mono(), &known)) {
		lookups->reply(lookups->arg, client, &known);
		return;
	}
	lookup = find_lookup(lookups, client, request->name);
	if (lookup == NULL) {
		reply_error(lookups, client, request->id, EAGAIN);
		return;
	}
	lookup->id = request->id;
	if (lookup->open)
		return;
	lookup->open = true;
	lookup->client = client;
	lookup->candidate = 0;
	lookup->failure = 0;
	memcpy(lookup->name, request->name, strlen(request->name) + 1);
	loop_timer_arm(lookup->deadline, LOOKUP_TIMEOUT_MS);
	lookup_next_candidate(lookup);
}

static void
lookup_close(struct lookup *lookup)
{
	for (size_t f = 0; f < FAMILY_COUNT; f++)
		query_stop(&lookup->queries[f]);
	loop_timer_disarm(lookup->grace);
	loop_timer_disarm(lookup->deadline);
	lookup->open = false;
}

static void
lookup_fail(struct lookup *lookup, int error)
{
	lookup_close(lookup);
	reply_error(lookup->lookups, lookup->client, lookup->id, error);
}

/* Addresses of a query that is over, IPv4 first. */
static uint32_t
collect(const struct lookup *lookup, struct resolve_reply *reply)
{
	uint32_t ttl_s = UINT32_MAX;

	for (size_t f = 0; f < FAMILY_COUNT; f++) {
		const struct query *query = &lookup->queries[f];

		if (query->open || query->error != 0)
			continue;
		for (size_t i = 0; i < query->answer.count; i++)
			reply->addresses[reply->count++] = query->answer.addresses[i];
		if (query->answer.ttl_s < ttl_s)
			ttl_s = query->answer.ttl_s;
	}
	return ttl_s;
}

static bool
lookup_succeed(struct lookup *lookup)
{
	struct lookups *lookups = lookup->lookups;
	struct resolve_reply reply = {.id = lookup->id};
	uint32_t ttl_s = collect(lookup, &reply);

	if (reply.count == 0)
		return false;
	lookup_close(lookup);
	cache_put(&lookups->cache, lookup->name, clock_mono(), ttl_s, &reply);
	lookups->reply(lookups->arg, lookup->client, &reply);
	return true;
}

/* Both families failed. Silence ends the lookup: the name may well exist under this
 * candidate, and a later one would be another host. A server's failure does not, as in
 * the C library: there are search domains whose servers refuse every question. */
static void
lookup_go_on(struct lookup *lookup)
{
	for (size_t f = 0; f < FAMILY_COUNT; f++) {
		int error = lookup->queries[f].error;

		if (error == -ETIMEDOUT || error == -EMSGSIZE) {
			lookup_fail(lookup, -error);
			return;
		}
		if (error == -EIO)
			lookup->failure = EIO;
	}
	lookup->candidate++;
	lookup_next_candidate(lookup);
}

static void
on_query_done(void *arg)
{
	struct lookup *lookup = arg;
	const struct query *ipv4 = &lookup->queries[FAMILY_IPV4];
	const struct query *ipv6 = &lookup->queries[FAMILY_IPV6];

	if (!ipv4->open && !ipv6->open) {
		if (!lookup_succeed(lookup))
			lookup_go_on(lookup);
		return;
	}
	if ((!ipv4->open && ipv4->error == 0) || (!ipv6->open && ipv6->error == 0))
		loop_timer_arm(lookup->grace, LOOKUP_GRACE_MS);
}

static void
on_grace(void *arg)
{
	bool succeeded = lookup_succeed(arg);

	assert(succeeded);
}

static void
on_deadline(void *arg)
{
	if (!lookup_succeed(arg))
		lookup_fail(arg, ETIMEDOUT);
}

static void
lookup_next_candidate(struct lookup *lookup)
{
	char name[RESOLVE_NAME_SIZE];
	int rc;

	loop_timer_disarm(lookup->grace);
	while ((rc = conf_candidate(
		    lookup->lookups->conf, lookup->name, lookup->candidate, name)) == 0)
		lookup->candidate++;
	if (rc < 0) {
		lookup_fail(lookup, lookup->failure != 0 ? lookup->failure : ENOENT);
		return;
	}
	for (size_t f = 0; f < FAMILY_COUNT; f++)
		query_start(&lookup->queries[f], name);
}
