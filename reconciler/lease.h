/* A Lease of coordination.k8s.io/v1, read and written back. */
#ifndef IPW_LEASE_H
#define IPW_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "bounds.h"
#include "clock.h"

struct json_object;

/* A holder's name is a pod's with us; client-go appends a UUID to a host's name. */
#define LEASE_HOLDER_MAX 511u

struct lease {
	struct json_object *object; /* our reference; NULL: nothing was read */
	char resource_version[UID_MAX_LEN + 1];
	char holder[LEASE_HOLDER_MAX + 1]; /* "" nobody */
	char renew_time[CLOCK_TEXT_MAX];
	int64_t duration_s;  /* 0: not given */
	int64_t transitions; /* at least 0 */
};

/* Takes its own reference to the object. Returns 0, or -EINVAL when it is no Lease
 * (then *ret_lease is untouched). Values of the spec that make no sense count as
 * absent. */
int lease_read(struct json_object *object, struct lease *ret_lease);
void lease_clear(struct lease *lease);
/* The same state of the same record. */
bool lease_equal(const struct lease *a, const struct lease *b);

/* What a write sets. */
struct lease_change {
	const char *holder;
	int64_t duration_s;
	int64_t transitions;
	struct wall_time renewed;
	bool acquired; /* set acquireTime, too; else it stays */
};

/* The body of a PUT: `lease` as it was read, labels and all, with another spec. Caller
 * frees. */
char *lease_update(const struct lease *lease, const struct lease_change *change);
/* The body of a POST. Caller frees. */
char *lease_create(
    const char *namespace, const char *name, const struct lease_change *change);

#endif
