#include "kube_store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube_json.h"
#include "mem.h"

struct kube_store {
	void (*changed)(void *arg);
	void *arg;
	uint64_t version; /* each version belongs to exactly one event */
	struct kube_event *history;
	struct kube_resource *resources[KUBE_RESOURCES_MAX];
	size_t resources_len;
	struct kube_view *views[KUBE_VIEWS_MAX];
	size_t views_len;
};

struct kube_store *
kube_store_new(void (*changed)(void *arg), void *arg)
{
	struct kube_store *store = mem_calloc(1, sizeof *store);

	store->changed = changed;
	store->arg = arg;
	store->history = mem_calloc(KUBE_HISTORY_MAX, sizeof *store->history);
	return store;
}

static void
resource_free(struct kube_resource *resource)
{
	for (size_t i = 0; i < resource->len; i++)
		kube_object_unref(resource->objects[i]);
	free(resource->objects);
	free(resource->group);
	free(resource->version);
	free(resource->plural);
	free(resource->singular);
	free(resource->kind);
	free(resource->list_kind);
	free(resource->short_names);
	free(resource);
}

static void
view_free(struct kube_view *view)
{
	json_object_put(view->schema);
	json_object_put(view->columns);
	json_object_put(view->selectable);
	free(view->group);
	free(view->version);
	free(view);
}

void
kube_store_free(struct kube_store *store)
{
	if (store == NULL)
		return;
	for (size_t i = 0; i < KUBE_HISTORY_MAX; i++) {
		kube_object_unref(store->history[i].object);
		kube_object_unref(store->history[i].before);
	}
	free(store->history);
	for (size_t i = 0; i < store->views_len; i++)
		view_free(store->views[i]);
	for (size_t i = 0; i < store->resources_len; i++)
		resource_free(store->resources[i]);
	free(store);
}

struct kube_resource *
kube_store_add_resource(
    struct kube_store *store, const struct kube_names *names, unsigned flags)
{
	struct kube_resource *resource;

	if (store->resources_len == KUBE_RESOURCES_MAX)
		return NULL;
	resource = mem_calloc(1, sizeof *resource);
	resource->group = mem_strdup(names->group);
	resource->version = mem_strdup(names->version);
	resource->plural = mem_strdup(names->plural);
	resource->singular = mem_strdup(names->singular);
	resource->kind = mem_strdup(names->kind);
	resource->list_kind = mem_strdup(names->list_kind);
	resource->short_names = mem_strdup(names->short_names);
	resource->flags = flags;
	store->resources[store->resources_len++] = resource;
	return resource;
}

struct kube_view *
kube_store_add_view(struct kube_store *store, struct kube_resource *resource,
    const char *group, const char *version)
{
	struct kube_view *view;

	if (store->views_len == KUBE_VIEWS_MAX)
		return NULL;
	view = mem_calloc(1, sizeof *view);
	view->resource = resource;
	view->group = mem_strdup(group);
	view->version = mem_strdup(version);
	view->served = true;
	store->views[store->views_len++] = view;
	return view;
}

struct kube_view *
kube_store_view(const struct kube_store *store, const char *group, const char *version,
    const char *plural, const char *kind)
{
	for (size_t i = 0; i < store->views_len; i++) {
		struct kube_view *view = store->views[i];

		if (!view->served || strcmp(view->group, group) != 0 ||
		    strcmp(view->version, version) != 0)
			continue;
		if ((plural == NULL || strcmp(view->resource->plural, plural) == 0) &&
		    (kind == NULL || strcmp(view->resource->kind, kind) == 0))
			return view;
	}
	return NULL;
}

struct kube_view *
kube_store_view_at(const struct kube_store *store, size_t index)
{
	return index < store->views_len ? store->views[index] : NULL;
}

void
kube_store_key(const char *space, const char *name, char *out, size_t out_size)
{
	snprintf(out, out_size, "%s%s%s", space, space[0] != '\0' ? "/" : "", name);
}

size_t
kube_store_position(const struct kube_resource *resource, const char *key)
{
	size_t low = 0, high = resource->len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(resource->objects[middle]->key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct kube_object *
kube_store_find(const struct kube_resource *resource, const char *key)
{
	size_t at = kube_store_position(resource, key);

	if (at == resource->len || strcmp(resource->objects[at]->key, key) != 0)
		return NULL;
	return resource->objects[at];
}

struct kube_object *
kube_object_ref(struct kube_object *object)
{
	if (object != NULL)
		object->references++;
	return object;
}

void
kube_object_unref(struct kube_object *object)
{
	if (object == NULL || --object->references > 0)
		return;
	json_object_put(object->json);
	free(object->key);
	free(object->text);
	free(object);
}

const char *
kube_object_text(struct kube_object *object, size_t *ret_len)
{
	if (object->text == NULL) {
		const char *text = kube_json_write(object->json, &object->text_len);

		object->text = mem_strndup(text, object->text_len);
	}
	*ret_len = object->text_len;
	return object->text;
}

/* A list leaves kind and apiVersion out of its items by cutting the front of the text
 * off, so they have to stand there. */
static struct json_object *
object_in_order(struct json_object *json)
{
	struct json_object *ordered = json_object_new_object();

	kube_json_set(ordered, "kind", kube_json_member(json, "kind"));
	kube_json_set(ordered, "apiVersion", kube_json_member(json, "apiVersion"));
	for (const struct lh_entry *at = kube_json_first(json); at != NULL;
	     at = at->next)
		kube_json_set(ordered, kube_json_key(at), kube_json_value(at));
	json_object_put(json);
	return ordered;
}

static struct kube_object *
object_new(struct json_object *json, const char *key, uint64_t version)
{
	struct kube_object *object = mem_calloc(1, sizeof *object);
	char text[24];

	snprintf(text, sizeof text, "%llu", (unsigned long long)version);
	kube_json_set_text(
	    kube_json_section(json, "metadata"), "resourceVersion", text);
	object->references = 1;
	object->version = version;
	object->key = mem_strdup(key);
	object->json = object_in_order(json);
	return object;
}

/* References are handed over to the history. */
static void
remember(struct kube_store *store, struct kube_resource *resource,
    enum kube_change change, struct kube_object *object, struct kube_object *before)
{
	struct kube_event *event = &store->history[store->version % KUBE_HISTORY_MAX];

	kube_object_unref(event->object);
	kube_object_unref(event->before);
	event->version = store->version;
	event->change = change;
	event->resource = resource;
	event->object = object;
	event->before = before;
	if (store->changed != NULL)
		store->changed(store->arg);
}

static void
insert_object(struct kube_resource *resource, size_t at, struct kube_object *object)
{
	if (resource->len == resource->cap) {
		resource->cap = resource->cap > 0 ? resource->cap * 2 : 16;
		resource->objects = mem_realloc(
		    resource->objects, resource->cap, sizeof(struct kube_object *));
	}
	memmove(resource->objects + at + 1, resource->objects + at,
	    (resource->len - at) * sizeof(struct kube_object *));
	resource->objects[at] = object;
	resource->len++;
}

struct kube_object *
kube_store_put(
    struct kube_store *store, struct kube_resource *resource, struct json_object *json)
{
	char key[KUBE_KEY_MAX];
	struct kube_object *object, *before = NULL;
	size_t at;

	kube_store_key((resource->flags & KUBE_NAMESPACED) != 0
			   ? kube_json_text(json, "metadata.namespace")
			   : "",
	    kube_json_text(json, "metadata.name"), key, sizeof key);
	object = object_new(json, key, ++store->version);
	at = kube_store_position(resource, key);
	if (at < resource->len && strcmp(resource->objects[at]->key, key) == 0) {
		before = resource->objects[at];
		resource->objects[at] = object;
	} else {
		insert_object(resource, at, object);
	}
	remember(store, resource, before != NULL ? KUBE_MODIFIED : KUBE_ADDED,
	    kube_object_ref(object), before);
	return object;
}

void
kube_store_remove(
    struct kube_store *store, struct kube_resource *resource, const char *key)
{
	size_t at = kube_store_position(resource, key);
	struct kube_object *before, *last;

	assert(at < resource->len && strcmp(resource->objects[at]->key, key) == 0);
	before = resource->objects[at];
	resource->len--;
	memmove(resource->objects + at, resource->objects + at + 1,
	    (resource->len - at) * sizeof(struct kube_object *));
	last = object_new(kube_json_copy(before->json), before->key, ++store->version);
	remember(store, resource, KUBE_DELETED, last, before);
}

void
kube_store_reread(
    struct kube_resource *resource, size_t index, struct json_object *json)
{
	struct kube_object *old = resource->objects[index];

	resource->objects[index] = object_new(json, old->key, old->version);
	kube_object_unref(old);
}

uint64_t
kube_store_version(const struct kube_store *store)
{
	return store->version;
}

uint64_t
kube_store_floor(const struct kube_store *store)
{
	return store->version > KUBE_HISTORY_MAX ? store->version - KUBE_HISTORY_MAX
						 : 0;
}

const struct kube_event *
kube_store_event_after(const struct kube_store *store, uint64_t version)
{
	if (version >= store->version || version < kube_store_floor(store))
		return NULL;
	return &store->history[(version + 1) % KUBE_HISTORY_MAX];
}
