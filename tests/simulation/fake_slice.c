/* PodTrackerSlices at the API server; they are patched like all other objects. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "fake.h"
#include "json_read.h"

static int
slice_make(struct fake *fake, const char *text)
{
	struct json_object *body = json_tokener_parse(text);
	char path[512];

	snprintf(path, sizeof path, FAKE_SLICES "%s",
	    fake_text(json_read_member(body, "metadata"), "name"));
	json_object_put(body);
	if (fake_get(fake, path) != NULL)
		return 409;
	fake_put(fake, path, text);
	return 201;
}

static bool
slice_is_as(struct json_object *metadata, struct json_object *wanted, const char *key)
{
	return strcmp(fake_text(wanted, key), fake_text(metadata, key)) == 0;
}

static int
slice_end(struct fake *fake, const char *path, const char *text)
{
	struct json_object *body = json_tokener_parse(text);
	struct json_object *wanted = json_read_member(body, "preconditions");
	struct json_object *json = fake_get(fake, path);
	struct json_object *metadata = json_read_member(json, "metadata");
	int status = json == NULL					 ? 404
		     : !slice_is_as(metadata, wanted, "uid")		 ? 409
		     : !slice_is_as(metadata, wanted, "resourceVersion") ? 409
									 : 200;

	json_object_put(body);
	if (status == 200)
		fake_delete(fake, path);
	return status;
}

int
fake_slice(struct fake *fake, const char *method, const char *path, const char *body)
{
	if (strstr(path, "/podtrackerslices") == NULL)
		return 0;
	fake->slice_writes++;
	if (strcmp(method, "POST") == 0)
		return slice_make(fake, body);
	return strcmp(method, "DELETE") == 0 ? slice_end(fake, path, body) : 0;
}
