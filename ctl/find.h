/* Finds the answer of `ipwardenctl who`: of now, in the objects that there are; of
 * another time, in the ConfigMaps of its day and hour. */
#ifndef IPW_CTL_FIND_H
#define IPW_CTL_FIND_H

#include "answer.h"
#include "ask.h"
#include "kubelets.h"

/* Where it looks; borrowed. */
struct find_place {
	struct ask *ask;
	const char *namespace; /* of the ConfigMaps */
	const char *lease;     /* by which an ipwarden leads: NAMESPACE/NAME */
};

/* The answer has the question, and at_ms. Each returns 0, or -EIO (said on standard
 * error) when the API server refused or did not answer. */
int find_now(const struct find_place *place, struct answer *answer);
/* Hours are of the zone that moment_zone chose. */
int find_then(const struct find_place *place, struct answer *answer);

/* When the node's kubelet was last heard; KUBELET_NOT_KNOWN and why, in words. */
enum kubelet find_kubelet(const struct find_place *place, const char *node,
    int64_t now_ms, int64_t *ret_heard_ms, char why[ANSWER_TEXT_MAX]);

/* All addresses of which the NetIPAllocations say where they are now, and those of
 * which they do not; unless an ipwarden leads it is known of none. Returns as
 * find_now. */
int find_all_now(const struct find_place *place, struct answer *answer);

#endif
