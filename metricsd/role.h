/* What metricsd may do, and nothing else. */
#ifndef IPW_METRICSD_ROLE_H
#define IPW_METRICSD_ROLE_H

#include "sandbox.h"

extern const struct sandbox metricsd_sandbox;

#endif
