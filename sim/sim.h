/* The embedded world: a Kubernetes API and a cloud on loopback, in one process and one
 * thread. main.c creates the parts below and connects them. */
#ifndef IPW_SIM_H
#define IPW_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "http.h"
#include "loop.h"

/* --- the append-only log of attachments (sim/journal.c), judged by `check` ---------
 */
struct sim_journal;
struct sim_journal *sim_journal_open(const char *path); /* NULL: logged */
void sim_journal_close(struct sim_journal *journal);

/* --- faults, set through the control endpoint (sim/fault.c) ------------------------
 */
/* What is held until the faults are cleared (sim/hold.h). */
enum sim_hold {
	SIM_HOLD_NONE,
	SIM_HOLD_BEFORE,    /* the request, not carried out */
	SIM_HOLD_AFTER,	    /* the answer; the request is carried out */
	SIM_HOLD_OPERATION, /* GCE: the end of the operation that it begins */
	SIM_HOLD_WAIT,	    /* GCE: all that shows that it has ended */
};

/* What to do to the next matching requests. */
struct sim_fault {
	char target[16];    /* "kube", "gce", "metadata" */
	char method[8];	    /* "" = any */
	char path[128];	    /* matched anywhere in the path; "" = any */
	char contains[128]; /* matched anywhere in the body; "" = any */
	char verb[20];	    /* kube: of RBAC; "" = any */
	char user[320];	    /* kube: who asks; "" = anyone */
	int status;	    /* > 0: answer with it and `body` */
	char body[1024];
	int64_t delay_ms;      /* hold the answer back */
	bool drop_before;      /* connection cut, nothing done */
	bool drop_after;       /* done, but the answer is lost */
	int64_t retry_after_s; /* with a status: the header; 0: none, or the usual */
	bool cuts;	       /* the connection, after `cut_after` bytes of the body */
	int64_t cut_after;
	bool stalls; /* nothing comes any more after `stall_after` bytes of the body */
	int64_t stall_after;
	int64_t trickle_ms;	  /* > 0: the body comes byte by byte, one each */
	int error_event;	  /* > 0: a watch begins and ends with this ERROR */
	int64_t read_version;	  /* > 0: get and list see the state at that version */
	int64_t repeat_events;	  /* a resumed watch begins so many changes earlier */
	bool tls_failure;	  /* a new connection ends before TLS has begun */
	char operation_error[64]; /* GCE: the operation ends with this code */
	enum sim_hold hold;
	int count; /* left; -1 = until cleared */
};
struct sim_faults;
struct sim_faults *sim_faults_new(void);
void sim_faults_free(struct sim_faults *faults);
/* JSON body of POST /faults; returns 0 or -EINVAL with a reason in `error`. */
int sim_faults_add(
    struct sim_faults *faults, const char *json, char *error, size_t error_size);
/* None is left, and what they hold goes on. */
void sim_faults_clear(struct sim_faults *faults);
struct sim_holds;
struct sim_holds *sim_faults_holds(const struct sim_faults *faults); /* borrowed */
/* A request as faults are matched against it; `verb` and `user` are "" where there is
 * none. */
struct sim_seen {
	const char *target;
	const char *method;
	const char *path;
	const char *verb;
	const char *user;
	const char *body;
};
/* Takes one use of the first fault that matches; false: none. */
bool sim_faults_take(struct sim_faults *faults, const struct sim_seen *seen,
    struct sim_fault *ret_fault);
/* Takes one use of the first fault for new connections. */
bool sim_faults_take_connection(struct sim_faults *faults, const char *target);

/* --- the Kubernetes API (sim/kube_*.c) ---------------------------------------------
 */
struct sim_kube;
struct sim_kube *sim_kube_new(struct loop *loop, struct sim_faults *faults);
void sim_kube_free(struct sim_kube *kube);
sim_handler_fn sim_kube_handle; /* arg: struct sim_kube */
/* Whether a fault ends a new connection; arg: struct sim_kube. */
bool sim_kube_refuses(void *arg);
/* After the server stands, so that watches can be woken. */
void sim_kube_set_http(struct sim_kube *kube, struct sim_http *http);
/* A bearer token (or client certificate name) and what it may do, as a binding to a
 * ClusterRole (sim/kube_roles.c). */
enum sim_role { SIM_ROLE_ADMIN, SIM_ROLE_CONTROLLER, SIM_ROLE_READER };
void sim_kube_add_identity(
    struct sim_kube *kube, const char *token, const char *user, enum sim_role role);
/* Logs each request from now on (sim/kube_record.h). Returns 0 or a negative errno
 * (logged). */
int sim_kube_record(struct sim_kube *kube, const char *path);
/* Creates or replaces an object as an administrator would; JSON text of one object.
 * Returns 0 or a negative errno (logged). */
int sim_kube_put(struct sim_kube *kube, const char *json);
/* Begins anew with an empty store, as if the server had lost its data: minted tokens
 * are invalid, identities and their roles stay. No watch may stand any more. */
void sim_kube_reset(struct sim_kube *kube);
/* Handles the control endpoint's requests about the Kubernetes API that are listed in
 * sim/kube_control.c. Returns false when the path is not its own. */
bool sim_kube_control(
    struct sim_kube *kube, const struct sim_request *request, struct sim_reply *reply);
/* Removes an object at once, as when a node object is deleted. */
int sim_kube_remove(struct sim_kube *kube, const char *path);

/* --- GCE compute v1 and the metadata server (sim/gce_*.c) --------------------------
 */
struct sim_gce;
struct sim_gce *sim_gce_new(struct loop *loop, struct sim_faults *faults,
    struct sim_journal *journal, const char *project);
void sim_gce_free(struct sim_gce *gce);
sim_handler_fn sim_gce_handle;	    /* compute API; arg: struct sim_gce */
sim_handler_fn sim_metadata_handle; /* metadata server; arg: struct sim_gce */
/* Adds a running instance; `external_ip` "" = none. `ours`: a node of the cluster. */
void sim_gce_add_instance(struct sim_gce *gce, const char *zone, const char *name,
    const char *external_ip, const char *access_config, bool ours);
/* Reserves a static address in a region. */
void sim_gce_add_address(
    struct sim_gce *gce, const char *region, const char *name, const char *address);
/* Marks an address as held by something that is no instance ("a forwarding rule"). */
void sim_gce_hold_elsewhere(struct sim_gce *gce, const char *address, const char *user);
/* Handles the control endpoint's /gce/… requests: instances, addresses, latency,
 * counters of calls by operation. Returns false when the path is not its own. */
bool sim_gce_control(
    struct sim_gce *gce, const struct sim_request *request, struct sim_reply *reply);

/* --- the judge (sim/judge.c) -------------------------------------------------------
 */
/* Reads a log of attachments and prints its verdict on stdout; the last line is
 * "N violations". Returns the exit code: 0 none, 1 some, 2 unreadable. */
int sim_judge(const char *log_path);

#endif
