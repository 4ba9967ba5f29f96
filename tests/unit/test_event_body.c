/* Events as JSON: what validation of events.k8s.io/v1 asks for. */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <string.h>

#include "event_body.h"
#include "json_read.h"

#define ID   "0f8af22b-8621-455c-bbc5-619b7bb0fe01"
#define WHEN ((struct wall_time){1767225600123})

static const struct event_object pool = {
    "netinfra.darkbrains.com/v1alpha1", "NetIPAllocation", "", "pool-a", "u-1"};

static struct json_object *
event_of(struct event_body event)
{
	struct json_object *json;
	struct buf body;

	event.type = "Warning";
	event.when = WHEN;
	buf_init(&body, 65536);
	event_body_put(&event, &body);
	json = json_tokener_parse(body.data);
	cr_assert_neq(json, NULL, "%s", body.data);
	buf_free(&body);
	return json;
}

static const char *
text_at(struct json_object *object, const char *a, const char *b)
{
	struct json_object *value = json_read_member(object, a);
	const char *text =
	    json_read_string(b != NULL ? json_read_member(value, b) : value);

	return text != NULL ? text : "";
}

Test(event_body, about_an_object_of_the_cluster)
{
	struct json_object *event = event_of((struct event_body){
	    .regarding = pool,
	    .reason = "HeldElsewhere",
	    .note = "held by \"vm-7\"",
	    .reporter = "pod-a",
	    .name = "pool-a.1",
	});

	cr_assert_str_eq(text_at(event, "apiVersion", NULL), "events.k8s.io/v1");
	cr_assert_str_eq(text_at(event, "metadata", "name"), "pool-a.1");
	cr_assert_str_eq(text_at(event, "metadata", "namespace"), "default");
	cr_assert_str_eq(
	    text_at(event, "eventTime", NULL), "2026-01-01T00:00:00.123000Z");
	cr_assert_str_eq(text_at(event, "type", NULL), "Warning");
	cr_assert_str_eq(text_at(event, "reason", NULL), "HeldElsewhere");
	cr_assert_str_eq(text_at(event, "note", NULL), "held by \"vm-7\"");
	cr_assert_str_eq(text_at(event, "regarding", "kind"), "NetIPAllocation");
	cr_assert_str_eq(text_at(event, "regarding", "uid"), "u-1");
	cr_assert_str_eq(text_at(event, "regarding", "namespace"), "");
	cr_assert_eq(json_read_member(event, "related"), NULL);
	cr_assert_str_neq(text_at(event, "action", NULL), "");
	cr_assert_str_eq(text_at(event, "reportingController", NULL), "ipwarden");
	cr_assert_str_eq(text_at(event, "reportingInstance", NULL), "pod-a");
	json_object_put(event);
}

Test(event_body, about_one_in_a_namespace)
{
	struct json_object *event = event_of((struct event_body){
	    .regarding = {"v1", "Pod", "web", "sip-1", "u-2"},
	    .related = pool,
	    .reason = "EvictionBlocked",
	    .note = "x",
	    .reporter = "",
	    .name = "sip-1.1",
	});

	cr_assert_str_eq(text_at(event, "metadata", "namespace"), "web");
	cr_assert_str_eq(text_at(event, "regarding", "namespace"), "web");
	cr_assert_str_eq(text_at(event, "related", "name"), "pool-a");
	cr_assert_str_eq(text_at(event, "action", NULL), "Evict");
	cr_assert_str_neq(text_at(event, "reportingInstance", NULL), "");
	json_object_put(event);
}

Test(event_body, names_are_names)
{
	char long_name[NAME_MAX_LEN + 1], name[NAME_MAX_LEN + 1];
	struct event_object node = {"v1", "Node", "", long_name, "u-3"};

	/* a dot just where the longest name is cut */
	memset(long_name, 'n', sizeof long_name - 1);
	long_name[sizeof long_name - 1] = '\0';
	long_name[NAME_MAX_LEN - 38] = '.';
	event_body_name(&node, ID, name);
	cr_assert_leq(strlen(name), NAME_MAX_LEN);
	cr_assert_eq(strstr(name, ".."), NULL, "%s", name);
	cr_assert_neq(strstr(name, "." ID), NULL, "%s", name);
	event_body_name(&pool, ID, name);
	cr_assert_str_eq(name, "pool-a." ID);
}

Test(event_body, a_series_changes_nothing_else)
{
	struct buf patch;

	buf_init(&patch, 1024);
	event_body_put_series(7, WHEN, &patch);
	cr_assert_str_eq(patch.data, "{\"series\":{\"count\":7,\"lastObservedTime\":"
				     "\"2026-01-01T00:00:00.123000Z\"}}");
	buf_free(&patch);
}
