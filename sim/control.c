#include "control.h"

#include <errno.h>
#include <string.h>

#include "hold.h"

struct route {
	const char *method;
	const char *path;
	void (*answer)(struct control *control, const struct sim_request *request,
	    struct sim_reply *reply);
};

static void answer_health(struct control *control, const struct sim_request *request,
    struct sim_reply *reply);
static void answer_fault_add(struct control *control, const struct sim_request *request,
    struct sim_reply *reply);
static void answer_fault_list(struct control *control,
    const struct sim_request *request, struct sim_reply *reply);
static void answer_fault_clear(struct control *control,
    const struct sim_request *request, struct sim_reply *reply);
static void answer_object_put(struct control *control,
    const struct sim_request *request, struct sim_reply *reply);
static void answer_object_remove(struct control *control,
    const struct sim_request *request, struct sim_reply *reply);

static void answer_restart(struct control *control, const struct sim_request *request,
    struct sim_reply *reply);

static const struct route routes[] = {
    {"GET", "/healthz", answer_health},
    {"POST", "/faults", answer_fault_add},
    {"GET", "/faults", answer_fault_list},
    {"DELETE", "/faults", answer_fault_clear},
    {"POST", "/kube/objects", answer_object_put},
    {"DELETE", "/kube/objects", answer_object_remove},
    {"POST", "/kube/restart", answer_restart},
};

static void
refuse(struct sim_reply *reply, int status, const char *reason)
{
	reply->status = status;
	buf_puts(&reply->body, "{\"error\":\"");
	buf_put_json(&reply->body, reason, strlen(reason));
	buf_puts(&reply->body, "\"}\n");
}

static void
accept_request(struct sim_reply *reply)
{
	buf_puts(&reply->body, "{\"status\":\"ok\"}\n");
}

void
control_handle(void *arg, const struct sim_request *request, struct sim_reply *reply)
{
	struct control *control = arg;
	bool path_known = false;

	for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
		if (strcmp(request->path, routes[i].path) != 0)
			continue;
		path_known = true;
		if (strcmp(request->method, routes[i].method) != 0)
			continue;
		routes[i].answer(control, request, reply);
		return;
	}
	if (path_known)
		refuse(reply, 405, "this path does not take that method");
	else if (!sim_kube_control(control->kube, request, reply) &&
		 !sim_gce_control(control->gce, request, reply))
		refuse(reply, 404, "no such path");
}

static void
answer_health(
    struct control *control, const struct sim_request *request, struct sim_reply *reply)
{
	(void)control;
	(void)request;
	accept_request(reply);
}

static void
answer_fault_add(
    struct control *control, const struct sim_request *request, struct sim_reply *reply)
{
	char error[256];

	if (sim_faults_add(control->faults, request->body, error, sizeof error) < 0)
		refuse(reply, 400, error);
	else
		accept_request(reply);
}

static void
answer_fault_list(
    struct control *control, const struct sim_request *request, struct sim_reply *reply)
{
	(void)request;
	sim_holds_list(sim_faults_holds(control->faults), &reply->body);
}

static void
answer_fault_clear(
    struct control *control, const struct sim_request *request, struct sim_reply *reply)
{
	(void)request;
	sim_faults_clear(control->faults);
	accept_request(reply);
}

static void
answer_object_put(
    struct control *control, const struct sim_request *request, struct sim_reply *reply)
{
	int rc = sim_kube_put(control->kube, request->body);

	if (rc == -ENOENT)
		refuse(reply, 400, "no such apiVersion and kind is served");
	else if (rc == -EINVAL)
		refuse(reply, 400, "the body must be one JSON object with a name");
	else if (rc < 0)
		refuse(reply, 400, strerror(-rc));
	else
		accept_request(reply);
}

static void
answer_object_remove(
    struct control *control, const struct sim_request *request, struct sim_reply *reply)
{
	const char *path = sim_request_query(request, "path");
	int rc;

	if (path == NULL || path[0] != '/') {
		refuse(reply, 400, "path=/api/… is missing");
		return;
	}
	rc = sim_kube_remove(control->kube, path);
	if (rc == -ENOENT)
		refuse(reply, 404, "no such object");
	else if (rc == -EINVAL)
		refuse(reply, 400, "path does not name an object");
	else if (rc < 0)
		refuse(reply, 400, strerror(-rc));
	else
		accept_request(reply);
}

/* Whether the query has the key with its only value; -EINVAL: with another. */
static int
read_choice(const struct sim_request *request, const char *key, const char *choice,
    bool *ret_chosen)
{
	const char *value = sim_request_query(request, key);

	if (value != NULL && strcmp(value, choice) != 0)
		return -EINVAL;
	*ret_chosen = value != NULL;
	return 0;
}

static void
answer_restart(
    struct control *control, const struct sim_request *request, struct sim_reply *reply)
{
	bool lost, foreign;

	if (read_choice(request, "data", "lost", &lost) < 0 ||
	    read_choice(request, "certificate", "foreign", &foreign) < 0)
		refuse(reply, 400, "takes data=lost and certificate=foreign");
	else if (control->restart(control->restart_arg, lost, foreign) < 0)
		refuse(reply, 500, "the Kubernetes API does not come back");
	else
		accept_request(reply);
}
