/* What a dialer may do. */
#ifndef IPW_DIALER_FILTER_H
#define IPW_DIALER_FILTER_H

#include "sandbox.h"

extern const struct sandbox dialer_sandbox;

/* Fills the descriptor numbers below FD_OPENED_FIRST. After that whatever the dialer
 * opens has a number that the filter lets it close and connect, but neither read nor
 * write. Before the filter; ends the process when it cannot. */
void filter_fill_descriptors(void);

#endif
