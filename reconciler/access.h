/* What the reconciler may do at the API server: what it needs, and what would be too
 * much. Reviewed at the start (kube/review.h); docs/ipwarden.8, PERMISSIONS. */
#ifndef IPW_ACCESS_H
#define IPW_ACCESS_H

#include "review.h"

extern const struct kube_right access_rights[];
size_t access_rights_len(void);

#endif
