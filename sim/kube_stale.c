#include <stdlib.h>
#include <string.h>

#include "kube_read.h"
#include "mem.h"

static void
take_out(struct kube_resource *past, const char *key)
{
	size_t at = kube_store_position(past, key);

	if (at == past->len || strcmp(past->objects[at]->key, key) != 0)
		return;
	past->len--;
	memmove(past->objects + at, past->objects + at + 1,
	    (past->len - at) * sizeof(struct kube_object *));
}

static void
put_in(struct kube_resource *past, struct kube_object *object)
{
	size_t at = kube_store_position(past, object->key);

	past->objects =
	    mem_realloc(past->objects, past->len + 1, sizeof(struct kube_object *));
	memmove(past->objects + at + 1, past->objects + at,
	    (past->len - at) * sizeof(struct kube_object *));
	past->objects[at] = object;
	past->len++;
}

/* The resource as it was, as far back as changes are remembered. Objects stay the
 * store's; the list of them is the caller's. */
static struct kube_resource
resource_as_of(const struct kube_store *store, const struct kube_resource *present,
    uint64_t version)
{
	struct kube_resource past = *present;

	past.objects = mem_calloc(present->len + 1, sizeof(struct kube_object *));
	if (present->len > 0)
		memcpy(past.objects, present->objects,
		    present->len * sizeof(struct kube_object *));
	for (uint64_t at = kube_store_version(store);
	     at > version && at > kube_store_floor(store); at--) {
		const struct kube_event *event = kube_store_event_after(store, at - 1);

		if (event->resource != present)
			continue;
		take_out(&past, event->object->key);
		if (event->before != NULL)
			put_in(&past, event->before);
	}
	return past;
}

void
kube_read_stale(struct kube_call *call)
{
	struct kube_view *present = call->view;
	struct kube_resource past = resource_as_of(
	    call->kube->store, present->resource, (uint64_t)call->fault.read_version);
	struct kube_view view = *present;

	view.resource = &past;
	call->view = &view;
	if (call->name[0] != '\0')
		kube_read_get(call);
	else
		kube_read_list(call);
	call->view = present;
	free(past.objects);
}
