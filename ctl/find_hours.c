/* Where pods were in an hour: its ConfigMaps say where each was last in it, those
 * beside it whether it was there before and afterwards, and the API server which pods
 * of then are there still. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "finding.h"
#include "json_read.h"
#include "mem.h"

/* --- the hours ----------------------------------------------------------------------
 */

static bool
is_hour(struct moment moment, const char *name)
{
	char other[MOMENT_HOUR_MAX];

	moment_hour(moment, other, sizeof other);
	return strcmp(other, name) == 0;
}

/* Where clocks are set back, two hours have one name, and so are one. */
static void
name_hours(struct finding *finding, struct moment at)
{
	struct moment start = moment_hour_start(at);
	struct moment before = {start.seconds - 1, 0},
		      after = {start.seconds + 3600, 0};
	const char *name = finding->hour.name;

	moment_hour(at, finding->hour.name, sizeof finding->hour.name);
	while (is_hour(before, name))
		before.seconds = moment_hour_start(before).seconds - 1;
	while (is_hour(after, name))
		after.seconds = moment_hour_start(after).seconds + 3600;
	moment_hour(before, finding->before.name, sizeof finding->before.name);
	moment_hour(after, finding->after.name, sizeof finding->after.name);
	finding->answer->hour_from_ms = (before.seconds + 1) * 1000;
	finding->answer->hour_until_ms = after.seconds * 1000;
}

void
hours_init(struct finding *finding)
{
	finding->hour.seen = seen_new();
	finding->before.seen = seen_new();
	finding->after.seen = seen_new();
	finding->still = json_object_new_object();
	name_hours(finding, (struct moment){finding->answer->at_ms / 1000, 0});
}

void
hours_end(struct finding *finding)
{
	seen_free(finding->hour.seen);
	seen_free(finding->before.seen);
	seen_free(finding->after.seen);
	json_object_put(finding->still);
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
		rc = finding_get_map(finding, name, &part);
		if (rc <= 0)
			break;
		seen_add(hour->seen, name, part, finding_tell, finding);
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
	if (rc == 0 && finding->hour.is_there &&
	    finding->answer->hour_until_ms <= finding->now_ms)
		rc = add_hour(finding, &finding->after);
	return rc;
}

/* When the pod is not in it, it was not there then, as far as its writers know. */
static bool
was_watched(
    const struct hour_maps *hour, int64_t at_ms, const char *namespace, const char *pod)
{
	return hour->is_there && seen_is_whole(hour->seen) &&
	       watched_covers(
		   seen_watched(hour->seen), (struct wall_time){at_ms}, namespace, pod);
}

/* --- which pods the hour has --------------------------------------------------------
 */

static void
describe_filter(const struct watched_filter *filter, char *out, size_t out_size)
{
	char namespace[sizeof filter->namespace + 24] = "";
	char name[sizeof filter->name + 32] = "";
	char label[sizeof filter->label + 24] = "";

	if (filter->namespace[0] != '\0')
		snprintf(
		    namespace, sizeof namespace, " of namespace %s", filter->namespace);
	if (filter->name[0] != '\0')
		snprintf(name, sizeof name, " whose name begins with %s", filter->name);
	if (filter->label[0] != '\0')
		snprintf(label, sizeof label, " with labels %s", filter->label);
	snprintf(out, out_size,
	    "only pods%s%s%s were watched: there may have been others", namespace, name,
	    label);
}

/* When they were watched last before that time, and first after it. */
static void
describe_gap(const struct watched *watched, int64_t at_ms, char *out, size_t out_size)
{
	char time[CLOCK_TEXT_MAX], before[CLOCK_TEXT_MAX + 16] = "";
	char after[CLOCK_TEXT_MAX + 16] = "";
	int64_t last_ms = 0;

	for (size_t i = 0; i < watched->len; i++) {
		const struct watched_span *span = &watched->spans[i];

		if (span->until.ms < at_ms && span->until.ms > last_ms) {
			last_ms = span->until.ms;
			stay_format_time(span->until, time);
			snprintf(before, sizeof before, ", but until %s", time);
		} else if (span->from.ms > at_ms && after[0] == '\0') {
			stay_format_time(span->from, time);
			snprintf(after, sizeof after, ", but from %s on", time);
		}
	}
	snprintf(out, out_size,
	    "it is not known that pods were watched then%s%s: there may have been "
	    "others",
	    before, after);
}

static void
describe_hour(const struct finding *finding, struct answer_part *part)
{
	const struct hour_maps *hour = &finding->hour;
	int64_t at_ms = finding->answer->at_ms;
	const struct watched *watched = seen_watched(hour->seen);
	const struct watched_span *span =
	    watched_at(watched, (struct wall_time){at_ms});

	part->asked = true;
	part->known = false;
	if (!hour->is_there) {
		snprintf(part->why, sizeof part->why,
		    "there is no ConfigMap %s/" HOUR_PREFIX "%s", finding->namespace,
		    hour->name);
		return;
	}
	snprintf(part->source, sizeof part->source, "ConfigMap %s/" HOUR_PREFIX "%s",
	    finding->namespace, hour->name);
	if (!seen_is_whole(hour->seen) || !seen_is_whole(finding->before.seen))
		snprintf(part->why, sizeof part->why, "not all of it could be used");
	else if (!seen_tells(hour->seen))
		snprintf(part->why, sizeof part->why,
		    "it does not say when, and which, pods were watched: there may "
		    "have "
		    "been others");
	else if (span == NULL)
		describe_gap(watched, at_ms, part->why, sizeof part->why);
	else if (!watched_filter_is_all(&span->filter))
		describe_filter(&span->filter, part->why, sizeof part->why);
	else
		part->known = true;
}

/* --- those that are there still -----------------------------------------------------
 */

static void
on_still_begin(void *arg)
{
	struct finding *finding = arg;

	json_object_put(finding->still);
	finding->still = json_object_new_object();
}

/* One that its kubelet had taken by then, and that has not ended since. */
static int
on_still(void *arg, const char *text, size_t len)
{
	struct finding *finding = arg;
	struct json_object *json = json_read_object(text, len);
	struct json_object *metadata = json_read_member(json, "metadata");
	struct json_object *status = json_read_member(json, "status");
	const char *phase = json_read_string(json_read_member(status, "phase"));
	const char *namespace =
	    json_read_string(json_read_member(metadata, "namespace"));
	const char *name = json_read_string(json_read_member(metadata, "name"));
	struct wall_time start = {0};

	if (namespace != NULL && name != NULL && phase != NULL &&
	    strcmp(phase, "Running") == 0 &&
	    json_read_time(status, "startTime", &start) == 1 &&
	    start.ms <= finding->answer->at_ms) {
		char *key = mem_printf("%s_%s", namespace, name);

		json_object_object_add(
		    finding->still, key, json_object_new_boolean(true));
		free(key);
	}
	json_object_put(json);
	return 0;
}

/* Where no later hour tells that a pod stayed: those that run, as far as the kubelet
 * was heard. Who may not ask for that knows less. */
static void
add_still(struct finding *finding)
{
	static const struct ask_list_handlers handlers = {on_still_begin, on_still};
	const char *node = finding->answer->node;
	char why[ANSWER_TEXT_MAX], *query;
	int64_t heard_ms = 0;

	if (finding->after.is_there || !finding->hour.is_there || node[0] == '\0')
		return;
	switch (find_kubelet(finding->place, node, finding->now_ms, &heard_ms, why)) {
	case KUBELET_ALIVE:
		break;
	case KUBELET_SILENT:
		if (heard_ms >= finding->answer->at_ms)
			break;
		return;
	case KUBELET_NOT_KNOWN:
		return;
	}
	query = mem_printf("fieldSelector=spec.nodeName%%3D%s", node);
	if (ask_list(finding->place->ask, "/api/v1/pods", query, &handlers, finding) !=
	    200)
		on_still_begin(finding);
	free(query);
}

static bool
is_still(const struct finding *finding, const char *namespace, const char *pod)
{
	char *key = mem_printf("%s_%s", namespace, pod);
	bool is = json_read_member(finding->still, key) != NULL;

	free(key);
	return is;
}

/* --- when in the hour a pod was there -----------------------------------------------
 */

/* It came to the answer's node in that hour, for want of an earlier one. */
static bool
has_come(const struct finding *finding, const char *namespace, const char *pod)
{
	const struct answer *answer = finding->answer;
	const char *before = seen_node(finding->before.seen, namespace, pod);

	return before != NULL ? strcmp(before, answer->node) != 0
			      : was_watched(&finding->before, answer->hour_from_ms - 1,
				    namespace, pod);
}

/* It was last on the answer's node in that hour; who was elsewhere before that has come
 * back. */
static enum answer_presence
presence_of(const struct finding *finding, const char *namespace, const char *pod)
{
	const struct answer *answer = finding->answer;
	const char *before = seen_node(finding->before.seen, namespace, pod);
	const char *after = seen_node(finding->after.seen, namespace, pod);
	bool was = before != NULL && strcmp(before, answer->node) == 0;
	bool stayed = after != NULL && strcmp(after, answer->node) == 0;
	bool came = seen_left(finding->hour.seen, namespace, pod) != NULL ||
		    has_come(finding, namespace, pod);
	bool left = after == NULL &&
		    was_watched(&finding->after, answer->hour_until_ms, namespace, pod);

	if (is_still(finding, namespace, pod))
		return PRESENCE_STILL;
	if (came && left)
		return PRESENCE_PASSED;
	if (came || left)
		return came ? PRESENCE_CAME : PRESENCE_LEFT;
	return was && stayed ? PRESENCE_THROUGHOUT : PRESENCE_UNKNOWN;
}

/* On the node when it was last seen in the hour. */
static void
on_pod(void *arg, const char *namespace, const char *name)
{
	const struct finding *finding = arg;

	answer_add_pod(
	    finding->answer, namespace, name, presence_of(finding, namespace, name));
}

/* It went elsewhere in the hour. */
static void
on_pod_left(void *arg, const char *namespace, const char *name)
{
	const struct finding *finding = arg;

	answer_add_pod(finding->answer, namespace, name,
	    has_come(finding, namespace, name) ? PRESENCE_PASSED : PRESENCE_LEFT);
}

/* On it in the hour before. What this hour does not have had ended by then. */
static void
on_pod_before(void *arg, const char *namespace, const char *name)
{
	const struct finding *finding = arg;
	const char *node = seen_node(finding->hour.seen, namespace, name);

	if (node != NULL && strcmp(node, finding->answer->node) != 0 &&
	    !seen_left_node(finding->hour.seen, namespace, name, finding->answer->node))
		answer_add_pod(finding->answer, namespace, name, PRESENCE_LEFT);
}

int
hours_find_pods(struct finding *finding)
{
	struct answer *answer = finding->answer;
	int rc;

	if (answer->node[0] == '\0' || answer->question.kind == QUESTION_POD)
		return 0;
	rc = add_hours(finding);
	if (rc < 0)
		return rc;
	add_still(finding);
	describe_hour(finding, &answer->pod_part);
	seen_walk(finding->hour.seen, answer->node, on_pod, finding);
	seen_walk_left(finding->hour.seen, answer->node, on_pod_left, finding);
	seen_walk(finding->before.seen, answer->node, on_pod_before, finding);
	return 0;
}

/* --- one pod ------------------------------------------------------------------------
 */

/* What is known of it in that hour, and not of that time. */
static const char *
describe_presence(enum answer_presence presence)
{
	switch (presence) {
	case PRESENCE_CAME:
		return "it came in that hour, before that time or after it";
	case PRESENCE_LEFT:
		return "it left in that hour, before that time or after it";
	case PRESENCE_PASSED:
		return "it came and left in that hour";
	case PRESENCE_UNKNOWN:
		return "from when to when is not known";
	case PRESENCE_NOW:
	case PRESENCE_STILL:
	case PRESENCE_THROUGHOUT:
		break;
	}
	return NULL;
}

/* `node` is where it was last in the hour; one that moved within it was on either at
 * the time. */
static void
place_pod(struct finding *finding, const char *node)
{
	struct answer *answer = finding->answer;
	const struct question *question = &answer->question;
	struct answer_part *part = &answer->node_part;
	const char *before =
	    seen_node(finding->before.seen, question->namespace, question->pod);
	const char *left =
	    seen_left(finding->hour.seen, question->namespace, question->pod);
	const char *what;

	snprintf(answer->node, sizeof answer->node, "%s", node);
	add_still(finding);
	answer->presence = presence_of(finding, question->namespace, question->pod);
	what = describe_presence(answer->presence);
	part->known = what == NULL;
	part->why[0] = '\0';
	if (node[0] == '\0' && left == NULL && (before == NULL || before[0] == '\0') &&
	    was_watched(&finding->before, answer->hour_from_ms - 1, question->namespace,
		question->pod)) {
		part->known = true;
		return;
	}
	if (part->known)
		return;
	if (before == NULL || before[0] == '\0' || strcmp(before, node) == 0)
		before = left;
	if (before != NULL && left != NULL && strcmp(before, left) != 0)
		snprintf(part->why, sizeof part->why,
		    "it moved in that hour, from %s by %s to %s", before, left,
		    node[0] != '\0' ? node : "none");
	else if (before != NULL)
		snprintf(part->why, sizeof part->why,
		    "it moved in that hour, from %s to %s", before,
		    node[0] != '\0' ? node : "none");
	else
		snprintf(part->why, sizeof part->why, "it was on %s in that hour: %s",
		    node[0] != '\0' ? node : "no node", what);
	answer->node[0] = '\0';
}

int
hours_find_pod(struct finding *finding)
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
