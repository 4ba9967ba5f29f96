/* What find_then.c (addresses) and find_hours.c (pods) share while they find one
 * answer.
 */
#ifndef IPW_CTL_FINDING_H
#define IPW_CTL_FINDING_H

#include "find.h"
#include "hour.h"
#include "moment.h"
#include "seen.h"

/* The ConfigMaps of an hour. */
struct hour_maps {
	char name[MOMENT_HOUR_MAX];
	struct seen *seen;
	bool is_there; /* there is one at least */
};

struct finding {
	const struct find_place *place;
	const char *namespace; /* its */
	struct answer *answer;
	struct history *history;
	/* that in question, and those beside it; `after` only when it has begun */
	struct hour_maps hour, before, after;
	struct json_object *still; /* pods that were there and are: NAMESPACE_POD */
	struct answer now;
	bool has_now;
	const char *doubt; /* of `now`, of the last address; "" none */
	int64_t now_ms;
};

/* --- find_then.c --------------------------------------------------------------------
 */

/* history_problem_fn, seen_problem_fn; `arg` is the finding. */
void finding_tell(void *arg, const char *configmap, const char *key, const char *text);
/* Returns 1 and the ConfigMap; 0: there is none; -EIO (said). */
int finding_get_map(
    struct finding *finding, const char *name, struct json_object **ret_map);

/* --- find_hours.c -------------------------------------------------------------------
 */

/* The hour as the ConfigMaps have it: of the zone that moment_hour has. */
void hours_init(struct finding *finding);
void hours_end(struct finding *finding);
/* The pod in question; the pods on the answer's node. As find_then. */
int hours_find_pod(struct finding *finding);
int hours_find_pods(struct finding *finding);

#endif
