#include "gce_operation.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hold.h"
#include "mem.h"

void
gce_refusal_set(struct gce_refusal *refusal, int http_status, const char *reason,
    const char *code, const char *format, ...)
{
	va_list args;

	*refusal = (struct gce_refusal){.http_status = http_status, .reason = reason};
	sim_text_copy(refusal->code, sizeof refusal->code, code);
	va_start(args, format);
	vsnprintf(refusal->message, sizeof refusal->message, format, args);
	va_end(args);
}

int
gce_refusal_status(const char *code)
{
	static const struct {
		const char *part;
		int status;
	} table[] = {
	    {"NOT_FOUND", 404},
	    {"PERMISSION", 403},
	    {"QUOTA", 403},
	    {"RATE_LIMIT", 403},
	    {"CONDITION", 412},
	    {"INTERNAL", 500},
	    {"BACKEND", 503},
	    {"EXHAUSTED", 503},
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (strstr(code, table[i].part) != NULL)
			return table[i].status;
	return 400;
}

static int
check_address(struct sim_gce *gce, const struct gce_operation *draft,
    const struct gce_instance *instance, bool at_end, struct gce_refusal *ret_refusal)
{
	const struct gce_address *address = gce_world_address(gce, draft->nat_ip);
	char region[GCE_NAME_MAX + 1];

	gce_world_region_of(draft->zone, region);
	if (address == NULL || strcmp(address->region, region) != 0) {
		gce_refusal_set(ret_refusal, 400, "invalid", "INVALID_FIELD_VALUE",
		    "Invalid value for field 'resource.natIP': '%s'. The specified "
		    "external IP address '%s' was not found in region '%s'.",
		    draft->nat_ip, draft->nat_ip, region);
		return -EINVAL;
	}
	if (address->user[0] == '\0' &&
	    (address->instance == NULL || address->instance == instance))
		return 0;
	if (at_end)
		gce_refusal_set(ret_refusal, 400, "invalid",
		    "IP_IN_USE_BY_ANOTHER_RESOURCE",
		    "IP '%s' is already being used by another resource.",
		    draft->nat_ip);
	else
		gce_refusal_set(ret_refusal, 400, "invalid",
		    "IP_IN_USE_BY_ANOTHER_RESOURCE",
		    "Invalid value for field 'resource.natIP': '%s'. Specified IP "
		    "address is in-use and would result in a conflict.",
		    draft->nat_ip);
	return -EADDRINUSE;
}

int
gce_operation_check(struct sim_gce *gce, const struct gce_operation *draft,
    const struct gce_instance *instance, bool at_end, struct gce_refusal *ret_refusal)
{
	if (draft->call == GCE_CALL_DELETE_ACCESS_CONFIG)
		return 0; /* a name that is not there deletes nothing, and is no error
			   */
	if (instance->has_config) {
		gce_refusal_set(ret_refusal, 400, "badRequest", "INVALID_USAGE",
		    "At most one access config currently supported.");
		return -EINVAL;
	}
	if (draft->nat_ip[0] == '\0')
		return 0;
	return check_address(gce, draft, instance, at_end, ret_refusal);
}

/* Makes room for one more operation. */
static int
give_way(struct sim_gce *gce)
{
	struct gce_operation *operation;

	if (gce->operations_len < GCE_OPERATIONS_MAX)
		return 0;
	TAILQ_FOREACH(operation, &gce->operations, link)
		if (operation->applied)
			break;
	if (operation == NULL)
		return -ENOSPC;
	TAILQ_REMOVE(&gce->operations, operation, link);
	gce->operations_len--;
	free(operation);
	return 0;
}

static void
set_times(struct sim_gce *gce, struct gce_operation *operation)
{
	int64_t latency_ms = gce->settings.operation_latency_ms;

	if (gce->settings.operation_jitter_ms > 0)
		latency_ms +=
		    (int64_t)(gce_world_random(gce) %
			      (uint64_t)(gce->settings.operation_jitter_ms + 1));
	operation->inserted = clock_mono();
	operation->inserted_wall = clock_wall();
	operation->start.ms = operation->inserted.ms + latency_ms / 3;
	operation->end.ms = operation->inserted.ms + latency_ms;
}

int
gce_operation_begin(struct sim_gce *gce, const struct gce_operation *draft,
    struct gce_instance *instance, bool holds, struct gce_operation **ret_operation)
{
	struct gce_operation *operation;
	int rc = give_way(gce);

	if (rc < 0)
		return rc;
	operation = mem_calloc(1, sizeof *operation);
	*operation = *draft;
	operation->id = gce_world_take_id(gce);
	operation->instance_id = instance->id;
	set_times(gce, operation);
	snprintf(operation->name, sizeof operation->name,
	    "operation-%" PRId64 "-%013" PRIx64 "-%08" PRIx32 "-%08" PRIx32,
	    operation->inserted_wall.ms, operation->id & 0xfffffffffffffu,
	    (uint32_t)gce_world_random(gce), (uint32_t)gce_world_random(gce));
	TAILQ_INSERT_TAIL(&gce->operations, operation, link);
	gce->operations_len++;
	gce->operations_open++;
	if (holds)
		instance->busy = operation->id;
	gce_operation_advance(gce);
	*ret_operation = operation;
	return 0;
}

static bool
names_operation(const char *name, const struct gce_operation *operation)
{
	char number[24];

	if (strcmp(name, operation->name) == 0)
		return true;
	snprintf(number, sizeof number, "%" PRIu64, operation->id);
	return strcmp(name, number) == 0;
}

struct gce_operation *
gce_operation_find(struct sim_gce *gce, const char *zone, const char *name)
{
	struct gce_operation *operation;

	TAILQ_FOREACH(operation, &gce->operations, link)
		if (strcmp(operation->zone, zone) == 0 &&
		    names_operation(name, operation))
			return operation;
	return NULL;
}

struct gce_operation *
gce_operation_of_request(struct sim_gce *gce, const char *request_id)
{
	int64_t oldest_ms = clock_mono().ms - gce->settings.request_id_ttl_s * 1000;
	struct gce_operation *operation;

	TAILQ_FOREACH(operation, &gce->operations, link)
		if (operation->inserted.ms > oldest_ms &&
		    strcasecmp(operation->request_id, request_id) == 0)
			return operation;
	return NULL;
}

const char *
gce_operation_status(const struct gce_operation *operation)
{
	if (operation->applied)
		return "DONE";
	return clock_mono().ms >= operation->start.ms ? "RUNNING" : "PENDING";
}

static bool
hold_lasts(const struct sim_gce *gce, uint64_t hold)
{
	return hold != 0 && sim_holds_last(sim_faults_holds(gce->faults), hold);
}

bool
gce_operation_is_held(const struct sim_gce *gce, const struct gce_operation *operation)
{
	return hold_lasts(gce, operation->hold);
}

bool
gce_operation_is_unread(
    const struct sim_gce *gce, const struct gce_operation *operation)
{
	return operation->applied && hold_lasts(gce, operation->unread);
}

struct gce_instance
gce_operation_shown(const struct sim_gce *gce, const struct gce_instance *instance)
{
	struct gce_instance shown = *instance;
	const struct gce_operation *operation;

	if (gce->faults == NULL || !sim_holds_any(sim_faults_holds(gce->faults)))
		return shown;
	TAILQ_FOREACH(operation, &gce->operations, link) {
		if (operation->instance_id != instance->id ||
		    !gce_operation_is_unread(gce, operation))
			continue;
		shown.has_config = operation->had_config;
		sim_text_copy(shown.config_name, sizeof shown.config_name,
		    operation->old_config_name);
		sim_text_copy(shown.nat_ip, sizeof shown.nat_ip, operation->old_nat_ip);
		break;
	}
	return shown;
}

const struct gce_instance *
gce_operation_shown_user(const struct sim_gce *gce, const struct gce_address *address)
{
	const struct gce_instance *instance;

	if (gce->faults == NULL || !sim_holds_any(sim_faults_holds(gce->faults)))
		return address->instance;
	TAILQ_FOREACH(instance, &gce->instances, link) {
		struct gce_instance shown = gce_operation_shown(gce, instance);

		if (shown.has_config && strcmp(shown.nat_ip, address->address) == 0)
			return instance;
	}
	return NULL;
}

static struct sim_fact
operation_fact(enum sim_fact_kind kind, const struct gce_operation *operation)
{
	struct sim_fact fact = {.kind = kind, .by = "api"};

	sim_text_copy(fact.call, sizeof fact.call, gce_call_names[operation->call]);
	sim_text_copy(fact.zone, sizeof fact.zone, operation->zone);
	sim_text_copy(fact.instance, sizeof fact.instance, operation->instance_name);
	sim_text_copy(fact.address, sizeof fact.address, operation->nat_ip);
	sim_text_copy(
	    fact.access_config, sizeof fact.access_config, operation->config_name);
	sim_text_copy(fact.operation, sizeof fact.operation, operation->name);
	sim_text_copy(fact.request_id, sizeof fact.request_id, operation->request_id);
	if (operation->instance_id != 0)
		snprintf(fact.id, sizeof fact.id, "%" PRIu64, operation->instance_id);
	return fact;
}

void
gce_operation_note_refusal(struct sim_gce *gce, const struct gce_operation *draft,
    const struct gce_refusal *refusal)
{
	struct sim_fact fact = operation_fact(SIM_FACT_REFUSE, draft);

	sim_text_copy(fact.code, sizeof fact.code, refusal->code);
	sim_journal_write(gce->journal, &fact);
}

static void
operation_fail(struct sim_gce *gce, struct gce_operation *operation)
{
	operation->failed = true;
	gce_operation_note_refusal(gce, operation, &operation->refusal);
}

static void
apply_add(
    struct sim_gce *gce, struct gce_operation *operation, struct gce_instance *instance)
{
	char nat_ip[INET_ADDRSTRLEN];

	sim_text_copy(nat_ip, sizeof nat_ip, operation->nat_ip);
	if (nat_ip[0] == '\0' && gce_world_take_ephemeral(gce, nat_ip) < 0) {
		gce_refusal_set(&operation->refusal, 503, "backendError",
		    "IP_SPACE_EXHAUSTED", "No external address is left in '%s'.",
		    operation->zone);
		operation_fail(gce, operation);
		return;
	}
	gce_world_attach(gce, instance, operation->config_name, nat_ip, operation);
}

static void
apply_delete(struct sim_gce *gce, const struct gce_operation *operation,
    struct gce_instance *instance)
{
	struct sim_fact fact;

	if (instance->has_config &&
	    strcmp(instance->config_name, operation->config_name) == 0) {
		gce_world_detach(gce, instance, operation);
		return;
	}
	fact = operation_fact(SIM_FACT_NOOP, operation);
	sim_journal_write(gce->journal, &fact);
}

static void
remember_config(struct gce_operation *operation, const struct gce_instance *instance)
{
	operation->had_config = instance->has_config;
	sim_text_copy(operation->old_config_name, sizeof operation->old_config_name,
	    instance->config_name);
	sim_text_copy(
	    operation->old_nat_ip, sizeof operation->old_nat_ip, instance->nat_ip);
}

static void
operation_apply(struct sim_gce *gce, struct gce_operation *operation)
{
	struct gce_instance *instance =
	    gce_world_instance_by_id(gce, operation->instance_id);

	operation->applied = true;
	gce->operations_open--;
	if (instance != NULL && instance->busy == operation->id)
		instance->busy = 0;
	if (instance != NULL)
		remember_config(operation, instance);
	if (instance == NULL)
		gce_refusal_set(&operation->refusal, 404, "notFound",
		    "RESOURCE_NOT_FOUND",
		    "The resource 'projects/%s/zones/%s/instances/%s' was not found",
		    gce->project, operation->zone, operation->instance_name);
	if (instance == NULL || operation->forced ||
	    gce_operation_check(gce, operation, instance, true, &operation->refusal) <
		0)
		operation_fail(gce, operation);
	else if (operation->call == GCE_CALL_ADD_ACCESS_CONFIG)
		apply_add(gce, operation, instance);
	else
		apply_delete(gce, operation, instance);
}

/* The open operation that ends first, or NULL. */
static struct gce_operation *
operation_next(struct sim_gce *gce)
{
	struct gce_operation *operation, *next = NULL;
	size_t open = gce->operations_open;

	TAILQ_FOREACH_REVERSE(operation, &gce->operations, gce_operation_list, link)
	{
		if (open == 0)
			break;
		if (operation->applied)
			continue;
		open--;
		if (gce_operation_is_held(gce, operation))
			continue;
		if (next == NULL || operation->end.ms <= next->end.ms)
			next = operation;
	}
	return next;
}

void
gce_operation_advance(void *arg)
{
	struct sim_gce *gce = arg;
	struct gce_operation *next;

	while ((next = operation_next(gce)) != NULL) {
		int64_t left_ms = next->end.ms - clock_mono().ms;

		if (left_ms > 0) {
			loop_timer_arm(gce->timer, left_ms);
			return;
		}
		operation_apply(gce, next);
	}
	loop_timer_disarm(gce->timer);
}

void
gce_operation_clear(struct sim_gce *gce)
{
	struct gce_operation *operation;

	while ((operation = TAILQ_FIRST(&gce->operations)) != NULL) {
		TAILQ_REMOVE(&gce->operations, operation, link);
		free(operation);
	}
}
