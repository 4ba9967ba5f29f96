/* What the cloudworker asks of a cloud, and what it hears, in words that belong to no
 * single cloud. orders.c and observe.c speak only these; gcp_*.c turns them into
 * requests and reads the replies. */
#ifndef IPW_CLOUD_H
#define IPW_CLOUD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages.h"

/* Name, label of ipwarden_cloud_calls_total, label of netipallocation_gcp_api_*, and
 * whether the call changes something (so that it needs a live grant). */
#define CLOUD_OP_LIST(OP)                                                              \
	OP(CLOUD_GET_INSTANCE, "instances.get", "check_ip", false)                     \
	OP(CLOUD_ADD_CONFIG, "instances.addAccessConfig", "attach", true)              \
	OP(CLOUD_DELETE_CONFIG, "instances.deleteAccessConfig", "detach", true)        \
	OP(CLOUD_WAIT_OPERATION, "zoneOperations.wait", "wait", false)                 \
	OP(CLOUD_GET_OPERATION, "zoneOperations.get", "wait", false)                   \
	OP(CLOUD_LIST_INSTANCES, "instances.list", "check_ip", false)                  \
	OP(CLOUD_LIST_ADDRESSES, "addresses.list", "check_ip", false)

enum cloud_op {
#define CLOUD_OP_ENUM(constant, name, group, changes) constant,
	CLOUD_OP_LIST(CLOUD_OP_ENUM)
#undef CLOUD_OP_ENUM
	    CLOUD_OP_COUNT
};

const char *cloud_op_name(enum cloud_op op);
const char *cloud_op_group(enum cloud_op op);
bool cloud_op_changes(enum cloud_op op);

/* Name of a network interface ("nic0"). */
#define CLOUD_NIC_MAX 15u
/* Name of an operation. */
#define CLOUD_OPERATION_MAX 127u
/* The cloud's mark for the next page of a list; opaque. */
#define CLOUD_PAGE_TOKEN_MAX 1023u
/* Access configs of one instance over all its interfaces: one on each of at most ten
 * interfaces today. */
#define CLOUD_CONFIGS_MAX 16u
/* Items that one page of a list may hold (maxResults, the API's own most). */
#define CLOUD_PAGE_ITEMS_MAX 500u

/* Unused texts are NULL. All borrowed for the time of the call. */
struct cloud_call {
	enum cloud_op op;
	const char *project;
	/* zone; of CLOUD_LIST_ADDRESSES region, or PLACE_GLOBAL */
	const char *place;
	const char *instance; /* the cloud's id */
	const char *nic;
	const char *address; /* CLOUD_ADD_CONFIG; "" asks for an ephemeral one */
	const char *fence;   /* name of the access config */
	const char *request_id;
	const char *operation;
	const char *page; /* "" is the first one */
	int64_t timeout_ms;
};

/* What a failed call means for whoever made it. */
enum cloud_fault {
	FAULT_NONE,
	FAULT_NOT_SENT,	   /* certainly without effect; worth another try */
	FAULT_LOST,	   /* sent, but no readable answer came */
	FAULT_TRANSIENT,   /* the cloud's own trouble; may have had its effect */
	FAULT_THROTTLED,   /* without effect; later */
	FAULT_BUSY,	   /* another operation holds the resource; without effect */
	FAULT_REREAD,	   /* decided on an old state: read again, decide again */
	FAULT_GONE,	   /* what was named does not exist */
	FAULT_FINAL,	   /* refused for good, without effect */
	FAULT_CREDENTIALS, /* a fresh token was refused, too */
	FAULT_NO_GRANT,	   /* not sent: the grant ended */
};

struct cloud_config {
	char nic[CLOUD_NIC_MAX + 1];
	char name[FENCE_MAX + 1];
	char address[ADDRESS_MAX + 1]; /* "": none (a stopped instance) */
	char tier[16];
};

struct cloud_instance {
	char id[128];
	char name[PLACE_MAX + 1];
	enum instance_state state;
	char nic[CLOUD_NIC_MAX + 1]; /* the first interface; "": there is none */
	struct cloud_config configs[CLOUD_CONFIGS_MAX];
	size_t configs_len;
};

struct cloud_operation {
	char name[CLOUD_OPERATION_MAX + 1];
	bool done;
	bool failed; /* only when done; then reason and message say why */
	char reason[REASON_MAX + 1];
	char message[TEXT_MAX + 1];
};

/* One page of a list. `round` of its items is not set. */
struct cloud_page {
	struct msg_observed_instance *instances; /* or */
	struct msg_observed_address *addresses;
	size_t len;
	char next[CLOUD_PAGE_TOKEN_MAX + 1]; /* "": this was the last one */
};

struct cloud_answer {
	enum cloud_fault fault;
	char reason[REASON_MAX + 1]; /* CamelCase, when fault */
	char message[TEXT_MAX + 1];
	struct cloud_instance instance;	  /* of CLOUD_GET_INSTANCE */
	struct cloud_operation operation; /* of changes, wait and get operation */
	struct cloud_page page; /* of lists; its array is the answer's, unless taken */
};

void cloud_answer_init(struct cloud_answer *answer);
/* Sets fault, reason and message. */
void cloud_answer_fault(struct cloud_answer *answer, enum cloud_fault fault,
    const char *reason, const char *message);
/* Gives back the page's array. */
void cloud_answer_clear(struct cloud_answer *answer);

#endif
