/* The spec of an allocation, but for its addresses. */
#ifndef IPW_ALLOCATION_SPEC_H
#define IPW_ALLOCATION_SPEC_H

#include "allocation.h"

/* Says why the spec makes no sense; the first refusal is the one that is told. */
void allocation_refuse(struct allocation *allocation, const char *reason,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Fills in all of the spec but the addresses; `spec` may be NULL. */
void allocation_parse_spec(struct allocation *allocation, struct json_object *spec);
/* The annotations that ask something of us; `metadata` may be NULL. */
void allocation_parse_annotations(
    struct allocation *allocation, struct json_object *metadata);

#endif
