/* What tests of allocations share. */
#ifndef IPW_ALLOCATION_RIG_H
#define IPW_ALLOCATION_RIG_H

#include "allocation.h"

/* Up to and with the comma after metadata of an object named pool-a. */
#define HEAD                                                                           \
	"{\"apiVersion\":\"netinfra.darkbrains.com/v1alpha1\",\"kind\":"               \
	"\"NetIPAllocation\",\"metadata\":{\"name\":\"pool-a\",\"uid\":\"u-1\","       \
	"\"resourceVersion\":\"266\",\"generation\":3,"                                \
	"\"creationTimestamp\":\"2026-11-20T23:02:03Z\"},"

/* NULL when it is no allocation. */
struct allocation *rig_parse(const char *json);
/* One with this spec (its inside) and status (whole value, or NULL). */
struct allocation *rig_parse_parts(const char *spec, const char *status);

#endif
