/* The CRD against the code: whatever the reconciler writes into a status must be in the
 * schema (the API server drops the rest without a word, the journal with it), and the
 * schema must be structural. Argument: CRD in the environment, else the source tree. */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "allocation.h"
#include "mem.h"
#include "slice_body.h"
#include "tracker_body.h"

static struct json_object *
convert(yaml_document_t *document, const yaml_node_t *node)
{
	struct json_object *out;

	if (node->type == YAML_SCALAR_NODE) {
		const char *text = (const char *)node->data.scalar.value;

		if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
			out = json_tokener_parse(text);
			if (out != NULL)
				return out;
		}
		return json_object_new_string(text);
	}
	if (node->type == YAML_SEQUENCE_NODE) {
		out = json_object_new_array();
		for (yaml_node_item_t *item = node->data.sequence.items.start;
		     item < node->data.sequence.items.top; item++)
			json_object_array_add(out,
			    convert(document, yaml_document_get_node(document, *item)));
		return out;
	}
	out = json_object_new_object();
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		yaml_node_t *key = yaml_document_get_node(document, pair->key);
		yaml_node_t *value = yaml_document_get_node(document, pair->value);
		const char *name = (const char *)key->data.scalar.value;

		cr_assert_eq(json_object_object_get(out, name), NULL, "%s twice", name);
		json_object_object_add(out, name, convert(document, value));
	}
	return out;
}

static struct json_object *
crd_load_file(const char *path)
{
	yaml_parser_t parser;
	yaml_document_t document;
	struct json_object *crd;
	FILE *file = fopen(path, "r");

	cr_assert_neq(file, NULL, "%s", path);
	cr_assert(yaml_parser_initialize(&parser));
	yaml_parser_set_input_file(&parser, file);
	cr_assert(yaml_parser_load(&parser, &document), "%s",
	    parser.problem != NULL ? parser.problem : "");
	crd = convert(&document, yaml_document_get_root_node(&document));
	yaml_document_delete(&document);
	yaml_parser_delete(&parser);
	fclose(file);
	return crd;
}

static struct json_object *
crd_load_named(const char *name)
{
	const char *top = getenv("srcdir");
	char path[4096];

	snprintf(path, sizeof path, "%s/crds/%s.yaml", top != NULL ? top : ".", name);
	return crd_load_file(path);
}

static struct json_object *
crd_load(void)
{
	const char *path = getenv("CRD");

	return path != NULL ? crd_load_file(path) : crd_load_named("netipallocation");
}

static struct json_object *
get(struct json_object *object, const char *key)
{
	return json_object_object_get(object, key);
}

static const char *
text(struct json_object *object, const char *key)
{
	const char *value = json_object_get_string(get(object, key));

	return value != NULL ? value : "";
}

static bool
flag(struct json_object *object, const char *key)
{
	return json_object_get_boolean(get(object, key));
}

static struct json_object *
crd_version(struct json_object *crd)
{
	return json_object_array_get_idx(get(get(crd, "spec"), "versions"), 0);
}

static struct json_object *
crd_schema(struct json_object *crd)
{
	return get(get(crd_version(crd), "schema"), "openAPIV3Schema");
}

/* The words that a structural schema may have, as far as we use them. */
static const char *const words[] = {"description", "type", "properties", "required",
    "items", "enum", "default", "format", "minimum", "maxItems", "maxLength", "pattern",
    "anyOf", "additionalProperties", "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys", "x-kubernetes-int-or-string",
    "x-kubernetes-preserve-unknown-fields"};

static void
check_words(struct json_object *schema, const char *path)
{
	json_object_object_foreach(schema, key, value) {
		bool known = false;

		for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
			known |= strcmp(key, words[i]) == 0;
		cr_assert(known && value != NULL, "%s: %s", path, key);
	}
}

static void
check_list(struct json_object *schema, const char *path)
{
	const char *kind = text(schema, "x-kubernetes-list-type");
	struct json_object *items = get(schema, "items");
	struct json_object *keys = get(schema, "x-kubernetes-list-map-keys");

	cr_assert_neq(items, NULL, "%s has no items", path);
	if (strcmp(kind, "set") == 0)
		cr_assert_str_neq(text(items, "type"), "object", "%s", path);
	if (strcmp(kind, "map") != 0) {
		cr_assert_eq(keys, NULL, "%s", path);
		return;
	}
	for (size_t i = 0; i < json_object_array_length(keys); i++) {
		struct json_object *key = json_object_array_get_idx(keys, i);
		struct json_object *required = get(items, "required");
		bool found = false;

		for (size_t j = 0; j < json_object_array_length(required); j++)
			found |= json_object_equal(
			    key, json_object_array_get_idx(required, j));
		cr_assert(found, "%s: its map key must be required", path);
	}
}

/* KEP-1693's rules: a type at each node, unless any value or int-or-string; what is
 * required exists. */
static void
check_structural(struct json_object *schema, const char *path)
{
	struct json_object *properties = get(schema, "properties");
	struct json_object *required = get(schema, "required");
	char below[1024];

	check_words(schema, path);
	cr_assert(get(schema, "type") != NULL ||
		      flag(schema, "x-kubernetes-int-or-string") ||
		      flag(schema, "x-kubernetes-preserve-unknown-fields"),
	    "%s has no type", path);
	cr_assert_not(
	    get(schema, "type") != NULL && flag(schema, "x-kubernetes-int-or-string"),
	    "%s", path);
	if (strcmp(text(schema, "type"), "array") == 0) {
		check_list(schema, path);
		check_structural(get(schema, "items"), path);
	}
	for (size_t i = 0; required != NULL && i < json_object_array_length(required);
	     i++)
		cr_assert_neq(
		    get(properties,
			json_object_get_string(json_object_array_get_idx(required, i))),
		    NULL, "%s requires what it does not have", path);
	if (properties == NULL)
		return;
	json_object_object_foreach(properties, key, value) {
		snprintf(below, sizeof below, "%s.%s", path, key);
		check_structural(value, below);
	}
}

static void
check_length(struct json_object *schema, struct json_object *value, const char *path)
{
	struct json_object *most = get(schema, "maxLength");

	if (most != NULL)
		cr_assert_leq(json_object_get_string_len(value),
		    json_object_get_int(most), "%s is too long", path);
}

/* Whether the API server would keep all of `value`; types and lengths are checked on
 * the way. */
static void
check_kept(struct json_object *schema, struct json_object *value, const char *path)
{
	const char *type = text(schema, "type");
	char below[1024];

	cr_assert_neq(schema, NULL, "%s would be dropped", path);
	if (strcmp(type, "array") == 0) {
		cr_assert(json_object_is_type(value, json_type_array), "%s", path);
		for (size_t i = 0; i < json_object_array_length(value); i++)
			check_kept(get(schema, "items"),
			    json_object_array_get_idx(value, i), path);
	} else if (strcmp(type, "object") == 0) {
		cr_assert(json_object_is_type(value, json_type_object), "%s", path);
		json_object_object_foreach(value, key, member) {
			struct json_object *inner = get(get(schema, "properties"), key);

			snprintf(below, sizeof below, "%s.%s", path, key);
			if (inner != NULL ||
			    !flag(schema, "x-kubernetes-preserve-unknown-fields"))
				check_kept(inner, member, below);
		}
	} else {
		enum json_type expected = strcmp(type, "integer") == 0 ? json_type_int
					  : strcmp(type, "boolean") == 0
					      ? json_type_boolean
					      : json_type_string;

		cr_assert(
		    json_object_is_type(value, expected), "%s is no %s", path, type);
		check_length(schema, value, path);
	}
}

Test(crd, has_the_names_that_users_know)
{
	struct json_object *crd = crd_load();
	struct json_object *spec = get(crd, "spec");
	struct json_object *names = get(spec, "names");
	struct json_object *version = crd_version(crd);

	cr_assert_str_eq(text(crd, "apiVersion"), "apiextensions.k8s.io/v1");
	cr_assert_str_eq(text(get(crd, "metadata"), "name"),
	    "netipallocations.netinfra.darkbrains.com");
	cr_assert_str_eq(text(spec, "group"), "netinfra.darkbrains.com");
	cr_assert_str_eq(text(spec, "scope"), "Cluster");
	cr_assert_str_eq(text(names, "plural"), "netipallocations");
	cr_assert_str_eq(text(names, "kind"), "NetIPAllocation");
	cr_assert_str_eq(json_object_get_string(
			     json_object_array_get_idx(get(names, "shortNames"), 0)),
	    "nia");
	cr_assert_str_eq(text(version, "name"), "v1alpha1");
	cr_assert(flag(version, "served") && flag(version, "storage"));
	cr_assert_neq(get(get(version, "subresources"), "status"), NULL);
	json_object_put(crd);
}

Test(crd, is_structural)
{
	struct json_object *crd = crd_load();

	check_structural(crd_schema(crd), "");
	json_object_put(crd);
}

Test(crd, those_of_pod_trackers_have_the_names_that_users_know)
{
	static const struct {
		const char *file, *name, *kind, *version;
		bool status;
	} cases[] = {
	    {"podtracker", "podtrackers.networking.learntosolveit.com", "PodTracker",
		"v1", true},
	    {"podtrackerslice", "podtrackerslices.tracking.ipwarden.dev",
		"PodTrackerSlice", "v1alpha1", false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct json_object *crd = crd_load_named(cases[i].file);
		struct json_object *spec = get(crd, "spec");
		struct json_object *version = crd_version(crd);

		cr_assert_str_eq(text(get(crd, "metadata"), "name"), cases[i].name);
		cr_assert_str_eq(text(spec, "scope"), "Cluster");
		cr_assert_str_eq(text(get(spec, "names"), "kind"), cases[i].kind);
		cr_assert_str_eq(text(version, "name"), cases[i].version);
		cr_assert(flag(version, "served") && flag(version, "storage"));
		cr_assert_eq(get(get(version, "subresources"), "status") != NULL,
		    cases[i].status);
		check_structural(crd_schema(crd), "");
		json_object_put(crd);
	}
}

struct column {
	const char *name;
	int priority;
};

Test(crd, shows_its_columns)
{
	static const struct column columns[] = {{"Provider", 0}, {"Reserved", 0},
	    {"Attached", 0}, {"Ready", 0}, {"Reason", 0}, {"Age", 0}, {"Nodes", 1},
	    {"Policy", 1}, {"Message", 1}};
	struct json_object *crd = crd_load();
	struct json_object *list = get(crd_version(crd), "additionalPrinterColumns");

	cr_assert_eq(
	    json_object_array_length(list), sizeof columns / sizeof columns[0]);
	for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
		struct json_object *column = json_object_array_get_idx(list, i);

		cr_assert_str_eq(text(column, "name"), columns[i].name);
		cr_assert_eq(
		    json_object_get_int(get(column, "priority")), columns[i].priority);
	}
	json_object_put(crd);
}

#define TEXT(field, value) snprintf(field, sizeof(field), "%s", value)

/* Everything that can stand in a status. */
static struct json_object *
full_status(void)
{
	static const char object[] =
	    "{\"metadata\":{\"name\":\"a\",\"uid\":\"u\",\"resourceVersion\":\"1\"},"
	    "\"spec\":{\"reservedIPs\":[\"1.2.3.4\"],\"cloud\":{}}}";
	struct json_object *parsed = json_tokener_parse(object);
	struct allocation *a = allocation_parse(parsed);
	struct allocation_address *address = &a->addresses[0];
	struct wall_time now = {1767225600000};
	struct json_object *status;
	struct buf patch;

	address->state = ADDRESS_STATE_ATTACHED;
	TEXT(address->reason, "Attached");
	TEXT(address->message, "m");
	TEXT(address->node, "n1");
	TEXT(address->node_uid, "u1");
	TEXT(address->instance, "4711");
	TEXT(address->project, "p");
	TEXT(address->zone, "z");
	TEXT(address->fence, "f");
	address->ephemeral_taken = true;
	address->outside_generation = 1;
	address->since = now;
	address->intent.step = INTENT_ATTACH;
	TEXT(address->intent.id, "i");
	TEXT(address->intent.to.node, "n2");
	address->intent.since = now;
	for (int i = 0; i < CONDITION_COUNT; i++)
		allocation_condition(
		    a, (enum condition_type)i, CONDITION_TRUE, "R", "m", now);
	buf_init(&patch, KUBE_OBJECT_MAX);
	cr_assert_eq(allocation_status_patch(a, &patch), 1);
	json_object_put(parsed);
	parsed = json_tokener_parse(patch.data);
	status = json_object_get(get(parsed, "status"));
	json_object_put(parsed);
	buf_free(&patch);
	allocation_free(a);
	return status;
}

Test(crd, keeps_every_field_of_a_status)
{
	struct json_object *crd = crd_load();
	struct json_object *schema = get(get(crd_schema(crd), "properties"), "status");
	struct json_object *status = full_status();

	/* the whole address was filled in */
	cr_assert_geq(json_object_object_length(
			  json_object_array_get_idx(get(status, "addresses"), 0)),
	    12);
	check_kept(schema, status, ".status");
	/* an intent of a later version is kept whole */
	cr_assert(
	    flag(get(get(get(get(get(schema, "properties"), "addresses"), "items"),
			 "properties"),
		     "intent"),
		"x-kubernetes-preserve-unknown-fields"));
	json_object_put(status);
	json_object_put(crd);
}

Test(crd, a_new_object_is_not_ready_yet)
{
	struct json_object *crd = crd_load();
	struct json_object *schema = get(get(crd_schema(crd), "properties"), "status");
	struct json_object *given = get(schema, "default");
	struct json_object *ready =
	    json_object_array_get_idx(get(given, "conditions"), 0);

	check_kept(schema, given, ".status");
	cr_assert_str_eq(text(ready, "type"), "Ready");
	cr_assert_str_eq(text(ready, "status"), "Unknown");
	cr_assert_str_eq(text(ready, "reason"), "Pending");
	cr_assert_str_neq(text(ready, "lastTransitionTime"), "");
	json_object_put(crd);
}

/* Repeats `c`. */
static void
fill(char *out, size_t size, char c)
{
	memset(out, c, size - 1);
	out[size - 1] = '\0';
}

/* With one pod on a node, which has all that is told of one; names as long as may be.
 */
static struct world *
world_of_one_pod(void)
{
	struct msg_fact_node *node = mem_calloc(1, sizeof *node);
	struct msg_fact_pod *pod = mem_calloc(1, sizeof *pod);
	struct world *world = world_new();

	fill(node->name, sizeof node->name, 'n');
	fill(node->uid, sizeof node->uid, 'v');
	world_put_node(world, node);
	fill(pod->name, sizeof pod->name, 'p');
	fill(pod->uid, sizeof pod->uid, 'u');
	fill(pod->namespace, sizeof pod->namespace, 'd');
	TEXT(pod->node, node->name);
	TEXT(pod->ip, "10.0.0.1");
	TEXT(pod->ip_other, "fd00::1");
	pod->host_network = 1;
	pod->created_ms = 1000;
	world_put_pod(world, pod);
	free(node);
	free(pod);
	return world;
}

Test(crd, keeps_every_field_of_a_tracker)
{
	struct json_object *crd = crd_load_named("podtracker");
	struct world *world = world_of_one_pod();
	struct tracker_body body;
	struct json_object *status;
	struct buf out;

	buf_init(&out, 65536);
	buf_puts(&out, "{");
	tracker_body_put(world, "", &out, &body);
	buf_puts(&out, ",\"observedGeneration\":1,\"truncated\":true,"
		       "\"contentHash\":\"0123456789abcdef\",\"lastUpdateTime\":\"a\","
		       "\"conditions\":[{"
		       "\"type\":\"Ready\",\"status\":\"True\",\"reason\":\"Complete\","
		       "\"message\":\"m\",\"observedGeneration\":1,"
		       "\"lastTransitionTime\":\"a\"}]}");
	status = json_tokener_parse(out.data);
	cr_assert_eq(json_object_object_length(
			 json_object_array_get_idx(get(status, "podIPs"), 0)),
	    9);
	check_kept(
	    get(get(crd_schema(crd), "properties"), "status"), status, ".status");
	json_object_put(status);
	json_object_put(crd);
	buf_free(&out);
	world_free(world);
}

Test(crd, keeps_every_field_of_a_slice)
{
	struct json_object *crd = crd_load_named("podtrackerslice");
	struct world *world = world_of_one_pod();
	struct slice_body body;
	struct json_object *json;
	char hash[HASH_MAX + 1];
	struct buf out;

	buf_init(&out, SLICE_BODY_MAX);
	slice_body_begin(world, lh_entry_v(lh_table_head(world->nodes->table)), &body);
	slice_body_put(
	    &body, "n", SLICE_BY_AGENT, 1, (struct wall_time){1000}, &out, hash);
	slice_body_end(&body);
	json = json_tokener_parse(out.data);
	cr_assert_eq(
	    json_object_object_length(json_object_array_get_idx(get(json, "pods"), 0)),
	    9);
	/* metadata is every object's */
	json_object_object_del(json, "metadata");
	check_kept(crd_schema(crd), json, "");
	json_object_put(json);
	json_object_put(crd);
	buf_free(&out);
	world_free(world);
}

struct default_case {
	const char *field;
	const char *value;
};

Test(crd, has_the_defaults)
{
	static const struct default_case cases[] = {
	    {"reconcileInterval", "30"},
	    {"deletionPolicy", "\"Release\""},
	    {"notReadyGraceSeconds", "300"},
	    {"maxConcurrentMoves", "1"},
	    {"restoreEphemeral", "true"},
	    {"evictionPolicy", "\"WhenReplaceable\""},
	};
	struct json_object *crd = crd_load();
	struct json_object *spec =
	    get(get(get(crd_schema(crd), "properties"), "spec"), "properties");

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		cr_assert_str_eq(json_object_to_json_string(
				     get(get(spec, cases[i].field), "default")),
		    cases[i].value, "%s", cases[i].field);
	/* what is missing has to be seen to be told, or filled in by us */
	cr_assert_null(get(get(spec, "policy"), "default"));
	cr_assert_null(
	    get(get(get(get(spec, "cloud"), "properties"), "provider"), "default"));
	json_object_put(crd);
}
