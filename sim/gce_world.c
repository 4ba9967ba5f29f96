#include "gce_world.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gce_gate.h"
#include "gce_operation.h"
#include "log.h"
#include "mem.h"

/* Ephemeral addresses come from 203.0.113.0/24 (RFC 5737), .1 to .254. */
#define EPHEMERAL_NET  0xcb007100u
#define EPHEMERAL_LAST 254u

static const struct gce_settings settings_default = {
    .operation_latency_ms = 300,
    .operation_jitter_ms = 50,
    .token_ttl_s = 3599,
    .wait_max_ms = 120000,
    .request_id_ttl_s = 3600,
    .seed = 1,
};

const char *const gce_call_names[GCE_CALL_KINDS] = {
#define CALL_NAME(kind, name) [GCE_CALL_##kind] = (name),
    GCE_CALLS(CALL_NAME)
#undef CALL_NAME
};

struct sim_gce *
sim_gce_new(struct loop *loop, struct sim_faults *faults, struct sim_journal *journal,
    const char *project)
{
	struct sim_gce *gce = mem_calloc(1, sizeof *gce);

	gce->faults = faults;
	gce->journal = journal;
	gce->settings = settings_default;
	sim_text_copy(gce->project, sizeof gce->project, project);
	/* in nanoseconds, so that ids are new also in the next world */
	gce->id_last = (uint64_t)clock_wall().ms * 1000000;
	gce->random = (uint64_t)gce->settings.seed;
	TAILQ_INIT(&gce->instances);
	TAILQ_INIT(&gce->addresses);
	TAILQ_INIT(&gce->operations);
	TAILQ_INIT(&gce->held);
	gce->timer = loop_timer_new(loop, gce_operation_advance, gce);
	return gce;
}

void
sim_gce_free(struct sim_gce *gce)
{
	struct gce_instance *instance;
	struct gce_address *address;

	if (gce == NULL)
		return;
	loop_timer_free(gce->timer);
	gce_gate_clear(gce);
	gce_operation_clear(gce);
	while ((instance = TAILQ_FIRST(&gce->instances)) != NULL) {
		TAILQ_REMOVE(&gce->instances, instance, link);
		free(instance);
	}
	while ((address = TAILQ_FIRST(&gce->addresses)) != NULL) {
		TAILQ_REMOVE(&gce->addresses, address, link);
		free(address);
	}
	explicit_bzero(gce->tokens, sizeof gce->tokens);
	free(gce);
}

void
sim_gce_add_instance(struct sim_gce *gce, const char *zone, const char *name,
    const char *external_ip, const char *access_config, bool ours)
{
	struct gce_instance_spec spec = {zone, name, external_ip, access_config, ours};
	struct gce_instance *instance;
	int rc = gce_world_add_instance(gce, &spec, &instance);

	if (rc < 0)
		log_error("instance_not_added", LOG_S("zone", zone),
		    LOG_S("name", name), LOG_S("external_ip", external_ip),
		    LOG_S("error", strerror(-rc)));
}

void
sim_gce_add_address(
    struct sim_gce *gce, const char *region, const char *name, const char *address)
{
	int rc = gce_world_add_address(gce, region, name, address);

	if (rc < 0)
		log_error("address_not_added", LOG_S("region", region),
		    LOG_S("name", name), LOG_S("address", address),
		    LOG_S("error", strerror(-rc)));
}

void
sim_gce_hold_elsewhere(struct sim_gce *gce, const char *address, const char *user)
{
	struct gce_address *found = gce_world_address(gce, address);
	int rc = found != NULL ? gce_world_hold(gce, found, user) : -ENOENT;

	if (rc < 0)
		log_error("address_not_held", LOG_S("address", address),
		    LOG_S("user", user), LOG_S("error", strerror(-rc)));
}

/* --- names and numbers -------------------------------------------------------------
 */

bool
gce_world_name_is_valid(const char *name)
{
	size_t len = strnlen(name, GCE_NAME_MAX + 1);

	if (len == 0 || len > GCE_NAME_MAX || !islower((unsigned char)name[0]) ||
	    name[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!islower((unsigned char)name[i]) &&
		    !isdigit((unsigned char)name[i]) && name[i] != '-')
			return false;
	return true;
}

bool
gce_world_zone_is_valid(const char *zone)
{
	const char *dash = strrchr(zone, '-');

	return gce_world_name_is_valid(zone) && dash != NULL && dash - zone >= 2 &&
	       dash[-1] != '-';
}

bool
gce_world_ipv4_is_valid(const char *address)
{
	struct in_addr ignored;

	return inet_pton(AF_INET, address, &ignored) == 1;
}

void
gce_world_region_of(const char *zone, char region[GCE_NAME_MAX + 1])
{
	const char *dash = strrchr(zone, '-');
	size_t len = dash != NULL ? (size_t)(dash - zone) : strlen(zone);

	sim_text_copy(region, len < GCE_NAME_MAX ? len + 1 : GCE_NAME_MAX + 1, zone);
}

bool
gce_world_is_in_region(const struct gce_instance *instance, const char *region)
{
	char own[GCE_NAME_MAX + 1];

	gce_world_region_of(instance->zone, own);
	return strcmp(own, region) == 0;
}

uint64_t
gce_world_take_id(struct sim_gce *gce)
{
	gce->id_last += 1 + gce_world_random(gce) % 1000;
	return gce->id_last;
}

/* SplitMix64: any seed is a good one. */
uint64_t
gce_world_random(struct sim_gce *gce)
{
	uint64_t value = gce->random += 0x9e3779b97f4a7c15u;

	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
	value = (value ^ value >> 27) * 0x94d049bb133111ebu;
	return value ^ value >> 31;
}

/* --- finding -----------------------------------------------------------------------
 */

/* Is `name` the resource's name, or its id in decimal? */
static bool
names_resource(const char *name, const char *resource_name, uint64_t id)
{
	char number[24];

	if (strcmp(name, resource_name) == 0)
		return true;
	snprintf(number, sizeof number, "%" PRIu64, id);
	return strcmp(name, number) == 0;
}

struct gce_instance *
gce_world_instance(struct sim_gce *gce, const char *zone, const char *name)
{
	struct gce_instance *instance;

	TAILQ_FOREACH(instance, &gce->instances, link)
		if (strcmp(instance->zone, zone) == 0 &&
		    names_resource(name, instance->name, instance->id))
			return instance;
	return NULL;
}

struct gce_instance *
gce_world_instance_by_id(struct sim_gce *gce, uint64_t id)
{
	struct gce_instance *instance;

	TAILQ_FOREACH(instance, &gce->instances, link)
		if (instance->id == id)
			return instance;
	return NULL;
}

struct gce_instance *
gce_world_instance_with(struct sim_gce *gce, const char *nat_ip)
{
	struct gce_instance *instance;

	TAILQ_FOREACH(instance, &gce->instances, link)
		if (instance->has_config && strcmp(instance->nat_ip, nat_ip) == 0)
			return instance;
	return NULL;
}

struct gce_address *
gce_world_address(struct sim_gce *gce, const char *address)
{
	struct gce_address *found;

	TAILQ_FOREACH(found, &gce->addresses, link)
		if (strcmp(found->address, address) == 0)
			return found;
	return NULL;
}

struct gce_address *
gce_world_address_named(struct sim_gce *gce, const char *region, const char *name)
{
	struct gce_address *found;

	TAILQ_FOREACH(found, &gce->addresses, link)
		if (strcmp(found->region, region) == 0 &&
		    names_resource(name, found->name, found->id))
			return found;
	return NULL;
}

/* --- changing ----------------------------------------------------------------------
 */

static struct sim_fact
instance_fact(enum sim_fact_kind kind, const struct gce_instance *instance)
{
	struct sim_fact fact = {.kind = kind, .ours = instance->ours};

	sim_text_copy(fact.zone, sizeof fact.zone, instance->zone);
	sim_text_copy(fact.instance, sizeof fact.instance, instance->name);
	snprintf(fact.id, sizeof fact.id, "%" PRIu64, instance->id);
	return fact;
}

static void
put_config(
    struct sim_fact *fact, struct sim_gce *gce, const struct gce_instance *instance)
{
	sim_text_copy(fact->address, sizeof fact->address, instance->nat_ip);
	sim_text_copy(
	    fact->access_config, sizeof fact->access_config, instance->config_name);
	fact->ephemeral = gce_world_address(gce, instance->nat_ip) == NULL;
}

static void
note_instance(
    struct sim_gce *gce, enum sim_fact_kind kind, const struct gce_instance *instance)
{
	struct sim_fact fact = instance_fact(kind, instance);

	if (kind == SIM_FACT_INSTANCE && instance->has_config)
		put_config(&fact, gce, instance);
	sim_journal_write(gce->journal, &fact);
}

static void
note_change(struct sim_gce *gce, enum sim_fact_kind kind,
    const struct gce_instance *instance, const struct gce_operation *operation)
{
	struct sim_fact fact = instance_fact(kind, instance);

	put_config(&fact, gce, instance);
	sim_text_copy(fact.by, sizeof fact.by, operation != NULL ? "api" : "control");
	if (operation != NULL) {
		sim_text_copy(fact.operation, sizeof fact.operation, operation->name);
		sim_text_copy(
		    fact.request_id, sizeof fact.request_id, operation->request_id);
	}
	sim_journal_write(gce->journal, &fact);
}

static void
note_address(
    struct sim_gce *gce, enum sim_fact_kind kind, const struct gce_address *address)
{
	struct sim_fact fact = {.kind = kind};

	sim_text_copy(fact.region, sizeof fact.region, address->region);
	sim_text_copy(fact.name, sizeof fact.name, address->name);
	sim_text_copy(fact.address, sizeof fact.address, address->address);
	sim_text_copy(fact.user, sizeof fact.user, address->user);
	sim_journal_write(gce->journal, &fact);
}

static int
check_spec(struct sim_gce *gce, const struct gce_instance_spec *spec)
{
	const struct gce_address *address;
	char region[GCE_NAME_MAX + 1];

	if (!gce_world_zone_is_valid(spec->zone) ||
	    !gce_world_name_is_valid(spec->name))
		return -EINVAL;
	if (gce->instances_len == GCE_INSTANCES_MAX)
		return -ENOSPC;
	if (gce_world_instance(gce, spec->zone, spec->name) != NULL)
		return -EEXIST;
	if (spec->external_ip[0] == '\0')
		return 0;
	if (!gce_world_ipv4_is_valid(spec->external_ip) ||
	    spec->access_config[0] == '\0' ||
	    strlen(spec->access_config) > GCE_CONFIG_NAME_MAX)
		return -EINVAL;
	address = gce_world_address(gce, spec->external_ip);
	gce_world_region_of(spec->zone, region);
	if (address != NULL && strcmp(address->region, region) != 0)
		return -EINVAL;
	if (gce_world_instance_with(gce, spec->external_ip) != NULL ||
	    (address != NULL && address->user[0] != '\0'))
		return -EEXIST;
	return 0;
}

static void
set_config(struct sim_gce *gce, struct gce_instance *instance, const char *config_name,
    const char *nat_ip)
{
	struct gce_address *address = gce_world_address(gce, nat_ip);

	sim_text_copy(instance->config_name, sizeof instance->config_name, config_name);
	sim_text_copy(instance->nat_ip, sizeof instance->nat_ip, nat_ip);
	instance->has_config = true;
	instance->fingerprint = gce_world_random(gce);
	if (address != NULL)
		address->instance = instance;
}

static void
clear_config(struct sim_gce *gce, struct gce_instance *instance)
{
	struct gce_address *address = gce_world_address(gce, instance->nat_ip);

	if (address != NULL)
		address->instance = NULL;
	instance->has_config = false;
	instance->fingerprint = gce_world_random(gce);
}

int
gce_world_add_instance(struct sim_gce *gce, const struct gce_instance_spec *spec,
    struct gce_instance **ret_instance)
{
	struct gce_instance *instance;
	int rc = check_spec(gce, spec);

	if (rc < 0)
		return rc;
	instance = mem_calloc(1, sizeof *instance);
	instance->id = gce_world_take_id(gce);
	sim_text_copy(instance->zone, sizeof instance->zone, spec->zone);
	sim_text_copy(instance->name, sizeof instance->name, spec->name);
	instance->ours = spec->ours;
	instance->running = true;
	instance->host = ++gce->host_last;
	instance->created = clock_wall();
	instance->fingerprint = gce_world_random(gce);
	if (spec->external_ip[0] != '\0')
		set_config(gce, instance, spec->access_config, spec->external_ip);
	TAILQ_INSERT_TAIL(&gce->instances, instance, link);
	gce->instances_len++;
	if (spec->ours && gce->location[0] == '\0')
		gce_world_region_of(instance->zone, gce->location);
	note_instance(gce, SIM_FACT_INSTANCE, instance);
	*ret_instance = instance;
	return 0;
}

void
gce_world_remove_instance(struct sim_gce *gce, struct gce_instance *instance)
{
	if (instance->has_config)
		clear_config(gce, instance);
	note_instance(gce, SIM_FACT_VANISH, instance);
	TAILQ_REMOVE(&gce->instances, instance, link);
	gce->instances_len--;
	free(instance);
}

void
gce_world_set_running(struct sim_gce *gce, struct gce_instance *instance, bool running)
{
	if (instance->running == running)
		return;
	instance->running = running;
	if (!running)
		instance->stopped = clock_wall();
	note_instance(gce, running ? SIM_FACT_RUN : SIM_FACT_STOP, instance);
}

int
gce_world_add_address(
    struct sim_gce *gce, const char *region, const char *name, const char *address)
{
	const struct gce_instance *instance = gce_world_instance_with(gce, address);
	struct gce_address *reserved;

	if (!gce_world_name_is_valid(region) || !gce_world_name_is_valid(name) ||
	    !gce_world_ipv4_is_valid(address) ||
	    (instance != NULL && !gce_world_is_in_region(instance, region)))
		return -EINVAL;
	if (gce->addresses_len == GCE_ADDRESSES_MAX)
		return -ENOSPC;
	if (gce_world_address(gce, address) != NULL ||
	    gce_world_address_named(gce, region, name) != NULL)
		return -EEXIST;
	reserved = mem_calloc(1, sizeof *reserved);
	reserved->id = gce_world_take_id(gce);
	sim_text_copy(reserved->region, sizeof reserved->region, region);
	sim_text_copy(reserved->name, sizeof reserved->name, name);
	sim_text_copy(reserved->address, sizeof reserved->address, address);
	reserved->created = clock_wall();
	/* an ephemeral address that is in use can be made static */
	reserved->instance = instance;
	TAILQ_INSERT_TAIL(&gce->addresses, reserved, link);
	gce->addresses_len++;
	note_address(gce, SIM_FACT_RESERVE, reserved);
	return 0;
}

int
gce_world_remove_address(struct sim_gce *gce, struct gce_address *address)
{
	if (address->instance != NULL || address->user[0] != '\0')
		return -EBUSY;
	note_address(gce, SIM_FACT_FREE, address);
	TAILQ_REMOVE(&gce->addresses, address, link);
	gce->addresses_len--;
	free(address);
	return 0;
}

int
gce_world_hold(struct sim_gce *gce, struct gce_address *address, const char *user)
{
	if (user[0] == '\0' || strlen(user) > GCE_USER_MAX)
		return -EINVAL;
	if (address->instance != NULL || address->user[0] != '\0')
		return -EBUSY;
	sim_text_copy(address->user, sizeof address->user, user);
	note_address(gce, SIM_FACT_HOLD, address);
	return 0;
}

int
gce_world_release(struct sim_gce *gce, struct gce_address *address)
{
	if (address->user[0] == '\0')
		return -ENOENT;
	note_address(gce, SIM_FACT_UNHOLD, address);
	address->user[0] = '\0';
	return 0;
}

void
gce_world_attach(struct sim_gce *gce, struct gce_instance *instance,
    const char *config_name, const char *nat_ip, const struct gce_operation *operation)
{
	const struct gce_address *address = gce_world_address(gce, nat_ip);

	assert(!instance->has_config && gce_world_instance_with(gce, nat_ip) == NULL);
	assert(address == NULL || address->user[0] == '\0');
	set_config(gce, instance, config_name, nat_ip);
	note_change(gce, SIM_FACT_ATTACH, instance, operation);
}

void
gce_world_detach(struct sim_gce *gce, struct gce_instance *instance,
    const struct gce_operation *operation)
{
	assert(instance->has_config);
	note_change(gce, SIM_FACT_DETACH, instance, operation);
	clear_config(gce, instance);
}

int
gce_world_take_ephemeral(struct sim_gce *gce, char ret_address[INET_ADDRSTRLEN])
{
	for (uint32_t i = 0; i < EPHEMERAL_LAST; i++) {
		struct in_addr number;
		char text[INET_ADDRSTRLEN];

		gce->ephemeral_last = gce->ephemeral_last % EPHEMERAL_LAST + 1;
		number.s_addr = htonl(EPHEMERAL_NET + gce->ephemeral_last);
		inet_ntop(AF_INET, &number, text, sizeof text);
		if (gce_world_instance_with(gce, text) == NULL &&
		    gce_world_address(gce, text) == NULL) {
			memcpy(ret_address, text, sizeof text);
			return 0;
		}
	}
	return -ENOSPC;
}
