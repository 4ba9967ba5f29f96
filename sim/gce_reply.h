/* Answers of the compute API: an object, or an error in Google's form. */
#ifndef IPW_SIM_GCE_REPLY_H
#define IPW_SIM_GCE_REPLY_H

#include <json-c/json.h>

#include "sim.h"

/* {"error":{"code","message","errors":[{"message","domain","reason"}],"status"}} */
void gce_reply_error(struct sim_reply *reply, int http_status, const char *reason,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Puts the object into the body and gives it back (json_object_put). With `fields`
 * (NULL = all) only those members are sent; a mask that cannot be read is answered with
 * 400. */
void gce_reply_json(
    struct sim_reply *reply, struct json_object *object, const char *fields);

#endif
