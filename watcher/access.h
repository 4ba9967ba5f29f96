/* What the watcher may do at the API server: list and watch, and nothing else. */
#ifndef IPW_ACCESS_H
#define IPW_ACCESS_H

#include "meter.h"
#include "review.h"

/* Reviews it, now and every hour; what is wrong is logged and counted. */
void access_start(
    struct kube *kube, const struct settings *settings, struct meter *meter);

#endif
