/* The control endpoint of the embedded world: faults, objects, and what the cloud lets
 * one change (/gce/…, see gce_control.c). JSON over plain HTTP on loopback:
 *
 *   GET    /healthz                                  200 {"status":"ok"}
 *   POST   /faults                                   one fault, see fault.c
 *   DELETE /faults                                   all of them
 *   POST   /kube/objects                             one object, created or replaced
 *   DELETE /kube/objects?path=/api/v1/nodes/node-1   removed at once
 *   /kube/…                                          see kube_control.c
 *
 * Whatever is refused is answered with {"error":"…"}. */
#ifndef IPW_SIM_CONTROL_H
#define IPW_SIM_CONTROL_H

#include "http.h"
#include "sim.h"

/* The parts that it acts upon; they stay the caller's. */
struct control {
	struct sim_faults *faults;
	struct sim_kube *kube;
	struct sim_gce *gce;
};

sim_handler_fn control_handle; /* arg: struct control */

#endif
