/* Makes calls of the Compute Engine v1 API: token, breaker of the endpoint, one
 * request, one answer. At most GCP_CALLS_MAX at a time. */
#ifndef IPW_GCP_H
#define IPW_GCP_H

#include <stdint.h>

#include "cloud.h"
#include "http.h"
#include "loop.h"

/* Open and waiting calls: the orders that run, the scopes that are observed, and room.
 */
#define GCP_CALLS_MAX 64u

/* The endpoints, as label of ipwarden_cloud_breaker_open. */
#define GCP_COMPUTE  "compute"
#define GCP_METADATA "metadata"

struct gcp_hooks {
	void *arg;
	/* Right before a change is handed to the network: 0; -EPERM: no grant; -ESTALE:
	 * read again first. */
	int (*permit)(void *arg, uint64_t ticket);
	/* One request has ended: `code` is an HTTP status or a word for what went
	 * wrong; `reason` is "" for success. */
	void (*measured)(void *arg, enum cloud_op op, const char *code,
	    const char *reason, int64_t duration_ms);
	/* The endpoint gives good answers again after it had failed more than once, or
	 * there is a token again. */
	void (*opened)(void *arg);
	/* The breaker of an endpoint (one of the two above) opened or closed; both are
	 * told at the start. */
	void (*breaker)(void *arg, const char *endpoint, bool open);
	/* "" when the credentials are good, else what is wrong with them. */
	void (*credentials)(void *arg, const char *why);
};

/* The caller clears nothing: the answer is borrowed, but the array of its page may be
 * taken (and set to NULL). */
typedef void gcp_fn(void *arg, uint64_t ticket, struct cloud_answer *answer);

struct gcp;

/* The targets stay the caller's and must outlive it. */
struct gcp *gcp_new(struct loop *loop, struct http_target *metadata,
    struct http_target *compute, const struct gcp_hooks *hooks);
void gcp_free(struct gcp *gcp);

/* The answer comes later, exactly once, never from within. */
void gcp_call(struct gcp *gcp, uint64_t ticket, const struct cloud_call *call,
    gcp_fn *fn, void *arg);

#endif
