/* The control endpoint's requests below /gce: what an administrator, a foreign hand or
 * fate does to the project. Bodies and answers are JSON; a refusal is {"error":"why"}
 * with 400 (malformed), 404 (no such thing) or 409 (the project's state forbids it).
 * Changes are there at once.
 *
 *   GET    /gce/calls              {"instances.list":3,…}: requests since the start
 *   GET    /gce/state              everything: project, instances, addresses,
 * operations, settings POST   /gce/settings           any of operation_latency_ms,
 * operation_jitter_ms, seed, token_ttl_s, wait_max_ms, request_id_ttl_s (numbers),
 *                                  conflict_in_operation, busy_in_operation (true,
 * false) POST   /gce/instances          zone, name; external_ip, access_config
 * ("external-nat"), ours (true) DELETE /gce/instances          ?zone=&name= : the VM
 * vanishes POST   /gce/instances/stop     ?zone=&name= : TERMINATED, keeps its access
 * config POST   /gce/instances/start    ?zone=&name= : RUNNING again POST
 * /gce/addresses          region, name, address DELETE /gce/addresses ?address= : must
 * be in no use POST   /gce/hold               address, user: something that is no
 * instance uses it DELETE /gce/hold               ?address= POST   /gce/foreign-attach
 * zone, name, address; access_config ("External NAT"), replace (false): true takes the
 * address from another instance and the access config from this one POST
 * /gce/foreign-detach     ?zone=&name= : takes the access config away DELETE
 * /gce/tokens             every access token becomes invalid */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gce_json.h"
#include "gce_operation.h"
#include "gce_state.h"

#define BODY_DEPTH_MAX 4

struct control {
	struct sim_gce *gce;
	const struct sim_request *request;
	struct sim_reply *reply;
	struct json_object *body; /* of a POST that has one */
};

typedef void control_fn(const struct control *control);

static control_fn answer_calls, answer_state, set_settings, add_instance,
    remove_instance, stop_instance, start_instance, add_address, remove_address,
    hold_address, release_address, foreign_attach, foreign_detach, revoke_tokens;

static const struct {
	const char *method;
	const char *path;
	control_fn *fn;
	bool body;
} controls[] = {
    {"GET", "/gce/calls", answer_calls, false},
    {"GET", "/gce/state", answer_state, false},
    {"POST", "/gce/settings", set_settings, true},
    {"POST", "/gce/instances", add_instance, true},
    {"DELETE", "/gce/instances", remove_instance, false},
    {"POST", "/gce/instances/stop", stop_instance, false},
    {"POST", "/gce/instances/start", start_instance, false},
    {"POST", "/gce/addresses", add_address, true},
    {"DELETE", "/gce/addresses", remove_address, false},
    {"POST", "/gce/hold", hold_address, true},
    {"DELETE", "/gce/hold", release_address, false},
    {"POST", "/gce/foreign-attach", foreign_attach, true},
    {"POST", "/gce/foreign-detach", foreign_detach, false},
    {"DELETE", "/gce/tokens", revoke_tokens, false},
};

static void
answer_object(const struct control *control, struct json_object *object)
{
	buf_puts(&control->reply->body,
	    json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

static void
answer_error(const struct control *control, int status, const char *why)
{
	struct json_object *object = json_object_new_object();

	gce_json_add_text(object, "error", why);
	control->reply->status = status;
	answer_object(control, object);
}

/* The outcome of a change: 0, or a negative errno of gce_world. */
static void
answer_outcome(const struct control *control, int rc)
{
	switch (-rc) {
	case 0:
		buf_puts(&control->reply->body, "{}");
		break;
	case EINVAL:
		answer_error(control, 400,
		    "a name, zone, region or address is malformed, or region and zone "
		    "do not fit");
		break;
	case ENOENT:
		answer_error(control, 404, "there is no such thing");
		break;
	case EEXIST:
		answer_error(control, 409, "the name or the address is taken");
		break;
	case EBUSY:
		answer_error(control, 409, "it is in use");
		break;
	default:
		answer_error(control, 409, strerror(-rc));
		break;
	}
}

static struct json_object *
parse_body(const struct sim_request *request)
{
	struct json_tokener *tokener = json_tokener_new_ex(BODY_DEPTH_MAX);
	struct json_object *root;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	root = json_tokener_parse_ex(tokener, request->body, (int)request->body_len);
	if (json_tokener_get_error(tokener) != json_tokener_success ||
	    !json_object_is_type(root, json_type_object)) {
		json_object_put(root);
		root = NULL;
	}
	json_tokener_free(tokener);
	return root;
}

bool
sim_gce_control(
    struct sim_gce *gce, const struct sim_request *request, struct sim_reply *reply)
{
	struct control control = {.gce = gce, .request = request, .reply = reply};
	bool known = false;

	if (strncmp(request->path, "/gce/", strlen("/gce/")) != 0)
		return false;
	gce_operation_advance(gce);
	for (size_t i = 0; i < sizeof controls / sizeof controls[0]; i++) {
		if (strcmp(controls[i].path, request->path) != 0)
			continue;
		known = true;
		if (strcmp(controls[i].method, request->method) != 0)
			continue;
		if (controls[i].body)
			control.body = parse_body(request);
		if (controls[i].body && control.body == NULL)
			answer_error(&control, 400, "the body is not a JSON object");
		else
			controls[i].fn(&control);
		json_object_put(control.body);
		return true;
	}
	answer_error(&control, known ? 405 : 404,
	    known ? "not with this method" : "no such path");
	return true;
}

/* --- reading the request -----------------------------------------------------------
 */

/* A member of the body that is a text; `fallback` when there is none; NULL, and
 * answered, when it is something else, or missing without a fallback. */
static const char *
body_text(const struct control *control, const char *key, const char *fallback)
{
	struct json_object *value;
	const char *text = fallback;

	if (json_object_object_get_ex(control->body, key, &value))
		text = json_object_is_type(value, json_type_string)
			   ? json_object_get_string(value)
			   : NULL;
	if (text == NULL) {
		char why[96];

		snprintf(why, sizeof why, "%s: missing, or no text", key);
		answer_error(control, 400, why);
	}
	return text;
}

/* A member that is true or false; false, and answered, when it is something else. */
static bool
body_flag(const struct control *control, const char *key, bool *flag)
{
	struct json_object *value;
	char why[96];

	if (!json_object_object_get_ex(control->body, key, &value))
		return true;
	if (json_object_is_type(value, json_type_boolean)) {
		*flag = json_object_get_boolean(value);
		return true;
	}
	snprintf(why, sizeof why, "%s: neither true nor false", key);
	answer_error(control, 400, why);
	return false;
}

/* Does every member of the body have one of these names? If not, it is answered. */
static bool
body_is_known(const struct control *control, const char *const *keys)
{
	json_object_object_foreach(control->body, key, value) {
		size_t i = 0;

		(void)value;
		while (keys[i] != NULL && strcmp(keys[i], key) != 0)
			i++;
		if (keys[i] == NULL) {
			answer_error(control, 400, "the body has an unknown member");
			return false;
		}
	}
	return true;
}

/* The instance of the query; NULL, and answered: none. */
static struct gce_instance *
query_instance(const struct control *control)
{
	const char *zone = sim_request_query(control->request, "zone");
	const char *name = sim_request_query(control->request, "name");
	struct gce_instance *instance = NULL;

	if (zone == NULL || name == NULL) {
		answer_error(control, 400, "zone and name are needed");
		return NULL;
	}
	instance = gce_world_instance(control->gce, zone, name);
	if (instance == NULL)
		answer_outcome(control, -ENOENT);
	return instance;
}

/* The reserved address of that text; NULL, and answered: none. */
static struct gce_address *
find_address(const struct control *control, const char *text)
{
	struct gce_address *address = NULL;

	if (text == NULL) {
		answer_error(control, 400, "address is needed");
		return NULL;
	}
	address = gce_world_address(control->gce, text);
	if (address == NULL)
		answer_outcome(control, -ENOENT);
	return address;
}

/* --- what can be seen --------------------------------------------------------------
 */

static void
answer_calls(const struct control *control)
{
	answer_object(control, gce_state_calls(control->gce));
}

static void
answer_state(const struct control *control)
{
	answer_object(control, gce_state_all(control->gce));
}

/* --- what can be changed -----------------------------------------------------------
 */

static void
set_settings(const struct control *control)
{
	char why[128];

	if (gce_state_set(control->gce, control->body, why, sizeof why) < 0)
		answer_error(control, 400, why);
	else
		answer_outcome(control, 0);
}

static void
add_instance(const struct control *control)
{
	static const char *const keys[] = {
	    "zone", "name", "external_ip", "access_config", "ours", NULL};
	struct gce_instance_spec spec = {.ours = true};
	struct gce_instance *instance;
	struct json_object *object;
	int rc;

	if (!body_is_known(control, keys) ||
	    (spec.zone = body_text(control, "zone", NULL)) == NULL ||
	    (spec.name = body_text(control, "name", NULL)) == NULL ||
	    (spec.external_ip = body_text(control, "external_ip", "")) == NULL ||
	    (spec.access_config =
		    body_text(control, "access_config", "external-nat")) == NULL ||
	    !body_flag(control, "ours", &spec.ours))
		return;
	rc = gce_world_add_instance(control->gce, &spec, &instance);
	if (rc < 0) {
		answer_outcome(control, rc);
		return;
	}
	object = json_object_new_object();
	gce_json_add_format(object, "id", "%" PRIu64, instance->id);
	answer_object(control, object);
}

static void
remove_instance(const struct control *control)
{
	struct gce_instance *instance = query_instance(control);

	if (instance == NULL)
		return;
	gce_world_remove_instance(control->gce, instance);
	answer_outcome(control, 0);
}

static void
set_running(const struct control *control, bool running)
{
	struct gce_instance *instance = query_instance(control);

	if (instance == NULL)
		return;
	gce_world_set_running(control->gce, instance, running);
	answer_outcome(control, 0);
}

static void
stop_instance(const struct control *control)
{
	set_running(control, false);
}

static void
start_instance(const struct control *control)
{
	set_running(control, true);
}

static void
add_address(const struct control *control)
{
	static const char *const keys[] = {"region", "name", "address", NULL};
	const char *region, *name, *address;

	if (body_is_known(control, keys) &&
	    (region = body_text(control, "region", NULL)) != NULL &&
	    (name = body_text(control, "name", NULL)) != NULL &&
	    (address = body_text(control, "address", NULL)) != NULL)
		answer_outcome(control,
		    gce_world_add_address(control->gce, region, name, address));
}

static void
remove_address(const struct control *control)
{
	struct gce_address *address =
	    find_address(control, sim_request_query(control->request, "address"));

	if (address != NULL)
		answer_outcome(
		    control, gce_world_remove_address(control->gce, address));
}

static void
hold_address(const struct control *control)
{
	static const char *const keys[] = {"address", "user", NULL};
	const char *text, *user;
	struct gce_address *address;

	if (!body_is_known(control, keys) ||
	    (text = body_text(control, "address", NULL)) == NULL ||
	    (user = body_text(control, "user", NULL)) == NULL)
		return;
	address = find_address(control, text);
	if (address != NULL)
		answer_outcome(control, gce_world_hold(control->gce, address, user));
}

static void
release_address(const struct control *control)
{
	struct gce_address *address =
	    find_address(control, sim_request_query(control->request, "address"));

	if (address != NULL)
		answer_outcome(control, gce_world_release(control->gce, address));
}

/* Puts the address on the instance, taking both from where they were if it may. */
static int
attach_by_hand(struct sim_gce *gce, struct gce_instance *instance,
    const char *config_name, const char *text, bool replace)
{
	const struct gce_address *address = gce_world_address(gce, text);
	struct gce_instance *holder = gce_world_instance_with(gce, text);

	if (address == NULL)
		return -ENOENT;
	if (!gce_world_is_in_region(instance, address->region) ||
	    config_name[0] == '\0' || strlen(config_name) > GCE_CONFIG_NAME_MAX)
		return -EINVAL;
	if (address->user[0] != '\0' ||
	    (!replace && (holder != NULL || instance->has_config)))
		return -EBUSY;
	if (holder != NULL)
		gce_world_detach(gce, holder, NULL);
	if (instance->has_config)
		gce_world_detach(gce, instance, NULL);
	gce_world_attach(gce, instance, config_name, text, NULL);
	return 0;
}

static void
foreign_attach(const struct control *control)
{
	static const char *const keys[] = {
	    "zone", "name", "address", "access_config", "replace", NULL};
	const char *zone, *name, *text, *config_name;
	struct gce_instance *instance;
	bool replace = false;

	if (!body_is_known(control, keys) ||
	    (zone = body_text(control, "zone", NULL)) == NULL ||
	    (name = body_text(control, "name", NULL)) == NULL ||
	    (text = body_text(control, "address", NULL)) == NULL ||
	    (config_name = body_text(control, "access_config", "External NAT")) ==
		NULL ||
	    !body_flag(control, "replace", &replace))
		return;
	instance = gce_world_instance(control->gce, zone, name);
	answer_outcome(control,
	    instance == NULL
		? -ENOENT
		: attach_by_hand(control->gce, instance, config_name, text, replace));
}

static void
foreign_detach(const struct control *control)
{
	struct gce_instance *instance = query_instance(control);

	if (instance == NULL)
		return;
	if (!instance->has_config) {
		answer_outcome(control, -ENOENT);
		return;
	}
	gce_world_detach(control->gce, instance, NULL);
	answer_outcome(control, 0);
}

static void
revoke_tokens(const struct control *control)
{
	control->gce->tokens_len = 0;
	answer_outcome(control, 0);
}
