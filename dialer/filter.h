/* What a dialer may do. */
#ifndef IPW_DIALER_FILTER_H
#define IPW_DIALER_FILTER_H

#include "sandbox.h"

extern const struct sandbox dialer_sandbox;

#endif
