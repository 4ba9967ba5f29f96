/* The stand-in for the kubelets: lets terminating pods end. */
#ifndef IPW_SIM_KUBE_KUBELET_H
#define IPW_SIM_KUBE_KUBELET_H

#include <stdint.h>

#include "kube_store.h"
#include "loop.h"

/* How long a terminating pod stays, unless its grace period is shorter. */
#define KUBE_TERMINATION_MS 1000

struct kube_kubelet;
struct sim_kube;

struct kube_kubelet *kube_kubelet_new(struct sim_kube *kube, struct loop *loop);
void kube_kubelet_free(struct kube_kubelet *kubelet);
void kube_kubelet_set_delay(struct kube_kubelet *kubelet, int64_t delay_ms);
/* A pod has begun to terminate. */
void kube_kubelet_expect(
    struct kube_kubelet *kubelet, const struct kube_object *pod, int64_t grace_s);

#endif
