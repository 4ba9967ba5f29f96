/* What the resolver may do. */
#ifndef IPW_RESOLVER_FILTER_H
#define IPW_RESOLVER_FILTER_H

#include "sandbox.h"

extern const struct sandbox resolver_sandbox;

#endif
