/* Partial answers: the parameter `fields` of Google's APIs. */
#ifndef IPW_SIM_GCE_FIELDS_H
#define IPW_SIM_GCE_FIELDS_H

#include <json-c/json.h>

/* Only the members of `from` that the mask names: "a,b(c,d/e)", with * for every
 * member; a list is seen through. A name that is nowhere is no error. The object is the
 * caller's. Returns 0, or -EINVAL when the mask cannot be read. */
int gce_fields_apply(
    const char *mask, struct json_object *from, struct json_object **ret_object);

#endif
