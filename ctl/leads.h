/* Does an ipwarden lead? Its Lease tells (coordination.k8s.io/v1). */
#ifndef IPW_CTL_LEADS_H
#define IPW_CTL_LEADS_H

#include <stddef.h>
#include <stdint.h>

#include "ask.h"

#define LEADS_LEASE "kube-system/ip-address-controller-leader"

enum leads {
	LEADS_YES,
	LEADS_NO,      /* nobody holds it, or it was not renewed for twice its time */
	LEADS_UNKNOWN, /* it is not there, or cannot be read */
};

/* `lease` is NAMESPACE/NAME. */
enum leads leads_ask(struct ask *ask, const char *lease, int64_t now_ms);

/* Why what an ipwarden keeps up to date may be old, in words; "" when it leads. */
#define LEADS_WHY_MAX 512u
void leads_why(enum leads leads, const char *lease, char out[LEADS_WHY_MAX]);

#endif
