/* Operations of the simulated cloud: PENDING, RUNNING, DONE by the clock; what one
 * changes is changed when it ends. */
#ifndef IPW_SIM_GCE_OPERATION_H
#define IPW_SIM_GCE_OPERATION_H

#include "gce_world.h"

/* Would the change of `draft` (call, config_name, nat_ip) go through now? Returns 0;
 * -EADDRINUSE when its address is held elsewhere; -EINVAL for every other refusal. With
 * `at_end` the refusal is worded as an operation's error, else as an HTTP error. */
int gce_operation_check(struct sim_gce *gce, const struct gce_operation *draft,
    const struct gce_instance *instance, bool at_end, struct gce_refusal *ret_refusal);

/* Begins an operation as `draft` says: call, instance, zone, arguments, and refusal
 * where it is forced to fail. With `holds` it keeps the instance busy until its end.
 * The operation stays the project's. -ENOSPC: too many are open. */
int gce_operation_begin(struct sim_gce *gce, const struct gce_operation *draft,
    struct gce_instance *instance, bool holds, struct gce_operation **ret_operation);

/* By name or numeric id; by the request id of one that is still recognised. NULL: none.
 */
struct gce_operation *gce_operation_find(
    struct sim_gce *gce, const char *zone, const char *name);
struct gce_operation *gce_operation_of_request(
    struct sim_gce *gce, const char *request_id);

/* Ends the operations whose time has come. A loop_timer_fn; arg: struct sim_gce. */
void gce_operation_advance(void *arg);

/* "PENDING", "RUNNING" or "DONE", as of the last advance. */
const char *gce_operation_status(const struct gce_operation *operation);

/* Held (sim/hold.h) so that it does not end, or so that nothing shows that it has. */
bool gce_operation_is_held(
    const struct sim_gce *gce, const struct gce_operation *operation);
bool gce_operation_is_unread(
    const struct sim_gce *gce, const struct gce_operation *operation);
/* The instance as the API shows it: as it was before an operation that is unread. */
struct gce_instance gce_operation_shown(
    const struct sim_gce *gce, const struct gce_instance *instance);
/* The instance that the API shows as the address's user; NULL: none. */
const struct gce_instance *gce_operation_shown_user(
    const struct sim_gce *gce, const struct gce_address *address);

/* Journals that the change of `draft` was refused; `instance` may be NULL. */
void gce_operation_note_refusal(struct sim_gce *gce, const struct gce_operation *draft,
    const struct gce_refusal *refusal);

/* Words a refusal; `reason` is constant text. */
void gce_refusal_set(struct gce_refusal *refusal, int http_status, const char *reason,
    const char *code, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The HTTP status that goes with the code of an operation's error. */
int gce_refusal_status(const char *code);

/* Forgets all operations, at the end of the world. */
void gce_operation_clear(struct sim_gce *gce);

#endif
