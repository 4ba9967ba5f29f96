/* What ipwarden-config may do. */
#ifndef IPW_CONFIG_FILTER_H
#define IPW_CONFIG_FILTER_H

#include "sandbox.h"

extern const struct sandbox config_sandbox;

#endif
