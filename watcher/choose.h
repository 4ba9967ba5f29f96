/* Which pods have footprints: those of a namespace, whose name begins so, and that a
 * label selector chooses (Pod Ashiato's --namespace, --name, --label). */
#ifndef IPW_CHOOSE_H
#define IPW_CHOOSE_H

#include <stdbool.h>
#include <stddef.h>

#include "messages.h"
#include "settings.h"

struct choose;

/* NULL: none has, footprints are off. `settings` lives as long. */
struct choose *choose_new(const struct settings *settings);
void choose_free(struct choose *choose);

/* NULL: false. `fact` is what was read of the object's text, which is sound. */
bool choose_pod(const struct choose *choose, const struct msg_fact_pod *fact,
    const char *json, size_t len);

#endif
