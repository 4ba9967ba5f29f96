/* The JSON object of POST /faults on the control endpoint. Its keys are the fields of
 * struct sim_fault; a key that is left out has the value 0, false or "":
 *
 *   target           "kube", "gce" or "metadata"; required
 *   method           "GET", "POST", …; "" = any
 *   path             matched anywhere in the request's path; "" = any
 *   status           200 to 599: the request is not carried out, this is the answer
 *   body             the answer's body: a text, or a JSON object that is sent as text
 *   delay_ms         1 to 600000: the answer is held back that long
 *   drop_before      true: the connection is cut, nothing is done
 *   drop_after       true: the request is carried out, then the connection is cut
 *   operation_error  gce: the operation ends with this code
 *   count            requests that it hits, default 1; -1 = until cleared
 *
 * At least one of status, delay_ms, drop_before, drop_after and operation_error is
 * needed. Faults are tried in the order in which they were added; a request takes the
 * first that matches, and one that is used up is gone. */
#include "sim.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "mem.h"

/* Faults that wait at a time. */
#define FAULTS_MAX 256u
/* Longest delay (ms) and greatest count that one may ask for. */
#define DELAY_MAX_MS 600000
#define COUNT_MAX    1000000

struct waiting_fault {
	struct sim_fault fault;
	TAILQ_ENTRY(waiting_fault) link;
};

struct sim_faults {
	TAILQ_HEAD(, waiting_fault) list;
	size_t count;
};

/* Where the reason of a refusal goes. */
struct refusal {
	char *text;
	size_t size;
};

static int refuse(const struct refusal *refusal, const char *key, const char *reason);
static int read_text(const struct refusal *refusal, const char *key,
    struct json_object *value, char *out, size_t out_size);
static int read_number(const struct refusal *refusal, const char *key,
    struct json_object *value, int64_t least, int64_t most, int64_t *ret_number);
static int read_flag(const struct refusal *refusal, const char *key,
    struct json_object *value, bool *ret_flag);

struct sim_faults *
sim_faults_new(void)
{
	struct sim_faults *faults = mem_calloc(1, sizeof *faults);

	TAILQ_INIT(&faults->list);
	return faults;
}

void
sim_faults_free(struct sim_faults *faults)
{
	if (faults == NULL)
		return;
	sim_faults_clear(faults);
	free(faults);
}

static void
fault_remove(struct sim_faults *faults, struct waiting_fault *waiting)
{
	TAILQ_REMOVE(&faults->list, waiting, link);
	faults->count--;
	free(waiting);
}

void
sim_faults_clear(struct sim_faults *faults)
{
	while (!TAILQ_EMPTY(&faults->list))
		fault_remove(faults, TAILQ_FIRST(&faults->list));
}

static bool
fault_matches(const struct sim_fault *fault, const char *target, const char *method,
    const char *path)
{
	return strcmp(fault->target, target) == 0 &&
	       (fault->method[0] == '\0' || strcmp(fault->method, method) == 0) &&
	       strstr(path, fault->path) != NULL;
}

bool
sim_faults_take(struct sim_faults *faults, const char *target, const char *method,
    const char *path, struct sim_fault *ret_fault)
{
	struct waiting_fault *waiting;

	TAILQ_FOREACH(waiting, &faults->list, link) {
		if (!fault_matches(&waiting->fault, target, method, path))
			continue;
		if (waiting->fault.count > 0)
			waiting->fault.count--;
		*ret_fault = waiting->fault;
		if (waiting->fault.count == 0)
			fault_remove(faults, waiting);
		return true;
	}
	return false;
}

static int
read_status(
    const struct refusal *refusal, struct json_object *value, struct sim_fault *fault)
{
	int64_t status;
	int rc = read_number(refusal, "status", value, 200, 599, &status);

	if (rc == 0)
		fault->status = (int)status;
	return rc;
}

static int
read_count(
    const struct refusal *refusal, struct json_object *value, struct sim_fault *fault)
{
	int64_t count;
	int rc = read_number(refusal, "count", value, -1, COUNT_MAX, &count);

	if (rc == 0 && count == 0)
		return refuse(refusal, "count", "must not be 0");
	if (rc == 0)
		fault->count = (int)count;
	return rc;
}

static int
read_body(
    const struct refusal *refusal, struct json_object *value, struct sim_fault *fault)
{
	struct json_object *text;
	int rc;

	if (!json_object_is_type(value, json_type_object))
		return read_text(
		    refusal, "body", value, fault->body, sizeof fault->body);
	text = json_object_new_string(json_object_to_json_string_ext(
	    value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	rc = read_text(refusal, "body", text, fault->body, sizeof fault->body);
	json_object_put(text);
	return rc;
}

static int
read_key(const struct refusal *refusal, const char *key, struct json_object *value,
    struct sim_fault *fault)
{
	const struct {
		const char *key;
		char *text;
		size_t size;
		bool *flag;
	} plain[] = {
	    {"target", fault->target, sizeof fault->target, NULL},
	    {"method", fault->method, sizeof fault->method, NULL},
	    {"path", fault->path, sizeof fault->path, NULL},
	    {"operation_error", fault->operation_error, sizeof fault->operation_error,
		NULL},
	    {"drop_before", NULL, 0, &fault->drop_before},
	    {"drop_after", NULL, 0, &fault->drop_after},
	};

	for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
		if (strcmp(key, plain[i].key) != 0)
			continue;
		if (plain[i].flag != NULL)
			return read_flag(refusal, key, value, plain[i].flag);
		return read_text(refusal, key, value, plain[i].text, plain[i].size);
	}
	if (strcmp(key, "status") == 0)
		return read_status(refusal, value, fault);
	if (strcmp(key, "body") == 0)
		return read_body(refusal, value, fault);
	if (strcmp(key, "count") == 0)
		return read_count(refusal, value, fault);
	if (strcmp(key, "delay_ms") == 0)
		return read_number(
		    refusal, key, value, 1, DELAY_MAX_MS, &fault->delay_ms);
	return refuse(refusal, key, "is not a key of a fault");
}

static int
fault_check(const struct refusal *refusal, const struct sim_fault *fault)
{
	if (strcmp(fault->target, "kube") != 0 && strcmp(fault->target, "gce") != 0 &&
	    strcmp(fault->target, "metadata") != 0)
		return refuse(refusal, "target", "must be kube, gce or metadata");
	if (fault->body[0] != '\0' && fault->status == 0)
		return refuse(refusal, "body", "needs a status");
	if (fault->drop_before && fault->drop_after)
		return refuse(refusal, "drop_before", "excludes drop_after");
	if (fault->operation_error[0] != '\0' && strcmp(fault->target, "gce") != 0)
		return refuse(refusal, "operation_error", "is for target gce only");
	if (fault->status == 0 && fault->delay_ms == 0 && !fault->drop_before &&
	    !fault->drop_after && fault->operation_error[0] == '\0')
		return refuse(refusal, "fault",
		    "does nothing: give status, delay_ms, drop_before, drop_after or "
		    "operation_error");
	return 0;
}

static struct json_object *
parse_object(const char *json)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *root = NULL;

	if (tokener == NULL)
		return NULL;
	json_tokener_set_flags(
	    tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	/* with the NUL, so that a cut text is not taken for one to be continued */
	root = json_tokener_parse_ex(tokener, json, (int)strlen(json) + 1);
	json_tokener_free(tokener);
	if (!json_object_is_type(root, json_type_object)) {
		json_object_put(root);
		return NULL;
	}
	return root;
}

int
sim_faults_add(
    struct sim_faults *faults, const char *json, char *error, size_t error_size)
{
	const struct refusal refusal = {error, error_size};
	struct sim_fault fault = {.count = 1};
	struct waiting_fault *waiting;
	struct json_object *root;
	int rc = 0;

	if (faults->count == FAULTS_MAX)
		return refuse(&refusal, "faults", "are too many");
	if (strlen(json) > SIM_BODY_MAX || (root = parse_object(json)) == NULL)
		return refuse(&refusal, "fault", "must be one JSON object");
	json_object_object_foreach(root, key, value) {
		rc = read_key(&refusal, key, value, &fault);
		if (rc < 0)
			break;
	}
	json_object_put(root);
	if (rc == 0)
		rc = fault_check(&refusal, &fault);
	if (rc < 0)
		return rc;
	waiting = mem_calloc(1, sizeof *waiting);
	waiting->fault = fault;
	TAILQ_INSERT_TAIL(&faults->list, waiting, link);
	faults->count++;
	return 0;
}

static int
refuse(const struct refusal *refusal, const char *key, const char *reason)
{
	snprintf(refusal->text, refusal->size, "%.64s %s", key, reason);
	return -EINVAL;
}

static int
read_text(const struct refusal *refusal, const char *key, struct json_object *value,
    char *out, size_t out_size)
{
	const char *text;
	size_t len;

	if (!json_object_is_type(value, json_type_string))
		return refuse(refusal, key, "must be a text");
	text = json_object_get_string(value);
	len = (size_t)json_object_get_string_len(value);
	if (len >= out_size)
		return refuse(refusal, key, "is too long");
	if (strlen(text) != len)
		return refuse(refusal, key, "must not contain NUL");
	memcpy(out, text, len + 1);
	return 0;
}

static int
read_number(const struct refusal *refusal, const char *key, struct json_object *value,
    int64_t least, int64_t most, int64_t *ret_number)
{
	int64_t number;

	if (!json_object_is_type(value, json_type_int))
		return refuse(refusal, key, "must be a whole number");
	number = json_object_get_int64(value);
	if (number < least || number > most)
		return refuse(refusal, key, "is out of range");
	*ret_number = number;
	return 0;
}

static int
read_flag(const struct refusal *refusal, const char *key, struct json_object *value,
    bool *ret_flag)
{
	if (!json_object_is_type(value, json_type_boolean))
		return refuse(refusal, key, "must be true or false");
	*ret_flag = json_object_get_boolean(value) != 0;
	return 0;
}
