/* A NetIPAllocation as the reconciler holds it: read from the API's JSON, and the JSON
 * patches that write its status. Pure. */
#ifndef IPW_ALLOCATION_H
#define IPW_ALLOCATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "amount.h"
#include "bounds.h"
#include "buf.h"
#include "clock.h"
#include "messages.h"
#include "place.h"

struct json_object;

enum workload_kind {
	WORKLOAD_NONE,
	WORKLOAD_DEPLOYMENT,
	WORKLOAD_STATEFULSET,
	WORKLOAD_DAEMONSET,
};

/* "Deployment", …; NULL for none. */
const char *allocation_workload_kind(enum workload_kind kind);

/* spec.policy. */
enum allocation_policy {
	POLICY_SYNC,
	POLICY_ASSIGN_ONLY, /* attaches, never detaches, unlabels or evicts */
	POLICY_OBSERVE,	    /* changes nothing but its own status */
};
const char *allocation_policy_name(enum allocation_policy policy);
/* False: it is none. */
bool allocation_policy_find(const char *name, enum allocation_policy *ret_policy);

/* spec.evictionPolicy: of pods on a node that has lost its address. */
enum eviction_policy {
	EVICTION_WHEN_REPLACEABLE, /* while another node has an address */
	EVICTION_ALWAYS,
	EVICTION_NEVER,
};

/* spec.deletionPolicy: of the addresses when the object is deleted. */
enum deletion_policy {
	DELETION_RELEASE, /* taken off their nodes once no pod of the workload is there
			   */
	DELETION_RETAIN,  /* left where they are */
};

/* What is accepted and yet worth a word to who wrote it: bits of `notices`. */
enum allocation_notice {
	NOTICE_DEPLOYMENT_REF = 1u << 0, /* deprecated */
	NOTICE_STRATEGY = 1u << 1,	 /* ignored */
	NOTICE_CREDENTIALS = 1u << 2,	 /* ignored */
	NOTICE_PROVIDER = 1u << 3,	 /* missing: gcp is assumed */
	NOTICE_RELEASE_NOW = 1u << 4,	 /* its value has no effect */
};

/* What an open step of the journal is about; ARCHITECTURE.md "The journal". */
#define INTENT_SCHEMA 1

enum intent_step {
	INTENT_NONE,
	INTENT_DETACH,	  /* take it off `from`, then go on with attach */
	INTENT_EPHEMERAL, /* take the ephemeral address off `to`, then attach */
	INTENT_ATTACH,	  /* put it on `to` */
	INTENT_RELEASE,	  /* take it off `from`, and that is all */
	INTENT_UNKNOWN,	  /* a schemaVersion or step that we do not know: hold */
};

/* One side of a move. */
struct intent_place {
	char node[NAME_MAX_LEN + 1];
	char node_uid[UID_MAX_LEN + 1];
	char project[PLACE_MAX + 1];
	char zone[PLACE_MAX + 1];
	char instance[128];	   /* the cloud's id; "" = no such side */
	char fence[FENCE_MAX + 1]; /* from: the access config found there */
};

struct intent {
	enum intent_step step;
	char id[ID_MAX + 1];
	struct intent_place from;
	struct intent_place to;
	char fence[FENCE_MAX + 1];	 /* access config name at `to`: "ipw-<id>" */
	char request_detach[ID_MAX + 1]; /* journaled request ids */
	char request_ephemeral[ID_MAX + 1];
	char request_attach[ID_MAX + 1];
	char ephemeral[ADDRESS_MAX + 1]; /* the address to be taken off `to`; "" none */
	char ephemeral_fence[FENCE_MAX + 1];
	bool ephemeral_taken;
	struct wall_time since; /* when it was first written */
};

enum address_state {
	ADDRESS_STATE_PENDING,
	ADDRESS_STATE_ATTACHING,
	ADDRESS_STATE_ATTACHED,
	ADDRESS_STATE_DRAINING,
	ADDRESS_STATE_DETACHING,
	ADDRESS_STATE_SPARE,
	ADDRESS_STATE_BLOCKED,
	ADDRESS_STATE_UNKNOWN,
	ADDRESS_STATE_COUNT
};
const char *address_state_name(enum address_state state);

/* status.addresses[]: what was last believed and written. */
struct allocation_address {
	char address[ADDRESS_MAX + 1];
	enum address_state state;
	char reason[REASON_MAX + 1];
	char message[TEXT_MAX + 1];
	char node[NAME_MAX_LEN + 1];
	char node_uid[UID_MAX_LEN + 1];
	char instance[128];
	char project[PLACE_MAX + 1];
	char zone[PLACE_MAX + 1];
	char fence[FENCE_MAX + 1];
	bool ephemeral_taken; /* we took an ephemeral address off that node for it */
	/* It was found on a node that the spec of that generation does not mean, and
	 * stays there while the spec is the same; 0: not so. */
	int64_t outside_generation;
	struct wall_time since; /* lastTransitionTime */
	struct intent intent;
	/* The nodes that the intent named when it was read. They stay spoken for until
	 * the API's answer says otherwise, whatever `intent` has become since. */
	char journal_from_uid[UID_MAX_LEN + 1];
	char journal_to_uid[UID_MAX_LEN + 1];
	bool journal_open; /* it had an intent */
	/* With INTENT_UNKNOWN: the intent's JSON as it was read, written back as it is.
	 * Owned by the allocation; NULL otherwise. */
	char *intent_raw;
	/* Members of the entry that are none of ours, as ,"key":value…, written back as
	 * they are: a newer version may have put them there. As intent_raw. */
	char *others;
	bool listed; /* spec.reservedIPs names it (others linger until released) */
};

/* Reasons of Blocked addresses that allocation_parse gives itself: entries that are no
 * usable address. The text in `address` is for people then (a duplicate is told as
 * "192.0.2.1 (#2)", its place in the list), and such entries never get further. */
#define REASON_INVALID_ADDRESS "InvalidAddress"
#define REASON_DUPLICATE       "Duplicate"
bool allocation_address_usable(const struct allocation_address *address);

enum condition_type {
	CONDITION_ACCEPTED,
	CONDITION_READY,
	CONDITION_PROGRESSING,
	CONDITION_DEGRADED,
	CONDITION_COUNT
};
const char *condition_type_name(enum condition_type type);
enum condition_status { CONDITION_FALSE, CONDITION_TRUE, CONDITION_UNKNOWN };

struct condition {
	enum condition_status status;
	char reason[REASON_MAX + 1];
	char message[TEXT_MAX + 1];
	struct wall_time since;
	bool present;
};

struct allocation {
	char uid[UID_MAX_LEN + 1];
	char name[NAME_MAX_LEN + 1];
	char resource_version[UID_MAX_LEN + 1];
	int64_t generation;
	struct wall_time created;
	bool deleting;
	struct wall_time deleted; /* deletionTimestamp */
	bool finalizer;		  /* ours is among metadata.finalizers */
	char *finalizers;	  /* all of them, as JSON; NULL none */

	/* spec */
	enum workload_kind workload;
	char workload_name[NAME_MAX_LEN + 1];
	char workload_namespace[LABEL_MAX_LEN + 1];
	struct texts node_selector; /* key, value, … */
	char provider[16];
	char region[PLACE_MAX + 1];
	struct texts zones;
	int64_t reconcile_interval_s;
	enum allocation_policy policy; /* Sync when the spec names none; in force */
	bool policy_named;	       /* the spec names one */
	enum deletion_policy deletion;
	enum eviction_policy eviction;
	int64_t not_ready_grace_ms;
	struct amount max_moves;    /* of serving addresses, at a time */
	struct amount min_attached; /* to be Ready */
	bool min_attached_named;    /* the spec says how many */
	bool restore_ephemeral;
	unsigned int notices;

	/* annotations */
	bool paused;	       /* nothing is begun */
	bool release_now;      /* pods do not hold up a release */
	char reconcile_at[64]; /* a change asks for an observation; cut */

	/* "" = the spec makes sense; else why not (reason, message of Accepted=False).
	 * Single addresses that make no sense are in addresses[] as Blocked. */
	char refusal_reason[REASON_MAX + 1];
	char refusal[TEXT_MAX + 1];

	/* spec.reservedIPs in order, then addresses that only the status still has */
	struct allocation_address *addresses;
	size_t addresses_len;

	struct condition conditions[CONDITION_COUNT];
	/* written as it stands: set it to `generation` once the conditions speak of it
	 */
	int64_t observed_generation;
	/* what the status says now, to see whether a write would change anything */
	char *status_json;
	char
	    *status_same; /* our part of it, as allocation_status_patch last found it */
	/* The status has more addresses than STATUS_ADDRESSES_MAX: not all were read,
	 * the spec counts as refused, and writes leave addresses and counts alone. */
	bool status_overflow;
};

/* Addresses of one status that are read; more than any list of addresses and all that
 * linger from the list before it. */
#define STATUS_ADDRESSES_MAX 1024u

/* Reads one object. Bad values never fail it as long as it has a name and a uid: they
 * are told in refusal, or as a Blocked address (reason InvalidAddress, Duplicate).
 * Returns NULL only when it is no NetIPAllocation at all. */
struct allocation *allocation_parse(struct json_object *object);
void allocation_free(struct allocation *allocation);

struct allocation_address *allocation_find(
    const struct allocation *allocation, const char *address);

/* Drops one entry from addresses[] (it was released); pointers into it move. */
void allocation_remove(struct allocation *allocation, const char *address);

/* As the status shows them: reserved = attached + unattached + spare; a duplicate does
 * not count. */
struct allocation_counts {
	size_t reserved, attached, unattached, spare;
};
void allocation_count(
    const struct allocation *allocation, struct allocation_counts *ret_counts);

/* Sets a condition; `since` moves only when the status changes. True: it differs. */
bool allocation_condition(struct allocation *allocation, enum condition_type type,
    enum condition_status status, const char *reason, const char *message,
    struct wall_time now);

/* The addresses that have to be on a node for it to be Ready (spec.minAttached). */
size_t allocation_needed(
    const struct allocation *allocation, const struct allocation_counts *counts);

/* The merge patch for PATCH …/status: metadata.resourceVersion (compare-and-set), and
 * the whole status: observedGeneration, policy, reserved, attached, unattached, spare,
 * nodes, addresses[] and conditions. Empties *out and returns 0 when it would change
 * nothing (the patch without resourceVersion is compared with what was read), else 1;
 * -E2BIG when *out is too small. Conditions of other types than ours are kept. */
int allocation_status_patch(struct allocation *allocation, struct buf *out);

#define ALLOCATION_API	      "netinfra.darkbrains.com/v1alpha1"
#define ALLOCATION_COLLECTION "/apis/" ALLOCATION_API "/netipallocations"
/* As rules and kubectl name it. */
#define ALLOCATION_RESOURCE "netipallocations.netinfra.darkbrains.com"

#endif
