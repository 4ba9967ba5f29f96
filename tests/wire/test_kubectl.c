/* What kubectl sends (the recorded lists of 1.20, 1.32 and 1.36): the simulated API
 * server answers each request with the status that the real one gave. The lists have no
 * bodies; those below stand for them. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deviations.h"
#include "mem.h"
#include "replay.h"

#define LIST_SIZE_MAX (1024u * 1024u)

#define POOL(spec)                                                                     \
	"{\"kind\":\"NetIPAllocation\",\"apiVersion\":"                                \
	"\"netinfra.darkbrains.com/v1alpha1\",\"metadata\":{\"name\":\"kpool\"},"      \
	"\"spec\":{\"cloud\":{\"provider\":\"gcp\",\"region\":\"us-west1\"},"          \
	"\"reservedIPs\":[\"203.0.113.10\"]" spec "}}"

/* The body of a command's requests of that method; the first that fits. */
static const struct {
	const char *command; /* its beginning */
	const char *method;
	const char *body;
} bodies[] = {
    {"kubectl apply -f ./nia.yaml", "POST", POOL("")},
    {"kubectl apply -f ./nia2.yaml", "PATCH", "{\"spec\":{\"reconcileInterval\":60}}"},
    /* a field that the schema does not know */
    {"kubectl apply -f ./nia3.yaml", "PATCH", "{\"spec\":{\"reservedIPz\":[]}}"},
    {"kubectl apply --server-side", "PATCH", "[]"},
    {"kubectl cordon", "PATCH", "{\"spec\":{\"unschedulable\":true}}"},
    {"kubectl drain", "POST",
	"{\"kind\":\"Eviction\",\"apiVersion\":\"policy/v1\",\"metadata\":{\"name\":"
	"\"sip-0\",\"namespace\":\"default\"}}"},
    {"kubectl drain", "PATCH", "{\"spec\":{\"unschedulable\":true}}"},
    {"kubectl uncordon", "PATCH", "{\"spec\":{\"unschedulable\":null}}"},
    {"kubectl label node gke-pool-0 role=x", "PATCH",
	"{\"metadata\":{\"labels\":{\"role\":\"x\"}}}"},
    {"kubectl label node gke-pool-0 role-", "PATCH",
	"{\"metadata\":{\"labels\":{\"role\":null}}}"},
    /* as the shell of the recording gave it to kubectl */
    {"kubectl patch nia", "PATCH", "{spec:{reconcileInterval:45}}"},
    {"kubectl delete nia", "DELETE",
	"{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"propagationPolicy\":"
	"\"Background\"}"},
};

/* One request of a list, as far as it has been read. */
struct request {
	char command[256];
	char method[8];
	char target[1024];
	char accept[512];
	char type[128];
	int status;	       /* 0: none was recorded for it */
	char answer_type[128]; /* "" = none was recorded */
};

struct tally {
	const char *list;
	struct deviations deviations;
	size_t requests, agree, unasked;
};

static const char *
body_of(const struct request *request)
{
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
		if (strcmp(request->method, bodies[i].method) == 0 &&
		    strncmp(request->command, bodies[i].command,
			strlen(bodies[i].command)) == 0)
			return bodies[i].body;
	return "";
}

/* kubectl waits until the pod is gone before it asks for what comes next. */
static void
await_eviction(const struct request *request)
{
	const char *end = strstr(request->target, "/eviction");
	char path[1024];

	if (end == NULL)
		return;
	snprintf(
	    path, sizeof path, "%.*s", (int)(end - request->target), request->target);
	cr_expect(rig_wait_gone(path), "%s stays", path);
}

/* kubectl asks for the resources of a group only when the server has named it. */
static bool
is_unasked(const struct request *request)
{
	char group[256], path[300];
	const char *at = request->target + strlen("/apis/");
	size_t len;

	if (strncmp(request->target, "/apis/", strlen("/apis/")) != 0)
		return false;
	len = strcspn(at, "/?");
	snprintf(group, sizeof group, "%.*s", (int)len, at);
	snprintf(path, sizeof path, "/apis/%s", group);
	rig.accept = NULL;
	return rig_send("GET", path, NULL) == 404;
}

/* The entry of the list of deviations that would excuse the request, or NULL. */
static const char *
excuse_of(const struct request *request)
{
	if (strncmp(request->target, "/openapi/", strlen("/openapi/")) == 0)
		return "kubectl:openapi";
	if (strcmp(request->type, "application/apply-patch+yaml") == 0)
		return "kubectl:server-side-apply";
	return NULL;
}

/* JSON stands in for protobuf where the client takes both. */
static bool
type_agrees(const struct request *request)
{
	const char *type = rig.reply.content_type;

	if (strstr(request->answer_type, "protobuf") != NULL)
		return strstr(request->accept, "application/json") != NULL &&
		       strcmp(type, "application/json") == 0;
	return request->answer_type[0] == '\0' ||
	       strcmp(type, request->answer_type) == 0;
}

static void
request_play(const struct request *request, struct tally *tally)
{
	const char *body = body_of(request);
	const char *excuse = excuse_of(request);
	/* of requests that were sent at once, the answers follow later: all were 200 */
	int wanted = request->status != 0 ? request->status : 200;
	bool agrees;

	if (request->target[0] == '\0')
		return;
	if (is_unasked(request)) {
		tally->unasked++;
		return;
	}
	rig.accept = request->accept[0] != '\0' ? request->accept : NULL;
	rig_send_typed(
	    request->method, request->target, request->type, body, strlen(body));
	rig.accept = NULL;
	agrees = rig.reply.status == wanted && type_agrees(request);
	tally->requests++;
	tally->agree += agrees;
	if (excuse == NULL)
		cr_expect(agrees, "%s: %s: %s %s: %d %s, not %d %s", tally->list,
		    request->command, request->method, request->target,
		    rig.reply.status, rig.reply.content_type, wanted,
		    request->answer_type);
	else if (!agrees)
		deviations_use(&tally->deviations, excuse);
	await_eviction(request);
}

/* --- reading a list --- */

static bool
starts(const char *line, const char *with, const char **ret_rest)
{
	size_t len = strlen(with);

	if (strncmp(line, with, len) != 0)
		return false;
	*ret_rest = line + len;
	return true;
}

/* "GET /api/v1/nodes" */
static bool
is_request(const char *line)
{
	const char *blank = strchr(line, ' ');

	if (blank == NULL || blank == line || blank[1] != '/')
		return false;
	for (; line < blank; line++)
		if (!isupper((unsigned char)*line))
			return false;
	return true;
}

/* Headers before the status are the request's, those after it the answer's. */
static void
line_read(const char *line, struct request *request, struct tally *tally)
{
	const char *rest;

	if (is_request(line) || starts(line, "## ", &rest) ||
	    starts(line, "-> ", &rest)) {
		request_play(request, tally);
		request->target[0] = '\0';
		request->status = 0;
	}
	if (starts(line, "## ", &rest)) {
		*request = (struct request){.status = 0};
		snprintf(request->command, sizeof request->command, "%s", rest);
	} else if (is_request(line)) {
		int len = (int)strcspn(line, " ");

		request->accept[0] = request->type[0] = request->answer_type[0] = '\0';
		snprintf(request->method, sizeof request->method, "%.*s", len, line);
		snprintf(request->target, sizeof request->target, "%s", line + len + 1);
	} else if (starts(line, "status=\"", &rest) ||
		   starts(line, "Response Status: ", &rest)) {
		request->status = (int)strtol(rest, NULL, 10);
	} else if (starts(line, "Accept: ", &rest) && request->status == 0) {
		snprintf(request->accept, sizeof request->accept, "%s", rest);
	} else if (starts(line, "Content-Type: ", &rest)) {
		if (request->status == 0)
			snprintf(request->type, sizeof request->type, "%s", rest);
		else
			snprintf(request->answer_type, sizeof request->answer_type,
			    "%s", rest);
	}
}

static void
play_list(const char *version, size_t least)
{
	struct tally tally = {.list = version};
	struct request request = {.status = 0};
	char path[1024], *line = NULL;
	size_t size = 0, used;
	ssize_t len;
	FILE *file;

	replay_forgive(true);
	replay("008-crd-create");
	replay_put_items("043-nodes-list-json", "Node", 0);
	replay_put_items("047-pods-list-json", "Pod", 0);
	deviations_read(&tally.deviations, "kubectl:");
	snprintf(path, sizeof path, "%.900s/kubectl-%s.txt", recordings_dir(), version);
	file = fopen(path, "r");
	cr_assert_not_null(file, "no list %s", path);
	while ((len = getline(&line, &size, file)) > 0) {
		cr_assert_lt(size, LIST_SIZE_MAX);
		line[strcspn(line, "\n")] = '\0';
		line_read(line, &request, &tally);
	}
	free(line);
	fclose(file);
	used = deviations_used(&tally.deviations);
	printf("kubectl %s: %zu requests, %zu agree, %zu of %zu listed deviations; %zu "
	       "more about groups that are not served\n",
	    version, tally.requests, tally.agree, used, tally.deviations.len,
	    tally.unasked);
	fflush(stdout);
	cr_expect_geq(tally.requests, least);
	cr_expect_eq(used, tally.deviations.len, "a listed deviation is none");
}

static void
teardown(void)
{
	replay_forget();
	rig_teardown();
}

TestSuite(wire_kubectl, .init = rig_setup, .fini = teardown, .timeout = 60);

Test(wire_kubectl, version_1_20)
{
	play_list("1.20", 50);
}

Test(wire_kubectl, version_1_32)
{
	play_list("1.32", 50);
}

Test(wire_kubectl, version_1_36)
{
	play_list("1.36", 50);
}
