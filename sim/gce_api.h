/* The calls of the compute API, by route. A call is matched and authenticated before
 * its function runs. */
#ifndef IPW_SIM_GCE_API_H
#define IPW_SIM_GCE_API_H

#include "gce_world.h"

struct gce_call {
	struct sim_gce *gce;
	const struct sim_request *request;
	struct sim_reply *reply;
	enum gce_call_kind kind;
	char place[GCE_NAME_MAX + 1]; /* zone or region; "" when aggregated */
	char name[GCE_NAME_MAX + 1];  /* of the resource; "" in lists */
	struct mono_time begun;	      /* when the request came; earlier when deferred */
};

typedef void gce_call_fn(const struct gce_call *call);

/* gce_read.c */
gce_call_fn gce_read_instance;
gce_call_fn gce_read_instances;
gce_call_fn gce_read_all_instances;
gce_call_fn gce_read_address;
gce_call_fn gce_read_addresses;
gce_call_fn gce_read_global_addresses;
gce_call_fn gce_read_all_addresses;
gce_call_fn gce_read_operation;
gce_call_fn gce_read_operations;
gce_call_fn gce_read_wait;

/* gce_change.c. The fault says how the operation ends, and what of it is held. */
void gce_change_add_config(const struct gce_call *call, const struct sim_fault *fault);
void gce_change_delete_config(
    const struct gce_call *call, const struct sim_fault *fault);

/* 404: "The resource 'projects/…' was not found". `path` is what follows the project.
 */
void gce_api_not_found(const struct gce_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* metadata.c: was the token given out, and is it still good? */
bool metadata_token_is_valid(const struct sim_gce *gce, const char *token);

#endif
