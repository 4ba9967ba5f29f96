/* The rules that never bend, judged where something is done and as time passes. It
 * knows the truth: what the server and the cloud hold, whatever a replica believes. */
#ifndef IPW_JUDGE_H
#define IPW_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "gcp.h"
#include "kube.h"

struct host;
struct loop;
struct json_object;
struct operation;
struct vm;

void judge_open(void);
/* Once a second, and after whatever users do. */
void judge_look(void);

/* A reconciler sends an order, or a request of the API. */
void judge_order(const struct host *host, const struct msg_order *order);
void judge_asks(const struct host *host, const struct kube_call *call);
/* A cloudworker hands a change to the network. */
void judge_change(const struct host *host, const struct cloud_call *call);

/* At the server: an object was written (NULL: it was not there, or is no more). */
void judge_wrote(
    struct json_object *before, struct json_object *after, const char *path);

/* A write of it was refused or lost. */
void judge_refused(const char *path);

/* At the cloud: an operation has its effect; something has changed. */
void judge_removes(const struct operation *operation, const struct vm *vm);
void judge_adds(const struct operation *operation, const struct vm *vm);
void judge_cloud(void);

/* What this takes off is ephemeral, and its node is there and wanted: it is given back
 * if the address that it made room for does not come. */
bool judge_is_owed(const struct operation *operation, const struct vm *vm);
/* A replica that could do all that is to be done: the lease, cloud and server. */
bool judge_is_fit(void);
/* The replica that has the lease; NULL: none. */
const struct host *judge_leader(void);
/* The node says ip.ready=true. */
bool judge_is_labelled(const char *node);
/* A member of the node's labels; their keys have slashes. */
const char *judge_label_of(struct json_object *node, const char *key);

/* Longest complaint (bytes). */
#define JUDGE_COMPLAINT_MAX 256u

/* Keeps what is not as it should be at rest; the arguments may be the one before.
 * Returns false, for who was asked whether it is. */
bool judge_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *judge_complaint(void);

/* --- judge_tracker.c -------------------------------------------------------------- */

void judge_tracker_open(void);
void judge_tracker_asks(const struct kube_call *call);
void judge_tracker_wrote(
    struct json_object *before, struct json_object *after, const char *path);
/* What is not as it should be at rest; NULL: all is. */
const char *judge_tracker_complaint(void);

/* --- judge_footprint.c: the hours of pods, where users.kept ------------------------
 */

void judge_footprint_open(void);
/* A reconciler is told of a pod. */
void judge_footprint_told(const struct loop *process, const struct msg_fact_pod *pod);
void judge_footprint_asks(const struct kube_call *call);
void judge_footprint_wrote(
    struct json_object *before, struct json_object *after, const char *path);
/* As judge_tracker_complaint; and a while after all hours have passed. `leader` may be
 * NULL: nobody leads. */
const char *judge_footprint_complaint(const struct host *leader);
const char *judge_footprint_unended(const struct host *leader);

/* --- judge_history.c: the days of addresses ----------------------------------------
 */

void judge_history_open(void);
/* At the cloud: something may have moved; a list shows that VM. */
void judge_history_cloud(void);
void judge_history_shown(const struct vm *vm);
void judge_history_wrote(
    struct json_object *before, struct json_object *after, const char *path);
const char *judge_history_complaint(const struct host *leader);

/* --- judge_release.c -------------------------------------------------------------- */

void judge_release_open(void);
/* An address is to be taken off. */
void judge_release_order(const struct msg_order *order);
/* At the server: what it has answered about our definition; an object was written. */
void judge_release_read(struct json_object *definition);
void judge_release_wrote(
    struct json_object *before, struct json_object *after, const char *path);

/* Whether that allocation is a reason for the address to stay where it is. */
bool judge_holds_on(
    struct json_object *allocation, struct json_object *node, const struct vm *vm);
/* Pods of its workload are on that node. */
bool judge_has_pods(struct json_object *allocation, const char *node);

#endif
