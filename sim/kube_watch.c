#include "kube_watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube_convert.h"
#include "kube_json.h"
#include "kube_table.h"
#include "mem.h"

struct watch {
	struct sim_kube *kube;
	const struct kube_view *view;
	struct kube_selector selector;
	enum kube_format format;
	char table_version[8];
	char include[16];
	uint64_t after; /* events up to this version are done */
	struct kube_object **initial;
	size_t initial_len, initial_at;
	bool tells_end; /* of the initial events, by a bookmark */
	bool bookmarks;
	struct mono_time bookmark_due;
	struct mono_time end;
	bool ended;
};

/* One line of the stream; `json` is in the form of the view. */
static void
write_event(const struct watch *watch, struct buf *out, const char *type,
    struct json_object *json)
{
	struct json_object *shown;
	const char *text;
	size_t len;

	if (watch->format == KUBE_TABLE) {
		struct json_object *metadata = json_object_new_object();

		kube_json_set_text(metadata, "resourceVersion",
		    kube_json_text(json, "metadata.resourceVersion"));
		shown = kube_table_new(watch->view, watch->table_version, metadata);
		kube_table_add(shown, watch->view, json, watch->include);
	} else if (watch->format == KUBE_METADATA) {
		shown = kube_table_metadata(json);
	} else {
		shown = json_object_get(json);
	}
	text = kube_json_write(shown, &len);
	buf_printf(out, "{\"type\":\"%s\",\"object\":", type);
	buf_put(out, text, len);
	buf_puts(out, "}\n");
	json_object_put(shown);
}

static void
write_object(const struct watch *watch, struct buf *out, const char *type,
    struct kube_object *object)
{
	struct json_object *json;
	const char *text;
	size_t len;

	if (watch->format == KUBE_JSON && !kube_convert_needed(watch->view)) {
		text = kube_object_text(object, &len);
		buf_printf(out, "{\"type\":\"%s\",\"object\":", type);
		buf_put(out, text, len);
		buf_puts(out, "}\n");
		return;
	}
	json = kube_convert_out(watch->view, object->json);
	write_event(watch, out, type, json);
	json_object_put(json);
}

/* An object that no longer fits the selector is deleted for this watch: the last state
 * that did fit, with the version of the change. */
static void
write_left(const struct watch *watch, struct buf *out, const struct kube_event *event)
{
	struct json_object *copy = kube_json_copy(event->before->json);
	struct json_object *json;
	char version[24];

	snprintf(version, sizeof version, "%llu", (unsigned long long)event->version);
	kube_json_set_text(
	    kube_json_section(copy, "metadata"), "resourceVersion", version);
	json = kube_convert_out(watch->view, copy);
	write_event(watch, out, "DELETED", json);
	json_object_put(json);
	json_object_put(copy);
}

static void
write_change(const struct watch *watch, struct buf *out, const struct kube_event *event)
{
	bool was, is;

	if (event->resource != watch->view->resource)
		return;
	was = event->before != NULL &&
	      kube_selector_matches(&watch->selector, event->before->json);
	is = event->change != KUBE_DELETED &&
	     kube_selector_matches(&watch->selector, event->object->json);
	if (is)
		write_object(watch, out, was ? "MODIFIED" : "ADDED", event->object);
	else if (was && event->change == KUBE_DELETED)
		write_object(watch, out, "DELETED", event->object);
	else if (was)
		write_left(watch, out, event);
}

static void
write_bookmark(const struct watch *watch, struct buf *out, bool initial_end)
{
	char version[512];

	kube_convert_version(watch->view, version, sizeof version);
	buf_printf(out,
	    "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"%s\",\"apiVersion\":\"%s\","
	    "\"metadata\":{\"resourceVersion\":\"%llu\"%s}}}\n",
	    watch->view->resource->kind, version, (unsigned long long)watch->after,
	    initial_end ? ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}"
			: "");
}

static void
write_expired(const struct watch *watch, struct buf *out)
{
	buf_printf(out,
	    "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"apiVersion\":\"v1\","
	    "\"metadata\":{},\"status\":\"Failure\",\"message\":\"too old resource "
	    "version: %llu (%llu)\",\"reason\":\"Expired\",\"code\":410}}\n",
	    (unsigned long long)watch->after,
	    (unsigned long long)kube_store_floor(watch->kube->store));
}

/* `len_max`: how long `out` may become, more or less. */
static void
write_initial(struct watch *watch, struct buf *out, size_t len_max)
{
	while (watch->initial_at < watch->initial_len && out->len < len_max) {
		struct kube_object *object = watch->initial[watch->initial_at];

		write_object(watch, out, "ADDED", object);
		kube_object_unref(object);
		watch->initial_at++;
	}
	if (watch->initial_at == watch->initial_len && watch->tells_end) {
		watch->tells_end = false;
		write_bookmark(watch, out, true);
	}
}

static void
write_history(struct watch *watch, struct buf *out, size_t len_max)
{
	const struct kube_event *event;

	while (out->len < len_max) {
		if (watch->after < kube_store_floor(watch->kube->store)) {
			write_expired(watch, out);
			watch->ended = true;
			return;
		}
		event = kube_store_event_after(watch->kube->store, watch->after);
		if (event == NULL)
			return;
		write_change(watch, out, event);
		watch->after = event->version;
	}
}

static int
watch_next(void *state, struct buf *out)
{
	struct watch *watch = state;
	struct mono_time now = clock_mono();
	size_t before = out->len;
	bool last;

	if (watch->ended)
		return -ECANCELED;
	write_initial(watch, out, before + KUBE_WATCH_CHUNK);
	if (watch->initial_at == watch->initial_len)
		write_history(watch, out, before + KUBE_WATCH_CHUNK);
	if (watch->ended || out->len > before)
		return 0;
	last = now.ms >= watch->end.ms || watch->view->resource->gone;
	if (watch->bookmarks && (last || now.ms >= watch->bookmark_due.ms)) {
		write_bookmark(watch, out, false);
		watch->bookmark_due.ms = now.ms + watch->kube->bookmark_ms;
		watch->ended = last;
		return 0;
	}
	return last ? -ECANCELED : -EAGAIN;
}

static void
watch_close(void *state)
{
	struct watch *watch = state;

	while (watch->initial_at < watch->initial_len)
		kube_object_unref(watch->initial[watch->initial_at++]);
	free(watch->initial);
	kube_selector_free(&watch->selector);
	free(watch);
}

/* References to all objects that fit. */
static void
take_state(struct watch *watch)
{
	const struct kube_resource *resource = watch->view->resource;

	watch->initial = mem_calloc(resource->len, sizeof(struct kube_object *));
	for (size_t i = 0; i < resource->len; i++)
		if (kube_selector_matches(&watch->selector, resource->objects[i]->json))
			watch->initial[watch->initial_len++] =
			    kube_object_ref(resource->objects[i]);
	watch->after = kube_store_version(watch->kube->store);
}

static bool
query_is_true(const struct kube_call *call, const char *name)
{
	const char *value = sim_request_query(call->request, name);

	return value != NULL && (strcmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

static int64_t
seconds_to_live(const struct kube_call *call)
{
	const char *text = sim_request_query(call->request, "timeoutSeconds");
	long long seconds = text != NULL ? strtoll(text, NULL, 10) : 0;

	if (seconds <= 0)
		return KUBE_WATCH_SECONDS;
	return seconds < KUBE_WATCH_SECONDS_MAX ? seconds : KUBE_WATCH_SECONDS_MAX;
}

static void
set_format(struct watch *watch, const struct kube_call *call)
{
	const char *include = sim_request_query(call->request, "includeObject");

	watch->format = call->format;
	snprintf(watch->table_version, sizeof watch->table_version, "%s",
	    call->table_version);
	snprintf(watch->include, sizeof watch->include, "%.15s",
	    include != NULL ? include : "Metadata");
}

/* Goes on after `version`; a fault repeats what came before, as far as it is known. */
static void
resume(struct watch *watch, const struct kube_call *call, uint64_t version)
{
	uint64_t floor = kube_store_floor(call->kube->store);
	uint64_t back = (uint64_t)call->fault.repeat_events;

	watch->after = version;
	if (back > 0 && version > floor)
		watch->after = version - floor > back ? version - back : floor;
}

void
kube_watch_start(struct kube_call *call, struct kube_selector *selector)
{
	const char *from = sim_request_query(call->request, "resourceVersion");
	struct watch *watch = mem_calloc(1, sizeof *watch);
	struct mono_time now = clock_mono();

	watch->kube = call->kube;
	watch->view = call->view;
	watch->selector = *selector;
	selector->labels_len = 0;
	selector->fields_len = 0;
	set_format(watch, call);
	watch->bookmarks = query_is_true(call, "allowWatchBookmarks");
	watch->tells_end = query_is_true(call, "sendInitialEvents");
	watch->end.ms = now.ms + seconds_to_live(call) * 1000;
	watch->bookmark_due.ms = now.ms + call->kube->bookmark_ms;
	if (from == NULL || from[0] == '\0' || strcmp(from, "0") == 0 ||
	    watch->tells_end)
		take_state(watch);
	else
		resume(watch, call, strtoull(from, NULL, 10));
	call->reply->status = 200;
	call->reply->content_type = "application/json";
	call->reply->stream =
	    (struct sim_stream){watch_next, watch_close, watch, KUBE_WATCH_POLL_MS};
}
