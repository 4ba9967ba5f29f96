/* What the reconciler may do at the API server: what it needs, and what would be too
 * much. Reviewed at the start (kube/review.h); docs/ipwarden.8, PERMISSIONS. */
#ifndef IPW_ACCESS_H
#define IPW_ACCESS_H

#include <stdbool.h>

#include "review.h"

/* Of a node's agent, or else of the operator. */
const struct kube_right *access_rights(bool agent, size_t *ret_len);

#endif
