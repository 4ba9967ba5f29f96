/* A scripted cloud, reconciler and clock around struct orders: a test gives orders,
 * answers the calls that come, and looks at what is told. */
#ifndef IPW_ORDERS_RIG_H
#define IPW_ORDERS_RIG_H

#include "order.h"
#include "orders.h"

#define RECORDS_MAX 2048
#define TERM	    7
#define TIMEOUT_MS  10000
#define MARGIN_MS   2000

struct seen_call {
	uint64_t ticket;
	enum cloud_op op;
	char instance[128];
	char nic[CLOUD_NIC_MAX + 1];
	char address[ADDRESS_MAX + 1];
	char fence[FENCE_MAX + 1];
	char request_id[ID_MAX + 1];
	char operation[CLOUD_OPERATION_MAX + 1];
};

struct rig {
	struct orders *orders;
	struct orders_time now;
	struct seen_call calls[RECORDS_MAX];
	size_t calls_len;
	struct msg_result results[RECORDS_MAX];
	size_t results_len;
	uint32_t end_counts[8];
	size_t ends_len;
	size_t begun;
	size_t ended;
	size_t failed[ORDER_EPHEMERAL + 1]; /* operations, by the order's kind */
	size_t room;			    /* messages that the link still takes */
};

extern struct rig rig;

/* At the start the link is up and a long grant of TERM is there. */
void rig_setup(void);
void rig_teardown(void);
void rig_grant(int64_t until_boot_ms, uint64_t term);

struct msg_order rig_order(
    enum order_kind kind, const char *id, const char *instance, const char *address);
/* About 34.1.2.3 on instance 4711, access config ipw-1, request id "request-ID". */
void rig_give(enum order_kind kind, const char *id);
void rig_pass(int64_t ms);

/* The newest call must be of that kind, and the `count`th in all. */
const struct seen_call *rig_expect_call(enum cloud_op op, size_t count);
/* The newest result, the `count`th in all, must say this. */
const struct msg_result *rig_expect_result(
    enum order_outcome outcome, const char *reason, size_t count);

/* Answers to the newest call. An instance has one interface; `address` NULL: without an
 * access config. */
void rig_answer_instance(const char *address, const char *config);
/* `reason` not NULL: it failed. */
void rig_answer_operation(bool done, const char *reason);
void rig_answer_fault(enum cloud_fault fault, const char *reason);

/* Answers every call with that fault until a result comes. */
void rig_fail_until_end(enum cloud_fault fault, const char *reason);
/* Answers read, change and read back of an attach that succeeds. */
void rig_finish_attach(void);

#endif
