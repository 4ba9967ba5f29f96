#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "finding.h"
#include "mem.h"
#include "show.h"

/* history_problem_fn, seen_problem_fn. */
void
finding_tell(void *arg, const char *configmap, const char *key, const char *text)
{
	const struct finding *finding = arg;

	fprintf(
	    stderr, "ipwardenctl: ConfigMap %s/%s: ", finding->namespace, configmap);
	show_text(key, stderr);
	fprintf(stderr, " %s\n", text);
}

/* --- ConfigMaps ---------------------------------------------------------------------
 */

int
finding_get_map(struct finding *finding, const char *name, struct json_object **ret_map)
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
		rc = finding_get_map(finding, name, &parts[count]);
		count += rc > 0;
	}
	if (rc >= 0)
		history_add_day(
		    finding->history, date, parts, count, finding_tell, finding);
	for (size_t i = 0; i < count; i++)
		json_object_put(parts[i]);
	return rc < 0 ? rc : 0;
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

/* A limit of ours, which is never taken for what the ConfigMaps say. */
#define TOO_MANY "there are more addresses than can be looked at"

static void
take_found(const struct finding *finding, struct answer_address *address,
    const struct history_answer *found)
{
	size_t len;

	answer_take_history(address, found, finding->namespace);
	len = strlen(address->why);
	if (!found->known && !history_is_whole(finding->history))
		snprintf(address->why, sizeof address->why, "%s", TOO_MANY);
	else if (!found->known && finding->doubt[0] != '\0')
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
	if (rc == 0 && !history_is_whole(finding->history)) {
		answer->address_part.known = false;
		snprintf(answer->address_part.why, sizeof answer->address_part.why,
		    "%s", TOO_MANY);
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
	    .now_ms = clock_wall().ms,
	};
	int rc = 0;

	hours_init(&finding);
	if (question->kind == QUESTION_NODE)
		snprintf(answer->node, sizeof answer->node, "%s", question->node);
	if (question->kind == QUESTION_POD)
		rc = hours_find_pod(&finding);
	if (rc == 0 && (question->kind == QUESTION_ADDRESS || answer->node[0] != '\0'))
		rc = find_addresses(&finding);
	if (rc == 0)
		rc = hours_find_pods(&finding);
	if (history_is_full(finding.history))
		fprintf(stderr,
		    "ipwardenctl: %u days were looked at: what was before and after "
		    "them is not known\n",
		    HISTORY_DAYS_MAX);
	answer_sort(answer);
	answer_free(&finding.now);
	history_free(finding.history);
	hours_end(&finding);
	return rc;
}
