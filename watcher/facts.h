/* The watcher's work: an informer a kind in, facts out. */
#ifndef IPW_FACTS_H
#define IPW_FACTS_H

#include "kube.h"
#include "link.h"
#include "meter.h"

struct facts;

/* Opens the links; before sandbox_lock. */
struct facts *facts_open(struct loop *loop);
/* What belongs to the loop, such as links and informers, goes with that. */
void facts_free(struct facts *facts);
/* Its metrics link; lives as long. */
struct meter *facts_meter(struct facts *facts);
/* Starts the informers; those of one node and its pods alone where that is set
 * (SETTING_AGENT_NODE). */
void facts_start(
    struct facts *facts, struct kube *kube, const struct settings *settings);

#endif
