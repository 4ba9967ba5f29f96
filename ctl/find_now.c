#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "find.h"
#include "json_read.h"
#include "kube.h"
#include "leads.h"
#include "line.h"
#include "mem.h"

#define ALLOCATIONS "/apis/netinfra.darkbrains.com/v1alpha1/netipallocations"

/* --- addresses ----------------------------------------------------------------------
 */

/* An entry of status.addresses. */
struct entry {
	char address[INET6_ADDRSTRLEN];
	char node[NAME_MAX_LEN + 1];
	char zone[LABEL_MAX_LEN + 1];
	char state[64];
	char message[512];
	struct wall_time since;
};

/* What has no usual form is no address: such entries say so in their message. */
static int
read_entry(struct json_object *json, struct entry *entry)
{
	char text[64] = "";

	if (json_read_text(json, "address", text, sizeof text) < 0 ||
	    json_read_text(json, "nodeName", entry->node, sizeof entry->node) < 0 ||
	    json_read_text(json, "zone", entry->zone, sizeof entry->zone) < 0 ||
	    json_read_text(json, "state", entry->state, sizeof entry->state) < 0 ||
	    json_read_text(json, "message", entry->message, sizeof entry->message) <
		0 ||
	    json_read_time(json, "lastTransitionTime", &entry->since) < 0)
		return -EBADMSG;
	if (entry->node[0] != '\0' &&
	    !question_is_name(entry->node, strlen(entry->node)))
		return -EBADMSG;
	if (question_address(text, entry->address) < 0)
		entry->address[0] = '\0';
	return 0;
}

/* While it moves, or what the cloud says cannot be seen, the status is of before. */
static bool
is_known(const struct entry *entry)
{
	static const char *const open[] = {"Attaching", "Detaching", "Unknown", ""};

	for (size_t i = 0; i < sizeof open / sizeof *open; i++)
		if (strcmp(entry->state, open[i]) == 0)
			return false;
	return entry->node[0] != '\0' || strcmp(entry->state, "Spare") == 0;
}

static void
take_entry(struct answer *answer, const struct entry *entry, const char *allocation)
{
	struct answer_address *address = answer_add_address(answer, entry->address);

	address->known = is_known(entry);
	snprintf(address->state, sizeof address->state, "%s", entry->state);
	snprintf(
	    address->source, sizeof address->source, "NetIPAllocation %s", allocation);
	snprintf(address->stay.allocation, sizeof address->stay.allocation, "%s",
	    allocation);
	if (!address->known) {
		snprintf(address->why, sizeof address->why, "its state is %s%s%s",
		    entry->state[0] != '\0' ? entry->state : "not given",
		    entry->message[0] != '\0' ? ": " : "", entry->message);
		return;
	}
	snprintf(address->stay.node, sizeof address->stay.node, "%s", entry->node);
	snprintf(address->stay.zone, sizeof address->stay.zone, "%s", entry->zone);
	address->stay.from = entry->since;
	address->since = entry->since.ms != 0 ? SINCE_STATUS : SINCE_UNKNOWN;
}

/* Of a node; "" is all. */
static bool
is_asked(const struct answer *answer, const struct entry *entry)
{
	if (answer->question.kind == QUESTION_ADDRESS)
		return strcmp(entry->address, answer->question.address) == 0;
	return entry->address[0] != '\0' &&
	       (answer->node[0] == '\0' || strcmp(entry->node, answer->node) == 0);
}

/* A new one that ipwarden has not looked at: listed, and without a status. */
static void
look_in_list(struct answer *answer, struct json_object *json, const char *name)
{
	struct json_object *spec = json_read_member(json, "spec");
	struct json_object *list = json_read_member(spec, "reservedIPs");
	struct entry entry = {.message = "ipwarden has not looked at it yet"};

	if (answer->question.kind != QUESTION_ADDRESS)
		return;
	for (size_t i = 0; i < json_read_length(list); i++) {
		const char *text = json_read_string(json_object_array_get_idx(list, i));

		if (text == NULL || question_address(text, entry.address) < 0 ||
		    !is_asked(answer, &entry))
			continue;
		take_entry(answer, &entry, name);
		return;
	}
}

static int
read_allocation(struct answer *answer, struct json_object *json)
{
	struct json_object *status = json_read_member(json, "status");
	struct json_object *list = json_read_member(status, "addresses");
	char name[NAME_MAX_LEN + 1] = "";
	size_t before = answer->addresses_len;

	if (json_read_text(
		json_read_member(json, "metadata"), "name", name, sizeof name) != 1)
		return -EBADMSG;
	for (size_t i = 0; i < json_read_length(list); i++) {
		struct entry entry = {0};

		if (read_entry(json_object_array_get_idx(list, i), &entry) < 0)
			return -EBADMSG;
		if (is_asked(answer, &entry))
			take_entry(answer, &entry, name);
	}
	if (answer->addresses_len == before)
		look_in_list(answer, json, name);
	return 0;
}

static void
on_allocations_begin(void *arg)
{
	struct answer *answer = arg;

	answer->addresses_len = 0;
}

static int
on_allocation(void *arg, const char *text, size_t len)
{
	struct json_object *json = json_read_object(text, len);
	int rc = json != NULL ? read_allocation(arg, json) : -EBADMSG;

	json_object_put(json);
	return rc;
}

/* What it was when an ipwarden last looked is no answer. */
static void
doubt_address(struct answer_address *address, const char *doubt)
{
	struct stay *stay = &address->stay;

	address->known = false;
	address->since = SINCE_UNKNOWN;
	snprintf(address->why, sizeof address->why,
	    "%s: that it is on %s, as its status says, may be old", doubt,
	    stay->node[0] != '\0' ? stay->node : "no node");
	stay->node[0] = stay->zone[0] = '\0';
	stay->from.ms = 0;
}

/* An ipwarden that leads keeps the statuses true; nobody else does. */
static void
doubt_statuses(const struct find_place *place, struct answer *answer)
{
	struct answer_part *part = &answer->address_part;
	bool matters = answer->question.kind != QUESTION_ADDRESS;
	char doubt[LEADS_WHY_MAX];

	for (size_t i = 0; i < answer->addresses_len; i++)
		matters = matters || answer->addresses[i].known;
	if (!matters)
		return;
	leads_why(
	    leads_ask(place->ask, place->lease, clock_wall().ms), place->lease, doubt);
	if (doubt[0] == '\0')
		return;
	for (size_t i = 0; i < answer->addresses_len; i++)
		if (answer->addresses[i].known)
			doubt_address(&answer->addresses[i], doubt);
	part->known = false;
	snprintf(part->why, sizeof part->why,
	    "%s: what the statuses of the NetIPAllocations say may be old", doubt);
}

static int
find_addresses(const struct find_place *place, struct answer *answer)
{
	static const struct ask_list_handlers handlers = {
	    on_allocations_begin, on_allocation};
	struct answer_part *part = &answer->address_part;

	part->asked = true;
	if (ask_list(place->ask, ALLOCATIONS, "", &handlers, answer) != 200) {
		ask_tell(place->ask, "the NetIPAllocations cannot be listed");
		return -EIO;
	}
	part->known = ask_refused(place->ask) == 0;
	if (!part->known)
		snprintf(part->why, sizeof part->why,
		    "%" PRIu64 " NetIPAllocations cannot be read",
		    ask_refused(place->ask));
	if (answer->question.kind == QUESTION_ADDRESS && answer->addresses_len == 0 &&
	    part->known) {
		part->known = false;
		snprintf(part->why, sizeof part->why, "no NetIPAllocation lists it");
	}
	doubt_statuses(place, answer);
	for (size_t i = 0; i < answer->addresses_len; i++)
		if (answer->question.kind == QUESTION_ADDRESS &&
		    answer->node[0] == '\0' && answer->addresses[i].known)
			snprintf(answer->node, sizeof answer->node, "%s",
			    answer->addresses[i].stay.node);
	return 0;
}

int
find_all_now(const struct find_place *place, struct answer *answer)
{
	*answer = (struct answer){.question.kind = QUESTION_NODE};
	return find_addresses(place, answer);
}

/* --- pods ---------------------------------------------------------------------------
 */

static void
on_pods_begin(void *arg)
{
	answer_forget_pods(arg);
}

/* What has ended is on no node any more, though its object is. */
static int
on_pod(void *arg, const char *json, size_t len)
{
	struct footprint *print = footprint_read(json, len);

	if (print == NULL)
		return -EBADMSG;
	if (strcmp(print->phase, "Succeeded") != 0 &&
	    strcmp(print->phase, "Failed") != 0)
		answer_add_pod(arg, print->namespace, print->name, PRESENCE_NOW);
	free(print);
	return 0;
}

static int
find_pods(struct ask *ask, struct answer *answer)
{
	static const struct ask_list_handlers handlers = {on_pods_begin, on_pod};
	struct answer_part *part = &answer->pod_part;
	char *query;
	int status;

	if (answer->node[0] == '\0' || answer->question.kind == QUESTION_POD)
		return 0;
	query = mem_printf("fieldSelector=spec.nodeName%%3D%s", answer->node);
	status = ask_list(ask, "/api/v1/pods", query, &handlers, answer);
	free(query);
	if (status != 200) {
		ask_tell(ask, "the node's pods cannot be listed");
		return -EIO;
	}
	part->asked = true;
	part->known = ask_refused(ask) == 0;
	if (!part->known)
		snprintf(part->why, sizeof part->why, "%" PRIu64 " pods cannot be read",
		    ask_refused(ask));
	snprintf(part->source, sizeof part->source, "the API server's pods");
	return 0;
}

static int
find_pod(struct ask *ask, struct answer *answer)
{
	const struct question *question = &answer->question;
	struct answer_part *part = &answer->node_part;
	char *path = mem_printf(
	    "/api/v1/namespaces/%s/pods/%s", question->namespace, question->pod);
	struct json_object *json = NULL;
	int status = ask_get(ask, path, &json);

	free(path);
	part->asked = true;
	if (status == 404) {
		snprintf(part->why, sizeof part->why, "there is no such pod now");
		return 0;
	}
	if (status != 200) {
		ask_tell(ask, "the pod cannot be read");
		return -EIO;
	}
	part->known = json_read_text(json_read_member(json, "spec"), "nodeName",
			  answer->node, sizeof answer->node) >= 0 &&
		      (answer->node[0] == '\0' ||
			  question_is_name(answer->node, strlen(answer->node)));
	if (!part->known)
		answer->node[0] = '\0';
	snprintf(part->source, sizeof part->source, "the API server's pod");
	json_object_put(json);
	return 0;
}

enum kubelet
find_kubelet(const struct find_place *place, const char *node, int64_t now_ms,
    int64_t *ret_heard_ms, char why[ANSWER_TEXT_MAX])
{
	struct kubelets *kubelets = kubelets_new();
	int status = kubelets_ask(kubelets, place->ask, node);
	enum kubelet kubelet = kubelets_of(kubelets, node, now_ms, ret_heard_ms);

	if (status != 200)
		snprintf(why, ANSWER_TEXT_MAX,
		    "Lease " KUBELETS_NAMESPACE "/%s cannot be read: %s", node,
		    ask_message(place->ask));
	else if (kubelet == KUBELET_NOT_KNOWN)
		snprintf(why, ANSWER_TEXT_MAX,
		    "there is no Lease " KUBELETS_NAMESPACE "/%s", node);
	kubelets_free(kubelets);
	return kubelet;
}

static void
doubt_part(const struct answer *answer, struct answer_part *part, const char *what)
{
	char heard[CLOCK_TEXT_MAX];

	if (!part->asked || !part->known)
		return;
	stay_format_time((struct wall_time){answer->heard_ms}, heard);
	part->known = false;
	snprintf(part->why, sizeof part->why,
	    "the kubelet of %s was last heard at %s: %s", answer->node, heard, what);
}

/* What the API server has of a node's pods is true while the kubelet is heard. */
static void
doubt_node(const struct find_place *place, struct answer *answer)
{
	if (answer->node[0] == '\0')
		return;
	answer->kubelet = find_kubelet(
	    place, answer->node, answer->at_ms, &answer->heard_ms, answer->kubelet_why);
	if (answer->kubelet != KUBELET_SILENT)
		return;
	doubt_part(
	    answer, &answer->node_part, "it is not known whether it still runs there");
	doubt_part(
	    answer, &answer->pod_part, "what runs there since then is not known");
}

int
find_now(const struct find_place *place, struct answer *answer)
{
	const struct question *question = &answer->question;
	int rc = 0;

	answer->is_now = true;
	if (question->kind == QUESTION_NODE)
		snprintf(answer->node, sizeof answer->node, "%s", question->node);
	if (question->kind == QUESTION_POD)
		rc = find_pod(place->ask, answer);
	if (rc == 0 && (question->kind == QUESTION_ADDRESS || answer->node[0] != '\0'))
		rc = find_addresses(place, answer);
	if (rc == 0)
		rc = find_pods(place->ask, answer);
	if (rc == 0)
		doubt_node(place, answer);
	answer_sort(answer);
	return rc;
}
