/* What the cloud does with a call. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"
#include "mem.h"
#include "provider.h"
#include "stage.h"
#include "users.h"

#define OPERATION_LEAST_MS 300
#define OPERATION_MOST_MS  4000
#define OPERATION_SLOW_MS  40000
#define PAGE_ITEMS	   2u
#define NIC		   "nic0"

struct provider provider;

void
provider_open(void)
{
	provider.vms_len = 0;
	provider.reserved_len = 0;
	provider.operations_len = 0;
	provider.ephemerals = 0;
	provider.faults = (struct provider_faults){0};
	provider.down = false;
	provider.version = 1;
	provider.lists = provider.changes = 0;
}

/* --- what there is ---------------------------------------------------------------- */

struct vm *
provider_add(const char *name, const char *zone)
{
	struct vm *vm = &provider.vms[provider.vms_len++];

	*vm = (struct vm){
	    .exists = true, .absent_since_ms = stage.now_ms, .made_ms = stage.now_ms};
	snprintf(vm->name, sizeof vm->name, "%s", name);
	snprintf(vm->zone, sizeof vm->zone, "%s", zone);
	snprintf(vm->id, sizeof vm->id, "%zu", 9000 + provider.vms_len);
	return vm;
}

void
provider_reserve(const char *address)
{
	struct reserved *reserved = &provider.reserved[provider.reserved_len++];

	*reserved = (struct reserved){.foreign_user = ""};
	snprintf(reserved->address, sizeof reserved->address, "%s", address);
}

struct vm *
provider_vm(const char *name)
{
	for (size_t i = 0; i < provider.vms_len; i++)
		if (provider.vms[i].exists && strcmp(provider.vms[i].name, name) == 0)
			return &provider.vms[i];
	return NULL;
}

struct vm *
provider_vm_by_id(const char *id)
{
	for (size_t i = 0; i < provider.vms_len; i++)
		if (provider.vms[i].exists && strcmp(provider.vms[i].id, id) == 0)
			return &provider.vms[i];
	return NULL;
}

struct vm *
provider_where(const char *address)
{
	for (size_t i = 0; i < provider.vms_len; i++)
		if (provider.vms[i].exists &&
		    strcmp(provider.vms[i].address, address) == 0)
			return &provider.vms[i];
	return NULL;
}

struct reserved *
provider_reserved(const char *address)
{
	for (size_t i = 0; i < provider.reserved_len; i++)
		if (strcmp(provider.reserved[i].address, address) == 0)
			return &provider.reserved[i];
	return NULL;
}

void
provider_set(struct vm *vm, const char *address, const char *config)
{
	snprintf(vm->address, sizeof vm->address, "%s", address);
	snprintf(vm->config, sizeof vm->config, "%s", config);
	vm->config_ms = stage.now_ms;
	provider.version++;
	if (provider_reserved(address) != NULL) {
		if (vm->absent_since_ms != 0 || vm->shown)
			vm->absent_before_ms = vm->absent_since_ms;
		vm->absent_since_ms = 0;
	} else if (vm->absent_since_ms == 0) {
		vm->absent_since_ms = !vm->shown && vm->absent_before_ms != 0
					  ? vm->absent_before_ms
					  : stage.now_ms;
	}
	vm->shown = false;
	judge_cloud();
}

void
provider_set_ephemeral(struct vm *vm)
{
	char address[46];

	snprintf(address, sizeof address, "198.51.%u.%u",
	    100 + provider.ephemerals / 250, 1 + provider.ephemerals % 250);
	provider.ephemerals++;
	vm->had_ephemeral = true;
	provider_set(vm, address, "external-nat");
}

/* --- operations ------------------------------------------------------------------- */

static bool
in_use(const char *address)
{
	const struct reserved *reserved = provider_reserved(address);

	return provider_where(address) != NULL ||
	       (reserved != NULL && reserved->foreign_user[0] != '\0');
}

static void
operation_apply(void *arg)
{
	struct operation *operation = arg;
	struct vm *vm = operation->vm;

	operation->applied = true;
	if (operation->failed || !vm->exists)
		return;
	if (!operation->adds) {
		if (vm->address[0] != '\0' &&
		    strcmp(vm->config, operation->config) == 0) {
			judge_removes(operation, vm);
			vm->owed_ephemeral |= judge_is_owed(operation, vm);
			provider_set(vm, "", "");
		}
		return;
	}
	if (vm->address[0] != '\0' ||
	    (operation->address[0] != '\0' && in_use(operation->address))) {
		operation->failed = true;
		snprintf(operation->reason, sizeof operation->reason, "InUse");
		return;
	}
	judge_adds(operation, vm);
	if (operation->address[0] == '\0') {
		provider_set_ephemeral(vm);
		vm->owed_ephemeral = false;
	} else
		provider_set(vm, operation->address, operation->config);
	stage_tell("cloud", "%s is on %s (%s) as %s", vm->address, vm->name, vm->id,
	    vm->config);
}

static struct operation *
operation_find(const char *request)
{
	for (size_t i = 0; i < provider.operations_len; i++)
		if (strcmp(provider.operations[i].request, request) == 0)
			return &provider.operations[i];
	return NULL;
}

static struct operation *
operation_new(const struct cloud_call *call, struct vm *vm)
{
	struct operation *operation = &provider.operations[provider.operations_len++];
	int64_t length_ms = stage_between(OPERATION_LEAST_MS, OPERATION_MOST_MS);

	if (stage_chance(provider.faults.slow))
		length_ms = stage_between(OPERATION_MOST_MS, OPERATION_SLOW_MS);
	*operation = (struct operation){
	    .vm = vm,
	    .adds = call->op == CLOUD_ADD_CONFIG,
	    .begun_ms = stage.now_ms,
	    .done_ms = stage.now_ms + length_ms,
	    .failed = stage_chance(provider.faults.failed),
	};
	/* one that cannot be given back is owed no more */
	if (operation->failed && operation->adds && call->address[0] == '\0')
		vm->owed_ephemeral = false;
	snprintf(
	    operation->name, sizeof operation->name, "op-%zu", provider.operations_len);
	MESSAGE_TEXT(operation->request, call->request_id);
	MESSAGE_TEXT(operation->address, call->address);
	MESSAGE_TEXT(operation->config, call->fence);
	if (operation->failed)
		snprintf(operation->reason, sizeof operation->reason, "QuotaExceeded");
	/* its effect comes at some time in between */
	stage_later(
	    stage_between(0, length_ms), NULL, operation_apply, NULL, operation);
	return operation;
}

static void
tell_operation(const struct operation *operation, struct cloud_answer *answer)
{
	struct cloud_operation *told = &answer->operation;

	MESSAGE_TEXT(told->name, operation->name);
	told->done = stage.now_ms >= operation->done_ms && operation->applied;
	told->failed = told->done && operation->failed;
	if (told->failed) {
		MESSAGE_TEXT(told->reason, operation->reason);
		MESSAGE_TEXT(told->message, "the operation failed");
	}
}

static void
serve_change(const struct cloud_call *call, struct cloud_answer *answer)
{
	struct operation *operation = operation_find(call->request_id);
	struct vm *vm = provider_vm_by_id(call->instance);

	provider.changes++;
	if (operation != NULL) {
		tell_operation(operation, answer);
	} else if (vm == NULL) {
		cloud_answer_fault(answer, FAULT_GONE, "NotFound", "no such instance");
	} else if (call->op == CLOUD_ADD_CONFIG && vm->address[0] != '\0') {
		cloud_answer_fault(answer, FAULT_REREAD, "TargetHasAddress",
		    "At most one access config");
	} else if (call->op == CLOUD_ADD_CONFIG && call->address[0] != '\0' &&
		   provider_reserved(call->address) == NULL) {
		cloud_answer_fault(
		    answer, FAULT_FINAL, "AddressNotFound", "no such address");
	} else if (call->op == CLOUD_ADD_CONFIG && call->address[0] != '\0' &&
		   in_use(call->address) && stage_chance(500)) {
		cloud_answer_fault(answer, FAULT_FINAL, "InUse", "in use");
	} else {
		tell_operation(operation_new(call, vm), answer);
	}
}

static const struct operation *
operation_named(const char *name)
{
	for (size_t i = 0; i < provider.operations_len; i++)
		if (strcmp(provider.operations[i].name, name) == 0)
			return &provider.operations[i];
	return NULL;
}

int64_t
provider_end_ms(const char *name)
{
	const struct operation *operation = operation_named(name);

	return operation != NULL ? operation->done_ms : 0;
}

/* --- reads ------------------------------------------------------------------------ */

static enum instance_state
state_of(const struct vm *vm)
{
	return vm->stopped ? INSTANCE_STOPPED : INSTANCE_RUNNING;
}

static void
serve_instance(const struct cloud_call *call, struct cloud_answer *answer)
{
	struct vm *vm = provider_vm_by_id(call->instance);
	struct cloud_instance *told = &answer->instance;

	if (vm == NULL || strcmp(vm->zone, call->place) != 0) {
		cloud_answer_fault(answer, FAULT_GONE, "NotFound", "no such instance");
		return;
	}
	vm->shown = true;
	MESSAGE_TEXT(told->id, vm->id);
	MESSAGE_TEXT(told->name, vm->name);
	MESSAGE_TEXT(told->nic, NIC);
	told->state = state_of(vm);
	told->configs_len = vm->address[0] != '\0';
	MESSAGE_TEXT(told->configs[0].nic, NIC);
	MESSAGE_TEXT(told->configs[0].name, vm->config);
	MESSAGE_TEXT(told->configs[0].address, vm->address);
	MESSAGE_TEXT(told->configs[0].tier, "PREMIUM");
}

static void
serve_instances(
    const struct cloud_call *call, size_t first, size_t most, struct cloud_page *page)
{
	size_t i = first;

	page->instances = mem_calloc(VMS_MAX, sizeof *page->instances);
	for (; i < provider.vms_len && page->len < most; i++) {
		struct vm *vm = &provider.vms[i];
		struct msg_observed_instance *told = &page->instances[page->len];

		if (!vm->exists || strcmp(vm->zone, call->place) != 0)
			continue;
		page->len++;
		vm->shown = true;
		if (users.kept)
			judge_history_shown(vm);
		if (users.kept)
			judge_history_shown(vm);
		MESSAGE_TEXT(told->id, vm->id);
		MESSAGE_TEXT(told->name, vm->name);
		MESSAGE_TEXT(told->zone, vm->zone);
		told->state = state_of(vm);
		MESSAGE_TEXT(told->address, vm->address);
		MESSAGE_TEXT(told->fence, vm->config);
		MESSAGE_TEXT(told->tier, "PREMIUM");
	}
	if (i < provider.vms_len)
		snprintf(page->next, sizeof page->next, "%zu", i);
}

static void
serve_addresses(size_t first, size_t most, struct cloud_page *page)
{
	size_t i = first;

	page->addresses = mem_calloc(RESERVED_MAX, sizeof *page->addresses);
	for (; i < provider.reserved_len && page->len < most; i++) {
		const struct reserved *reserved = &provider.reserved[i];
		const struct vm *user = provider_where(reserved->address);
		struct msg_observed_address *told = &page->addresses[page->len++];

		MESSAGE_TEXT(told->address, reserved->address);
		MESSAGE_TEXT(told->name, reserved->address);
		MESSAGE_TEXT(told->region, REGION);
		MESSAGE_TEXT(told->tier, "PREMIUM");
		MESSAGE_TEXT(told->user, reserved->foreign_user);
		if (user != NULL)
			snprintf(told->user, sizeof told->user,
			    "projects/" PROJECT "/zones/%s/instances/%s", user->zone,
			    user->name);
		told->status =
		    told->user[0] != '\0' ? ADDRESS_IN_USE : ADDRESS_RESERVED;
	}
	if (i < provider.reserved_len)
		snprintf(page->next, sizeof page->next, "%zu", i);
}

void
provider_serve(const struct cloud_call *call, struct cloud_answer *answer)
{
	size_t first = call->page != NULL ? strtoul(call->page, NULL, 10) : 0;
	size_t most = stage_chance(provider.faults.paged) ? PAGE_ITEMS : VMS_MAX;
	const struct operation *operation;

	switch (call->op) {
	case CLOUD_GET_INSTANCE:
		serve_instance(call, answer);
		return;
	case CLOUD_ADD_CONFIG:
	case CLOUD_DELETE_CONFIG:
		serve_change(call, answer);
		return;
	case CLOUD_WAIT_OPERATION:
	case CLOUD_GET_OPERATION:
		operation = operation_named(call->operation);
		if (operation != NULL)
			tell_operation(operation, answer);
		else
			cloud_answer_fault(
			    answer, FAULT_GONE, "NotFound", "no such operation");
		return;
	case CLOUD_LIST_INSTANCES:
		provider.lists++;
		serve_instances(call, first, most, &answer->page);
		return;
	case CLOUD_LIST_ADDRESSES:
		provider.lists++;
		if (strcmp(call->place, PLACE_GLOBAL) == 0)
			return;
		serve_addresses(first, most, &answer->page);
		return;
	case CLOUD_OP_COUNT:
		return;
	}
}
