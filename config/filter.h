/* What ipwarden-config may do. */
#ifndef IPW_CONFIG_FILTER_H
#define IPW_CONFIG_FILTER_H

#include "sandbox.h"

extern const struct sandbox config_sandbox;

/* Fills the descriptor numbers below FD_OPENED_FIRST. After that whatever it makes
 * has a number of its own range in the filter. Before the filter;
 * ends the process when it cannot. */
void filter_fill_descriptors(void);

#endif
