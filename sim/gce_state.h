/* The whole project as JSON, for tests, and its settings. */
#ifndef IPW_SIM_GCE_STATE_H
#define IPW_SIM_GCE_STATE_H

#include <json-c/json.h>

#include "gce_world.h"

/* Requests since the start, by the names of gce_call_names. The caller's object. */
struct json_object *gce_state_calls(const struct sim_gce *gce);
/* {"project", "instances", "addresses", "operations", "settings"}. The caller's object.
 */
struct json_object *gce_state_all(const struct sim_gce *gce);

/* Sets all settings that `values` names, or none: -EINVAL, with the reason in `why`. */
int gce_state_set(
    struct sim_gce *gce, struct json_object *values, char *why, size_t why_size);

#endif
