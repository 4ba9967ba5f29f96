/* ConfigMaps at the API server, as far as they are others than all other objects; and
 * what users and earlier replicas have put there. */
#ifndef IPW_CONFIGMAPS_H
#define IPW_CONFIGMAPS_H

#include <stdbool.h>

struct json_object;

/* Whether that is a page of them: the caller's, a list of at most `limit`, in order,
 * that goes on with "metadata.continue". */
bool configmaps_is_list(const char *path);
struct json_object *configmaps_list(const char *query);
/* What is immutable stays so, and its data as they are. */
bool configmaps_may_become(struct json_object *before, struct json_object *after);

/* The scenery of a schedule in which footprints are kept. */
void configmaps_make(void);
void configmaps_happen(void);

#endif
