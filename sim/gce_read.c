#include <stdio.h>
#include <string.h>

#include "gce_api.h"
#include "gce_json.h"
#include "gce_list.h"
#include "gce_operation.h"
#include "gce_reply.h"
#include "hold.h"

static void
answer_object(const struct gce_call *call, struct json_object *object)
{
	gce_reply_json(call->reply, object, sim_request_query(call->request, "fields"));
}

/* False, and answered, when the zone or region has not the form of one. */
static bool
place_is_valid(const struct gce_call *call, const char *what)
{
	bool is_zone = strcmp(what, "zone") == 0;

	if (is_zone ? gce_world_zone_is_valid(call->place)
		    : gce_world_name_is_valid(call->place))
		return true;
	gce_reply_error(call->reply, 400, "invalid",
	    "Invalid value for field '%s': '%s'. Unknown %s.", what, call->place, what);
	return false;
}

/* --- instances ---------------------------------------------------------------------
 */

void
gce_read_instance(const struct gce_call *call)
{
	const struct gce_instance *instance =
	    gce_world_instance(call->gce, call->place, call->name);

	if (instance == NULL)
		gce_api_not_found(
		    call, "zones/%s/instances/%s", call->place, call->name);
	else
		answer_object(call, gce_json_instance(call->gce, instance));
}

void
gce_read_instances(const struct gce_call *call)
{
	struct gce_list list = {.kind = "compute#instanceList"};
	const struct gce_instance *instance;

	if (!place_is_valid(call, "zone") ||
	    gce_list_begin(&list, call->request, call->reply) < 0)
		return;
	snprintf(list.path, sizeof list.path, "zones/%s/instances", call->place);
	TAILQ_FOREACH(instance, &call->gce->instances, link)
		if (strcmp(instance->zone, call->place) == 0)
			gce_list_add(&list, NULL, instance->name, instance->id,
			    gce_json_instance(call->gce, instance));
	gce_list_end(&list, call->gce, call->reply);
}

void
gce_read_all_instances(const struct gce_call *call)
{
	struct gce_list list = {.kind = "compute#instanceAggregatedList",
	    .member = "instances",
	    .path = "aggregated/instances"};
	const struct gce_instance *instance;

	if (gce_list_begin(&list, call->request, call->reply) < 0)
		return;
	TAILQ_FOREACH(instance, &call->gce->instances, link) {
		char scope[GCE_NAME_MAX + 16];

		snprintf(scope, sizeof scope, "zones/%s", instance->zone);
		gce_list_add_scope(&list, scope);
		gce_list_add(&list, scope, instance->name, instance->id,
		    gce_json_instance(call->gce, instance));
	}
	gce_list_end(&list, call->gce, call->reply);
}

/* --- addresses ---------------------------------------------------------------------
 */

void
gce_read_address(const struct gce_call *call)
{
	const struct gce_address *address =
	    gce_world_address_named(call->gce, call->place, call->name);

	if (address == NULL)
		gce_api_not_found(
		    call, "regions/%s/addresses/%s", call->place, call->name);
	else
		answer_object(call, gce_json_address(call->gce, address));
}

void
gce_read_addresses(const struct gce_call *call)
{
	struct gce_list list = {.kind = "compute#addressList"};
	const struct gce_address *address;

	if (!place_is_valid(call, "region") ||
	    gce_list_begin(&list, call->request, call->reply) < 0)
		return;
	snprintf(list.path, sizeof list.path, "regions/%s/addresses", call->place);
	TAILQ_FOREACH(address, &call->gce->addresses, link)
		if (strcmp(address->region, call->place) == 0)
			gce_list_add(&list, NULL, address->name, address->id,
			    gce_json_address(call->gce, address));
	gce_list_end(&list, call->gce, call->reply);
}

void
gce_read_global_addresses(const struct gce_call *call)
{
	struct gce_list list = {
	    .kind = "compute#addressList", .path = "global/addresses"};
	const struct gce_address *address;

	if (gce_list_begin(&list, call->request, call->reply) < 0)
		return;
	TAILQ_FOREACH(address, &call->gce->addresses, link)
		if (strcmp(address->region, GCE_GLOBAL) == 0)
			gce_list_add(&list, NULL, address->name, address->id,
			    gce_json_address(call->gce, address));
	gce_list_end(&list, call->gce, call->reply);
}

void
gce_read_all_addresses(const struct gce_call *call)
{
	struct gce_list list = {.kind = "compute#addressAggregatedList",
	    .member = "addresses",
	    .path = "aggregated/addresses"};
	const struct gce_instance *instance;
	const struct gce_address *address;
	char scope[GCE_NAME_MAX + 16], region[GCE_NAME_MAX + 1];

	if (gce_list_begin(&list, call->request, call->reply) < 0)
		return;
	TAILQ_FOREACH(instance, &call->gce->instances, link) {
		gce_world_region_of(instance->zone, region);
		snprintf(scope, sizeof scope, "regions/%s", region);
		gce_list_add_scope(&list, scope);
	}
	TAILQ_FOREACH(address, &call->gce->addresses, link) {
		snprintf(scope, sizeof scope, "%s%s",
		    strcmp(address->region, GCE_GLOBAL) == 0 ? "" : "regions/",
		    address->region);
		gce_list_add_scope(&list, scope);
		gce_list_add(&list, scope, address->name, address->id,
		    gce_json_address(call->gce, address));
	}
	gce_list_end(&list, call->gce, call->reply);
}

/* --- operations --------------------------------------------------------------------
 */

/* NULL, and answered, when there is none of that name. */
static const struct gce_operation *
operation_of(const struct gce_call *call)
{
	const struct gce_operation *operation =
	    gce_operation_find(call->gce, call->place, call->name);

	if (operation == NULL)
		gce_api_not_found(
		    call, "zones/%s/operations/%s", call->place, call->name);
	return operation;
}

void
gce_read_operation(const struct gce_call *call)
{
	const struct gce_operation *operation = operation_of(call);

	if (operation != NULL && gce_operation_is_unread(call->gce, operation))
		call->reply->defer_ms = SIM_HOLD_LOOK_MS;
	else if (operation != NULL)
		answer_object(call, gce_json_operation(call->gce, operation));
}

void
gce_read_operations(const struct gce_call *call)
{
	struct gce_list list = {.kind = "compute#operationList"};
	const struct gce_operation *operation;

	if (!place_is_valid(call, "zone") ||
	    gce_list_begin(&list, call->request, call->reply) < 0)
		return;
	snprintf(list.path, sizeof list.path, "zones/%s/operations", call->place);
	TAILQ_FOREACH(operation, &call->gce->operations, link)
		if (strcmp(operation->zone, call->place) == 0)
			gce_list_add(&list, NULL, operation->name, operation->id,
			    gce_json_operation(call->gce, operation));
	gce_list_end(&list, call->gce, call->reply);
}

void
gce_read_wait(const struct gce_call *call)
{
	const struct gce_operation *operation = operation_of(call);
	int64_t now_ms = clock_mono().ms;
	int64_t patience_ms = call->begun.ms + call->gce->settings.wait_max_ms - now_ms;
	int64_t left_ms;

	if (operation == NULL)
		return;
	if (gce_operation_is_unread(call->gce, operation)) {
		call->reply->defer_ms = SIM_HOLD_LOOK_MS;
		return;
	}
	if (operation->applied || patience_ms <= 0) {
		answer_object(call, gce_json_operation(call->gce, operation));
		return;
	}
	left_ms = operation->end.ms - now_ms;
	if (gce_operation_is_held(call->gce, operation))
		left_ms = SIM_HOLD_LOOK_MS;
	if (left_ms > patience_ms)
		left_ms = patience_ms;
	call->reply->defer_ms = left_ms > 0 ? left_ms : 1;
}
