/* The project's resources as JSON. Their members are those of the schemas in the
 * discovery document of compute v1; every object is the caller's. */
#ifndef IPW_SIM_GCE_JSON_H
#define IPW_SIM_GCE_JSON_H

#include <json-c/json.h>

#include "gce_world.h"

/* The URL under which the API names what is in a project. */
#define GCE_JSON_BASE "https://www.googleapis.com/compute/v1/projects/"

struct json_object *gce_json_instance(
    const struct sim_gce *gce, const struct gce_instance *instance);
struct json_object *gce_json_address(
    const struct sim_gce *gce, const struct gce_address *address);
struct json_object *gce_json_operation(
    const struct sim_gce *gce, const struct gce_operation *operation);

/* Adds a text member. */
void gce_json_add_text(struct json_object *object, const char *key, const char *text);
/* Adds a text member that is made of the format. */
void gce_json_add_format(struct json_object *object, const char *key,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
