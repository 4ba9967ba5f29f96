/* The names that dialers have asked for and that are not answered yet: each walks
 * through the candidates of the search list with one A and one AAAA question at a time.
 */
#ifndef IPW_RESOLVER_LOOKUP_H
#define IPW_RESOLVER_LOOKUP_H

#include <stdint.h>

#include "conf.h"
#include "loop.h"
#include "resolve.h"

/* Dialers, and names open at one time. */
#define LOOKUP_CLIENTS 3u
#define LOOKUPS_MAX    (LOOKUP_CLIENTS * RESOLVE_OPEN_MAX)

/* A lookup ends by then. It is longer than a dial: what comes late is in the cache when
 * the dial is tried again. */
#define LOOKUP_TIMEOUT_MS 10000

/* When one family has answered, how long the other one is still waited for. */
#define LOOKUP_GRACE_MS 250

typedef void lookup_reply_fn(
    void *arg, unsigned int client, const struct resolve_reply *reply);

struct lookups;

/* `conf` is borrowed and may change at any time; then call lookups_forget. */
struct lookups *lookups_new(
    struct loop *loop, const struct conf *conf, lookup_reply_fn *reply, void *arg);
void lookups_free(struct lookups *lookups);

/* Each request is answered once by `reply` (perhaps within), unless a later one for the
 * same name takes its place. `client` is below LOOKUP_CLIENTS; the name ends in a NUL.
 */
void lookups_ask(struct lookups *lookups, unsigned int client,
    const struct resolve_request *request);

/* The servers are others now: what was learnt is forgotten. */
void lookups_forget(struct lookups *lookups);

#endif
