/* Calls as requests of the Compute Engine v1 API (discovery document compute v1). Pure.
 */
#ifndef IPW_GCP_REQUEST_H
#define IPW_GCP_REQUEST_H

#include "buf.h"
#include "cloud.h"

struct gcp_request {
	const char *method;
	struct buf path; /* after the base URL, with the query */
	struct buf body; /* empty: none */
};

/* Every text is checked before it gets into a path: a project, zone or id that could
 * mean something else there is refused. Returns 0, or -EINVAL with the field's name in
 * *ret_field. On success gcp_request_free gives back the memory. */
int gcp_request_build(const struct cloud_call *call, struct gcp_request *ret_request,
    const char **ret_field);
void gcp_request_free(struct gcp_request *request);

#endif
