/* Questions about rights that are answered, not stored: SelfSubjectAccessReview,
 * SelfSubjectRulesReview, SubjectAccessReview and SelfSubjectReview. */
#ifndef IPW_SIM_KUBE_REVIEW_H
#define IPW_SIM_KUBE_REVIEW_H

#include "kube_world.h"

void kube_review_answer(struct kube_call *call);

#endif
