/* The API server that a kubeconfig or the pod's service account names, for the user's
 * commands. */
#ifndef IPW_CTL_CLIENT_H
#define IPW_CTL_CLIENT_H

#include "kube.h"

struct client;

/* `kubeconfig` NULL: the first of $KUBECONFIG, the pod's own, ~/.kube/config. NULL
 * (said in the log) when there are no credentials to use. Files that hold credentials
 * are read again when they change. */
struct client *client_new(struct loop *loop, const char *kubeconfig);
void client_free(struct client *client);
/* As long as the client lives. */
struct kube *client_kube(struct client *client);

#endif
