/* What the cloudworker may do. */
#ifndef IPW_ROLE_H
#define IPW_ROLE_H

#include "sandbox.h"

extern const struct sandbox cloudworker_sandbox;

#endif
