#include "kube_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "kube_convert.h"
#include "kube_json.h"
#include "kube_status.h"
#include "kube_table.h"
#include "kube_watch.h"

/* A list on its way out. */
struct listing {
	struct kube_call *call;
	struct kube_selector selector;
	uint64_t version; /* that the list has */
	size_t at, end;	  /* objects still to look at */
	size_t limit;	  /* 0: none */
	char last[KUBE_KEY_MAX];
	bool more; /* something is left behind the limit */
};

void
kube_read_range(const struct kube_resource *resource, const char *space,
    size_t *ret_first, size_t *ret_end)
{
	char key[KUBE_KEY_MAX];

	*ret_first = 0;
	*ret_end = resource->len;
	if (space[0] == '\0')
		return;
	snprintf(key, sizeof key, "%s/", space);
	*ret_first = kube_store_position(resource, key);
	/* '0' is the character after '/' */
	snprintf(key, sizeof key, "%s0", space);
	*ret_end = kube_store_position(resource, key);
}

struct kube_object *
kube_read_find(const struct kube_call *call)
{
	char key[KUBE_KEY_MAX];

	kube_store_key(call->space, call->name, key, sizeof key);
	return kube_store_find(call->view->resource, key);
}

static const char *
included(const struct kube_call *call)
{
	const char *include = sim_request_query(call->request, "includeObject");

	return include != NULL ? include : "Metadata";
}

void
kube_read_show(struct kube_call *call, int code, struct json_object *stored)
{
	struct json_object *json = kube_convert_out(call->view, stored);
	struct json_object *shown = json;

	if (call->format == KUBE_TABLE) {
		struct json_object *metadata = json_object_new_object();

		kube_json_set_text(metadata, "resourceVersion",
		    kube_json_text(json, "metadata.resourceVersion"));
		shown = kube_table_new(call->view, call->table_version, metadata);
		kube_table_add(shown, call->view, json, included(call));
		json_object_put(json);
	} else if (call->format == KUBE_METADATA) {
		shown = kube_table_metadata(json);
		json_object_put(json);
	}
	kube_reply_json(call, code, shown);
}

/* A version that the server has not reached yet is told with 504 (recorded: 087). */
static int
check_version(struct kube_call *call)
{
	const char *text = sim_request_query(call->request, "resourceVersion");
	uint64_t current = kube_store_version(call->kube->store);
	struct json_object *details;

	if (text == NULL || strtoull(text, NULL, 10) <= current)
		return 0;
	details = kube_json_constant(
	    "{\"causes\":[{\"reason\":\"ResourceVersionTooLarge\",\"message\":"
	    "\"Too large resource version\"}],\"retryAfterSeconds\":1}");
	sim_reply_header(call->reply, "Retry-After", "1");
	return kube_fail(call, 504, "Timeout", details,
	    "Timeout: Too large resource version: %s, current: %llu", text,
	    (unsigned long long)current);
}

void
kube_read_get(struct kube_call *call)
{
	struct kube_object *object;

	if (check_version(call) < 0)
		return;
	object = kube_read_find(call);
	if (object == NULL)
		kube_fail_not_found(call, call->name);
	else
		kube_read_show(call, 200, object->json);
}

int
kube_read_selector(struct kube_call *call, struct kube_selector *ret_selector)
{
	char error[256] = "";

	memset(ret_selector, 0, sizeof *ret_selector);
	snprintf(ret_selector->space, sizeof ret_selector->space, "%s", call->space);
	if (kube_selector_parse(ret_selector, call->view,
		sim_request_query(call->request, "labelSelector"),
		sim_request_query(call->request, "fieldSelector"), error,
		sizeof error) < 0)
		return kube_fail(call, 400, "BadRequest", NULL, "%s", error);
	return 0;
}

static int
start_after_token(struct listing *listing, const char *token)
{
	const struct kube_resource *resource = listing->call->view->resource;
	char key[KUBE_KEY_MAX], error[256] = "";
	size_t at;

	if (kube_continue_read(
		token, &listing->version, key, sizeof key, error, sizeof error) < 0)
		return kube_fail(listing->call, 400, "BadRequest", NULL, "%s", error);
	if (listing->version < kube_store_floor(listing->call->kube->store))
		return kube_fail(listing->call, 410, "Expired", NULL,
		    "The provided continue parameter is too old to display a "
		    "consistent "
		    "list result. You can start a new list without the continue "
		    "parameter.");
	at = kube_store_position(resource, key);
	if (at < resource->len && strcmp(resource->objects[at]->key, key) == 0)
		at++;
	if (at > listing->at)
		listing->at = at;
	return 0;
}

static int
listing_start(struct listing *listing, struct kube_call *call)
{
	const char *limit = sim_request_query(call->request, "limit");
	const char *token = sim_request_query(call->request, "continue");
	int rc;

	memset(listing, 0, sizeof *listing);
	listing->call = call;
	rc = kube_read_selector(call, &listing->selector);
	if (rc < 0)
		return rc;
	listing->version = kube_store_version(call->kube->store);
	if (call->fault.read_version > 0 &&
	    (uint64_t)call->fault.read_version < listing->version)
		listing->version = (uint64_t)call->fault.read_version;
	if (limit != NULL)
		listing->limit = strtoul(limit, NULL, 10);
	kube_read_range(call->view->resource, call->space, &listing->at, &listing->end);
	if (token != NULL && token[0] != '\0')
		return start_after_token(listing, token);
	return check_version(call);
}

/* The next object that fits, or NULL at the end or at the limit. */
static struct kube_object *
listing_next(struct listing *listing, size_t taken)
{
	const struct kube_resource *resource = listing->call->view->resource;

	for (; listing->at < listing->end; listing->at++) {
		struct kube_object *object = resource->objects[listing->at];

		if (!kube_selector_matches(&listing->selector, object->json))
			continue;
		if (listing->limit > 0 && taken == listing->limit) {
			listing->more = true;
			return NULL;
		}
		snprintf(listing->last, sizeof listing->last, "%s", object->key);
		listing->at++;
		return object;
	}
	return NULL;
}

static struct json_object *
listing_metadata(const struct listing *listing)
{
	struct json_object *metadata = json_object_new_object();
	char text[KUBE_CONTINUE_MAX * 2];

	snprintf(text, sizeof text, "%llu", (unsigned long long)listing->version);
	kube_json_set_text(metadata, "resourceVersion", text);
	if (!listing->more)
		return metadata;
	kube_continue_write(listing->version, listing->last, text, sizeof text);
	kube_json_set_text(metadata, "continue", text);
	if (kube_selector_is_empty(&listing->selector))
		kube_json_set_int(metadata, "remainingItemCount",
		    (int64_t)(listing->end - listing->at));
	return metadata;
}

/* One item: built-in kinds leave out kind and apiVersion, custom ones do not. */
static void
write_item(const struct kube_view *view, struct kube_object *object, struct buf *out)
{
	bool bare = (view->resource->flags & KUBE_CUSTOM) == 0;
	struct json_object *json;
	char head[1024], version[NAME_MAX_LEN + LABEL_MAX_LEN];
	const char *text;
	size_t len;

	if (!kube_convert_needed(view)) {
		text = kube_object_text(object, &len);
		kube_convert_version(view, version, sizeof version);
		snprintf(head, sizeof head, "{\"kind\":\"%s\",\"apiVersion\":\"%s\",",
		    view->resource->kind, version);
		if (bare && strncmp(text, head, strlen(head)) == 0) {
			buf_putc(out, '{');
			buf_put(out, text + strlen(head), len - strlen(head));
		} else {
			buf_put(out, text, len);
		}
		return;
	}
	json = kube_convert_out(view, object->json);
	if (bare) {
		json_object_object_del(json, "kind");
		json_object_object_del(json, "apiVersion");
	}
	text = kube_json_write(json, &len);
	buf_put(out, text, len);
	json_object_put(json);
}

static void
list_plain(struct listing *listing)
{
	struct kube_call *call = listing->call;
	struct kube_object *object;
	struct json_object *metadata;
	struct buf items, body;
	char version[NAME_MAX_LEN + LABEL_MAX_LEN];

	buf_init(&items, KUBE_REPLY_MAX);
	for (size_t taken = 0; (object = listing_next(listing, taken)) != NULL;
	     taken++) {
		if (taken > 0)
			buf_putc(&items, ',');
		write_item(call->view, object, &items);
	}
	metadata = listing_metadata(listing);
	kube_convert_version(call->view, version, sizeof version);
	buf_init(&body, KUBE_REPLY_MAX);
	buf_printf(&body, "{\"kind\":\"%s\",\"apiVersion\":\"%s\",\"metadata\":%s,",
	    call->view->resource->list_kind, version, kube_json_write(metadata, NULL));
	buf_puts(&body, "\"items\":[");
	buf_put(&body, items.data, items.len);
	buf_puts(&body, "]}\n");
	kube_reply_body(call, &body);
	json_object_put(metadata);
	buf_free(&items);
}

static void
list_table(struct listing *listing)
{
	struct kube_call *call = listing->call;
	struct json_object *table =
	    kube_table_new(call->view, call->table_version, json_object_new_object());
	struct kube_object *object;

	for (size_t taken = 0; (object = listing_next(listing, taken)) != NULL;
	     taken++) {
		struct json_object *json = kube_convert_out(call->view, object->json);

		kube_table_add(table, call->view, json, included(call));
		json_object_put(json);
	}
	json_object_object_add(table, "metadata", listing_metadata(listing));
	kube_reply_json(call, 200, table);
}

static void
list_metadata(struct listing *listing)
{
	struct json_object *list = json_object_new_object();
	struct json_object *items = json_object_new_array();
	struct kube_object *object;

	for (size_t taken = 0; (object = listing_next(listing, taken)) != NULL; taken++)
		json_object_array_add(items, kube_table_metadata(object->json));
	kube_json_set_text(list, "kind", "PartialObjectMetadataList");
	kube_json_set_text(list, "apiVersion", "meta.k8s.io/v1");
	json_object_object_add(list, "metadata", listing_metadata(listing));
	json_object_object_add(list, "items", items);
	kube_reply_json(listing->call, 200, list);
}

void
kube_read_list(struct kube_call *call)
{
	struct listing listing;

	if (strcmp(call->verb, "watch") == 0) {
		if (kube_read_selector(call, &listing.selector) == 0)
			kube_watch_start(call, &listing.selector);
		kube_selector_free(&listing.selector);
		return;
	}
	if (listing_start(&listing, call) == 0) {
		if (call->format == KUBE_TABLE)
			list_table(&listing);
		else if (call->format == KUBE_METADATA)
			list_metadata(&listing);
		else
			list_plain(&listing);
	}
	kube_selector_free(&listing.selector);
}
