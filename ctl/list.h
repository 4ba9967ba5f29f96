/* A collection, read once and whole: page by page and object by object, so that no more
 * than one object of it is held. */
#ifndef IPW_CTL_LIST_H
#define IPW_CTL_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "kube.h"

struct list;

struct list_handlers {
	/* It begins; again, when it had to be begun anew: forget what came. */
	void (*begin)(void *arg);
	/* As of kube_informer_handlers, without -EAGAIN. */
	int (*object)(void *arg, const char *json, size_t len);
	/* Once, at the end. `message` NULL: this was all of it, but for `refused`
	 * objects that were malformed; else what went wrong, `status` the server's (0:
	 * it did not answer). The list may be freed and another one begun. */
	void (*done)(void *arg, int status, const char *message, uint64_t refused);
};

/* `path` and `query` as of kube_informer_new. */
struct list *list_new(struct kube *kube, const char *path, const char *query,
    const struct list_handlers *handlers, void *arg);
/* NULL is nothing. */
void list_free(struct list *list);

#endif
