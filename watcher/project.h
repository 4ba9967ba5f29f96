/* From the API server's JSON to facts: only what the reconciler decides by is looked
 * at, and nothing is kept. Field by field as the API reference has it:
 * https://kubernetes.io/docs/reference/kubernetes-api/ */
#ifndef IPW_PROJECT_H
#define IPW_PROJECT_H

#include <stddef.h>

#include "messages.h"

/* Each fills in a whole fact from one object's JSON text. Returns 0, or -EBADMSG for
 * anything malformed, missing (name, uid) or too long to be real; *ret_fact is then
 * undefined. A node whose labels or taints do not fit is no error: `oversize` says so.
 */
int project_node(const char *json, size_t len, struct msg_fact_node *ret_fact);
int project_pod(const char *json, size_t len, struct msg_fact_pod *ret_fact);
int project_allocation(
    const char *json, size_t len, struct msg_fact_allocation *ret_fact);
int project_tracker(const char *json, size_t len, struct msg_fact_tracker *ret_fact);
int project_slice(const char *json, size_t len, struct msg_fact_slice *ret_fact);

/* Name, namespace and uid of any object. */
int project_gone(
    const char *json, size_t len, enum fact_kind kind, struct msg_fact_gone *ret_fact);

#endif
