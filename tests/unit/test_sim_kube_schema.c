/* The simulated API server: what CRDs define. Schemas, defaults, pruning, printer
 * columns, and the life of a definition. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube_table.h"
#include "mem.h"
#include "sim_kube_rig.h"

TestSuite(sim_kube_schema, .init = rig_setup, .fini = rig_teardown, .timeout = 60);

#define CRDS  "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
#define CRD   CRDS "/pools.test.example"
#define POOLS "/apis/test.example/v1/pools"
#define POOL  POOLS "/a"

static const char schema[] =
    "{'type':'object','required':['spec'],'properties':{'spec':{'type':'object',"
    "'required':['ips'],'properties':{"
    "'ips':{'type':'array','minItems':1,'maxItems':3,'x-kubernetes-list-type':'set',"
    "'items':{'type':'string','format':'ipv4'}},"
    "'every':{'type':'integer','minimum':5,'maximum':100,'default':30},"
    "'kind':{'type':'string','enum':['Release','Retain'],'default':'Release'},"
    "'moves':{'x-kubernetes-int-or-string':true,'default':1},"
    "'name':{'type':'string','minLength':2,'maxLength':5,'pattern':'^[a-z]+$'},"
    "'ref':{'type':'object','properties':{'name':{'type':'string'},"
    "'space':{'type':'string','default':'default'}}},"
    "'labels':{'type':'object','additionalProperties':{'type':'string'}},"
    "'free':{'type':'object','x-kubernetes-preserve-unknown-fields':true},"
    "'ready':{'type':'boolean'},'since':{'type':'string','format':'date-time'},"
    "'maybe':{'type':'string','nullable':true},"
    "'parts':{'type':'array','x-kubernetes-list-type':'map',"
    "'x-kubernetes-list-map-keys':['id'],'items':{'type':'object','required':['id'],"
    "'properties':{'id':{'type':'string'},'size':{'type':'integer','default':1}}}}}},"
    "'status':{'type':'object','default':{'conditions':[{'type':'Ready','status':"
    "'Unknown','reason':'Pending'}]},'properties':{'count':{'type':'integer'},"
    "'conditions':{'type':'array','items':{'type':'object',"
    "'x-kubernetes-preserve-unknown-fields':true}}}}}}";

static const char columns[] =
    "[{'name':'Count','type':'integer','jsonPath':'.status.count'},"
    "{'name':'Ready','type':'string','jsonPath':"
    "'.status.conditions[?(@.type==\\\"Ready\\\")].status'},"
    "{'name':'First','type':'string','jsonPath':'.spec.ips[0]','priority':1},"
    "{'name':'All','type':'string','jsonPath':'.spec.ips'},"
    "{'name':'Age','type':'date','jsonPath':'.metadata.creationTimestamp'}]";

/* Double quotes for single ones; the caller frees. */
static char *
quoted(const char *text)
{
	char *copy = mem_strdup(text);

	for (char *at = copy; *at != '\0'; at++)
		if (*at == '\'')
			*at = '"';
	return copy;
}

static int
send_quoted(const char *method, const char *path, const char *text)
{
	char *body = quoted(text);
	int status = rig_send(method, path, body);

	free(body);
	return status;
}

static char *
definition(const char *with_schema)
{
	char *text = mem_printf(
	    "{'kind':'CustomResourceDefinition','apiVersion':'apiextensions.k8s.io/v1',"
	    "'metadata':{'name':'pools.test.example'},'spec':{'group':'test.example',"
	    "'scope':'Cluster','names':{'plural':'pools','kind':'Pool','shortNames':"
	    "['pl']},'versions':[{'name':'v1','served':true,'storage':true,"
	    "'subresources':{'status':{}},'schema':{'openAPIV3Schema':%s},"
	    "'selectableFields':[{'jsonPath':'.spec.kind'}],"
	    "'additionalPrinterColumns':%s}]}}",
	    with_schema, columns);
	char *body = quoted(text);

	free(text);
	return body;
}

static void
define(void)
{
	char *body = definition(schema);

	cr_assert_eq(rig_send("POST", CRDS, body), 201, "%s", rig.reply.body.data);
	free(body);
}

/* A pool named a with that spec. */
static int
create(const char *spec)
{
	char *text = mem_printf("{'kind':'Pool','apiVersion':'test.example/v1',"
				"'metadata':{'name':'a'},'spec':%s}",
	    spec);
	int status = send_quoted("POST", POOLS, text);

	free(text);
	return status;
}

Test(sim_kube_schema, a_definition_is_established_at_once)
{
	static const char *const conditions[] = {"NamesAccepted", "Established"};

	define();
	cr_expect_str_eq(rig_text("spec.names.singular"), "pool");
	cr_expect_str_eq(rig_text("spec.names.listKind"), "PoolList");
	for (size_t i = 0; i < 2; i++) {
		struct json_object *each = json_object_array_get_idx(
		    kube_json_at(rig.json, "status.conditions"), i);

		cr_expect_str_eq(kube_json_text(each, "type"), conditions[i]);
		cr_expect_str_eq(kube_json_text(each, "status"), "True");
	}
	cr_expect_eq(rig_send("GET", POOLS, NULL), 200);
	cr_expect_str_eq(rig_text("kind"), "PoolList");
	cr_expect_eq(rig_send("GET", "/apis/test.example", NULL), 200);
	cr_expect_eq(rig_send("GET", "/apis/test.example/v2/pools", NULL), 404);
}

Test(sim_kube_schema, a_bad_definition_is_refused)
{
	char *body = definition(schema);

	*strstr(body, "pools.test") = 'q';
	cr_expect_eq(rig_send("POST", CRDS, body), 422);
	cr_expect_not_null(strstr(rig_text("message"), "metadata.name"));
	cr_expect_eq(rig_send("GET", POOLS, NULL), 404);
	free(body);
}

Test(sim_kube_schema, defaults_are_filled_in)
{
	define();
	cr_assert_eq(
	    create("{'ips':['10.0.0.1'],'ref':{'name':'x'},'parts':[{'id':'p'}]}"), 201,
	    "%s", rig.reply.body.data);
	cr_expect_eq(rig_int("spec.every"), 30);
	cr_expect_str_eq(rig_text("spec.kind"), "Release");
	cr_expect_eq(rig_int("spec.moves"), 1);
	cr_expect_str_eq(rig_text("spec.ref.space"), "default");
	cr_expect_eq(kube_json_int(json_object_array_get_idx(
				       kube_json_at(rig.json, "spec.parts"), 0),
			 "size", 0),
	    1);
	cr_expect_str_eq(
	    kube_json_text(json_object_array_get_idx(
			       kube_json_at(rig.json, "status.conditions"), 0),
		"status"),
	    "Unknown");
	cr_expect_eq(rig_int("metadata.generation"), 1);
}

Test(sim_kube_schema, fields_are_selected_that_the_definition_names)
{
	define();
	cr_assert_eq(create("{'ips':['10.0.0.1'],'kind':'Retain'}"), 201);
	cr_assert_eq(
	    rig_send("GET", POOLS "?fieldSelector=spec.kind%3DRetain", NULL), 200);
	cr_expect_eq(kube_json_count(kube_json_at(rig.json, "items")), 1);
	cr_assert_eq(
	    rig_send("GET", POOLS "?fieldSelector=spec.kind%3DRelease", NULL), 200);
	cr_expect_eq(kube_json_count(kube_json_at(rig.json, "items")), 0);
	cr_expect_eq(rig_send("GET", POOLS "?fieldSelector=spec.name%3Dx", NULL), 400);
}

/* A status given at creation does not count. */
Test(sim_kube_schema, the_status_is_not_created)
{
	define();
	cr_assert_eq(
	    send_quoted("POST", POOLS,
		"{'kind':'Pool','apiVersion':'test.example/v1','metadata':{"
		"'name':'a'},'spec':{'ips':['10.0.0.1']},'status':{'count':3}}"),
	    201);
	cr_expect_null(kube_json_at(rig.json, "status.count"));
}

Test(sim_kube_schema, unknown_fields_are_pruned)
{
	define();
	cr_assert_eq(create("{'ips':['10.0.0.1'],'ipz':1,'ref':{'nam':1},'labels':{'a':"
			    "'b'},'free':{'a':{'b':1}},'parts':[{'id':'p','x':1}]}"),
	    201);
	cr_expect_null(kube_json_at(rig.json, "spec.ipz"));
	cr_expect_null(kube_json_at(rig.json, "spec.ref.nam"));
	cr_expect_str_eq(rig_text("spec.labels.a"), "b");
	cr_expect_eq(rig_int("spec.free.a.b"), 1);
	cr_expect_null(kube_json_at(
	    json_object_array_get_idx(kube_json_at(rig.json, "spec.parts"), 0), "x"));
	cr_expect_eq(rig.reply.headers_len, 3, "three warnings");
}

/* Null where none may be becomes the default, or nothing. */
Test(sim_kube_schema, nulls)
{
	define();
	cr_assert_eq(
	    create("{'ips':['10.0.0.1'],'every':null,'name':null,'maybe':null}"), 201);
	cr_expect_eq(rig_int("spec.every"), 30);
	cr_expect_not(
	    json_object_object_get_ex(kube_json_at(rig.json, "spec"), "name", NULL));
	cr_expect(
	    json_object_object_get_ex(kube_json_at(rig.json, "spec"), "maybe", NULL));
}

static const struct {
	const char *spec;
	const char *reason;
	const char *message;
} refused[] = {
    {"{}", "FieldValueRequired", "spec.ips: Required value"},
    {"{'ips':['10.0.0.1','999.1.1.1']}", "FieldValueTypeInvalid",
	"spec.ips[1]: Invalid value: \"999.1.1.1\": spec.ips[1] in body must be of "
	"type "
	"ipv4: \"999.1.1.1\""},
    {"{'ips':['010.0.0.1']}", "FieldValueTypeInvalid", "must be of type ipv4"},
    {"{'ips':['::1']}", "FieldValueTypeInvalid", "must be of type ipv4"},
    {"{'ips':['10.0.0.1','10.0.0.2','10.0.0.1']}", "FieldValueDuplicate",
	"spec.ips[2]: Duplicate value: \"10.0.0.1\""},
    {"{'ips':[]}", "FieldValueInvalid",
	"spec.ips: Invalid value: 0: spec.ips in body should have at least 1 items"},
    {"{'ips':['10.0.0.1','10.0.0.2','10.0.0.3','10.0.0.4']}", "FieldValueTooMany",
	"spec.ips: Too many: 4: must have at most 3 items"},
    {"{'ips':'10.0.0.1'}", "FieldValueTypeInvalid",
	"spec.ips in body must be of type array: \"string\""},
    {"{'ips':[7]}", "FieldValueTypeInvalid",
	"spec.ips[0] in body must be of type string: \"integer\""},
    {"{'ips':['10.0.0.1'],'every':4}", "FieldValueInvalid",
	"spec.every: Invalid value: 4: spec.every in body should be greater than or "
	"equal "
	"to 5"},
    {"{'ips':['10.0.0.1'],'every':101}", "FieldValueInvalid",
	"should be less than or equal to 100"},
    {"{'ips':['10.0.0.1'],'every':5.5}", "FieldValueTypeInvalid",
	"spec.every in body must be of type integer: \"number\""},
    {"{'ips':['10.0.0.1'],'kind':'Keep'}", "FieldValueNotSupported",
	"spec.kind: Unsupported value: \"Keep\": supported values: \"Release\", "
	"\"Retain\""},
    {"{'ips':['10.0.0.1'],'moves':true}", "FieldValueTypeInvalid",
	"spec.moves in body must be of type integer,string: \"boolean\""},
    {"{'ips':['10.0.0.1'],'name':'a'}", "FieldValueInvalid",
	"should be at least 2 chars long"},
    {"{'ips':['10.0.0.1'],'name':'abcdef'}", "FieldValueTooLong",
	"spec.name: Too long: may not be more than 5 bytes"},
    {"{'ips':['10.0.0.1'],'name':'A1'}", "FieldValueInvalid",
	"spec.name in body should match '^[a-z]+$'"},
    {"{'ips':['10.0.0.1'],'labels':{'a':1}}", "FieldValueTypeInvalid",
	"spec.labels.a in body must be of type string: \"integer\""},
    {"{'ips':['10.0.0.1'],'ready':'yes'}", "FieldValueTypeInvalid",
	"spec.ready in body must be of type boolean: \"string\""},
    {"{'ips':['10.0.0.1'],'since':'today'}", "FieldValueTypeInvalid",
	"must be of type date-time: \"today\""},
    {"{'ips':['10.0.0.1'],'parts':[{'id':'a'},{'id':'a','size':2}]}",
	"FieldValueDuplicate", "spec.parts[1]: Duplicate value: {\"id\":\"a\"}"},
    {"{'ips':['10.0.0.1'],'parts':[{'size':2}]}", "FieldValueRequired",
	"spec.parts[0].id: Required value"},
};

Test(sim_kube_schema, what_does_not_fit_is_refused)
{
	define();
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		struct json_object *cause;

		cr_expect_eq(create(refused[i].spec), 422, "%s: %d", refused[i].spec,
		    rig.reply.status);
		cr_expect_str_eq(rig_text("reason"), "Invalid");
		cr_expect_not_null(strstr(rig_text("message"), refused[i].message),
		    "%s: %s", refused[i].spec, rig_text("message"));
		cause = json_object_array_get_idx(
		    kube_json_at(rig.json, "details.causes"), 0);
		cr_expect_str_eq(kube_json_text(cause, "reason"), refused[i].reason);
	}
	cr_expect_eq(rig_send("GET", POOL, NULL), 404);
}

Test(sim_kube_schema, all_complaints_are_told)
{
	define();
	cr_expect_eq(create("{'every':1,'kind':'x'}"), 422);
	cr_expect_eq(kube_json_count(kube_json_at(rig.json, "details.causes")), 3);
	cr_expect_not_null(strstr(rig_text("message"), "is invalid: [spec."));
}

Test(sim_kube_schema, what_fits_passes)
{
	define();
	cr_expect_eq(create("{'ips':['10.0.0.1','10.0.0.2'],'every':5,'kind':'Retain',"
			    "'moves':'50%','name':'ab','ready':false,'since':"
			    "'2026-01-01T00:00:00Z','parts':[{'id':'a'},{'id':'b'}]}"),
	    201, "%s", rig.reply.body.data);
}

Test(sim_kube_schema, patches_are_validated_too)
{
	define();
	cr_assert_eq(create("{'ips':['10.0.0.1']}"), 201);
	cr_expect_eq(send_quoted("PATCH", POOL, "{'spec':{'every':1}}"), 422);
	cr_expect_eq(send_quoted("PATCH", POOL, "{'spec':{'ips':null}}"), 422);
	cr_expect_eq(
	    send_quoted("PATCH", POOL "/status", "{'status':{'count':'x'}}"), 422);
	cr_expect_eq(
	    send_quoted("PATCH", POOL "?fieldValidation=Strict", "{'spec':{'x':1}}"),
	    422);
	cr_expect_not_null(strstr(rig_text("message"), "unknown field \"spec.x\""));
	cr_expect_eq(send_quoted("PATCH", POOL, "{'spec':{'every':50}}"), 200);
	cr_expect_eq(rig_int("metadata.generation"), 2);
}

/* What an older schema let in stays readable, and is judged when it is written. */
Test(sim_kube_schema, put_goes_past_validation)
{
	char *text = quoted("{'kind':'Pool','apiVersion':'test.example/v1','metadata':{"
			    "'name':'a'},'spec':{'ips':['nonsense'],'old':1}}");

	define();
	cr_assert_eq(sim_kube_put(rig.kube, text), 0);
	cr_assert_eq(rig_send("GET", POOL, NULL), 200);
	cr_expect_str_eq(json_object_get_string(json_object_array_get_idx(
			     kube_json_at(rig.json, "spec.ips"), 0)),
	    "nonsense");
	cr_expect_eq(rig_int("spec.every"), 30, "a default, as on every read");
	cr_expect_null(kube_json_at(rig.json, "spec.old"));
	cr_expect_eq(
	    send_quoted("PATCH", POOL "/status", "{'status':{'count':1}}"), 422);
	cr_expect_eq(send_quoted("PATCH", POOL, "{'spec':{'ips':['10.0.0.1']}}"), 200);
	free(text);
}

Test(sim_kube_schema, a_new_schema_reads_old_objects_anew)
{
	char version[32];

	define();
	cr_assert_eq(create("{'ips':['10.0.0.1']}"), 201);
	snprintf(version, sizeof version, "%s", rig_text("metadata.resourceVersion"));
	cr_assert_eq(
	    rig_send_typed("PATCH", CRD, "application/json-patch+json",
		"[{\"op\":\"add\",\"path\":\"/spec/versions/0/schema/openAPIV3Schema/"
		"properties/spec/properties/fresh\",\"value\":{\"type\":\"string\","
		"\"default\":\"new\"}}]",
		strlen(
		    "[{\"op\":\"add\",\"path\":\"/spec/versions/0/schema/"
		    "openAPIV3Schema/"
		    "properties/spec/properties/fresh\",\"value\":{\"type\":\"string\","
		    "\"default\":\"new\"}}]")),
	    200, "%s", rig.reply.body.data);
	cr_expect_eq(rig_int("metadata.generation"), 2);
	cr_assert_eq(rig_send("GET", POOL, NULL), 200);
	cr_expect_str_eq(rig_text("spec.fresh"), "new");
	cr_expect_str_eq(rig_text("metadata.resourceVersion"), version);
}

/* A definition waits for its objects, and they for their finalizers. */
Test(sim_kube_schema, a_definition_goes_after_its_objects)
{
	struct sim_stream watch;

	define();
	cr_assert_eq(create("{'ips':['10.0.0.1']}"), 201);
	cr_assert_eq(
	    send_quoted("PATCH", POOL, "{'metadata':{'finalizers':['a.b/c']}}"), 200);
	watch = rig_watch(POOLS "?watch=1&resourceVersion=0");
	cr_expect_str_eq(rig_story(&watch), "ADDED a");
	cr_assert_eq(rig_send("DELETE", CRD, NULL), 200);
	cr_assert_eq(rig_send("GET", CRD, NULL), 200);
	cr_expect_neq(rig_text("metadata.deletionTimestamp")[0], '\0');
	cr_expect_eq(create("{'ips':['10.0.0.1']}"), 405);
	cr_assert_eq(rig_send("GET", POOL, NULL), 200);
	cr_expect_neq(rig_text("metadata.deletionTimestamp")[0], '\0');
	cr_expect_eq(
	    send_quoted("PATCH", POOL, "{'metadata':{'finalizers':['a.b/c','d.e/f']}}"),
	    422, "no new finalizer on what goes");
	cr_expect_eq(
	    send_quoted("PATCH", POOL, "{'metadata':{'finalizers':null}}"), 200);
	cr_expect_eq(rig_send("GET", CRD, NULL), 404);
	cr_expect_eq(rig_send("GET", POOLS, NULL), 404);
	cr_expect_str_eq(rig_story(&watch), "MODIFIED a, MODIFIED a, DELETED a");
	cr_expect_str_eq(rig_story(&watch), "end");
	watch.close(watch.state);
	define();
	cr_expect_eq(create("{'ips':['10.0.0.1']}"), 201);
}

static const char *
cell(size_t row, size_t column)
{
	struct json_object *cells = kube_json_member(
	    json_object_array_get_idx(kube_json_at(rig.json, "rows"), row), "cells");
	struct json_object *value = json_object_array_get_idx(cells, column);

	return value != NULL ? json_object_get_string(value) : "null";
}

Test(sim_kube_schema, tables_have_the_columns_of_the_definition)
{
	define();
	cr_assert_eq(create("{'ips':['10.0.0.1','10.0.0.2']}"), 201);
	rig.accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
	cr_assert_eq(rig_send("GET", POOLS, NULL), 200);
	cr_expect_str_eq(cell(0, 0), "a");
	cr_expect_str_eq(cell(0, 1), "null");
	cr_expect_str_eq(cell(0, 2), "Unknown");
	cr_expect_str_eq(cell(0, 3), "10.0.0.1");
	cr_expect_str_eq(cell(0, 4), "[\"10.0.0.1\",\"10.0.0.2\"]");
	cr_expect_eq(cell(0, 5)[strlen(cell(0, 5)) - 1], 's');
	cr_expect_eq(kube_json_int(json_object_array_get_idx(
				       kube_json_at(rig.json, "columnDefinitions"), 3),
			 "priority", -1),
	    1);
	rig.accept = NULL;
	cr_assert_eq(
	    send_quoted("PATCH", POOL "/status", "{'status':{'count':2}}"), 200);
	rig.accept = "application/json;as=Table;v=v1beta1;g=meta.k8s.io";
	cr_assert_eq(rig_send("GET", POOL "?includeObject=Object", NULL), 200);
	cr_expect_str_eq(rig_text("apiVersion"), "meta.k8s.io/v1beta1");
	cr_expect_str_eq(cell(0, 1), "2");
	cr_expect_str_eq(
	    kube_json_text(json_object_array_get_idx(kube_json_at(rig.json, "rows"), 0),
		"object.kind"),
	    "Pool");
}

Test(sim_kube_schema, ages)
{
	static const struct {
		int64_t seconds;
		const char *age;
	} ages[] = {{0, "0s"}, {119, "119s"}, {121, "2m1s"}, {300, "5m"},
	    {599, "9m59s"}, {3600, "60m"}, {3 * 3600, "3h"}, {4 * 3600 + 1800, "4h30m"},
	    {10 * 3600 + 1800, "10h"}, {48 * 3600, "2d"}, {50 * 3600, "2d2h"},
	    {30 * 86400, "30d"}, {800 * 86400, "2y70d"}, {-3600, "<invalid>"}};
	char text[CLOCK_TEXT_MAX], age[32];

	for (size_t i = 0; i < sizeof ages / sizeof ages[0]; i++) {
		struct wall_time then = {clock_wall().ms - ages[i].seconds * 1000};

		clock_format(then, true, text, sizeof text);
		kube_column_age(text, age, sizeof age);
		cr_expect_str_eq(age, ages[i].age, "%s, not %s", age, ages[i].age);
	}
	kube_column_age("soon", age, sizeof age);
	cr_expect_str_eq(age, "<invalid>");
}

Test(sim_kube_schema, paths_of_columns)
{
	static const struct {
		const char *path;
		const char *value;
	} paths[] = {{".a.b", "1"}, {"{.a.b}", "1"}, {".a['b']", "1"},
	    {".a.x\\.y/z", "2"}, {".a[\"x.y/z\"]", "2"}, {".l[0].n", "p"},
	    {".l[-1].n", "q"}, {".l[?(@.n=='q')].v", "8"},
	    {".l[?(@.n == \"p\")].v", "7"}, {".l[?(@.v==8)].n", "q"},
	    {".l[?(@.n=='z')].v", NULL}, {".l[9]", NULL}, {".none.b", NULL},
	    {".a.b.c", NULL}, {".l[?(", NULL}, {".l[", NULL}};
	char *text =
	    quoted("{'a':{'b':1,'x.y/z':2},'l':[{'n':'p','v':7},{'n':'q','v':8}]}");
	struct json_object *json = kube_json_constant(text);

	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		struct json_object *found = kube_column_find(paths[i].path, json);

		if (paths[i].value == NULL)
			cr_expect_null(found, "%s", paths[i].path);
		else
			cr_expect_str_eq(json_object_get_string(found), paths[i].value,
			    "%s", paths[i].path);
	}
	json_object_put(json);
	free(text);
}
