/* CustomResourceDefinitions: what they define appears as resources and views of the
 * store. All served versions share one list of objects and differ in apiVersion and
 * schema only (conversion None). */
#ifndef IPW_SIM_KUBE_CUSTOM_H
#define IPW_SIM_KUBE_CUSTOM_H

#include "kube_status.h"
#include "kube_store.h"

#define KUBE_CUSTOM_FINALIZER "customresourcecleanup.apiextensions.k8s.io"

void kube_custom_check(const struct json_object *crd, struct kube_causes *causes);
/* Fills in names, conversion and status: Established and NamesAccepted at once. */
void kube_custom_complete(struct json_object *crd);
/* Makes the views fit the definition; stored objects are read anew by its schema.
 * Returns 0, or -ENOSPC at the store's limits. */
int kube_custom_install(struct kube_store *store, const struct json_object *crd);
/* The served views end, and with them the watches on them. */
void kube_custom_uninstall(struct kube_store *store, const struct json_object *crd);
/* What the definition defines; NULL when it is not installed. */
struct kube_resource *kube_custom_resource(
    const struct kube_store *store, const struct json_object *crd);
/* As a server reads stored bytes: pruned, defaults filled in, nothing refused. */
void kube_custom_read(const struct kube_view *view, struct json_object *json);

#endif
