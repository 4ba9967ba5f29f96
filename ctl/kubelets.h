/* When the kubelets were last heard: each renews the Lease of its node's name in
 * KUBELETS_NAMESPACE, every ten seconds
 * (https://kubernetes.io/docs/concepts/architecture/leases). */
#ifndef IPW_CTL_KUBELETS_H
#define IPW_CTL_KUBELETS_H

#include <stddef.h>
#include <stdint.h>

struct ask;
struct kubelets;

#define KUBELETS_NAMESPACE "kube-node-lease"

enum kubelet {
	KUBELET_NOT_KNOWN, /* it has no Lease, or that cannot be read */
	KUBELET_ALIVE,
	KUBELET_SILENT, /* its Lease has run out */
};

struct kubelets *kubelets_new(void);
void kubelets_free(struct kubelets *kubelets);
void kubelets_forget(struct kubelets *kubelets);

/* One Lease's JSON text. Returns 0, or -EBADMSG when it is none that tells. */
int kubelets_add(struct kubelets *kubelets, const char *json, size_t len);
/* `ret_since_ms`: when a silent one was last heard. */
enum kubelet kubelets_of(const struct kubelets *kubelets, const char *node,
    int64_t now_ms, int64_t *ret_since_ms);

/* Asks for the Lease of a node, "": of all. Returns the HTTP status as of ask.h; a node
 * without one is 200, too. (kubelets_ask.c) */
int kubelets_ask(struct kubelets *kubelets, struct ask *ask, const char *node);

#endif
