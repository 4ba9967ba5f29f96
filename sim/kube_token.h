/* POST …/serviceaccounts/NAME/token: a TokenRequest (authentication.k8s.io/v1). The
 * token belongs to the account's user and ends with its time, with the account, and
 * with what it was bound to. */
#ifndef IPW_SIM_KUBE_TOKEN_H
#define IPW_SIM_KUBE_TOKEN_H

#include "kube_world.h"

/* Shortest, longest and default life that may be asked for. */
#define KUBE_TOKEN_SECONDS_MIN 600
#define KUBE_TOKEN_SECONDS_MAX (INT64_C(1) << 32)
#define KUBE_TOKEN_SECONDS     3600

void kube_token_answer(struct kube_call *call);

#endif
