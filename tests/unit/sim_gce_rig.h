/* The simulated cloud without its HTTP server: a test calls the handlers, and the loop
 * runs while they put an answer off. Every 200 of the compute API is checked against
 * the cloud's schemas where those are there. */
#ifndef IPW_SIM_GCE_RIG_H
#define IPW_SIM_GCE_RIG_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "gce_world.h"
#include "sim.h"

#define RIG_PROJECT "sim-project"
#define RIG_ZONE    "us-west1-a"
#define RIG_REGION  "us-west1"
#define RIG_A	    "34.82.10.1"
#define RIG_B	    "34.82.10.2"

struct rig {
	struct loop *loop;
	struct sim_faults *faults;
	struct sim_journal *journal;
	struct sim_gce *gce;
	char log_path[64];
	char token[64]; /* sent with each call; "" = none is */
	/* of the last answer */
	int status;
	bool dropped;
	int64_t took_ms;
	char headers[512];
	char *text;
	struct json_object *json; /* NULL: the text is none */
	struct json_object *schemas;
	char schemas_path[512];
	unsigned checked; /* replies held to a schema */
};

extern struct rig rig;

/* A world of node-1, node-2 and node-3 (zone …-a), other-1 (…-b, not ours), the
 * addresses RIG_A and RIG_B, and operations that take 30 ms. */
void rig_setup(void);
void rig_teardown(void);

/* An exchange that was begun and is put off. */
struct exchange;
/* `target` is what follows the project, "zones/…?a=b"; in the others the whole path. */
struct exchange *rig_send(const char *method, const char *target, const char *body);
/* Runs the loop until it is answered, and gives it back. */
struct json_object *rig_finish(struct exchange *exchange);

/* Both at once. The object is the rig's, until the next answer. */
struct json_object *rig_call(const char *method, const char *target, const char *body);
struct json_object *rig_control(
    const char *method, const char *target, const char *body);
struct json_object *rig_metadata(const char *path, const char *flavor);

/* Asks for a token and sends it from now on. */
void rig_login(void);
/* addAccessConfig or deleteAccessConfig on nic0 of an instance of RIG_ZONE; the name of
 * the operation in a text of the caller, or NULL when it was refused. */
char *rig_add(const char *instance, const char *config, const char *address,
    const char *request_id);
char *rig_delete(const char *instance, const char *config, const char *request_id);
/* Ends what is open, in the order in which it was begun. */
void rig_hasten(void);
/* Hastens and waits for the operation, and frees the name; the code of its error, "" =
 * none. The text is the rig's, until the next answer. */
const char *rig_wait(char *operation);

/* The text at a path of names and indices ("a/0/b") of an object; "" = there is none.
 */
const char *rig_text(struct json_object *object, const char *path);
/* reason of the error that was answered, or "". */
const char *rig_reason(void);
/* "address config" of nic0, or "" without an access config. */
char *rig_config(const char *instance);
void rig_fault(const char *json);

/* What nic0 has ("address config", "" = nothing), as rig_config says it. */
void rig_expect_config(const char *instance, const char *wanted);
/* Status of a reserved address, and how the URL of its only user ends ("" = none). */
void rig_expect_address(const char *name, const char *status, const char *user_end);
/* The log, as it is now, must be judged free of violations. */
void rig_expect_clean_log(void);

#endif
