/* The objects of the simulated API server: one sorted list per resource, one counter of
 * resource versions for all, and a history from which watches are served. A stored
 * object is never changed: a change stores a new one, and whoever holds the old one
 * (a watch, the history) keeps it by a reference. */
#ifndef IPW_SIM_KUBE_STORE_H
#define IPW_SIM_KUBE_STORE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Changes that are remembered for watches; older ones are answered with 410. */
#define KUBE_HISTORY_MAX 4096u
/* Kinds of resources, the CRDs' own included, and ways of seeing them. */
#define KUBE_RESOURCES_MAX 256u
#define KUBE_VIEWS_MAX	   512u
/* Longest key of an object: namespace/name and the NUL. */
#define KUBE_KEY_MAX 512u

enum kube_resource_flag {
	KUBE_NAMESPACED = 1 << 0,
	KUBE_STATUS = 1 << 1,	  /* has the subresource status */
	KUBE_GENERATION = 1 << 2, /* metadata.generation counts changes of the spec */
	KUBE_UNCONDITIONAL = 1 << 3, /* PUT without a resourceVersion is allowed */
	KUBE_GIVES_DELETED = 1 << 4, /* DELETE answers with the object, not a Status */
	KUBE_CUSTOM = 1 << 5,	     /* defined by a CRD */
	KUBE_CATEGORY_ALL = 1 << 6,  /* part of "kubectl get all" */
	KUBE_KEEPS_STATUS = 1 << 7,  /* a status given at creation counts */
	KUBE_REVIEW = 1 << 8,	     /* answers a POST, stores nothing */
};

struct kube_object {
	unsigned references;
	uint64_t version;
	char *key;		  /* "name" or "namespace/name" */
	struct json_object *json; /* stored form; kind and apiVersion come first */
	char *text;		  /* `json`, compact; NULL until asked for */
	size_t text_len;
};

struct kube_resource {
	char *group;   /* "" is the core group */
	char *version; /* of the stored form */
	char *plural;
	char *singular;
	char *kind;
	char *list_kind;
	char *short_names; /* with commas between; "" when there is none */
	unsigned flags;
	bool gone;		      /* its CRD was deleted: watches end */
	struct kube_object **objects; /* sorted by key */
	size_t len, cap;
};

/* One group and version under which a resource is served. Views live as long as the
 * store, so that a watch may hold one; `served` turns false instead. */
struct kube_view {
	struct kube_resource *resource;
	char *group;
	char *version;
	bool served;
	struct json_object *schema;  /* openAPIV3Schema of a custom resource, owned */
	struct json_object *columns; /* additionalPrinterColumns, owned, may be NULL */
	struct json_object *selectable; /* selectableFields, the same */
};

enum kube_change { KUBE_ADDED, KUBE_MODIFIED, KUBE_DELETED };

struct kube_event {
	uint64_t version;
	enum kube_change change;
	struct kube_resource *resource;
	struct kube_object *object; /* for KUBE_DELETED: the last state, new version */
	struct kube_object *before; /* NULL for KUBE_ADDED */
};

/* What a resource is called. */
struct kube_names {
	const char *group;
	const char *version;
	const char *plural;
	const char *singular;
	const char *kind;
	const char *list_kind;
	const char *short_names;
};

struct kube_store;

/* `changed` is called after each change. */
struct kube_store *kube_store_new(void (*changed)(void *arg), void *arg);
void kube_store_free(struct kube_store *store);

/* Both copy the texts they are given. NULL when the limit is reached. */
struct kube_resource *kube_store_add_resource(
    struct kube_store *store, const struct kube_names *names, unsigned flags);
struct kube_view *kube_store_add_view(struct kube_store *store,
    struct kube_resource *resource, const char *group, const char *version);
/* Served views; NULL when there is none. `plural` and `kind`: one of them is NULL. */
struct kube_view *kube_store_view(const struct kube_store *store, const char *group,
    const char *version, const char *plural, const char *kind);
/* All views in order of their making; NULL at the end. */
struct kube_view *kube_store_view_at(const struct kube_store *store, size_t index);

/* The key of an object by its metadata. */
void kube_store_key(const char *space, const char *name, char *out, size_t out_size);
/* Index of the first object whose key is not less. */
size_t kube_store_position(const struct kube_resource *resource, const char *key);
struct kube_object *kube_store_find(
    const struct kube_resource *resource, const char *key);

/* Creates or replaces by key; takes over `json`, gives it its resourceVersion. The
 * object is the store's. */
struct kube_object *kube_store_put(
    struct kube_store *store, struct kube_resource *resource, struct json_object *json);
/* Removes; watches see the last state with a new version. */
void kube_store_remove(
    struct kube_store *store, struct kube_resource *resource, const char *key);
/* Replaces the stored form without a new version and without an event, as when a new
 * schema makes a server read old bytes differently. */
void kube_store_reread(
    struct kube_resource *resource, size_t index, struct json_object *json);

struct kube_object *kube_object_ref(struct kube_object *object);
void kube_object_unref(struct kube_object *object);
const char *kube_object_text(struct kube_object *object, size_t *ret_len);

/* The newest version, and the newest one that the history has forgotten. */
uint64_t kube_store_version(const struct kube_store *store);
uint64_t kube_store_floor(const struct kube_store *store);
/* First remembered change after `version`, or NULL. Valid until the next change. */
const struct kube_event *kube_store_event_after(
    const struct kube_store *store, uint64_t version);

#endif
