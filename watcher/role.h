/* What the watcher may do, and nothing else. */
#ifndef IPW_WATCHER_ROLE_H
#define IPW_WATCHER_ROLE_H

#include "sandbox.h"

extern const struct sandbox watcher_sandbox;

#endif
