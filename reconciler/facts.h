/* Messages of the watcher and the cloudworker, each to the module that it concerns. */
#ifndef IPW_FACTS_H
#define IPW_FACTS_H

#include "state.h"

/* 0, or -EPROTO when it makes no sense. */
int facts_take(struct core *core, const struct message *message);

#endif
