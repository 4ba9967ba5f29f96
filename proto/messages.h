/* Every message of every link: name, number, direction, fields. Struct, encoder,
 * decoder, permission check and fuzz dispatch come from this one list.
 *
 * Fields: U8(name, largest value) U32(name) U64(name) I64(name) STR(name, most bytes)
 * PACK(name). Texts hold no NUL. Times are milliseconds since 1970 unless named
 * _boot_ms (CLOCK_BOOTTIME). */
#ifndef IPW_MESSAGES_H
#define IPW_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

#include "bounds.h"
#include "pack.h"
#include "roles.h"

/* --- values of fields --------------------------------------------------------------
 */

enum fact_kind {
	FACT_KIND_NODE,
	FACT_KIND_POD,
	FACT_KIND_ALLOCATION,
	/* the others need not be served: nothing waits for them */
	FACT_KIND_TRACKER,
	FACT_KIND_SLICE,
	FACT_KIND_COUNT
};
#define FACT_KIND_NEEDED FACT_KIND_TRACKER /* so many of them */
/* HEARD: what has been told is all that there was at `heard_boot_ms` (in the past). */
enum sync_phase { SYNC_BEGIN, SYNC_END, SYNC_HEARD };
enum node_ready { NODE_READY_UNKNOWN, NODE_READY_FALSE, NODE_READY_TRUE };
enum pod_phase {
	POD_PHASE_UNKNOWN,
	POD_PHASE_PENDING,
	POD_PHASE_RUNNING,
	POD_PHASE_SUCCEEDED,
	POD_PHASE_FAILED,
};
enum scope_kind { SCOPE_ZONE, SCOPE_REGION };
/* The place of a SCOPE_REGION that stands for none: the project's global addresses. */
#define PLACE_GLOBAL "global"
enum order_kind {
	ORDER_ATTACH, /* put `address` on `instance` under the name in `fence` */
	ORDER_DETACH, /* take `address` off `instance` if it is there under `fence` */
	ORDER_EPHEMERAL, /* give `instance` an ephemeral address named `fence` */
};
enum order_outcome {
	OUTCOME_RUNNING, /* still open (only in the list at link-up) */
	OUTCOME_DONE,	 /* in force, read back */
	OUTCOME_FAILED,	 /* definitely not done; `reason` says why */
	OUTCOME_REFUSED, /* not begun: no live grant, or holder or fence do not fit */
	OUTCOME_UNKNOWN, /* may or may not be done: observe, or repeat with the same id
			  */
};
enum address_status { ADDRESS_RESERVED, ADDRESS_IN_USE, ADDRESS_RESERVING };
enum address_flaw { ADDRESS_SOUND, ADDRESS_GLOBAL, ADDRESS_INTERNAL };
enum instance_state { INSTANCE_RUNNING, INSTANCE_STOPPED, INSTANCE_CHANGING };

/* Part of a metric that a sample sets: its value, or a piece of a histogram. */
enum sample_part { SAMPLE_VALUE, SAMPLE_SUM, SAMPLE_COUNT, SAMPLE_BUCKET_0 };
#define SAMPLE_PART_MAX (SAMPLE_BUCKET_0 + 15)

#define ID_MAX	    63u	 /* order ids, request ids (UUIDs) */
#define ADDRESS_MAX 45u	 /* textual IPv4 or IPv6 */
#define FENCE_MAX   127u /* access-config name, association id, etag: opaque */
#define REASON_MAX  63u	 /* CamelCase */
#define TEXT_MAX    511u /* one sentence for people */
#define PLACE_MAX   63u	 /* project, zone, region */
#define HASH_MAX    16u	 /* 64 bits in hexadecimal */

/* --- watcher → reconciler -----------------------------------------------------------
 */

#define FIELDS_fact_sync(U8, U32, U64, I64, STR, PACK)                                 \
	U8(kind, FACT_KIND_COUNT - 1)                                                  \
	U8(phase, SYNC_HEARD)                                                          \
	I64(heard_boot_ms) /* of HEARD; else 0 */

#define FIELDS_fact_node(U8, U32, U64, I64, STR, PACK)                                 \
	STR(uid, UID_MAX_LEN)                                                          \
	STR(name, NAME_MAX_LEN)                                                        \
	STR(provider_id, 255)                                                          \
	STR(boot_id, UID_MAX_LEN)                                                      \
	STR(internal_ip, ADDRESS_MAX)                                                  \
	U8(unschedulable, 1)                                                           \
	U8(deleting, 1)                                                                \
	U8(ready, NODE_READY_TRUE)                                                     \
	U8(skip, 1)	/* annotation netinfra.darkbrains.com/skip is "true" */        \
	U8(oversize, 1) /* labels or taints did not fit: never eligible */             \
	I64(ready_since_ms)                                                            \
	/* of cpu and memory: capacity, capacity, allocatable, allocatable */          \
	PACK(resources)                                                                \
	PACK(labels) /* key, value, … */                                             \
	PACK(taints) /* key, value, effect, … */

#define FIELDS_fact_pod(U8, U32, U64, I64, STR, PACK)                                  \
	STR(uid, UID_MAX_LEN)                                                          \
	STR(name, NAME_MAX_LEN)                                                        \
	STR(namespace, LABEL_MAX_LEN)                                                  \
	STR(node, NAME_MAX_LEN)                                                        \
	STR(ip, ADDRESS_MAX)                                                           \
	STR(ip_other, ADDRESS_MAX) /* of status.podIPs; "" none */                     \
	U8(phase, POD_PHASE_FAILED)                                                    \
	U8(deleting, 1)                                                                \
	U8(host_network, 1)                                                            \
	U8(mirror, 1)                                                                  \
	U8(needs_label, 1) /* nodeSelector or required affinity names ip.ready */      \
	U8(footprint, 1)   /* it is one of those whose footprints are kept */          \
	I64(created_ms)                                                                \
	I64(delete_at_ms) /* deletionTimestamp: grace included; 0 when not deleting */ \
	STR(owner_kind, LABEL_MAX_LEN) /* the controller owner */                      \
	STR(owner_name, NAME_MAX_LEN)                                                  \
	STR(owner_uid, UID_MAX_LEN)                                                    \
	STR(template_hash, LABEL_MAX_LEN) /* label pod-template-hash */                \
	STR(label_app, LABEL_MAX_LEN)	  /* label app */                              \
	STR(label_name, LABEL_MAX_LEN)	  /* label app.kubernetes.io/name */           \
	PACK(tolerations)		  /* key, operator, value, effect, … */

/* Only a hint: the reconciler reads the allocation itself. */
#define FIELDS_fact_allocation(U8, U32, U64, I64, STR, PACK)                           \
	STR(uid, UID_MAX_LEN)                                                          \
	STR(name, NAME_MAX_LEN)                                                        \
	STR(resource_version, UID_MAX_LEN)                                             \
	I64(generation)

/* All that is decided by; what it is to say, the reconciler knows. */
#define FIELDS_fact_tracker(U8, U32, U64, I64, STR, PACK)                              \
	STR(uid, UID_MAX_LEN)                                                          \
	STR(name, NAME_MAX_LEN)                                                        \
	STR(resource_version, UID_MAX_LEN)                                             \
	I64(generation)                                                                \
	STR(namespace, LABEL_MAX_LEN) /* of its spec; "" all */                        \
	U8(deleting, 1)                                                                \
	U8(finalizer, 1) /* that of the Pod IP Tracker is on it */                     \
	STR(content_hash, HASH_MAX)                                                    \
	I64(last_update_ms)                                                            \
	I64(ready_since_ms) /* its condition Ready is True; 0 it is not */

/* A PodTrackerSlice, as far as it tells what was written when, by whom, of which node.
 */
#define FIELDS_fact_slice(U8, U32, U64, I64, STR, PACK)                                \
	STR(uid, UID_MAX_LEN)                                                          \
	STR(name, NAME_MAX_LEN)                                                        \
	STR(resource_version, UID_MAX_LEN)                                             \
	STR(node, NAME_MAX_LEN)                                                        \
	STR(node_uid, UID_MAX_LEN)                                                     \
	U8(agent, 1) /* the node's own agent has written it */                         \
	U32(part)                                                                      \
	U32(parts)                                                                     \
	STR(content_hash, HASH_MAX)                                                    \
	I64(updated_ms)

#define FIELDS_fact_gone(U8, U32, U64, I64, STR, PACK)                                 \
	U8(kind, FACT_KIND_COUNT - 1)                                                  \
	STR(uid, UID_MAX_LEN)                                                          \
	STR(name, NAME_MAX_LEN)                                                        \
	STR(namespace, LABEL_MAX_LEN)

/* --- reconciler → cloudworker -------------------------------------------------------
 */

/* The lease, as long as it is ours. Each replaces the one before; until 0 revokes. */
#define FIELDS_grant(U8, U32, U64, I64, STR, PACK)                                     \
	STR(holder, NAME_MAX_LEN)                                                      \
	U64(term) /* leaseTransitions */                                               \
	I64(until_boot_ms)                                                             \
	I64(call_timeout_ms) /* a call's and an operation wait's, ARCHITECTURE.md */   \
	I64(margin_ms)	     /* G: no call starts with less than timeout + G left */

/* Observe one zone (its instances) or region (its addresses), once. */
#define FIELDS_observe(U8, U32, U64, I64, STR, PACK)                                   \
	U64(round) /* echoed in what is observed */                                    \
	U8(scope, SCOPE_REGION)                                                        \
	STR(project, PLACE_MAX)                                                        \
	STR(place, PLACE_MAX)

#define FIELDS_order(U8, U32, U64, I64, STR, PACK)                                     \
	STR(id, ID_MAX)                                                                \
	U8(kind, ORDER_EPHEMERAL)                                                      \
	U64(term)                                                                      \
	STR(project, PLACE_MAX)                                                        \
	STR(zone, PLACE_MAX)                                                           \
	STR(instance, 127) /* the cloud's own id, never a name */                      \
	STR(address, ADDRESS_MAX)                                                      \
	STR(fence, FENCE_MAX)                                                          \
	STR(request_id, ID_MAX) /* journaled; the same again only after UNKNOWN */

/* --- cloudworker → reconciler -------------------------------------------------------
 */

/* At link-up, before anything else: each order that runs or ended within the hour, then
 * orders_end. Nothing is planned before that. Also an order's result as it comes. */
#define FIELDS_result(U8, U32, U64, I64, STR, PACK)                                    \
	STR(id, ID_MAX)                                                                \
	U8(kind, ORDER_EPHEMERAL)                                                      \
	U8(outcome, OUTCOME_UNKNOWN)                                                   \
	STR(instance, 127)                                                             \
	STR(address, ADDRESS_MAX)                                                      \
	STR(fence, FENCE_MAX)                                                          \
	STR(request_id, ID_MAX)                                                        \
	STR(reason, REASON_MAX)                                                        \
	STR(message, TEXT_MAX)                                                         \
	I64(duration_ms)

/* UNKNOWN with this reason: the operation ended well, whoever began it, and yet its
 * effect is not there. The same request id would say so again. */
#define REASON_NOT_OBSERVED "NotObserved"

#define FIELDS_orders_end(U8, U32, U64, I64, STR, PACK) U32(count)

#define FIELDS_observed_begin(U8, U32, U64, I64, STR, PACK)                            \
	U64(round)                                                                     \
	U8(scope, SCOPE_REGION)                                                        \
	STR(project, PLACE_MAX)                                                        \
	STR(place, PLACE_MAX)

#define FIELDS_observed_address(U8, U32, U64, I64, STR, PACK)                          \
	U64(round)                                                                     \
	STR(address, ADDRESS_MAX)                                                      \
	STR(name, PLACE_MAX)                                                           \
	STR(region, PLACE_MAX)                                                         \
	STR(tier, 15)                                                                  \
	U8(status, ADDRESS_RESERVING)                                                  \
	U8(flaw, ADDRESS_INTERNAL)                                                     \
	STR(user, 511) /* who holds it: path after /compute/v1/; "" = nobody */

#define FIELDS_observed_instance(U8, U32, U64, I64, STR, PACK)                         \
	U64(round)                                                                     \
	STR(id, 127)                                                                   \
	STR(name, PLACE_MAX)                                                           \
	STR(zone, PLACE_MAX)                                                           \
	U8(state, INSTANCE_CHANGING)                                                   \
	STR(address, ADDRESS_MAX) /* external IPv4 of its first interface, or "" */    \
	STR(fence, FENCE_MAX)	  /* its access config's name */                       \
	STR(tier, 15)

/* ok 0: the scope is Unknown; reason says why. Only an ok end makes absence count. */
#define FIELDS_observed_end(U8, U32, U64, I64, STR, PACK)                              \
	U64(round)                                                                     \
	U8(scope, SCOPE_REGION)                                                        \
	STR(project, PLACE_MAX)                                                        \
	STR(place, PLACE_MAX)                                                          \
	U8(ok, 1)                                                                      \
	STR(reason, REASON_MAX)                                                        \
	STR(message, TEXT_MAX)

/* --- to metricsd --------------------------------------------------------------------
 */

/* Sets a part of one series to an absolute value, so that a repeat does no harm. */
#define FIELDS_sample(U8, U32, U64, I64, STR, PACK)                                    \
	U32(metric) /* enum metric */                                                  \
	U8(part, SAMPLE_PART_MAX)                                                      \
	U64(value)   /* the bits of an IEEE 754 double */                              \
	PACK(labels) /* values, in the order of the metric's table */

/* Removes the series of `metric` whose first label values are these. */
#define FIELDS_sample_drop(U8, U32, U64, I64, STR, PACK)                               \
	U32(metric)                                                                    \
	PACK(labels)

/* What a process says of its own readiness; "" = ready. */
#define FIELDS_readiness(U8, U32, U64, I64, STR, PACK) STR(reason, TEXT_MAX)

/* --- the list ------------------------------------------------------------------------
 */

/* MESSAGE(constant, name, number, from, to); ROLE_COUNT as `from` means any producer of
 * the metrics links. */
#define MESSAGE_LIST(MESSAGE)                                                          \
	MESSAGE(MSG_FACT_SYNC, fact_sync, 1, ROLE_WATCHER, ROLE_RECONCILER)            \
	MESSAGE(MSG_FACT_NODE, fact_node, 2, ROLE_WATCHER, ROLE_RECONCILER)            \
	MESSAGE(MSG_FACT_POD, fact_pod, 3, ROLE_WATCHER, ROLE_RECONCILER)              \
	MESSAGE(                                                                       \
	    MSG_FACT_ALLOCATION, fact_allocation, 4, ROLE_WATCHER, ROLE_RECONCILER)    \
	MESSAGE(MSG_FACT_GONE, fact_gone, 5, ROLE_WATCHER, ROLE_RECONCILER)            \
	MESSAGE(MSG_FACT_TRACKER, fact_tracker, 6, ROLE_WATCHER, ROLE_RECONCILER)      \
	MESSAGE(MSG_FACT_SLICE, fact_slice, 7, ROLE_WATCHER, ROLE_RECONCILER)          \
	MESSAGE(MSG_GRANT, grant, 16, ROLE_RECONCILER, ROLE_CLOUDWORKER)               \
	MESSAGE(MSG_OBSERVE, observe, 17, ROLE_RECONCILER, ROLE_CLOUDWORKER)           \
	MESSAGE(MSG_ORDER, order, 18, ROLE_RECONCILER, ROLE_CLOUDWORKER)               \
	MESSAGE(MSG_RESULT, result, 24, ROLE_CLOUDWORKER, ROLE_RECONCILER)             \
	MESSAGE(MSG_ORDERS_END, orders_end, 25, ROLE_CLOUDWORKER, ROLE_RECONCILER)     \
	MESSAGE(                                                                       \
	    MSG_OBSERVED_BEGIN, observed_begin, 26, ROLE_CLOUDWORKER, ROLE_RECONCILER) \
	MESSAGE(MSG_OBSERVED_ADDRESS, observed_address, 27, ROLE_CLOUDWORKER,          \
	    ROLE_RECONCILER)                                                           \
	MESSAGE(MSG_OBSERVED_INSTANCE, observed_instance, 28, ROLE_CLOUDWORKER,        \
	    ROLE_RECONCILER)                                                           \
	MESSAGE(MSG_OBSERVED_END, observed_end, 29, ROLE_CLOUDWORKER, ROLE_RECONCILER) \
	MESSAGE(MSG_SAMPLE, sample, 40, ROLE_COUNT, ROLE_METRICSD)                     \
	MESSAGE(MSG_SAMPLE_DROP, sample_drop, 41, ROLE_COUNT, ROLE_METRICSD)           \
	MESSAGE(MSG_READINESS, readiness, 42, ROLE_COUNT, ROLE_METRICSD)

enum message_type {
#define MESSAGE_ENUM(constant, name, number, from, to) constant = number,
	MESSAGE_LIST(MESSAGE_ENUM)
#undef MESSAGE_ENUM
};

#define MESSAGE_U8(name, most)	uint8_t name;
#define MESSAGE_U32(name)	uint32_t name;
#define MESSAGE_U64(name)	uint64_t name;
#define MESSAGE_I64(name)	int64_t name;
#define MESSAGE_STR(name, most) char name[(most) + 1];
#define MESSAGE_PACK(name)	struct pack name;
#define MESSAGE_STRUCT(constant, name, number, from, to)                               \
	struct msg_##name {                                                            \
		FIELDS_##name(MESSAGE_U8, MESSAGE_U32, MESSAGE_U64, MESSAGE_I64,       \
		    MESSAGE_STR, MESSAGE_PACK)                                         \
	};
MESSAGE_LIST(MESSAGE_STRUCT)
#undef MESSAGE_STRUCT

/* One decoded message. Large (tens of KiB): keep one, do not copy it about. */
struct message {
	enum message_type type;
	union {
#define MESSAGE_MEMBER(constant, name, number, from, to) struct msg_##name name;
		MESSAGE_LIST(MESSAGE_MEMBER)
#undef MESSAGE_MEMBER
	} u;
};

/* Encodes the message of `type` at `msg` (a struct msg_…). Returns its length, or
 * -EMSGSIZE when it does not fit, -EINVAL for an unknown type. */
int message_encode(enum message_type type, const void *msg, uint8_t *out, size_t size);

/* Decodes a whole message: every bound, enum and length is checked and trailing bytes
 * are an error. Returns 0 or -EPROTO, *ret_message then undefined. */
int message_decode(const uint8_t *data, size_t len, struct message *ret_message);

/* Whether `from` may send this to `to`. */
int message_permitted(enum message_type type, enum role from, enum role to);

const char *message_name(enum message_type type);

/* Copies text into a field, cut to fit at a UTF-8 boundary; NULL is "". */
void message_text(char *field, size_t size, const char *text);
#define MESSAGE_TEXT(field, text) message_text((field), sizeof(field), (text))

#endif
