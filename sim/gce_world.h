/* The simulated project: its instances, addresses, operations and settings. Private to
 * gce_*.c and metadata.c. Rules of the real cloud: CLOUDS.md §1 and the Compute Engine
 * v1 reference.
 *
 * Every change of what holds an address goes through this module, which keeps the
 * journal. Functions return 0 or a negative errno as each says. */
#ifndef IPW_SIM_GCE_WORLD_H
#define IPW_SIM_GCE_WORLD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "clock.h"
#include "journal.h"
#include "sim.h"

/* Longest resource name, and longest name of an access config (the cloud says nothing
 * about the latter), without the NUL. */
#define GCE_NAME_MAX	    63u
#define GCE_CONFIG_NAME_MAX 128u
#define GCE_USER_MAX	    255u

/* How much of each the project holds. Finished operations give way, oldest first. */
#define GCE_INSTANCES_MAX  10000u
#define GCE_ADDRESSES_MAX  10000u
#define GCE_OPERATIONS_MAX 20000u

/* Access tokens that are valid at once. */
#define GCE_TOKENS_MAX 4096u

/* Answers that are being held back at once; the oldest gives way. */
#define GCE_HELD_MAX 4096u

/* Kinds of calls, which are counted: by these names they stand in GET /gce/calls, and
 * the compute API's are the `call` of the journal's facts. */
#define GCE_CALLS(X)                                                                   \
	X(INSTANCES_GET, "instances.get")                                              \
	X(INSTANCES_LIST, "instances.list")                                            \
	X(INSTANCES_AGGREGATED, "instances.aggregatedList")                            \
	X(ADD_ACCESS_CONFIG, "instances.addAccessConfig")                              \
	X(DELETE_ACCESS_CONFIG, "instances.deleteAccessConfig")                        \
	X(OPERATIONS_GET, "zoneOperations.get")                                        \
	X(OPERATIONS_LIST, "zoneOperations.list")                                      \
	X(OPERATIONS_WAIT, "zoneOperations.wait")                                      \
	X(ADDRESSES_GET, "addresses.get")                                              \
	X(ADDRESSES_LIST, "addresses.list")                                            \
	X(ADDRESSES_AGGREGATED, "addresses.aggregatedList")                            \
	X(COMPUTE_UNKNOWN, "unknown")                                                  \
	X(METADATA_TOKEN, "metadata.token")                                            \
	X(METADATA_OTHER, "metadata.other")

enum gce_call_kind {
#define GCE_CALL_KIND(kind, name) GCE_CALL_##kind,
	GCE_CALLS(GCE_CALL_KIND)
#undef GCE_CALL_KIND
	    GCE_CALL_KINDS /* their number */
};

struct gce_instance {
	uint64_t id;
	char zone[GCE_NAME_MAX + 1];
	char name[GCE_NAME_MAX + 1];
	bool ours;
	bool running;
	bool has_config;
	char config_name[GCE_CONFIG_NAME_MAX + 1];
	char nat_ip[INET_ADDRSTRLEN];
	uint64_t fingerprint; /* of nic0; changes with its access configs */
	uint64_t busy;	      /* id of the operation that holds it; 0 = none */
	uint32_t host;	      /* number in the internal network */
	struct wall_time created;
	struct wall_time stopped;
	TAILQ_ENTRY(gce_instance) link;
};

/* The region of an address that is of none. */
#define GCE_GLOBAL "global"

struct gce_address {
	uint64_t id;
	char region[GCE_NAME_MAX + 1];
	char name[GCE_NAME_MAX + 1];
	char address[INET_ADDRSTRLEN];
	char user[GCE_USER_MAX + 1]; /* what holds it and is no instance, or "" */
	const struct gce_instance *instance; /* that holds it, or NULL */
	struct wall_time created;
	TAILQ_ENTRY(gce_address) link;
};

/* Why a change is refused: what the caller is told, at once or in the operation. */
struct gce_refusal {
	int http_status;
	const char *reason; /* of an HTTP error, constant text */
	char code[64];	    /* of an operation's error */
	char message[384];
};

struct gce_operation {
	uint64_t id;
	char name[GCE_NAME_MAX + 1];
	char zone[GCE_NAME_MAX + 1];
	enum gce_call_kind call; /* GCE_CALL_ADD_… or GCE_CALL_DELETE_ACCESS_CONFIG */
	uint64_t instance_id;
	char instance_name[GCE_NAME_MAX + 1];
	char config_name[GCE_CONFIG_NAME_MAX + 1];
	char nat_ip[INET_ADDRSTRLEN]; /* "" = ephemeral, or a delete */
	char request_id[40];	      /* "" = none */
	struct mono_time inserted;
	struct mono_time start; /* RUNNING from here */
	struct mono_time end;	/* DONE from here */
	struct wall_time inserted_wall;
	bool applied; /* the end has come, and what it changes is changed */
	bool failed;
	struct gce_refusal refusal; /* when failed, or when it is going to (forced) */
	bool forced;
	uint64_t hold;	 /* sim/hold.h: it does not end; 0: none */
	uint64_t unread; /* likewise: nothing shows that it has ended */
	bool had_config; /* of its instance, before it ended */
	char old_config_name[GCE_CONFIG_NAME_MAX + 1];
	char old_nat_ip[INET_ADDRSTRLEN];
	TAILQ_ENTRY(gce_operation) link;
};

struct gce_settings {
	int64_t operation_latency_ms;
	int64_t operation_jitter_ms; /* up to this much is added, from the seed */
	int64_t token_ttl_s;
	int64_t wait_max_ms;	    /* longest zoneOperations.wait */
	int64_t request_id_ttl_s;   /* a requestId is recognised for so long */
	bool conflict_in_operation; /* an address held elsewhere: told at the end */
	int64_t seed;		    /* what the random numbers began with */
	bool busy_in_operation;	    /* an instance that is busy: told at the end */
};

struct gce_token {
	char text[64];
	struct mono_time expires;
};

struct gce_held; /* gce_gate.c */

struct sim_gce {
	struct sim_faults *faults;
	struct sim_journal *journal;
	struct loop_timer *timer; /* the next end of an operation */
	char project[GCE_NAME_MAX + 1];
	char location[GCE_NAME_MAX + 1]; /* of the cluster; "" = not known yet */
	struct gce_settings settings;
	uint64_t id_last;
	uint64_t random;
	uint32_t ephemeral_last; /* host part of the last ephemeral address */
	uint32_t host_last;
	TAILQ_HEAD(gce_instance_list, gce_instance) instances;
	size_t instances_len;
	TAILQ_HEAD(gce_address_list, gce_address) addresses;
	size_t addresses_len;
	TAILQ_HEAD(gce_operation_list, gce_operation) operations;
	size_t operations_len;
	size_t operations_open; /* whose end has not come */
	struct gce_token tokens[GCE_TOKENS_MAX];
	size_t tokens_len;
	TAILQ_HEAD(gce_held_list, gce_held) held;
	size_t held_len;
	uint64_t calls[GCE_CALL_KINDS];
};

#define GCE_PROJECT_NUMBER "123456789012"

/* By enum gce_call_kind. */
extern const char *const gce_call_names[GCE_CALL_KINDS];

/* --- names and numbers -------------------------------------------------------------
 */
/* RFC 1035 label of 1 to 63 characters, as the discovery document's patterns ask. */
bool gce_world_name_is_valid(const char *name);
/* The same, and with a region before the last dash. */
bool gce_world_zone_is_valid(const char *zone);
bool gce_world_ipv4_is_valid(const char *address);
/* "us-west1-a" -> "us-west1". */
void gce_world_region_of(const char *zone, char region[GCE_NAME_MAX + 1]);
bool gce_world_is_in_region(const struct gce_instance *instance, const char *region);
/* A number that no resource had before. */
uint64_t gce_world_take_id(struct sim_gce *gce);
/* From the settable seed. */
uint64_t gce_world_random(struct sim_gce *gce);

/* --- finding; NULL: there is none --------------------------------------------------
 */
/* By name or by numeric id. */
struct gce_instance *gce_world_instance(
    struct sim_gce *gce, const char *zone, const char *name);
struct gce_instance *gce_world_instance_by_id(struct sim_gce *gce, uint64_t id);
struct gce_instance *gce_world_instance_with(struct sim_gce *gce, const char *nat_ip);
/* By the address itself; in any region. */
struct gce_address *gce_world_address(struct sim_gce *gce, const char *address);
struct gce_address *gce_world_address_named(
    struct sim_gce *gce, const char *region, const char *name);

/* --- changing ----------------------------------------------------------------------
 */
struct gce_instance_spec {
	const char *zone;
	const char *name;
	const char *external_ip; /* "" = none */
	const char *access_config;
	bool ours;
};

/* -EINVAL: malformed, or an address of another region; -EEXIST: the name or the
 * external address is taken; -ENOSPC. */
int gce_world_add_instance(struct sim_gce *gce, const struct gce_instance_spec *spec,
    struct gce_instance **ret_instance);
/* The VM vanishes; what it held is free. */
void gce_world_remove_instance(struct sim_gce *gce, struct gce_instance *instance);
void gce_world_set_running(
    struct sim_gce *gce, struct gce_instance *instance, bool running);

/* -EINVAL: malformed, or in use in another region; -EEXIST: name or address is reserved
 * already; -ENOSPC. */
int gce_world_add_address(
    struct sim_gce *gce, const char *region, const char *name, const char *address);
/* -EBUSY: in use. */
int gce_world_remove_address(struct sim_gce *gce, struct gce_address *address);
/* -EBUSY: in use; -EINVAL: malformed user. */
int gce_world_hold(struct sim_gce *gce, struct gce_address *address, const char *user);
/* -ENOENT: not held. */
int gce_world_release(struct sim_gce *gce, struct gce_address *address);

/* Gives nic0 an access config. The instance has none, and nothing holds the address
 * (assert). `operation` NULL: by the control endpoint. */
void gce_world_attach(struct sim_gce *gce, struct gce_instance *instance,
    const char *config_name, const char *nat_ip, const struct gce_operation *operation);
/* Takes the one access config there is (assert). */
void gce_world_detach(struct sim_gce *gce, struct gce_instance *instance,
    const struct gce_operation *operation);

/* An ephemeral address that nothing uses: 0, or -ENOSPC. */
int gce_world_take_ephemeral(struct sim_gce *gce, char ret_address[INET_ADDRSTRLEN]);

#endif
