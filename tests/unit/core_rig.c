#include "core_rig.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "json_read.h"

struct fake *fake;

/* In the test itself: what fails when it is taken down fails no test. */
static void
fail(const char *violation)
{
	cr_assert_fail("%s", violation);
}

/* Three nodes in two zones, two of them with pods of Deployment sip. */
void
rig_make_world(void)
{
	fake = fake_new(1);
	fake->on_violation = fail;
	fake_node(fake, "n1", "us-west1-a", false);
	fake_node(fake, "n2", "us-west1-b", false);
	fake_node(fake, "n3", "us-west1-b", true);
	fake_reserve(fake, "34.1.1.1", "us-west1");
	fake_reserve(fake, "34.1.1.2", "us-west1");
	fake_pod(fake, "sip-1", "n1", "sip");
	fake_pod(fake, "sip-2", "n2", "sip");
}

void
rig_end_world(void)
{
	fake_free(fake);
}

bool
rig_on(const char *address, const char *node)
{
	const struct fake_instance *instance = fake_where(fake, address);

	return instance != NULL && strcmp(instance->name, node) == 0;
}

bool
rig_both_attached(struct fake *unused)
{
	(void)unused;
	return strcmp(fake_condition(fake, "web", "Ready"), "True/AllAttached") == 0 &&
	       !fake_has_intent(fake, "web") && fake_where(fake, "34.1.1.1") != NULL &&
	       fake_where(fake, "34.1.1.2") != NULL;
}

void
rig_attach_both(void)
{
	fake_allocation(fake, "web", "[\"34.1.1.1\",\"34.1.1.2\"]", "");
	fake_start(fake);
	cr_assert(fake_until(fake, rig_both_attached, 60000));
	fake_run(fake, 2000);
	fake_judge_rest(fake, "web");
}

void
rig_pool(const char *node, const char *pool)
{
	char path[64], patch[128];

	snprintf(path, sizeof path, FAKE_NODES "%s", node);
	snprintf(
	    patch, sizeof patch, "{\"metadata\":{\"labels\":{\"pool\":\"%s\"}}}", pool);
	fake_patch(fake, path, patch);
}

void
rig_start_bad_list(const char *name)
{
	char list[2048] = "[";
	size_t len = 1;

	for (int i = 0; i < 60; i++)
		len += (size_t)snprintf(
		    list + len, sizeof list - len, "%s\"bad-%d\"", i > 0 ? "," : "", i);
	snprintf(list + len, sizeof list - len, "]");
	fake_allocation(fake, name, list, "");
	fake_start(fake);
}

void
rig_drain(const char *node, const char *pod, const char *elsewhere)
{
	struct fake_instance *instance = fake_instance(fake, node);
	char path[128];

	fake_cordon(fake, node, true);
	fake_run(fake, 3000);
	snprintf(path, sizeof path, "/api/v1/namespaces/default/pods/%s", pod);
	instance->steady_since_ms = 0;
	fake_delete(fake, path);
	fake_pod(fake, "sip-new", elsewhere, "sip");
}

void
rig_crash_everywhere(void (*story)(void), bool before)
{
	for (long at = 0;; at++) {
		bool died;

		if (at > 0)
			rig_make_world();
		fake->crash_at = at;
		fake->crash_before = before;
		story();
		died = fake->effects > at;
		cr_assert_str_eq(
		    fake->violation, "", "effect %ld: %s", at, fake->violation);
		cr_assert_lt(at, 300);
		if (!died)
			break;
		fake_free(fake);
	}
}

/* --- what is released ------------------------------------------------------------- */

bool
rig_gone(struct fake *unused)
{
	(void)unused;
	return fake_get(fake, RIG_WEB) == NULL;
}

bool
rig_is(const char *name, const char *address, const char *state, const char *reason)
{
	return strcmp(fake_entry(fake, name, address, "state"), state) == 0 &&
	       strcmp(fake_entry(fake, name, address, "reason"), reason) == 0;
}

bool
rig_labelled(const char *node)
{
	return strcmp(fake_label(fake, node, "ip.ready"), "true") == 0;
}

bool
rig_held(const char *path)
{
	struct json_object *metadata =
	    json_read_member(fake_get(fake, path), "metadata");
	struct json_object *list = json_read_member(metadata, "finalizers");

	for (size_t i = 0; i < json_read_length(list); i++)
		if (strcmp(json_read_string(json_object_array_get_idx(list, i)),
			"netinfra.darkbrains.com/release-ips") == 0)
			return true;
	return false;
}

void
rig_delete_web(void)
{
	fake_ask_delete(fake, RIG_WEB);
}

/* Nothing speaks for an address there any more: for the judge. */
void
rig_unused(const char *node, const char *pod)
{
	char path[128];

	snprintf(path, sizeof path, FAKE_PODS "%s", pod);
	fake_delete(fake, path);
	fake_instance(fake, node)->steady_since_ms = 0;
}

void
rig_nobody_uses_them(void)
{
	rig_unused("n1", "sip-1");
	rig_unused("n2", "sip-2");
}

/* Both addresses are off and the nodes as before. */
void
rig_released(void)
{
	cr_assert_null(fake_where(fake, "34.1.1.1"), "effect %ld", fake->crash_at);
	cr_assert_null(fake_where(fake, "34.1.1.2"), "effect %ld", fake->crash_at);
	cr_assert_not(rig_labelled("n1"), "effect %ld", fake->crash_at);
	cr_assert_not(rig_labelled("n2"), "effect %ld", fake->crash_at);
	cr_assert_neq(
	    fake_instance(fake, "n1")->address[0], '\0', "effect %ld", fake->crash_at);
	cr_assert_neq(
	    fake_instance(fake, "n2")->address[0], '\0', "effect %ld", fake->crash_at);
}

/* As it is after an outage of everything but the object itself. */
void
rig_left(void)
{
	cr_assert(rig_on("34.1.1.1", "n1"));
	cr_assert(rig_on("34.1.1.2", "n2"));
	cr_assert(rig_labelled("n1"));
	cr_assert(rig_labelled("n2"));
}
