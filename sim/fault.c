/* The JSON object of POST /faults on the control endpoint. Its keys are the fields of
 * struct sim_fault; a key that is left out has the value 0, false or "":
 *
 *   target           "kube", "gce" or "metadata"; required
 *   method           "GET", "POST", …; "" = any
 *   path             matched anywhere in the request's path; "" = any
 *   contains         matched anywhere in the request's body; "" = any
 *   verb             kube: "get", "list", "watch", "patch", … as RBAC has it; "" = any
 *   user             kube: the identity that asks; "" = anyone
 *   status           200 to 599: the request is not carried out, this is the answer
 *   body             the answer's body: a text, or a JSON object that is sent as text
 *   delay_ms         1 to 600000: the answer is held back that long
 *   retry_after_s    1 to 3600: the answer with `status` has this Retry-After
 *   cut_after        the connection is cut after so many bytes of the body
 *   stall_after      nothing more comes after so many bytes of the body
 *   trickle_ms       1 to 60000: the body comes one byte each so many milliseconds
 *   error_event      kube: 400 to 599: a watch begins and ends with this ERROR event
 *   read_version     kube: get and list see the state at that resourceVersion
 *   repeat_events    kube: a watch that goes on from a version sees so many changes
 *                    before it once more
 *   tls_failure      true: new connections are cut before TLS has begun; excludes all
 *                    else but target and count
 *   drop_before      true: the connection is cut, nothing is done
 *   drop_after       true: the request is carried out, then the connection is cut
 *   operation_error  gce: the operation ends with this code
 *   hold             until the faults are cleared: "before": the request waits, then it
 *                    is carried out, unless its client has left; "after": it is
 *                    carried out, and not answered. gce, of a request that begins an
 *                    operation: "after", "operation": that does not end; "wait": it
 *                    ends, but whoever waits for it or reads it is not answered, and
 *                    instance and address are shown as before. Goes alone
 *   count            requests that it hits, default 1; -1 = until cleared
 *
 * At least one that does something is needed. A body is cut, stalled and trickled as
 * it would be sent: of a watch it is all that is streamed. Such an answer is chunked,
 * and one that is cut has no last chunk. Faults are tried in the order in which they
 * were added; a request takes the first that matches, and one that is used up is gone.
 */
#include "sim.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "hold.h"
#include "mem.h"

/* Faults that wait at a time. */
#define FAULTS_MAX 256u
/* Longest delay (ms) and greatest count that one may ask for. */
#define DELAY_MAX_MS 600000
#define COUNT_MAX    1000000
/* Longest Retry-After (s), slowest trickle (ms a byte), largest place in a body. */
#define RETRY_AFTER_MAX_S 3600
#define TRICKLE_MAX_MS	  60000
#define PLACE_MAX	  INT64_C(67108864)

struct waiting_fault {
	struct sim_fault fault;
	TAILQ_ENTRY(waiting_fault) link;
};

struct sim_faults {
	TAILQ_HEAD(, waiting_fault) list;
	size_t count;
	struct sim_holds *holds;
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
	faults->holds = sim_holds_new();
	return faults;
}

void
sim_faults_free(struct sim_faults *faults)
{
	if (faults == NULL)
		return;
	sim_faults_clear(faults);
	sim_holds_free(faults->holds);
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
	sim_holds_clear(faults->holds);
}

struct sim_holds *
sim_faults_holds(const struct sim_faults *faults)
{
	return faults->holds;
}

static bool
fault_matches(const struct sim_fault *fault, const struct sim_seen *seen)
{
	return !fault->tls_failure && strcmp(fault->target, seen->target) == 0 &&
	       (fault->method[0] == '\0' || strcmp(fault->method, seen->method) == 0) &&
	       (fault->verb[0] == '\0' || strcmp(fault->verb, seen->verb) == 0) &&
	       (fault->user[0] == '\0' || strcmp(fault->user, seen->user) == 0) &&
	       strstr(seen->path, fault->path) != NULL &&
	       (fault->contains[0] == '\0' ||
		   strstr(seen->body, fault->contains) != NULL);
}

/* The fault with one use less. */
static struct sim_fault
fault_use(struct sim_faults *faults, struct waiting_fault *waiting)
{
	struct sim_fault fault;

	if (waiting->fault.count > 0)
		waiting->fault.count--;
	fault = waiting->fault;
	if (fault.count == 0)
		fault_remove(faults, waiting);
	return fault;
}

bool
sim_faults_take(
    struct sim_faults *faults, const struct sim_seen *seen, struct sim_fault *ret_fault)
{
	struct waiting_fault *waiting;

	TAILQ_FOREACH(waiting, &faults->list, link) {
		if (!fault_matches(&waiting->fault, seen))
			continue;
		*ret_fault = fault_use(faults, waiting);
		return true;
	}
	return false;
}

bool
sim_faults_take_connection(struct sim_faults *faults, const char *target)
{
	struct waiting_fault *waiting;

	TAILQ_FOREACH(waiting, &faults->list, link) {
		if (!waiting->fault.tls_failure ||
		    strcmp(waiting->fault.target, target) != 0)
			continue;
		(void)fault_use(faults, waiting);
		return true;
	}
	return false;
}

static int
read_code(const struct refusal *refusal, const char *key, struct json_object *value,
    int64_t least, int *ret_code)
{
	int64_t code;
	int rc = read_number(refusal, key, value, least, 599, &code);

	if (rc == 0)
		*ret_code = (int)code;
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

/* Keys whose value is a number within bounds. */
static int
read_amount(const struct refusal *refusal, const char *key, struct json_object *value,
    struct sim_fault *fault)
{
	const struct {
		const char *key;
		int64_t least;
		int64_t most;
		int64_t *number;
		bool *given;
	} amounts[] = {
	    {"delay_ms", 1, DELAY_MAX_MS, &fault->delay_ms, NULL},
	    {"retry_after_s", 1, RETRY_AFTER_MAX_S, &fault->retry_after_s, NULL},
	    {"cut_after", 0, PLACE_MAX, &fault->cut_after, &fault->cuts},
	    {"stall_after", 0, PLACE_MAX, &fault->stall_after, &fault->stalls},
	    {"trickle_ms", 1, TRICKLE_MAX_MS, &fault->trickle_ms, NULL},
	    {"read_version", 1, INT64_MAX, &fault->read_version, NULL},
	    {"repeat_events", 1, COUNT_MAX, &fault->repeat_events, NULL},
	};

	for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++) {
		if (strcmp(key, amounts[i].key) != 0)
			continue;
		if (amounts[i].given != NULL)
			*amounts[i].given = true;
		return read_number(refusal, key, value, amounts[i].least,
		    amounts[i].most, amounts[i].number);
	}
	return refuse(refusal, key, "is not a key of a fault");
}

/* Keys whose value is a text or a flag. -ENOENT: not one of them. */
static int
read_word(const struct refusal *refusal, const char *key, struct json_object *value,
    struct sim_fault *fault)
{
	const struct {
		const char *key;
		char *text;
		size_t size;
		bool *flag;
	} words[] = {
	    {"target", fault->target, sizeof fault->target, NULL},
	    {"method", fault->method, sizeof fault->method, NULL},
	    {"path", fault->path, sizeof fault->path, NULL},
	    {"contains", fault->contains, sizeof fault->contains, NULL},
	    {"verb", fault->verb, sizeof fault->verb, NULL},
	    {"user", fault->user, sizeof fault->user, NULL},
	    {"operation_error", fault->operation_error, sizeof fault->operation_error,
		NULL},
	    {"drop_before", NULL, 0, &fault->drop_before},
	    {"drop_after", NULL, 0, &fault->drop_after},
	    {"tls_failure", NULL, 0, &fault->tls_failure},
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(key, words[i].key) != 0)
			continue;
		if (words[i].flag != NULL)
			return read_flag(refusal, key, value, words[i].flag);
		return read_text(refusal, key, value, words[i].text, words[i].size);
	}
	return -ENOENT;
}

static int
read_hold(
    const struct refusal *refusal, struct json_object *value, struct sim_fault *fault)
{
	char word[16];
	int rc = read_text(refusal, "hold", value, word, sizeof word);

	if (rc < 0)
		return rc;
	for (int kind = SIM_HOLD_BEFORE; kind <= SIM_HOLD_WAIT; kind++) {
		if (strcmp(word, sim_hold_word((enum sim_hold)kind)) != 0)
			continue;
		fault->hold = (enum sim_hold)kind;
		return 0;
	}
	return refuse(refusal, "hold", "must be before, after, operation or wait");
}

static int
read_key(const struct refusal *refusal, const char *key, struct json_object *value,
    struct sim_fault *fault)
{
	int rc = read_word(refusal, key, value, fault);

	if (rc != -ENOENT)
		return rc;
	if (strcmp(key, "status") == 0)
		return read_code(refusal, key, value, 200, &fault->status);
	if (strcmp(key, "error_event") == 0)
		return read_code(refusal, key, value, 400, &fault->error_event);
	if (strcmp(key, "hold") == 0)
		return read_hold(refusal, value, fault);
	if (strcmp(key, "body") == 0)
		return read_body(refusal, value, fault);
	if (strcmp(key, "count") == 0)
		return read_count(refusal, value, fault);
	return read_amount(refusal, key, value, fault);
}

/* Whether it has keys that only the Kubernetes API knows. */
static bool
is_for_kube(const struct sim_fault *fault)
{
	return fault->verb[0] != '\0' || fault->user[0] != '\0' || fault->cuts ||
	       fault->stalls || fault->trickle_ms > 0 || fault->error_event > 0 ||
	       fault->read_version > 0 || fault->repeat_events > 0 ||
	       fault->retry_after_s > 0 || fault->tls_failure;
}

static bool
spoils(const struct sim_fault *fault)
{
	return fault->status > 0 || fault->delay_ms > 0 || fault->drop_before ||
	       fault->drop_after || fault->operation_error[0] != '\0' || fault->cuts ||
	       fault->stalls || fault->trickle_ms > 0 || fault->error_event > 0 ||
	       fault->read_version > 0 || fault->repeat_events > 0 ||
	       fault->tls_failure;
}

static int
hold_check(const struct refusal *refusal, const struct sim_fault *fault)
{
	bool operation =
	    fault->hold == SIM_HOLD_OPERATION || fault->hold == SIM_HOLD_WAIT;

	if (fault->hold != SIM_HOLD_NONE && spoils(fault))
		return refuse(refusal, "hold", "goes alone");
	if (operation && strcmp(fault->target, "gce") != 0)
		return refuse(
		    refusal, "hold", "of an operation is for target gce only");
	return 0;
}

static int
fault_check(const struct refusal *refusal, const struct sim_fault *fault)
{
	bool kube = strcmp(fault->target, "kube") == 0;

	if (!kube && strcmp(fault->target, "gce") != 0 &&
	    strcmp(fault->target, "metadata") != 0)
		return refuse(refusal, "target", "must be kube, gce or metadata");
	if (fault->body[0] != '\0' && fault->status == 0)
		return refuse(refusal, "body", "needs a status");
	if (fault->retry_after_s > 0 && fault->status == 0)
		return refuse(refusal, "retry_after_s", "needs a status");
	if (fault->drop_before && fault->drop_after)
		return refuse(refusal, "drop_before", "excludes drop_after");
	if (fault->cuts && fault->stalls)
		return refuse(refusal, "cut_after", "excludes stall_after");
	if (fault->operation_error[0] != '\0' && strcmp(fault->target, "gce") != 0)
		return refuse(refusal, "operation_error", "is for target gce only");
	if (!kube && is_for_kube(fault))
		return refuse(refusal, "fault", "has keys that are for target kube");
	if (!spoils(fault) && fault->hold == SIM_HOLD_NONE)
		return refuse(refusal, "fault",
		    "does nothing: give status, delay_ms, drop_before, drop_after, "
		    "operation_error, hold or another that acts");
	return hold_check(refusal, fault);
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
