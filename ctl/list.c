#include "list.h"

#include <stdlib.h>

#include "mem.h"

/* How often a list may be cut short by the server before that is its answer. */
#define TRIES_MAX 5

struct list {
	struct kube_informer *informer; /* NULL: it is over */
	struct list_handlers handlers;
	void *arg;
	int tries;
};

static void
end(struct list *list, int status, const char *message)
{
	uint64_t refused = kube_informer_refused(list->informer);

	kube_informer_free(list->informer);
	list->informer = NULL;
	list->handlers.done(list->arg, status, message, refused);
}

static int
on_sync_begin(void *arg)
{
	struct list *list = arg;

	list->handlers.begin(list->arg);
	return 0;
}

static void
on_sync_end(void *arg)
{
	end(arg, 200, NULL);
}

static int
on_object(void *arg, enum kube_event event, const char *json, size_t len)
{
	struct list *list = arg;

	(void)event;
	return list->handlers.object(list->arg, json, len);
}

/* Its pages have expired, or the server has too much to do: the informer tries again.
 */
static void
on_failed(void *arg, int status, const char *message)
{
	struct list *list = arg;

	if ((status == 410 || status == 429) && ++list->tries < TRIES_MAX)
		return;
	end(list, status, message);
}

struct list *
list_new(struct kube *kube, const char *path, const char *query,
    const struct list_handlers *handlers, void *arg)
{
	static const struct kube_informer_handlers informer_handlers = {
	    .sync_begin = on_sync_begin,
	    .sync_end = on_sync_end,
	    .object = on_object,
	    .failed = on_failed,
	};
	struct list *list = mem_calloc(1, sizeof *list);

	list->handlers = *handlers;
	list->arg = arg;
	list->informer = kube_informer_new(kube, path, query, &informer_handlers, list);
	return list;
}

void
list_free(struct list *list)
{
	if (list == NULL)
		return;
	kube_informer_free(list->informer);
	free(list);
}
