/* What becomes of a request that a fault hits. Each call may be made for one that none
 * does. */
#ifndef IPW_SIM_KUBE_FAULT_H
#define IPW_SIM_KUBE_FAULT_H

#include "kube_world.h"

/* Looks for the call's fault. True: the answer is put off, the call comes again. */
bool kube_fault_meet(struct kube_call *call);
/* Answers in the place of the server. False: nothing that the fault says. */
bool kube_fault_answer(struct kube_call *call);
/* Spoils the finished answer. */
void kube_fault_finish(struct kube_call *call);

/* Makes the reply's body, or its stream, end early or come slowly. */
void kube_bend_reply(const struct sim_fault *fault, struct sim_reply *reply);

#endif
