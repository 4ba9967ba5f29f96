/* Finds the answer of `ipwardenctl who`: of now, in the objects that there are; of
 * another time, in the ConfigMaps of its day and hour. */
#ifndef IPW_CTL_FIND_H
#define IPW_CTL_FIND_H

#include "answer.h"
#include "ask.h"

/* The answer has the question, and at_ms. Each returns 0, or -EIO (said on standard
 * error) when the API server refused or did not answer. */
int find_now(struct ask *ask, struct answer *answer);
/* `namespace` of the ConfigMaps; hours are of the zone that moment_zone chose. */
int find_then(struct ask *ask, const char *namespace, struct answer *answer);

/* All addresses of which the NetIPAllocations say where they are now, and those of
 * which they do not. Returns as find_now. */
int find_all_now(struct ask *ask, struct answer *answer);

#endif
