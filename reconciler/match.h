/* Which nodes a spec means; the first half of SEMANTICS.md "Eligible nodes". Pure. */
#ifndef IPW_MATCH_H
#define IPW_MATCH_H

#include "allocation.h"
#include "world.h"

enum match {
	MATCH_YES,
	MATCH_NOT_SELECTED,
	MATCH_SPECIAL, /* control plane or virtual, and the selector is empty */
	MATCH_PLACE,   /* its zone or region */
};

enum match match_node(
    const struct world_node *node, const struct allocation *allocation);

#endif
