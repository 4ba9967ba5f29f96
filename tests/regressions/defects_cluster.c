/* What the IP Address Controller does wrong with the cluster, and ipwarden must not:
 * its lease, what it asks of the API server, and what it tells. */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "core_rig.h"
#include "elect_rig.h"
#include "mem.h"

/* --- the number of calls ---------------------------------------------------------- */

/* Looks at the cloud within ten minutes at rest. */
static unsigned long
looks_at_rest(void)
{
	unsigned long observes = fake->observes;

	fake_run(fake, 600000);
	return fake->observes - observes;
}

Test(defect, 08a_calls_do_not_grow_with_nodes_and_addresses)
{
	unsigned long few, many;
	char name[16], address[16], list[256] = "[";
	size_t len = 1;

	rig_attach_both();
	few = looks_at_rest();
	rig_end_world();
	rig_make_world();
	for (int i = 10; i < 30; i++) {
		snprintf(name, sizeof name, "n%d", i);
		fake_node(fake, name, i % 2 == 0 ? "us-west1-a" : "us-west1-b", true);
	}
	for (int i = 3; i < 15; i++) {
		snprintf(address, sizeof address, "34.1.1.%d", i);
		fake_reserve(fake, address, "us-west1");
		len += (size_t)snprintf(list + len, sizeof list - len, "%s\"%s\"",
		    i > 3 ? "," : "", address);
	}
	snprintf(list + len, sizeof list - len, "]");
	fake_allocation(fake, "more", list, "");
	rig_attach_both();
	fake_run(fake, 60000);
	cr_assert_not_null(fake_where(fake, "34.1.1.14"));
	many = looks_at_rest();
	/* two zones and a region, each half a minute */
	cr_assert_leq(few, 63, "%lu looks", few);
	cr_assert_leq(many, few + 3, "%lu looks, and %lu with more nodes", few, many);
}

/* --- the lease -------------------------------------------------------------------- */

Test(defect, 09a_lease_expires_by_time)
{
	struct bench b;

	bench_open(&b);
	bench_answer(&b, 0, 200, bench_lease("5", "pod-dead", 3, 60));
	for (int i = 0; i < 60 && strcmp(b.method, "PUT") != 0; i++) {
		bench_pass(&b, 2000);
		if (b.ticket != 0 && strcmp(b.method, "GET") == 0)
			bench_answer(&b, 0, 200, bench_lease("5", "pod-dead", 3, 60));
	}
	cr_assert_str_eq(b.method, "PUT", "a dead leader keeps the lease");
	bench_accept(&b, "6");
	cr_assert_eq(b.won, 1);
	bench_close(&b);
}

Test(defect, 09b_renewal_overwrites_nobody)
{
	struct bench b;
	struct json_object *version;

	bench_lead(&b);
	bench_pass(&b, D_MS / 6);
	cr_assert_str_eq(b.method, "PUT");
	version = bench_at(b.body, "metadata", "resourceVersion");
	cr_assert_str_eq(json_object_get_string(version), "10",
	    "the renewal does not say which record it replaces");
	bench_answer(&b, 0, 409, NULL);
	bench_pass(&b, 2000);
	bench_answer(&b, 0, 200, bench_lease("11", "pod-b", 1, 60));
	cr_assert_eq(b.lost, 1);
	cr_assert(!elect_leads(b.elect, b.now));
	bench_close(&b);
}

Test(defect, 09c_lease_is_released_at_the_end)
{
	struct bench b;

	bench_lead(&b);
	cr_assert(!elect_release(b.elect, b.now), "it leaves with the lease");
	cr_assert_str_eq(b.method, "PUT");
	cr_assert_str_eq(bench_body_text(&b, "holderIdentity"), "");
	bench_accept(&b, "11");
	cr_assert(elect_release(b.elect, b.now));
	bench_close(&b);
}

Test(defect, 09d_changes_of_leader_are_counted)
{
	struct bench b;

	bench_open(&b);
	bench_answer(&b, 0, 200, bench_lease("5", "", 3, 60));
	cr_assert_str_eq(b.method, "PUT");
	cr_assert_eq(bench_body_number(&b, "leaseTransitions"), 4);
	bench_close(&b);
}

/* --- what is told ----------------------------------------------------------------- */

Test(defect, 14a_it_says_how_things_are)
{
	fake_allocation(fake, "web", "[\"34.1.1.1\",\"34.1.1.2\"]", "");
	fake_start(fake);
	fake_run(fake, 60000);
	cr_assert_str_eq(fake_condition(fake, "web", "Accepted"), "True/Accepted");
	cr_assert_str_eq(fake_condition(fake, "web", "Ready"), "True/AllAttached");
	cr_assert_str_eq(fake_condition(fake, "web", "Progressing"), "False/AtRest");
	cr_assert_str_eq(fake_condition(fake, "web", "Degraded"), "False/AsExpected");
	cr_assert_str_eq(fake_entry(fake, "web", "34.1.1.1", "nodeName"), "n1");
}

Test(defect, 14b_it_tells_what_it_does)
{
	rig_attach_both();
	cr_assert_not_null(
	    fake_event(fake, "NetIPAllocation", "Attached", "34.1.1.1 attached to n1"));
	cr_assert_not_null(
	    fake_event(fake, "Node", "Attached", "34.1.1.1 attached to n1"));
	rig_drain("n1", "sip-1", "n3");
	fake_run(fake, 60000);
	cr_assert_not_null(
	    fake_event(fake, "Deployment", "Moved", "34.1.1.1 moved n1→n3"));
}

Test(defect, 14c_deleted_allocation_gives_its_addresses_back)
{
	rig_attach_both();
	fake_delete(fake, FAKE_PODS "sip-1");
	fake_delete(fake, FAKE_PODS "sip-2");
	fake_instance(fake, "n1")->steady_since_ms = 0;
	fake_instance(fake, "n2")->steady_since_ms = 0;
	fake_ask_delete(fake, FAKE_ALLOCATIONS "/web");
	fake_run(fake, 60000);
	cr_assert_null(fake_get(fake, FAKE_ALLOCATIONS "/web"));
	cr_assert_null(fake_where(fake, "34.1.1.1"), "it is left on n1");
	cr_assert_null(fake_where(fake, "34.1.1.2"), "it is left on n2");
	cr_assert_str_eq(fake_label(fake, "n1", "ip.ready"), "");
}

/* --- what it may do --------------------------------------------------------------- */

/* Rows that ask whether we have more rights than we want do not count. */
Test(defect, 16a_it_deletes_no_pods)
{
	size_t len;
	const struct kube_right *rights = access_rights(false, &len);

	for (size_t i = 0; i < len; i++) {
		const struct kube_right *right = &rights[i];

		cr_assert(right->excess || strcmp(right->resource, "pods") != 0 ||
			      strcmp(right->verb, "delete") != 0,
		    "it needs to delete pods");
	}
}

Test(defect, 16b_it_writes_no_other_lease)
{
	size_t len;
	const struct kube_right *rights = access_rights(false, &len);

	for (size_t i = 0; i < len; i++) {
		const struct kube_right *right = &rights[i];

		cr_assert(right->excess || strcmp(right->resource, "leases") != 0 ||
			      (right->namespace != NULL &&
				  strcmp(right->namespace, KUBE_LEASE_NAMESPACE) == 0),
		    "it needs to %s leases everywhere", right->verb);
	}
}

static bool
evicted(struct fake *unused)
{
	(void)unused;
	return fake->evicted > 0;
}

/* Somebody takes the address off n1, whose pod has to go where one is. */
static void
lose(void)
{
	fake_picky_pod(fake, "sip-1", "n1");
	rig_attach_both();
	fake_cordon(fake, "n1", true);
	fake_cordon(fake, "n3", true);
	fake_run(fake, 1000);
	fake->addresses[0].foreign_user[0] = 'x';
	fake_instance(fake, "n1")->address[0] = '\0';
}

/* The fake world tells of a bare delete itself (fake_call). */
Test(defect, 17_pods_are_evicted_by_the_budgets)
{
	fake->blocked_evictions = 3;
	lose();
	fake_run(fake, 60000);
	cr_assert_str_eq(fake->violation, "");
	cr_assert_not_null(
	    fake_event(fake, "NetIPAllocation", "EvictionBlocked", "budget sip"));
	cr_assert(fake_until(fake, evicted, 300000));
}

/* --- metrics ---------------------------------------------------------------------- */

/* The series that are there, as "metric|label|label"; the value is the key. */
static struct map *series;

static char *
series_key(enum metric metric, const char *const *labels)
{
	char *key = mem_printf("%d|", (int)metric);

	for (size_t i = 0; labels[i] != NULL; i++) {
		char *longer = mem_printf("%s%s|", key, labels[i]);

		free(key);
		key = longer;
	}
	return key;
}

static void
on_metric(enum gauge_op op, enum metric metric, double value, const char *const *labels)
{
	char *key = series_key(metric, labels);

	(void)value;
	if (op != GAUGE_DROP) {
		map_put(series, key, key);
		return;
	}
	MAP_EACH(series, entry)
	{
		char *known = lh_entry_v(entry);

		if (strncmp(known, key, strlen(key)) == 0)
			map_drop(series, known);
	}
	free(key);
}

static size_t
count_series(const char *label)
{
	char part[64];
	size_t count = 0;

	snprintf(part, sizeof part, "|%s|", label);
	MAP_EACH(series, entry)
	count += strstr(lh_entry_v(entry), part) != NULL;
	return count;
}

Test(defect, 18b_series_end_with_their_object)
{
	series = map_new(free);
	fake->on_metric = on_metric;
	rig_attach_both();
	cr_assert_gt(count_series("web"), 8);
	cr_assert_gt(count_series("34.1.1.2"), 0);
	fake_patch(fake, FAKE_ALLOCATIONS "/web",
	    "{\"spec\":{\"reservedIPs\":[\"34.1.1.1\"]}}");
	fake_run(fake, 60000);
	cr_assert_eq(count_series("34.1.1.2"), 0, "of an address that is not listed");
	fake_delete(fake, FAKE_ALLOCATIONS "/web");
	fake_delete(fake, FAKE_NODES "n3");
	fake_run(fake, 60000);
	cr_assert_eq(count_series("web"), 0, "of an allocation that is gone");
	cr_assert_eq(count_series("n3"), 0, "of a node that is gone");
	fake->on_metric = NULL;
	map_free(series);
}
