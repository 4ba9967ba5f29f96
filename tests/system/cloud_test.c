/* ipwarden-cloudworker under its real filter against ipwarden-sim. Speaks TAP; programs
 * are found in $IPW_PROGRAMS, or here, the world as $IPW_SIM. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "cloud_rig.h"
#include "cloud_world.h"

#define ZONE	"us-west1-a"
#define REGION	"us-west1"
#define ADDRESS "34.82.10.1"
#define CROWD	1200
#define TERM	3

static char project[PLACE_MAX + 1];
static char instance[128];	 /* node-1 */
static char other_instance[128]; /* node-2 */
static uint64_t last_round;
static unsigned int last_order;

static bool
has_end(void)
{
	return rig.ends_len > 0;
}

static bool
has_result(void)
{
	return rig.results_len > 0;
}

static const struct msg_observed_end *
observe(enum scope_kind scope, const char *place)
{
	struct msg_observe msg = {.round = ++last_round, .scope = (uint8_t)scope};

	MESSAGE_TEXT(msg.project, project);
	MESSAGE_TEXT(msg.place, place);
	rig_forget();
	rig_send(MSG_OBSERVE, &msg);
	if (!rig_until(has_end))
		rig_die("no end of an observation");
	return &rig.ends[0];
}

static void
grant(int64_t for_ms)
{
	struct msg_grant msg = {
	    .term = TERM,
	    .until_boot_ms = for_ms > 0 ? clock_boot().ms + for_ms : 0,
	    .call_timeout_ms = 3000,
	    .margin_ms = 2000,
	};

	MESSAGE_TEXT(msg.holder, "ipwarden-0");
	rig_send(MSG_GRANT, &msg);
}

static struct msg_order
make_order(enum order_kind kind, const char *where, const char *fence)
{
	struct msg_order order = {.kind = (uint8_t)kind, .term = TERM};

	snprintf(order.id, sizeof order.id, "order-%u", ++last_order);
	snprintf(order.request_id, sizeof order.request_id,
	    "00000000-0000-4000-8000-%012u", last_order);
	MESSAGE_TEXT(order.project, project);
	MESSAGE_TEXT(order.zone, ZONE);
	MESSAGE_TEXT(order.instance, where);
	MESSAGE_TEXT(order.address, kind == ORDER_EPHEMERAL ? "" : ADDRESS);
	MESSAGE_TEXT(order.fence, fence);
	return order;
}

/* Carries it out and checks what comes of it. */
static void
check_order(const struct msg_order *order, enum order_outcome outcome,
    const char *reason, const char *name)
{
	bool good;

	rig_forget();
	rig_send(MSG_ORDER, order);
	if (!rig_until(has_result))
		rig_die("no result of an order");
	good = strcmp(rig.results[0].id, order->id) == 0 &&
	       rig.results[0].outcome == outcome &&
	       strcmp(rig.results[0].reason, reason) == 0;
	rig_check(good, name);
	if (!good)
		printf("# outcome %u reason '%s' message '%s'\n",
		    rig.results[0].outcome, rig.results[0].reason,
		    rig.results[0].message);
}

/* The fault hits the next request that fits. */
static void
set_fault(const char *fault)
{
	if (world_request("POST", "/faults", fault, NULL, 0) / 100 != 2)
		rig_die("the world takes no fault");
}

static void
find_project(void)
{
	char text[4096];
	char *at;

	if (world_request("GET", "/gce/state", "", text, sizeof text) != 200 ||
	    (at = strstr(text, "\"project\":")) == NULL ||
	    sscanf(at + strlen("\"project\":"), " \"%63[^\"]\"", project) != 1)
		rig_die("the world has no project");
}

/* --- tests --------------------------------------------------------------------- */

static bool
is_ready(void)
{
	return rig.readiness[0] == '\0';
}

static void
test_observe(void)
{
	const struct msg_observed_end *end = observe(SCOPE_ZONE, ZONE);

	rig_check(end->ok == 1 && rig.instances_len == 3, "a zone is observed");
	for (size_t i = 0; i < rig.instances_len; i++) {
		if (strcmp(rig.instances[i].name, "node-1") == 0)
			MESSAGE_TEXT(instance, rig.instances[i].id);
		if (strcmp(rig.instances[i].name, "node-2") == 0)
			MESSAGE_TEXT(other_instance, rig.instances[i].id);
	}
	rig_check(instance[0] != '\0' && other_instance[0] != '\0',
	    "instances have names and ids");
	end = observe(SCOPE_REGION, REGION);
	rig_check(end->ok == 1 && rig.addresses_len == 2 &&
		      rig.addresses[0].user[0] == '\0' &&
		      rig.addresses[0].status == ADDRESS_RESERVED,
	    "a region is observed");
	end = observe(SCOPE_ZONE, "../us-west1-a");
	rig_check(end->ok == 0 && strcmp(end->reason, "InvalidRequest") == 0,
	    "a place that is none is unknown");
	rig_check(rig_until(is_ready), "readiness is told to metricsd");
}

static void
test_move(void)
{
	struct msg_order order = make_order(ORDER_ATTACH, instance, "ipw-a");
	char user[600];

	check_order(&order, OUTCOME_REFUSED, "NoGrant", "no grant, no change");
	grant(600000);
	check_order(&order, OUTCOME_DONE, "", "an address is attached");
	check_order(&order, OUTCOME_DONE, "", "the same order is answered again");
	rig_check(world_count("\"fact\":\"attach\"") == 1, "it was attached once");
	observe(SCOPE_REGION, REGION);
	snprintf(
	    user, sizeof user, "projects/%s/zones/" ZONE "/instances/node-1", project);
	rig_check(rig.addresses_len == 2 && strcmp(rig.addresses[0].user, user) == 0,
	    "its user is observed");
	order = make_order(ORDER_ATTACH, other_instance, "ipw-b");
	check_order(&order, OUTCOME_FAILED, "InUse", "it is not taken from another");
	order = make_order(ORDER_DETACH, instance, "ipw-z");
	check_order(
	    &order, OUTCOME_REFUSED, "FenceMismatch", "another fence detaches nothing");
	order = make_order(ORDER_DETACH, instance, "ipw-a");
	check_order(&order, OUTCOME_DONE, "", "the fence detaches it");
	order = make_order(ORDER_DETACH, instance, "ipw-a");
	check_order(&order, OUTCOME_DONE, "", "what is gone needs no detach");
	rig_check(world_count("\"fact\":\"detach\"") == 1, "it was detached once");
}

static void
test_trouble(void)
{
	struct msg_order order = make_order(ORDER_ATTACH, instance, "ipw-c");

	set_fault(
	    "{\"target\":\"gce\",\"path\":\"addAccessConfig\",\"drop_after\":true}");
	check_order(&order, OUTCOME_DONE, "", "a lost answer is asked for again");
	rig_check(world_count("\"fact\":\"attach\"") == 2, "and has one effect");
	order = make_order(ORDER_DETACH, instance, "ipw-c");
	set_fault("{\"target\":\"gce\",\"path\":\"deleteAccessConfig\",\"status\":503,"
		  "\"body\":{\"error\":{\"code\":503,\"message\":\"backend\"}}}");
	check_order(&order, OUTCOME_DONE, "", "a server's error is tried again");
	order = make_order(ORDER_ATTACH, instance, "ipw-d");
	set_fault("{\"target\":\"gce\",\"path\":\"addAccessConfig\","
		  "\"operation_error\":\"RESOURCE_NOT_READY\"}");
	check_order(
	    &order, OUTCOME_FAILED, "ResourceNotReady", "a failed operation is told");
	order = make_order(ORDER_ATTACH, instance, "ipw-e");
	MESSAGE_TEXT(order.address, "34.99.99.99");
	check_order(&order, OUTCOME_FAILED, "AddressNotFound",
	    "an address that is not reserved is told");
	world_request("DELETE", "/gce/tokens", "", NULL, 0);
	rig_check(observe(SCOPE_ZONE, ZONE)->ok == 1, "a dead token is replaced");
	order = make_order(ORDER_EPHEMERAL, instance, "external-nat");
	check_order(&order, OUTCOME_DONE, "", "an ephemeral address is given");
	order = make_order(ORDER_ATTACH, instance, "ipw-f");
	check_order(&order, OUTCOME_REFUSED, "TargetHasAddress",
	    "what has an address gets no other");
	order = make_order(ORDER_ATTACH, "4711", "ipw-g");
	check_order(
	    &order, OUTCOME_FAILED, "InstanceGone", "a vanished instance is told");
}

static void
test_outage(void)
{
	set_fault("{\"target\":\"gce\",\"drop_before\":true,\"count\":-1}");
	rig_check(observe(SCOPE_ZONE, ZONE)->ok == 0 &&
		      strcmp(rig.ends[0].reason, "CloudUnreachable") == 0,
	    "an outage is unknown");
	rig_check(rig.instances_len == 0, "and tells no instance");
	world_request("DELETE", "/faults", "", NULL, 0);
	rig_check(observe(SCOPE_ZONE, ZONE)->ok == 1, "it ends");
	rig_check(rig.instances_len == 3, "and all are there again");
}

/* More than one page, under the worker's limit of memory. */
static void
test_crowd(void)
{
	char body[256];

	for (int i = 0; i < CROWD; i++) {
		snprintf(body, sizeof body,
		    "{\"zone\":\"" ZONE "\",\"name\":\"crowd-%d\",\"external_ip\":"
		    "\"198.51.%d.%d\",\"access_config\":\"external-nat\"}",
		    i, 100 + i / 250, i % 250);
		if (world_request("POST", "/gce/instances", body, NULL, 0) / 100 != 2)
			rig_die("the world takes no instance");
	}
	rig_check(observe(SCOPE_ZONE, ZONE)->ok == 1 && rig.instances_len == CROWD + 3,
	    "a crowded zone is observed whole");
}

static bool
link_is_down(void)
{
	return !rig.link_up;
}

static bool
has_calls(void)
{
	return rig.calls_ok >= 3;
}

static void
test_life(void)
{
	rig_check(rig_until(has_calls), "calls are counted for metricsd");
	rig_check(rig.violations == 0, "nobody broke the protocol");
	rig_check(rig_worker_close(SIGKILL) == 1000 + SIGKILL, "it can be killed");
	if (!rig_until(link_is_down))
		rig_die("the link stays up without its end");
	rig_worker_open();
	rig_check(observe(SCOPE_ZONE, ZONE)->ok == 1, "it goes on after kill -9");
	rig_check(rig_worker_close(0) == 0, "it stops when asked to");
}

int
main(void)
{
	rig_open();
	world_open();
	find_project();
	rig_worker_open();
	rig_check(true, "the cloudworker is locked, ready and linked");
	test_observe();
	test_move();
	test_trouble();
	test_outage();
	test_crowd();
	test_life();
	rig_check(world_is_clean(), "the judge finds no violation");
	world_close();
	return rig_end();
}
