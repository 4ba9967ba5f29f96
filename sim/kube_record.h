/* The log of requests: what each identity asked of the API server. One JSON object a
 * line, all members always there:
 *
 *   {"begun_ms":81230,"ms":81234,"time":"…","user":"system:anonymous","agent":"",
 *    "audit_id":"","method":"GET","path":"/api/v1/nodes","fields":"",
 *    "verb":"list","group":"","resource":"nodes","subresource":"","namespace":"",
 *    "name":"","bytes":0,"status":403}
 *
 * `begun_ms` and `ms`: when it came and when it was answered, by CLOCK_MONOTONIC.
 * `user` is "" for a token that nobody has. `verb` is that of RBAC; for a path that is
 * no resource it is the method in small letters, and `resource` is "". `fields` is the
 * field selector, `namespace` is "" for all, `audit_id` the request's own (header
 * Audit-ID), `name` for a collection; a create has the name of what was made. `bytes`
 * are those of its body. `status` is 0 when the connection was cut without an answer. A
 * request is logged once it is answered, a watch when it begins, and one whose answer
 * is held (sim/hold.h) once it was carried out. */
#ifndef IPW_SIM_KUBE_RECORD_H
#define IPW_SIM_KUBE_RECORD_H

#include "kube_world.h"

/* Longest line (bytes): a path, and names that are taken out of it. */
#define KUBE_RECORD_MAX 16384u

/* One line more; nothing when there is no log. */
void kube_record_request(const struct kube_call *call);
/* Ends the log. */
void kube_record_end(struct sim_kube *kube);

#endif
