/* Our finalizer of NetIPAllocations: on before anything is begun for one whose
 * addresses are to be released, off when it is deleted and none is left with us, or
 * when it asks for no release. */
#ifndef IPW_FINALIZER_H
#define IPW_FINALIZER_H

#include "state.h"

#define REASON_FINALIZER_REFUSED "FinalizerRefused"

/* Puts it on or takes it off when that is due. True: it is being written, the item is
 * not settled. `steps`: what is planned for its addresses. */
bool finalizer_run(
    struct core *core, struct item *item, const struct plan_step *steps, size_t len);
/* Whether something may be begun for it: it has what it needs. */
bool finalizer_allows(const struct item *item);

#endif
