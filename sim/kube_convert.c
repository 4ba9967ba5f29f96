#include "kube_convert.h"

#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "kube_json.h"

/* Names of the fields of an Event: core/v1 and events.k8s.io/v1. */
static const struct {
	const char *core;
	const char *events;
} event_fields[] = {
    {"involvedObject", "regarding"},
    {"message", "note"},
    {"reportingComponent", "reportingController"},
    {"source", "deprecatedSource"},
    {"firstTimestamp", "deprecatedFirstTimestamp"},
    {"lastTimestamp", "deprecatedLastTimestamp"},
    {"count", "deprecatedCount"},
};

static bool
is_new_event(const struct kube_view *view)
{
	return strcmp(view->group, "events.k8s.io") == 0;
}

bool
kube_convert_needed(const struct kube_view *view)
{
	return is_new_event(view) ||
	       strcmp(view->version, view->resource->version) != 0;
}

void
kube_convert_version(const struct kube_view *view, char *out, size_t out_size)
{
	snprintf(out, out_size, "%s%s%s", view->group,
	    view->group[0] != '\0' ? "/" : "", view->version);
}

/* A new object with the members of `json`, their names changed one way or the other. */
static struct json_object *
rename_fields(const struct json_object *json, bool to_core)
{
	struct json_object *renamed = json_object_new_object();

	for (const struct lh_entry *at = kube_json_first(json); at != NULL;
	     at = at->next) {
		const char *key = kube_json_key(at);

		for (size_t i = 0; i < sizeof event_fields / sizeof event_fields[0];
		     i++) {
			const char *from =
			    to_core ? event_fields[i].events : event_fields[i].core;

			if (strcmp(kube_json_key(at), from) == 0)
				key = to_core ? event_fields[i].core
					      : event_fields[i].events;
		}
		kube_json_set(renamed, key, kube_json_value(at));
	}
	return renamed;
}

struct json_object *
kube_convert_out(const struct kube_view *view, struct json_object *json)
{
	char version[NAME_MAX_LEN + LABEL_MAX_LEN];
	struct json_object *converted;

	if (!kube_convert_needed(view))
		return json_object_get(json);
	kube_convert_version(view, version, sizeof version);
	if (is_new_event(view))
		converted = rename_fields(json, false);
	else
		converted = kube_json_copy(json);
	kube_json_set_text(converted, "apiVersion", version);
	return converted;
}

struct json_object *
kube_convert_in(const struct kube_view *view, struct json_object *json)
{
	const struct kube_resource *resource = view->resource;
	char version[NAME_MAX_LEN + LABEL_MAX_LEN];
	struct json_object *converted = json;

	if (!kube_convert_needed(view))
		return json;
	if (is_new_event(view)) {
		converted = rename_fields(json, true);
		json_object_put(json);
	}
	snprintf(version, sizeof version, "%s%s%s", resource->group,
	    resource->group[0] != '\0' ? "/" : "", resource->version);
	kube_json_set_text(converted, "apiVersion", version);
	return converted;
}
