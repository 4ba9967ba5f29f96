/* From the stored form of an object to the form of a view, and back. Events of
 * events.k8s.io/v1 and of the core group are one list with other names for the fields;
 * versions of a custom resource differ in their apiVersion only. */
#ifndef IPW_SIM_KUBE_CONVERT_H
#define IPW_SIM_KUBE_CONVERT_H

#include <json-c/json.h>
#include <stdbool.h>

#include "buf.h"
#include "kube_store.h"

bool kube_convert_needed(const struct kube_view *view);
/* A new reference: to `json` itself when nothing has to change, else to a copy. */
struct json_object *kube_convert_out(
    const struct kube_view *view, struct json_object *json);
/* Takes over `json` and returns the stored form. */
struct json_object *kube_convert_in(
    const struct kube_view *view, struct json_object *json);
/* The view's apiVersion: "v1", "apps/v1". */
void kube_convert_version(const struct kube_view *view, char *out, size_t out_size);

#endif
