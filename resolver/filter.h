/* What the resolver may do. */
#ifndef IPW_RESOLVER_FILTER_H
#define IPW_RESOLVER_FILTER_H

#include "sandbox.h"

extern const struct sandbox resolver_sandbox;

/* Fills the descriptor numbers below FD_OPENED_FIRST. After that whatever the resolver
 * opens or is handed has a number of its own range in the filter. Before the filter;
 * ends the process when it cannot. */
void filter_fill_descriptors(void);

#endif
