/* metadata.managedFields of ConfigMaps, which name each key: what a server adds to the
 * size of an object, beside what clients put there. Served where the control endpoint
 * says so (managed_fields); a server of others' always has them. */
#ifndef IPW_SIM_KUBE_MANAGED_H
#define IPW_SIM_KUBE_MANAGED_H

#include <json-c/json.h>

/* As of one manager that has written all of it. Shape: recorded in
 * tests/contracts/footprints (s25-store-pass-crosses-hour.cm.json). */
void kube_managed_write(struct json_object *json);

#endif
