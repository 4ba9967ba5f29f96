#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "find.h"
#include "hour.h"
#include "mem.h"
#include "moment.h"
#include "seen.h"
#include "show.h"

/* The ConfigMaps of an hour. */
struct hour_maps {
	char name[MOMENT_HOUR_MAX];
	struct seen *seen;
	bool is_there; /* there is one at least */
};

struct finding {
	const struct find_place *place;
	const char *namespace; /* its */
	struct answer *answer;
	struct history *history;
	struct hour_maps hour, before; /* that in question, and the one before */
	struct answer now;
	bool has_now;
	const char *doubt; /* of `now`, of the last address; "" none */
	int64_t now_ms;
};

/* history_problem_fn, seen_problem_fn. */
static void
on_problem(void *arg, const char *configmap, const char *key, const char *text)
{
	const struct finding *finding = arg;

	fprintf(
	    stderr, "ipwardenctl: ConfigMap %s/%s: ", finding->namespace, configmap);
	show_text(key, stderr);
	fprintf(stderr, " %s\n", text);
}

/* --- ConfigMaps ---------------------------------------------------------------------
 */

/* Returns 1 and the ConfigMap; 0: there is none. */
static int
get_map(struct finding *finding, const char *name, struct json_object **ret_map)
{
	char *path =
	    mem_printf("/api/v1/namespaces/%s/configmaps/%s", finding->namespace, name);
	char *what =
	    mem_printf("ConfigMap %s/%s cannot be read", finding->namespace, name);
	int status = ask_get(finding->place->ask, path, ret_map);

	if (status != 200 && status != 404)
		ask_tell(finding->place->ask, what);
	free(path);
	free(what);
	if (status == 200)
		return 1;
	return status == 404 ? 0 : -EIO;
}

static int
add_day(struct finding *finding, const char *date)
{
	struct json_object *parts[DAY_PARTS_MAX];
	char name[DAY_NAME_MAX];
	size_t count = 0;
	int rc = 1;

	while (rc > 0 && count < DAY_PARTS_MAX) {
		day_part_name(date, count, name, sizeof name);
		rc = get_map(finding, name, &parts[count]);
		count += rc > 0;
	}
	if (rc >= 0)
		history_add_day(
		    finding->history, date, parts, count, on_problem, finding);
	for (size_t i = 0; i < count; i++)
		json_object_put(parts[i]);
	return rc < 0 ? rc : 0;
}

static int
add_hour(struct finding *finding, struct hour_maps *hour)
{
	struct json_object *part;
	char name[HOUR_NAME_MAX];
	size_t count = 0;
	int rc = 1;

	while (count < HOUR_PARTS_MAX) {
		hour_part_name(hour->name, count, name, sizeof name);
		rc = get_map(finding, name, &part);
		if (rc <= 0)
			break;
		seen_add(hour->seen, name, part, on_problem, finding);
		json_object_put(part);
		count++;
	}
	hour->is_there = count > 0;
	return rc < 0 ? rc : 0;
}

static int
add_hours(struct finding *finding)
{
	int rc = add_hour(finding, &finding->hour);

	if (rc == 0 && finding->hour.is_there)
		rc = add_hour(finding, &finding->before);
	return rc;
}

/* The part of the answer that the hour's ConfigMaps give. */
static void
describe_hour(const struct finding *finding, struct answer_part *part)
{
	part->asked = true;
	part->known = finding->hour.is_there;
	if (part->known)
		snprintf(part->source, sizeof part->source,
		    "ConfigMap %s/" HOUR_PREFIX "%s", finding->namespace,
		    finding->hour.name);
	else
		snprintf(part->why, sizeof part->why,
		    "there is no ConfigMap %s/" HOUR_PREFIX "%s", finding->namespace,
		    finding->hour.name);
}

/* --- addresses ----------------------------------------------------------------------
 */

static int
find_stay(struct finding *finding, const char *address, int64_t at_ms,
    struct history_answer *ret_found)
{
	char date[DAY_DATE_MAX];
	int rc;

	for (;;) {
		rc = history_find(finding->history, address, at_ms, ret_found, date);
		if (rc != -EAGAIN)
			return rc;
		rc = add_day(finding, date);
		if (rc < 0)
			return rc;
	}
}

/* What cannot be listed is told, and says nothing; nor do statuses that may be old. */
static bool
is_there_now(struct finding *finding, const char *address, const char *node)
{
	if (!finding->has_now)
		find_all_now(finding->place, &finding->now);
	finding->has_now = true;
	if (!finding->now.address_part.known)
		finding->doubt = finding->now.address_part.why;
	for (size_t i = 0; i < finding->now.addresses_len; i++) {
		const struct answer_address *it = &finding->now.addresses[i];

		if (it->known && strcmp(it->address, address) == 0 &&
		    strcmp(it->stay.node, node) == 0)
			return true;
	}
	return false;
}

/* That an address stays where it is is written once in a while: what comes after the
 * last writing is taken as who writes it would, when it is still there now. */
static int
find_address(
    struct finding *finding, const char *address, struct history_answer *ret_found)
{
	int rc = find_stay(finding, address, finding->answer->at_ms, ret_found);

	finding->doubt = "";
	if (rc < 0 || ret_found->known || ret_found->has_after ||
	    !ret_found->has_before ||
	    finding->now_ms - ret_found->before.until.ms >= DAY_GAP_MS ||
	    !is_there_now(finding, address, ret_found->before.node))
		return rc;
	rc = find_stay(finding, address, ret_found->before.until.ms, ret_found);
	if (rc == 0)
		ret_found->stay.until.ms = 0;
	return rc;
}

static void
take_found(const struct finding *finding, struct answer_address *address,
    const struct history_answer *found)
{
	size_t len;

	answer_take_history(address, found, finding->namespace);
	len = strlen(address->why);
	if (!found->known && finding->doubt[0] != '\0')
		snprintf(address->why + len, sizeof address->why - len, "; %s",
		    finding->doubt);
}

static bool
concerns(const struct history_answer *found, const char *node)
{
	if (found->known)
		return strcmp(found->stay.node, node) == 0;
	return (found->has_before && strcmp(found->before.node, node) == 0) ||
	       (found->has_after && strcmp(found->after.node, node) == 0);
}

/* Days that are added on the way may have more of them. */
static int
find_addresses_on_node(struct finding *finding)
{
	struct answer *answer = finding->answer;
	struct history_answer found;
	int rc = 0;

	for (size_t i = 0; i < history_addresses(finding->history) && rc == 0; i++) {
		char address[INET6_ADDRSTRLEN];

		snprintf(address, sizeof address, "%s",
		    history_address(finding->history, i));
		rc = find_address(finding, address, &found);
		if (rc == 0 && concerns(&found, answer->node))
			take_found(
			    finding, answer_add_address(answer, address), &found);
		else if (rc == 0)
			answer->elsewhere += !found.known;
	}
	return rc;
}

static int
find_addresses(struct finding *finding)
{
	struct answer *answer = finding->answer;
	struct answer_part *part = &answer->address_part;
	struct answer_address *address;
	struct history_answer found;
	char date[DAY_DATE_MAX];
	int rc;

	day_date((struct wall_time){answer->at_ms}, date, sizeof date);
	part->asked = true;
	rc = add_day(finding, date);
	if (rc < 0)
		return rc;
	part->known = history_has_day(finding->history, date);
	if (part->known)
		snprintf(part->source, sizeof part->source,
		    "ConfigMap %s/" DAY_PREFIX "%s", finding->namespace, date);
	else
		snprintf(part->why, sizeof part->why,
		    "there is no ConfigMap %s/" DAY_PREFIX "%s", finding->namespace,
		    date);
	if (answer->question.kind != QUESTION_ADDRESS)
		return part->known ? find_addresses_on_node(finding) : 0;
	rc = find_address(finding, answer->question.address, &found);
	if (rc < 0)
		return rc;
	address = answer_add_address(answer, answer->question.address);
	take_found(finding, address, &found);
	if (found.known)
		snprintf(answer->node, sizeof answer->node, "%s", found.stay.node);
	else if (!part->known)
		memcpy(address->why, part->why, sizeof address->why);
	return 0;
}

/* --- pods ---------------------------------------------------------------------------
 */

static enum answer_presence
presence_of(const struct finding *finding, const char *namespace, const char *pod)
{
	const char *before = seen_node(finding->before.seen, namespace, pod);

	if (!finding->before.is_there)
		return PRESENCE_UNKNOWN;
	return before != NULL && strcmp(before, finding->answer->node) == 0
		   ? PRESENCE_THROUGHOUT
		   : PRESENCE_CAME;
}

/* On the node at the end of the hour. */
static void
on_pod(void *arg, const char *namespace, const char *name)
{
	const struct finding *finding = arg;

	answer_add_pod(
	    finding->answer, namespace, name, presence_of(finding, namespace, name));
}

/* On the node at the end of the hour before. What this hour does not have had ended by
 * then. */
static void
on_pod_before(void *arg, const char *namespace, const char *name)
{
	const struct finding *finding = arg;
	const char *node = seen_node(finding->hour.seen, namespace, name);

	if (node != NULL && strcmp(node, finding->answer->node) != 0)
		answer_add_pod(finding->answer, namespace, name, PRESENCE_LEFT);
}

static int
find_pods(struct finding *finding)
{
	struct answer *answer = finding->answer;
	struct answer_part *part = &answer->pod_part;
	int rc;

	if (answer->node[0] == '\0' || answer->question.kind == QUESTION_POD)
		return 0;
	rc = add_hours(finding);
	if (rc < 0)
		return rc;
	describe_hour(finding, part);
	seen_walk(finding->hour.seen, answer->node, on_pod, finding);
	seen_walk(finding->before.seen, answer->node, on_pod_before, finding);
	if (part->known && (!seen_is_whole(finding->hour.seen) ||
			       !seen_is_whole(finding->before.seen))) {
		part->known = false;
		snprintf(part->why, sizeof part->why, "not all of it could be used");
	}
	return 0;
}

/* One that moved within the hour was on either node at the time. */
static void
place_pod(struct finding *finding, const char *node)
{
	struct answer *answer = finding->answer;
	const struct question *question = &answer->question;
	struct answer_part *part = &answer->node_part;
	const char *before =
	    seen_node(finding->before.seen, question->namespace, question->pod);

	if (before != NULL && before[0] != '\0' && strcmp(before, node) != 0) {
		part->known = false;
		snprintf(part->why, sizeof part->why,
		    "it moved in that hour, from %s to %s", before,
		    node[0] != '\0' ? node : "none");
		return;
	}
	snprintf(answer->node, sizeof answer->node, "%s", node);
	answer->presence = presence_of(finding, question->namespace, question->pod);
}

static int
find_pod(struct finding *finding)
{
	const struct question *question = &finding->answer->question;
	struct answer_part *part = &finding->answer->node_part;
	int rc = add_hours(finding);
	const char *node;

	if (rc < 0)
		return rc;
	describe_hour(finding, part);
	node = seen_node(finding->hour.seen, question->namespace, question->pod);
	if (node != NULL) {
		place_pod(finding, node);
	} else if (part->known) {
		part->known = false;
		snprintf(part->why, sizeof part->why, "it was not seen in that hour");
	}
	return 0;
}

/* The hour as the ConfigMaps have it: of the zone that moment_hour has. */
static void
set_hour(struct finding *finding)
{
	struct answer *answer = finding->answer;
	struct moment at = {answer->at_ms / 1000, 0};
	char text[MOMENT_TEXT_MAX];
	int64_t into_s;

	moment_hour(at, finding->hour.name, sizeof finding->hour.name);
	moment_format(at, text, sizeof text);
	into_s = strtol(text + strlen("2026-11-28T10:"), NULL, 10) * 60 +
		 strtol(text + strlen("2026-11-28T10:03:"), NULL, 10);
	answer->hour_from_ms = (at.seconds - into_s) * 1000;
	answer->hour_until_ms = answer->hour_from_ms + INT64_C(3600) * 1000;
	at.seconds -= into_s + 1;
	moment_hour(at, finding->before.name, sizeof finding->before.name);
}

int
find_then(const struct find_place *place, struct answer *answer)
{
	const struct question *question = &answer->question;
	struct finding finding = {
	    .place = place,
	    .namespace = place->namespace,
	    .doubt = "",
	    .answer = answer,
	    .history = history_new(),
	    .hour.seen = seen_new(),
	    .before.seen = seen_new(),
	    .now_ms = clock_wall().ms,
	};
	int rc = 0;

	set_hour(&finding);
	if (question->kind == QUESTION_NODE)
		snprintf(answer->node, sizeof answer->node, "%s", question->node);
	if (question->kind == QUESTION_POD)
		rc = find_pod(&finding);
	if (rc == 0 && (question->kind == QUESTION_ADDRESS || answer->node[0] != '\0'))
		rc = find_addresses(&finding);
	if (rc == 0)
		rc = find_pods(&finding);
	answer_sort(answer);
	answer_free(&finding.now);
	history_free(finding.history);
	seen_free(finding.hour.seen);
	seen_free(finding.before.seen);
	return rc;
}
