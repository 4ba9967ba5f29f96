/* What becomes of a request that a fault hits. Each call may be made for one that none
 * does. */
#ifndef IPW_SIM_KUBE_FAULT_H
#define IPW_SIM_KUBE_FAULT_H

#include "kube_world.h"

/* Looks for the call's fault. True: the answer is put off, and the call comes again, or
 * it is there: nothing more is to be done. */
bool kube_fault_meet(struct kube_call *call);
/* Answers in the place of the server. False: nothing that the fault says. */
bool kube_fault_answer(struct kube_call *call);
/* Spoils the finished answer. */
void kube_fault_finish(struct kube_call *call);
/* Keeps the finished answer back, if that is what the fault wants. */
void kube_fault_hold_answer(struct kube_call *call);
/* Forgets what is put off; no connection may stand any more. */
void kube_fault_forget(struct sim_kube *kube);

/* Makes the reply's body, or its stream, end early or come slowly. */
void kube_bend_reply(const struct sim_fault *fault, struct sim_reply *reply);

#endif
