/* metadata.finalizers of a NetIPAllocation: ours holds a deleted object until its
 * addresses are released; those of others are kept as they are. Pure. */
#ifndef IPW_ALLOCATION_FINALIZER_H
#define IPW_ALLOCATION_FINALIZER_H

#include "allocation.h"

#define ALLOCATION_FINALIZER "netinfra.darkbrains.com/release-ips"

/* `metadata` may be NULL. */
void allocation_finalizer_parse(
    struct allocation *allocation, struct json_object *metadata);

/* The merge patch that puts ours on, or takes it off: compare-and-set by
 * resourceVersion, with the finalizers of others in their order. Returns 0, or -E2BIG
 * when *out is too small. */
int allocation_finalizer_patch(
    const struct allocation *allocation, bool on, struct buf *out);

#endif
