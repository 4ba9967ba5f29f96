/* What was asked of the cloudworker, and what became of it. */
#ifndef IPW_ORDERS_H
#define IPW_ORDERS_H

#include "state.h"

struct order_wish {
	enum order_kind kind;
	const char *project, *zone, *instance;
	const char *address, *fence, *request_id;
	const char *owner; /* allocation */
	const char *about; /* its address */
	const char *why;
};

/* Sends it. False: not now (too many open, no grant, link busy); to be tried again. */
bool orders_send(struct core *core, const struct order_wish *wish);

/* What is known of that request id, or NULL. */
struct order *orders_find(const struct core *core, const char *request_id);
size_t orders_open(const struct core *core);
/* When the order with that request id ended; now, when that is not known. */
struct mono_time orders_ended(const struct core *core, const char *request_id);

/* A result, live or told at link-up. 0 or -EPROTO. */
int orders_result(struct core *core, const struct msg_result *result);
/* The cloudworker is gone: what was open has an unknown outcome. */
void orders_link_down(struct core *core);

#endif
