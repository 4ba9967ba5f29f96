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

struct finding {
	struct ask *ask;
	const char *namespace;
	struct answer *answer;
	struct history *history;
	struct seen *seen;
	char hour[MOMENT_HOUR_MAX];
	bool has_hour; /* there is a ConfigMap of it */
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
	int status = ask_get(finding->ask, path, ret_map);

	if (status != 200 && status != 404)
		ask_tell(finding->ask, what);
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
add_hour(struct finding *finding)
{
	struct json_object *part;
	char name[HOUR_NAME_MAX];
	size_t count = 0;
	int rc = 1;

	while (count < HOUR_PARTS_MAX) {
		hour_part_name(finding->hour, count, name, sizeof name);
		rc = get_map(finding, name, &part);
		if (rc <= 0)
			break;
		seen_add(finding->seen, name, part, on_problem, finding);
		json_object_put(part);
		count++;
	}
	finding->has_hour = count > 0;
	return rc < 0 ? rc : 0;
}

/* The part of the answer that the hour's ConfigMaps give. */
static void
describe_hour(const struct finding *finding, struct answer_part *part)
{
	part->asked = true;
	part->known = finding->has_hour;
	if (finding->has_hour)
		snprintf(part->source, sizeof part->source,
		    "ConfigMap %s/" HOUR_PREFIX "%s", finding->namespace,
		    finding->hour);
	else
		snprintf(part->why, sizeof part->why,
		    "there is no ConfigMap %s/" HOUR_PREFIX "%s", finding->namespace,
		    finding->hour);
}

/* --- addresses ----------------------------------------------------------------------
 */

static int
find_address(
    struct finding *finding, const char *address, struct history_answer *ret_found)
{
	char date[DAY_DATE_MAX];
	int rc;

	for (;;) {
		rc = history_find(
		    finding->history, address, finding->answer->at_ms, ret_found, date);
		if (rc != -EAGAIN)
			return rc;
		rc = add_day(finding, date);
		if (rc < 0)
			return rc;
	}
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
			answer_take_history(answer_add_address(answer, address), &found,
			    finding->namespace);
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
	answer_take_history(address, &found, finding->namespace);
	if (found.known)
		snprintf(answer->node, sizeof answer->node, "%s", found.stay.node);
	else if (!part->known)
		memcpy(address->why, part->why, sizeof address->why);
	return 0;
}

/* --- pods ---------------------------------------------------------------------------
 */

static int
find_pods(struct finding *finding)
{
	struct answer *answer = finding->answer;
	struct answer_part *part = &answer->pod_part;
	int rc;

	if (answer->node[0] == '\0' || answer->question.kind == QUESTION_POD)
		return 0;
	rc = add_hour(finding);
	if (rc < 0)
		return rc;
	describe_hour(finding, part);
	seen_walk(finding->seen, answer->node, answer_add_pod, answer);
	if (part->known && !seen_is_whole(finding->seen)) {
		part->known = false;
		snprintf(part->why, sizeof part->why, "not all of it could be used");
	}
	return 0;
}

static int
find_pod(struct finding *finding)
{
	struct answer *answer = finding->answer;
	const struct question *question = &answer->question;
	struct answer_part *part = &answer->node_part;
	int rc = add_hour(finding);
	const char *node;

	if (rc < 0)
		return rc;
	describe_hour(finding, part);
	node = seen_node(finding->seen, question->namespace, question->pod);
	if (part->known && node == NULL) {
		part->known = false;
		snprintf(part->why, sizeof part->why, "it was not seen in that hour");
	}
	if (node != NULL)
		snprintf(answer->node, sizeof answer->node, "%s", node);
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

	moment_hour(at, finding->hour, sizeof finding->hour);
	moment_format(at, text, sizeof text);
	into_s = strtol(text + strlen("2026-11-28T10:"), NULL, 10) * 60 +
		 strtol(text + strlen("2026-11-28T10:03:"), NULL, 10);
	answer->hour_from_ms = (at.seconds - into_s) * 1000;
	answer->hour_until_ms = answer->hour_from_ms + INT64_C(3600) * 1000;
}

int
find_then(struct ask *ask, const char *namespace, struct answer *answer)
{
	const struct question *question = &answer->question;
	struct finding finding = {
	    .ask = ask,
	    .namespace = namespace,
	    .answer = answer,
	    .history = history_new(),
	    .seen = seen_new(),
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
	history_free(finding.history);
	seen_free(finding.seen);
	return rc;
}
