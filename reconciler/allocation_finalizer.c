#include "allocation_finalizer.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "json_read.h"
#include "mem.h"

static bool
is_ours(struct json_object *finalizer)
{
	const char *name = json_read_string(finalizer);

	return name != NULL && strcmp(name, ALLOCATION_FINALIZER) == 0;
}

void
allocation_finalizer_parse(struct allocation *allocation, struct json_object *metadata)
{
	struct json_object *list = json_read_member(metadata, "finalizers");

	if (json_read_length(list) == 0)
		return;
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (is_ours(json_object_array_get_idx(list, i)))
			allocation->finalizer = true;
	allocation->finalizers = mem_strdup(json_object_to_json_string_ext(
	    list, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

int
allocation_finalizer_patch(
    const struct allocation *allocation, bool on, struct buf *out)
{
	struct json_object *list = allocation->finalizers != NULL
				       ? json_tokener_parse(allocation->finalizers)
				       : NULL;
	const char *comma = "";

	buf_reset(out);
	buf_puts(out, "{\"metadata\":{\"resourceVersion\":\"");
	buf_put_json(
	    out, allocation->resource_version, strlen(allocation->resource_version));
	buf_puts(out, "\",\"finalizers\":[");
	for (size_t i = 0; i < json_read_length(list); i++) {
		struct json_object *finalizer = json_object_array_get_idx(list, i);

		if (is_ours(finalizer))
			continue;
		buf_puts(out, comma);
		buf_puts(
		    out, json_object_to_json_string_ext(finalizer,
			     JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
		comma = ",";
	}
	if (on) {
		buf_puts(out, comma);
		buf_puts(out, "\"" ALLOCATION_FINALIZER "\"");
	}
	json_object_put(list);
	return buf_puts(out, "]}}") < 0 ? -E2BIG : 0;
}
