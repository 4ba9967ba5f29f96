/* What the control endpoint lets one change about the Kubernetes API:
 *
 *   POST   /kube/settings   any of token_life_s, bookmark_ms, termination_ms (numbers)
 *                           and node_binding, managed_fields (true or false)
 *   DELETE /kube/tokens     all tokens that TokenRequests gave become invalid
 */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "kube_json.h"
#include "kube_kubelet.h"
#include "kube_world.h"

/* Largest value of a setting (s or ms). */
#define SETTING_MAX 86400000

static int
change_setting(struct sim_kube *kube, const char *key, struct json_object *value)
{
	bool number = json_object_is_type(value, json_type_int);
	int64_t amount = number ? json_object_get_int64(value) : -1;

	if (json_object_is_type(value, json_type_boolean)) {
		bool is = json_object_get_boolean(value);

		if (strcmp(key, "node_binding") == 0)
			kube->no_node_binding = !is;
		else if (strcmp(key, "managed_fields") == 0)
			kube->managed_fields = is;
		else
			return -EINVAL;
		return 0;
	}
	if (amount < 0 || amount > SETTING_MAX)
		return -EINVAL;
	if (strcmp(key, "token_life_s") == 0)
		kube->token_life_s = amount;
	else if (strcmp(key, "bookmark_ms") == 0)
		sim_kube_set_bookmark_interval(kube, amount);
	else if (strcmp(key, "termination_ms") == 0)
		sim_kube_set_termination(kube, amount);
	else
		return -EINVAL;
	return 0;
}

static void
refuse(struct sim_reply *reply, const char *reason)
{
	reply->status = 400;
	buf_printf(&reply->body, "{\"error\":\"%s\"}\n", reason);
}

static void
answer_settings(
    struct sim_kube *kube, const struct sim_request *request, struct sim_reply *reply)
{
	char error[128];
	struct json_object *settings =
	    kube_json_parse(request->body, request->body_len, error, sizeof error);
	bool refused = !json_object_is_type(settings, json_type_object);

	for (const struct lh_entry *at = kube_json_first(settings);
	     at != NULL && !refused; at = at->next)
		refused =
		    change_setting(kube, kube_json_key(at), kube_json_value(at)) < 0;
	json_object_put(settings);
	if (refused)
		refuse(reply, "no such setting, or no value that it takes");
	else
		buf_puts(&reply->body, "{\"status\":\"ok\"}\n");
}

bool
sim_kube_control(
    struct sim_kube *kube, const struct sim_request *request, struct sim_reply *reply)
{
	if (strcmp(request->path, "/kube/settings") == 0 &&
	    strcmp(request->method, "POST") == 0) {
		answer_settings(kube, request, reply);
		return true;
	}
	if (strcmp(request->path, "/kube/tokens") == 0 &&
	    strcmp(request->method, "DELETE") == 0) {
		kube_auth_revoke(kube->auth);
		buf_puts(&reply->body, "{\"status\":\"ok\"}\n");
		return true;
	}
	return false;
}
