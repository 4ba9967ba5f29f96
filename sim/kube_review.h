/* Questions that are answered, not stored: SelfSubjectAccessReview, SelfSubjectReview
 * and TokenRequest. */
#ifndef IPW_SIM_KUBE_REVIEW_H
#define IPW_SIM_KUBE_REVIEW_H

#include "kube_world.h"

/* Shortest and default life of a requested token (authentication.k8s.io/v1). */
#define KUBE_TOKEN_SECONDS_MIN 600
#define KUBE_TOKEN_SECONDS     3600

void kube_review_answer(struct kube_call *call);
/* POST …/serviceaccounts/NAME/token: the token has the role of the account's user, or
 * that of the caller. */
void kube_review_token(struct kube_call *call);

#endif
