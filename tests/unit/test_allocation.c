/* NetIPAllocations: what is read and what is refused. */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocation_rig.h"
#include "mem.h"

#define SPEC                                                                           \
	"\"spec\":{\"reservedIPs\":[\"203.0.113.10\",\"203.0.113.11\"],\"cloud\":{"    \
	"\"provider\":\"gcp\",\"region\":\"us-west1\",\"zones\":[\"us-west1-a\","      \
	"\"us-west1-b\"]},\"workloadRef\":{\"kind\":\"StatefulSet\",\"name\":\"sip\"," \
	"\"namespace\":\"voice\"},\"nodeSelector\":{\"pool\":\"edge\"},"               \
	"\"reconcileInterval\":45,\"policy\":\"AssignOnly\"}"

Test(allocation, reads_a_whole_spec)
{
	struct allocation *a = rig_parse(HEAD SPEC "}");
	size_t cursor = 0;

	cr_assert_neq(a, NULL);
	cr_assert_str_eq(a->name, "pool-a");
	cr_assert_str_eq(a->uid, "u-1");
	cr_assert_str_eq(a->resource_version, "266");
	cr_assert_eq(a->generation, 3);
	cr_assert_eq(a->created.ms, 1795215723000);
	cr_assert_not(a->deleting);
	cr_assert_eq(a->workload, WORKLOAD_STATEFULSET);
	cr_assert_str_eq(a->workload_name, "sip");
	cr_assert_str_eq(a->workload_namespace, "voice");
	cr_assert_str_eq(texts_value(&a->node_selector, "pool"), "edge");
	cr_assert_str_eq(a->provider, "gcp");
	cr_assert_str_eq(a->region, "us-west1");
	cr_assert_str_eq(texts_next(&a->zones, &cursor), "us-west1-a");
	cr_assert_str_eq(texts_next(&a->zones, &cursor), "us-west1-b");
	cr_assert_eq(a->reconcile_interval_s, 45);
	cr_assert_eq(a->policy, POLICY_ASSIGN_ONLY);
	cr_assert_str_eq(a->refusal_reason, "");
	cr_assert_eq(a->addresses_len, 2);
	cr_assert_str_eq(a->addresses[1].address, "203.0.113.11");
	cr_assert(a->addresses[1].listed);
	cr_assert_eq(a->addresses[1].state, ADDRESS_STATE_PENDING);
	allocation_free(a);
}

Test(allocation, fills_in_what_old_manifests_lack)
{
	struct allocation *a = rig_parse_parts("\"reservedIPs\":[],\"cloud\":{},"
					       "\"deploymentRef\":{\"name\":\"sip\"},"
					       "\"strategy\":{\"maxSurge\":1}",
	    NULL);

	cr_assert_str_eq(a->refusal_reason, "");
	cr_assert_str_eq(a->provider, "gcp");
	cr_assert_eq(a->workload, WORKLOAD_DEPLOYMENT);
	cr_assert_str_eq(a->workload_name, "sip");
	cr_assert_str_eq(a->workload_namespace, "default");
	cr_assert_eq(a->reconcile_interval_s, 30);
	cr_assert_eq(a->policy, POLICY_SYNC);
	cr_assert_not(a->policy_named);
	cr_assert_eq(a->deletion, DELETION_RELEASE);
	cr_assert_eq(a->eviction, EVICTION_WHEN_REPLACEABLE);
	cr_assert_eq(a->not_ready_grace_ms, 300000);
	cr_assert_eq(amount_of(&a->max_moves, 50, AMOUNT_DOWN), 1);
	cr_assert_eq(amount_of(&a->min_attached, 50, AMOUNT_UP), 50);
	cr_assert(a->restore_ephemeral);
	cr_assert_not(a->paused);
	cr_assert_not(a->release_now);
	cr_assert_str_eq(a->reconcile_at, "");
	cr_assert_eq(a->addresses_len, 0);
	allocation_free(a);
}

Test(allocation, reads_policies_and_amounts)
{
	struct allocation *a = rig_parse_parts(
	    "\"reservedIPs\":[],\"cloud\":{},\"policy\":\"Sync\",\"deletionPolicy\":"
	    "\"Retain\",\"evictionPolicy\":\"Never\",\"notReadyGraceSeconds\":90,"
	    "\"maxConcurrentMoves\":3,\"minAttached\":\"50%\",\"restoreEphemeral\":"
	    "false",
	    NULL);

	cr_assert_str_eq(a->refusal, "");
	cr_assert_eq(a->policy, POLICY_SYNC);
	cr_assert(a->policy_named);
	cr_assert_eq(a->deletion, DELETION_RETAIN);
	cr_assert_eq(a->eviction, EVICTION_NEVER);
	cr_assert_eq(a->not_ready_grace_ms, 90000);
	cr_assert_eq(amount_of(&a->max_moves, 50, AMOUNT_DOWN), 3);
	cr_assert_eq(amount_of(&a->min_attached, 5, AMOUNT_UP), 3);
	cr_assert_eq(amount_of(&a->min_attached, 5, AMOUNT_DOWN), 2);
	cr_assert_eq(amount_of(&a->min_attached, 0, AMOUNT_UP), 0);
	cr_assert_not(a->restore_ephemeral);
	allocation_free(a);
}

/* What the CRD's minimum and maximum would have refused, had it been there. */
Test(allocation, seconds_are_brought_within_their_bounds)
{
	struct allocation *a = rig_parse_parts(
	    "\"reservedIPs\":[],\"cloud\":{},\"notReadyGraceSeconds\":1,"
	    "\"reconcileInterval\":0",
	    NULL);

	cr_assert_eq(a->not_ready_grace_ms, 30000);
	cr_assert_eq(a->reconcile_interval_s, 5);
	allocation_free(a);
	a = rig_parse_parts("\"reservedIPs\":[],\"cloud\":{},\"notReadyGraceSeconds\":"
			    "9223372036854775807",
	    NULL);
	cr_assert_gt(a->not_ready_grace_ms, (int64_t)86400 * 1000 * 3650 - 1);
	cr_assert_str_eq(a->refusal, "");
	allocation_free(a);
}

Test(allocation, notices_what_is_accepted_and_not_meant)
{
	static const struct {
		const char *spec;
		unsigned int notices;
	} cases[] = {
	    {"\"cloud\":{\"provider\":\"gcp\"}", 0},
	    {"\"cloud\":{}", NOTICE_PROVIDER},
	    {"\"cloud\":{\"provider\":\"gcp\",\"credentials\":\"x\"}",
		NOTICE_CREDENTIALS},
	    {"\"cloud\":{\"provider\":\"gcp\"},\"strategy\":{\"maxSurge\":1}",
		NOTICE_STRATEGY},
	    {"\"cloud\":{\"provider\":\"gcp\"},\"deploymentRef\":{\"name\":\"x\"}",
		NOTICE_DEPLOYMENT_REF},
	    {"\"cloud\":{\"provider\":\"gcp\"},\"deploymentRef\":{\"name\":\"x\"},"
	     "\"workloadRef\":{\"kind\":\"DaemonSet\",\"name\":\"y\"}",
		NOTICE_DEPLOYMENT_REF},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *spec = mem_printf("\"reservedIPs\":[],%s", cases[i].spec);
		struct allocation *a = rig_parse_parts(spec, NULL);

		cr_assert_str_eq(a->refusal, "", "%s", spec);
		cr_assert_eq(a->notices, cases[i].notices, "%s", spec);
		allocation_free(a);
		free(spec);
	}
}

Test(allocation, reads_annotations)
{
	static const struct {
		const char *annotations;
		bool paused, release_now, useless;
		const char *reconcile_at;
	} cases[] = {
	    {"", false, false, false, ""},
	    {"\"netinfra.darkbrains.com/paused\":\"true\"", true, false, false, ""},
	    {"\"netinfra.darkbrains.com/paused\":\"false\"", false, false, false, ""},
	    {"\"netinfra.darkbrains.com/paused\":\"\"", true, false, false, ""},
	    {"\"netinfra.darkbrains.com/paused\":\"yes\"", true, false, false, ""},
	    {"\"netinfra.darkbrains.com/release-now\":\"true\"", false, true, false,
		""},
	    {"\"netinfra.darkbrains.com/release-now\":\"false\"", false, false, false,
		""},
	    {"\"netinfra.darkbrains.com/release-now\":\"yes\"", false, false, true, ""},
	    {"\"netinfra.darkbrains.com/release-now\":\"True\"", false, false, true,
		""},
	    {"\"netinfra.darkbrains.com/release-now\":\"\"", false, false, true, ""},
	    {"\"netinfra.darkbrains.com/reconcile-at\":\"12:05\"", false, false, false,
		"12:05"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *text = mem_printf("{\"metadata\":{\"name\":\"a\",\"uid\":\"u\","
					"\"annotations\":{%s}}}",
		    cases[i].annotations);
		struct allocation *a = rig_parse(text);

		cr_assert_eq(a->paused, cases[i].paused, "%s", text);
		cr_assert_eq(a->release_now, cases[i].release_now, "%s", text);
		cr_assert_eq((a->notices & NOTICE_RELEASE_NOW) != 0, cases[i].useless,
		    "%s", text);
		cr_assert_str_eq(a->reconcile_at, cases[i].reconcile_at, "%s", text);
		allocation_free(a);
		free(text);
	}
}

Test(allocation, workload_ref_goes_before_deployment_ref)
{
	struct allocation *a = rig_parse_parts(
	    "\"reservedIPs\":[],\"cloud\":{},\"workloadRef\":{\"kind\":"
	    "\"DaemonSet\",\"name\":\"new\"},\"deploymentRef\":{\"name\":"
	    "\"old\"}",
	    NULL);

	cr_assert_eq(a->workload, WORKLOAD_DAEMONSET);
	cr_assert_str_eq(a->workload_name, "new");
	allocation_free(a);
}

struct refusal_case {
	const char *spec;
	const char *reason; /* "" = accepted */
	const char *named;  /* must be in the message */
};

Test(allocation, refuses_specs_with_a_reason)
{
	static const struct refusal_case cases[] = {
	    {"\"reservedIPs\":[],\"cloud\":{\"provider\":\"gcp\"}", "", ""},
	    {"\"reservedIPs\":[],\"cloud\":{\"provider\":\"aws\"}",
		"ProviderNotSupported", "aws"},
	    {"\"reservedIPs\":[],\"cloud\":{\"provider\":\"azure\"}",
		"ProviderNotSupported", "azure"},
	    {"\"reservedIPs\":[],\"cloud\":{\"provider\":7}", "InvalidSpec",
		"provider"},
	    {"\"reservedIPs\":[]", "InvalidSpec", "spec.cloud"},
	    {"\"cloud\":{}", "InvalidSpec", "spec.reservedIPs"},
	    {"\"reservedIPs\":[],\"cloud\":{\"zones\":\"a\"}", "InvalidSpec", "zones"},
	    {"\"reservedIPs\":[],\"cloud\":{\"zones\":[1]}", "InvalidSpec", "zones[0]"},
	    {"\"reservedIPs\":[],\"cloud\":{},\"workloadRef\":{\"kind\":\"Job\","
	     "\"name\":\"x\"}",
		"InvalidSpec", "Job"},
	    {"\"reservedIPs\":[],\"cloud\":{},\"workloadRef\":{\"kind\":"
	     "\"Deployment\"}",
		"InvalidSpec", "name"},
	    {"\"reservedIPs\":[],\"cloud\":{},\"nodeSelector\":{\"a\":1}",
		"InvalidSpec", "nodeSelector[a]"},
	    {"\"reservedIPs\":[],\"cloud\":{},\"policy\":\"Sometimes\"", "InvalidSpec",
		"Sometimes"},
	    {"\"reservedIPs\":[],\"cloud\":{},\"reconcileInterval\":\"x\"",
		"InvalidSpec", "reconcileInterval"},
	    {"\"reservedIPs\":[],\"cloud\":{},\"policy\":7", "InvalidSpec", "policy"},
	    {"\"reservedIPs\":[],\"cloud\":{},\"deletionPolicy\":\"Keep\"",
		"InvalidSpec", "Keep"},
	    {"\"reservedIPs\":[],\"cloud\":{},\"evictionPolicy\":\"Now\"",
		"InvalidSpec", "Now"},
	    {"\"reservedIPs\":[],\"cloud\":{},\"notReadyGraceSeconds\":\"5m\"",
		"InvalidSpec", "notReadyGraceSeconds"},
	    {"\"reservedIPs\":[],\"cloud\":{},\"maxConcurrentMoves\":0", "InvalidSpec",
		"maxConcurrentMoves"},
	    {"\"reservedIPs\":[],\"cloud\":{},\"maxConcurrentMoves\":\"0%\"",
		"InvalidSpec", "maxConcurrentMoves"},
	    {"\"reservedIPs\":[],\"cloud\":{},\"maxConcurrentMoves\":\"2\"",
		"InvalidSpec", "maxConcurrentMoves"},
	    {"\"reservedIPs\":[],\"cloud\":{},\"minAttached\":-1", "InvalidSpec",
		"minAttached"},
	    {"\"reservedIPs\":[],\"cloud\":{},\"minAttached\":\"101%\"", "InvalidSpec",
		"minAttached"},
	    {"\"reservedIPs\":[],\"cloud\":{},\"minAttached\":1.5", "InvalidSpec",
		"minAttached"},
	    {"\"reservedIPs\":[],\"cloud\":{},\"minAttached\":0", "", ""},
	    {"\"reservedIPs\":[],\"cloud\":{},\"minAttached\":\"0%\"", "", ""},
	    {"\"reservedIPs\":[],\"cloud\":{},\"minAttached\":\"100%\"", "", ""},
	    {"\"reservedIPs\":[],\"cloud\":{},\"restoreEphemeral\":\"no\"",
		"InvalidSpec", "restoreEphemeral"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct allocation *a = rig_parse_parts(cases[i].spec, NULL);

		cr_assert_str_eq(
		    a->refusal_reason, cases[i].reason, "%s", cases[i].spec);
		cr_assert_neq(strstr(a->refusal, cases[i].named), NULL, "%s: %s",
		    cases[i].spec, a->refusal);
		allocation_free(a);
	}
}

Test(allocation, an_unknown_policy_may_not_do_more)
{
	struct allocation *a = rig_parse_parts(
	    "\"reservedIPs\":[],\"cloud\":{},\"policy\":\"Sometimes\"", NULL);

	cr_assert_eq(a->policy, POLICY_OBSERVE);
	allocation_free(a);
	a = rig_parse_parts(
	    "\"reservedIPs\":[],\"cloud\":{},\"deletionPolicy\":\"Keep\","
	    "\"evictionPolicy\":\"Now\"",
	    NULL);
	cr_assert_eq(a->deletion, DELETION_RETAIN);
	cr_assert_eq(a->eviction, EVICTION_NEVER);
	allocation_free(a);
}

Test(allocation, is_none_without_kind_name_or_uid)
{
	static const char *const none[] = {
	    "{}",
	    "[]",
	    "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\",\"uid\":\"u\"}}",
	    "{\"kind\":7,\"metadata\":{\"name\":\"a\",\"uid\":\"u\"}}",
	    "{\"metadata\":{\"name\":\"a\"}}",
	    "{\"metadata\":{\"uid\":\"u\"}}",
	    "{\"metadata\":{\"name\":\"\",\"uid\":\"u\"}}",
	    "{\"metadata\":{\"name\":\"../x\",\"uid\":\"u\"}}",
	    "{\"metadata\":{\"name\":\"a/b\",\"uid\":\"u\"}}",
	    "{\"metadata\":{\"name\":\"a?b\",\"uid\":\"u\"}}",
	    "{\"metadata\":{\"name\":\"a\\u0000b\",\"uid\":\"u\"}}",
	};

	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		cr_assert_eq(rig_parse(none[i]), NULL, "%s", none[i]);
}

struct address_case {
	const char *value; /* as JSON */
	bool sound;
	const char *named;
};

Test(allocation, blocks_what_is_no_address)
{
	static const struct address_case cases[] = {
	    {"\"34.1.2.3\"", true, ""},
	    {"\"300.1.2.3\"", false, "300.1.2.3"},
	    {"\"1.2.3\"", false, "1.2.3"},
	    {"\"::1\"", false, "::1"},
	    {"\"1.2.3.04\"", false, "1.2.3.04"},
	    {"\" 1.2.3.4\"", false, " 1.2.3.4"},
	    {"\"\"", false, "\"\""},
	    {"7", false, "7"},
	    {"null", false, "null"},
	    {"\"1.2.3.4\\u0000\"", false, "1.2.3.4"},
	    {"\"a-name-that-is-much-longer-than-any-address-could-ever-be\"", false,
		"longer-than-any-address-could-ever-be"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *spec = mem_printf(
		    "\"reservedIPs\":[%s,\"9.9.9.9\"],\"cloud\":{}", cases[i].value);
		struct allocation *a = rig_parse_parts(spec, NULL);
		struct allocation_address *first = &a->addresses[0];

		/* it blocks itself, and nothing else */
		cr_assert_str_eq(a->refusal_reason, "");
		cr_assert_eq(a->addresses_len, 2);
		cr_assert_eq(a->addresses[1].state, ADDRESS_STATE_PENDING);
		cr_assert_eq(allocation_address_usable(first), cases[i].sound, "%s",
		    cases[i].value);
		cr_assert_str_eq(first->reason,
		    cases[i].sound ? "" : REASON_INVALID_ADDRESS, "%s", cases[i].value);
		cr_assert_neq(strstr(first->message, cases[i].named), NULL, "%s: %s",
		    cases[i].value, first->message);
		allocation_free(a);
		free(spec);
	}
}

Test(allocation, a_duplicate_is_told_and_the_first_goes_on)
{
	struct allocation *a = rig_parse_parts(
	    "\"reservedIPs\":[\"1.2.3.4\",\"1.2.3.4\",\"1.2.3.4\"],\"cloud\":{}", NULL);
	struct allocation_counts counts;

	cr_assert_eq(a->addresses_len, 3);
	cr_assert(allocation_address_usable(&a->addresses[0]));
	for (size_t i = 1; i < 3; i++) {
		cr_assert_eq(a->addresses[i].state, ADDRESS_STATE_BLOCKED);
		cr_assert_str_eq(a->addresses[i].reason, REASON_DUPLICATE);
		cr_assert_neq(strstr(a->addresses[i].message, "1.2.3.4"), NULL);
	}
	/* the status is a map by address: no two entries may share one */
	cr_assert_str_eq(a->addresses[1].address, "1.2.3.4 (#2)");
	cr_assert_str_eq(a->addresses[2].address, "1.2.3.4 (#3)");
	allocation_count(a, &counts);
	cr_assert_eq(counts.reserved, 1);
	cr_assert_eq(counts.unattached, 1);
	allocation_free(a);
}

Test(allocation, keys_of_the_status_stay_unique)
{
	struct allocation *a = rig_parse_parts(
	    "\"reservedIPs\":[\"1.2.3.4 (#3)\",\"1.2.3.4\",\"1.2.3.4\","
	    "\"a-name-that-is-much-longer-than-any-address-could-ever-be-1\","
	    "\"a-name-that-is-much-longer-than-any-address-could-ever-be-2\"],"
	    "\"cloud\":{}",
	    NULL);

	cr_assert_eq(a->addresses_len, 4);
	for (size_t i = 0; i < a->addresses_len; i++)
		cr_assert_eq(allocation_find(a, a->addresses[i].address),
		    &a->addresses[i], "%s", a->addresses[i].address);
	allocation_free(a);
}

Test(allocation, more_than_the_most_is_refused_as_a_whole)
{
	struct buf spec;
	struct allocation *a;

	buf_init(&spec, HTTP_BODY_MAX);
	buf_puts(&spec, "\"cloud\":{},\"reservedIPs\":[\"10.0.0.0\"");
	for (int i = 1; i <= 256; i++)
		buf_printf(&spec, ",\"10.0.%d.%d\"", i / 256, i % 256);
	buf_puts(&spec, "]");
	a = rig_parse_parts(spec.data, NULL);
	cr_assert_str_eq(a->refusal_reason, "TooManyAddresses");
	cr_assert_eq(a->addresses_len, ALLOCATION_ADDRESSES_MAX);
	allocation_free(a);
	buf_free(&spec);
}
