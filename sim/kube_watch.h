/* Watches: the present state as synthetic ADDED events where asked for, then the
 * store's history, then bookmarks, until timeoutSeconds have passed. */
#ifndef IPW_SIM_KUBE_WATCH_H
#define IPW_SIM_KUBE_WATCH_H

#include "kube_selector.h"
#include "kube_world.h"

/* A watch hands out this much at a time, more or less (bytes). */
#define KUBE_WATCH_CHUNK (256u * 1024u)
/* Default and largest time that a watch lives. */
#define KUBE_WATCH_SECONDS     1800
#define KUBE_WATCH_SECONDS_MAX (24 * 3600)
/* How late a bookmark or the end may be. */
#define KUBE_WATCH_POLL_MS 200

/* Answers a watch with a stream; takes over the contents of `selector`. */
void kube_watch_start(struct kube_call *call, struct kube_selector *selector);

#endif
