/* What an allocation's status and metrics say. */
#ifndef IPW_REPORT_H
#define IPW_REPORT_H

#include "state.h"

/* Conditions of the draft, from its entries as they are now. */
void report_conditions(struct core *core, struct item *item);
/* They say that nothing is done because `pod` of the old controller runs. */
void report_other_controller(struct core *core, struct item *item, const char *pod);
/* Metrics of one allocation; of one that is gone (its series are dropped). */
void report_metrics(struct core *core, struct item *item);
void report_gone(struct core *core, const struct item *item);
/* Metrics of nodes. */
void report_nodes(struct core *core);

#endif
