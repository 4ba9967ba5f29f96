/* The control endpoint of the embedded world: faults, objects, and what the cloud lets
 * one change (/gce/…, see gce_control.c). JSON over plain HTTP on loopback:
 *
 *   GET    /healthz                                  200 {"status":"ok"}
 *   POST   /faults                                   one fault, see fault.c
 *   GET    /faults                                   what they hold, see hold.h
 *   DELETE /faults                                   all of them; what is held goes on
 *   POST   /kube/objects                             one object, created or replaced
 *   DELETE /kube/objects?path=/api/v1/nodes/node-1   removed at once
 *   POST   /kube/restart?data=lost&certificate=foreign
 *          all connections to the Kubernetes API end; without `data` everything is
 * still there, without `certificate` it is the one that ca.crt vouches for /kube/… see
 * kube_control.c
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
	/* ends all connections to the Kubernetes API; 0 or a negative errno */
	int (*restart)(void *arg, bool data_lost, bool foreign_certificate);
	void *restart_arg;
};

sim_handler_fn control_handle; /* arg: struct control */

#endif
