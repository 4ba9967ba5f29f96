#include "users.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocations.h"
#include "configmaps.h"
#include "hosts.h"
#include "judge.h"
#include "mem.h"
#include "nodes.h"
#include "provider.h"
#include "server.h"
#include "stage.h"
#include "trackers.h"

/* Schedules with PodTrackers, per thousand. */
#define TRACKED_RATE 150
/* Those in which footprints are kept, and when their hour turns. */
#define KEPT_RATE     100
#define TURN_LEAST_MS 5000
#define TURN_MOST_MS  150000

struct users users;

const char *const users_addresses[ADDRESSES_MAX] = {
    "34.1.1.1", "34.1.1.2", "34.1.1.3", "34.1.1.4"};

/* --- our own pods ------------------------------------------------------------------
 */

/* They run on the first nodes: a leader does not take an address off the one below it.
 */
void
users_put_replica(size_t replica, bool ready)
{
	char *path = mem_printf(CONTROLLERS "ipwarden-%zu", replica);
	char *json = mem_printf(
	    "{\"metadata\":{\"name\":\"ipwarden-%zu\",\"namespace\":\"kube-system\","
	    "\"labels\":{\"app\":\"ip-address-controller\","
	    "\"app.kubernetes.io/"
	    "name\":\"ipwarden\"},\"ownerReferences\":[]},\"spec\":{\"nodeName\":"
	    "\"n%zu\"},\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":"
	    "\"Ready\",\"status\":\"%s\"}]}}",
	    replica, replica, ready ? "True" : "False");

	if (server_get(path) == NULL)
		server_put(path, json);
	else
		server_patch(path, json);
	free(path);
	free(json);
}

/* --- scenery ---------------------------------------------------------------------- */

void
users_make(size_t replicas)
{
	struct vm *foreign;

	users = (struct users){
	    .nodes = 3 + stage_pick(NODES_MAX - 2),
	    .addresses = 3 + stage_pick(2),
	    .habits = stage_random() | stage_random(),
	    .tracked = stage_chance(TRACKED_RATE),
	    .kept = stage_chance(KEPT_RATE),
	};
	program_keeps = users.kept;
	if (users.kept) {
		hosts_turn_hour(stage_between(TURN_LEAST_MS, TURN_MOST_MS));
		configmaps_make();
	}
	foreign = provider_add("foreign", REGION "-a");
	foreign->foreign = true;
	for (size_t i = 0; i < users.nodes; i++)
		nodes_make(i);
	for (size_t i = 0; i < users.addresses; i++)
		provider_reserve(users_addresses[i]);
	allocations_define();
	server_put(DEPLOYMENTS "sip",
	    "{\"kind\":\"Deployment\",\"metadata\":{\"name\":\"sip\"}}");
	for (size_t pod = 0; pod < PODS_MAX; pod++)
		nodes_put_pod(pod, pod % users.nodes);
	for (size_t i = 0; i < ALLOCATIONS_MAX; i++)
		allocations_make(i);
	for (size_t i = 0; i < replicas; i++)
		users_put_replica(i, true);
	if (users.tracked)
		trackers_make();
}

/* --- what happens ----------------------------------------------------------------- */

static void
drain(void)
{
	size_t node = stage_pick(users.nodes);

	if (nodes_get(node) == NULL)
		return;
	nodes_cordon(node, true);
	if (stage_chance(700))
		nodes_drain_pods(node);
}

static void
flip_cordon(void)
{
	size_t node = stage_pick(users.nodes);

	nodes_cordon(node, !nodes_cordoned(node));
}

static void
uncordon_all(void)
{
	for (size_t i = 0; i < users.nodes; i++)
		if (nodes_cordoned(i))
			nodes_cordon(i, false);
}

static void
flip_ready(void)
{
	size_t node = stage_pick(users.nodes);

	if (nodes_get(node) != NULL)
		nodes_set_ready(node, !nodes_ready(node));
}

static void
ready_all(void)
{
	for (size_t i = 0; i < users.nodes; i++)
		if (nodes_get(i) != NULL && !nodes_ready(i))
			nodes_set_ready(i, true);
}

static void
vm_end(struct vm *vm)
{
	provider_set(vm, "", "");
	vm->exists = false;
	provider.version++;
}

/* Node and VM go, in any order and perhaps only one of them; or come (back), the VM
 * with another id. */
static void
flip_exists(void)
{
	size_t node = stage_pick(users.nodes);
	struct vm *vm = nodes_vm(node);
	char path[64];

	nodes_path(node, path);
	if (nodes_get(node) == NULL) {
		if (provider.vms_len < VMS_MAX - NODES_MAX || vm != NULL) {
			stage_tell("cluster", "n%zu comes", node);
			nodes_make(node);
		}
		return;
	}
	stage_tell("cluster", "n%zu goes", node);
	if (vm != NULL && stage_chance(800))
		vm_end(vm);
	if (stage_chance(800)) {
		server_delete(path);
		if (stage_chance(500))
			nodes_drain_pods(node);
	}
}

/* At once under the same name: another VM, and another Node or the old one. */
static void
recreate(void)
{
	size_t node = stage_pick(users.nodes);
	struct vm *vm = nodes_vm(node);

	if (nodes_get(node) == NULL || provider.vms_len >= VMS_MAX - NODES_MAX)
		return;
	stage_tell("cluster", "n%zu is made anew", node);
	if (vm != NULL)
		vm_end(vm);
	nodes_make(node);
}

static void
flip_stopped(void)
{
	struct vm *vm = nodes_vm(stage_pick(users.nodes));

	if (vm == NULL)
		return;
	vm->stopped = !vm->stopped;
	provider.version++;
	vm->owed_ephemeral = false;
	stage_tell(
	    "cluster", "%s is %s", vm->name, vm->stopped ? "stopped" : "running");
}

static void
taint(void)
{
	size_t node = stage_pick(users.nodes);

	stage_tell("cluster", "n%zu is tainted", node);
	nodes_patch(node,
	    stage_chance(500)
		? "{\"spec\":{\"taints\":[{\"key\":\"ToBeDeletedByClusterAutoscaler\","
		  "\"value\":\"1\",\"effect\":\"NoSchedule\"}]}}"
		: "{\"spec\":{\"taints\":[{\"key\":\"dedicated\",\"value\":\"x\","
		  "\"effect\":\"NoSchedule\"}]}}");
}

static void
untaint(void)
{
	for (size_t i = 0; i < users.nodes; i++)
		nodes_patch(i, "{\"spec\":{\"taints\":null}}");
}

static void
move_pod(void)
{
	nodes_put_pod(stage_pick(PODS_MAX), stage_pick(users.nodes));
}

static void
end_pod(void)
{
	nodes_drop_pod(stage_pick(PODS_MAX));
}

static void
touch(void)
{
	allocations_patch(stage_pick(ALLOCATIONS_MAX),
	    stage_chance(500) ? "{\"metadata\":{\"labels\":{\"touched\":\"a\"}}}"
			      : "{\"metadata\":{\"labels\":{\"touched\":\"b\"}}}");
}

#define ANNOTATE(name, value)                                                          \
	"{\"metadata\":{\"annotations\":{\"netinfra.darkbrains.com/" name              \
	"\":\"" value "\"}}}"

static void
edit(void)
{
	static const char *const patches[] = {
	    "{\"spec\":{\"reservedIPs\":[\"34.1.1.1\",\"34.1.1.4\"]}}",
	    "{\"spec\":{\"reservedIPs\":[\"34.1.1.2\"]}}",
	    "{\"spec\":{\"reservedIPs\":[\"34.1.1.3\",\"34.1.1.1\",\"34.1.1.2\"]}}",
	    "{\"spec\":{\"nodeSelector\":{\"pool\":\"other\"}}}",
	    "{\"spec\":{\"nodeSelector\":{\"pool\":\"edge\"}}}",
	    "{\"spec\":{\"policy\":\"Observe\"}}",
	    "{\"spec\":{\"policy\":\"AssignOnly\"}}",
	    "{\"spec\":{\"policy\":\"Sync\"}}",
	    "{\"spec\":{\"evictionPolicy\":\"Always\"}}",
	    "{\"spec\":{\"notReadyGraceSeconds\":30}}",
	    "{\"spec\":{\"deletionPolicy\":\"Retain\"}}",
	    "{\"spec\":{\"maxConcurrentMoves\":2,\"minAttached\":1}}",
	    "{\"spec\":{\"restoreEphemeral\":false}}",
	    ANNOTATE("release-now", "true"),
	    ANNOTATE("reconcile-at", "now"),
	    "{\"spec\":{\"workloadRef\":{\"name\":\"nobody\"}}}",
	    "{\"spec\":{\"workloadRef\":{\"name\":\"sip\"}}}",
	    ANNOTATE("paused", "true"),
	};

	allocations_patch(stage_pick(ALLOCATIONS_MAX),
	    patches[stage_pick(sizeof patches / sizeof *patches)]);
}

static void
flip_allocation(void)
{
	allocations_flip(stage_pick(ALLOCATIONS_MAX));
}

static void
flip_old(void)
{
	if (users.old_since_ms != 0) {
		server_delete(CONTROLLERS "old-0");
		users.old_since_ms = 0;
		stage_tell("user", "ends the old controller");
		return;
	}
	users.old_since_ms = stage.now_ms;
	stage_tell("user", "starts the old controller");
	server_put(CONTROLLERS "old-0",
	    "{\"metadata\":{\"name\":\"old-0\",\"namespace\":\"kube-system\","
	    "\"labels\":{\"app\":\"ip-address-controller\"},\"ownerReferences\":[]},"
	    "\"spec\":{},\"status\":{\"phase\":\"Running\"}}");
}

static void
flip_deployment(void)
{
	if (server_get(DEPLOYMENTS "sip") != NULL)
		server_delete(DEPLOYMENTS "sip");
	else
		server_put(DEPLOYMENTS "sip",
		    "{\"kind\":\"Deployment\",\"metadata\":{\"name\":\"sip\"}}");
}

/* --- foreign hands ---------------------------------------------------------------- */

/* A move that they break into is over, and with it what was owed for it. */
static void
forgive(void)
{
	for (size_t i = 0; i < provider.vms_len; i++)
		provider.vms[i].owed_ephemeral = false;
}

static void
take_address(void)
{
	struct vm *vm = nodes_vm(stage_pick(users.nodes));

	if (vm == NULL || vm->address[0] == '\0')
		return;
	stage_tell("foreign", "takes %s off %s", vm->address, vm->name);
	provider_set(vm, "", "");
	forgive();
	if (stage_chance(300))
		provider_set_ephemeral(vm);
}

/* On the foreign VM, or on a node of ours, in the way that people do it. */
static void
move_address(void)
{
	const char *address = users_addresses[stage_pick(users.addresses)];
	struct vm *from = provider_where(address);
	struct vm *to = stage_chance(400) ? provider_vm("foreign")
					  : nodes_vm(stage_pick(users.nodes));

	if (to == NULL || to == from || provider_reserved(to->address) != NULL)
		return;
	stage_tell("foreign", "puts %s on %s", address, to->name);
	forgive();
	if (from != NULL)
		provider_set(from, "", "");
	provider_set(to, address, "external-nat");
}

static void
flip_user(void)
{
	struct reserved *reserved =
	    provider_reserved(users_addresses[stage_pick(users.addresses)]);

	if (provider_where(reserved->address) != NULL)
		return;
	snprintf(reserved->foreign_user, sizeof reserved->foreign_user, "%s",
	    reserved->foreign_user[0] != '\0' ? ""
					      : "projects/" PROJECT "/regions/" REGION
						"/forwardingRules/web");
	reserved->foreign_ms = stage.now_ms;
	forgive();
	stage_tell(
	    "foreign", "%s is used by '%s'", reserved->address, reserved->foreign_user);
}

static void
skip(void)
{
	size_t node = stage_pick(users.nodes);

	stage_tell("user", "skips n%zu", node);
	nodes_patch(node,
	    "{\"metadata\":{\"annotations\":{\"netinfra.darkbrains.com/skip\":"
	    "\"true\"}}}");
}

static void
label_by_hand(void)
{
	static const char *const patches[] = {
	    "{\"metadata\":{\"labels\":{\"ip.ready\":\"true\","
	    "\"netinfra.darkbrains.com/allocation\":\"web\","
	    "\"netinfra.darkbrains.com/address\":\"34.1.1.1\"}}}",
	    "{\"metadata\":{\"labels\":{\"ip.ready\":null}}}",
	    "{\"metadata\":{\"labels\":{\"netinfra.darkbrains.com/address\":null}}}",
	};
	size_t node = stage_pick(users.nodes);

	stage_tell("user", "labels n%zu by hand", node);
	nodes_patch(node, patches[stage_pick(sizeof patches / sizeof *patches)]);
}

void
users_happen(void)
{
	static void (*const happenings[])(void) = {
	    drain,
	    drain,
	    drain,
	    drain,
	    uncordon_all,
	    flip_cordon,
	    flip_ready,
	    ready_all,
	    flip_exists,
	    flip_exists,
	    recreate,
	    flip_stopped,
	    taint,
	    untaint,
	    move_pod,
	    end_pod,
	    touch,
	    edit,
	    edit,
	    flip_allocation,
	    flip_old,
	    flip_deployment,
	    take_address,
	    move_address,
	    flip_user,
	    label_by_hand,
	    skip,
	};
	size_t which = stage_pick(sizeof happenings / sizeof *happenings);

	/* each schedule has its own habits */
	if ((users.habits >> which & 1) != 0)
		happenings[which]();
}

/* --- the end ---------------------------------------------------------------------- */

static void
mend_node(size_t node)
{
	struct vm *vm = nodes_vm(node);

	if (nodes_get(node) == NULL || vm == NULL)
		nodes_make(node);
	vm = nodes_vm(node);
	provider.version += vm->stopped;
	vm->stopped = false;
	if (nodes_cordoned(node))
		nodes_cordon(node, false);
	if (!nodes_ready(node))
		nodes_set_ready(node, true);
	nodes_patch(
	    node, "{\"metadata\":{\"annotations\":null},\"spec\":{\"taints\":null}}");
}

void
users_mend(void)
{
	struct vm *foreign = provider_vm("foreign");

	if (users.old_since_ms != 0)
		flip_old();
	if (server_get(DEPLOYMENTS "sip") == NULL)
		flip_deployment();
	if (foreign->address[0] != '\0')
		provider_set(foreign, "", "");
	for (size_t i = 0; i < users.addresses; i++)
		provider_reserved(users_addresses[i])->foreign_user[0] = '\0';
	for (size_t i = 0; i < users.nodes; i++)
		mend_node(i);
	allocations_mend();
	trackers_mend();
}
