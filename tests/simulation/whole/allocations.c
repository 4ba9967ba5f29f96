#include "allocations.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "mem.h"
#include "server.h"
#include "stage.h"
#include "users.h"

/* --- allocations ------------------------------------------------------------------ */

static const char *const allocations_names[ALLOCATIONS_MAX] = {"web", "late"};

static const char *
allocation_list(size_t which)
{
	if (which == 0)
		return "[\"34.1.1.1\",\"34.1.1.2\",\"34.1.1.3\"]";
	return users.addresses < 4 ? "[\"34.1.1.3\"]" : "[\"34.1.1.3\",\"34.1.1.4\"]";
}

static void
allocations_path(size_t which, char out[128])
{
	snprintf(out, 128, ALLOCATIONS "%s", allocations_names[which]);
}

void
allocations_make(size_t which)
{
	char path[128], since[CLOCK_TEXT_MAX], *json;

	allocations_path(which, path);
	clock_format(clock_wall(), false, since, sizeof since);
	json = mem_printf(
	    "{\"apiVersion\":\"netinfra.darkbrains.com/v1alpha1\",\"kind\":"
	    "\"NetIPAllocation\",\"metadata\":{\"name\":\"%s\",\"generation\":1,"
	    "\"creationTimestamp\":\"%s\"},\"spec\":{\"reservedIPs\":%s,"
	    "\"nodeSelector\":{\"pool\":\"edge\"},\"workloadRef\":{\"kind\":"
	    "\"Deployment\",\"name\":\"sip\"},\"reconcileInterval\":20,"
	    "\"cloud\":{\"provider\":\"gcp\"}}}",
	    allocations_names[which], since, allocation_list(which));
	server_put(path, json);
	free(json);
}

void
allocations_define(void)
{
	server_put(DEFINITION, "{\"metadata\":{\"name\":\"netipallocations.netinfra."
			       "darkbrains.com\",\"finalizers\":"
			       "[\"customresourcecleanup.apiextensions.k8s.io\"]}}");
}

static bool
definition_goes(void)
{
	return server_at(server_get(DEFINITION), "metadata/deletionTimestamp") != NULL;
}

void
allocations_patch(size_t which, const char *patch)
{
	char path[128];

	allocations_path(which, path);
	stage_tell("user", "patches %s: %s", allocations_names[which], patch);
	server_patch(path, patch);
}

void
allocations_flip(size_t which)
{
	char path[128];

	allocations_path(which, path);
	if (server_get(path) == NULL && definition_goes())
		return;
	if (server_get(path) == NULL) {
		stage_tell("user", "creates %s", allocations_names[which]);
		allocations_make(which);
	} else {
		stage_tell("user", "deletes %s", allocations_names[which]);
		server_delete(path);
	}
}

/* --- the end ---------------------------------------------------------------------- */

void
allocations_drop_definition(void)
{
	char path[128];

	stage_tell("user", "deletes the definition, and all are deleted");
	server_delete(DEFINITION);
	for (size_t i = 0; i < ALLOCATIONS_MAX; i++) {
		allocations_path(i, path);
		server_delete(path);
	}
}

/* What keeps a deleted one is what was wished of it, not what stands in the way. */
static void
allocations_mend_one(size_t which)
{
	char path[128], *patch;
	struct json_object *allocation;

	allocations_path(which, path);
	allocation = server_get(path);
	if (allocation == NULL) {
		if (!definition_goes())
			allocations_make(which);
		return;
	}
	if (server_at(allocation, "metadata/deletionTimestamp") != NULL) {
		server_patch(path,
		    "{\"metadata\":{\"annotations\":{\"netinfra.darkbrains.com/"
		    "paused\":null}},\"spec\":{\"workloadRef\":{\"name\":"
		    "\"sip\"}}}");
		return;
	}
	patch = mem_printf(
	    "{\"metadata\":{\"annotations\":null},\"spec\":{\"reservedIPs\":%s,"
	    "\"nodeSelector\":{\"pool\":\"edge\"},\"workloadRef\":{\"name\":\"sip\"},"
	    "\"policy\":\"Sync\",\"evictionPolicy\":null,\"deletionPolicy\":null,"
	    "\"notReadyGraceSeconds\":null,\"maxConcurrentMoves\":null,"
	    "\"minAttached\":null,\"restoreEphemeral\":null}}",
	    allocation_list(which));
	server_patch(path, patch);
	free(patch);
}

/* The API server does so when none is left. */
static void
allocations_mend_definition(void)
{
	char path[128];

	if (!definition_goes())
		return;
	for (size_t i = 0; i < ALLOCATIONS_MAX; i++) {
		allocations_path(i, path);
		if (server_get(path) != NULL)
			return;
	}
	server_patch(DEFINITION, "{\"metadata\":{\"finalizers\":null}}");
	allocations_define();
}

void
allocations_mend(void)
{
	allocations_mend_definition();
	for (size_t i = 0; i < ALLOCATIONS_MAX; i++)
		allocations_mend_one(i);
}

void
allocations_hurry(void)
{
	static const char *const patches[] = {
	    "{\"metadata\":{\"annotations\":{\"netinfra.darkbrains.com/release-now\":"
	    "\"true\"}}}",
	    "{\"spec\":{\"deletionPolicy\":\"Retain\"}}",
	};

	for (size_t i = 0; i < ALLOCATIONS_MAX; i++) {
		char path[128];

		allocations_path(i, path);
		if (server_at(server_get(path), "metadata/deletionTimestamp") != NULL)
			allocations_patch(i, patches[stage_pick(2)]);
	}
}
