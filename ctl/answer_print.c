/* How an answer is shown: lines for people, and one JSON object. */
#include <inttypes.h>
#include <string.h>

#include "answer.h"
#include "show.h"

/* A whole answer as JSON: thousands of pods, each with its name escaped. */
#define JSON_MAX (64u * 1024u * 1024u)

/* --- for people ---------------------------------------------------------------------
 */

/* Of lines that say more about the one above. */
static void
print_more(FILE *out, const char *label, const char *text)
{
	if (text[0] == '\0')
		return;
	fprintf(out, "  %-8s", label);
	show_text(text, out);
	fputc('\n', out);
}

static void
print_moment(const struct answer *answer, FILE *out)
{
	char text[CLOCK_TEXT_MAX];

	show_time(answer->at_ms, text);
	if (!answer->is_now)
		fprintf(out, " at %s", text);
	fputc('\n', out);
}

static void
print_place(const struct stay *stay, FILE *out)
{
	fputs(stay->node[0] != '\0' ? "on " : "on no node", out);
	show_text(stay->node, out);
}

static void
print_time(FILE *out, const char *label, int64_t ms, const char *remark)
{
	char text[CLOCK_TEXT_MAX];

	show_time(ms, text);
	if (ms != 0)
		fprintf(out, "  %-8s%s%s\n", label, text, remark);
}

/* What is known beside the gap. */
static void
print_beside(
    FILE *out, const char *label, const struct stay *stay, const char *when, int64_t ms)
{
	char text[CLOCK_TEXT_MAX];

	show_time(ms, text);
	fprintf(out, "  %-8s", label);
	print_place(stay, out);
	fprintf(out, " %s %s\n", when, text);
}

static void
print_address(
    const struct answer *answer, const struct answer_address *address, FILE *out)
{
	static const char *const remarks[] = {[SINCE_UNKNOWN] = "",
	    [SINCE_OPERATION] = ", when ipwarden changed it",
	    [SINCE_OBSERVED] = " or before: it was first seen so then",
	    [SINCE_STATUS] = ", when its state became what it is"};
	const char *verb = answer->is_now ? "is" : "was";

	if (address->known)
		fprintf(out, "%s %s ", address->address, verb);
	else
		fprintf(out, "not known where %s %s", address->address, verb);
	if (address->known)
		print_place(&address->stay, out);
	print_moment(answer, out);
	print_more(out, "why", address->known ? "" : address->why);
	print_time(out, "since", address->known ? address->stay.from.ms : 0,
	    remarks[address->since]);
	print_time(out, "until", address->known ? address->stay.until.ms : 0, "");
	if (address->has_before)
		print_beside(
		    out, "before", &address->before, "until", address->before.until.ms);
	if (address->has_after)
		print_beside(
		    out, "after", &address->after, "from", address->after.from.ms);
	print_more(out, "zone", address->stay.zone);
	print_more(out, "for", address->stay.allocation);
	print_more(out, "state", address->state);
	print_more(out, "source", address->source);
}

static void
print_addresses(const struct answer *answer, FILE *out)
{
	const struct answer_part *part = &answer->address_part;

	for (size_t i = 0; i < answer->addresses_len; i++)
		print_address(answer, &answer->addresses[i], out);
	if (!part->asked || answer->addresses_len > 0)
		return;
	if (part->known)
		fprintf(out, "%s %s no address", answer->node,
		    answer->is_now ? "has" : "had");
	else if (answer->question.kind == QUESTION_ADDRESS)
		fprintf(out, "not known where %s %s", answer->question.address,
		    answer->is_now ? "is" : "was");
	else
		fprintf(out, "not known which addresses %s %s", answer->node,
		    answer->is_now ? "has" : "had");
	print_moment(answer, out);
	print_more(out, "why", part->why);
	print_more(out, "source", part->source);
}

static void
print_elsewhere(const struct answer *answer, FILE *out)
{
	if (answer->elsewhere > 0)
		fprintf(out, "not known where %zu other address%s then\n",
		    answer->elsewhere, answer->elsewhere > 1 ? "es were" : " was");
}

static const char *
presence_remark(enum answer_presence presence)
{
	static const char *const remarks[] = {[PRESENCE_NOW] = "",
	    [PRESENCE_UNKNOWN] = ", from when to when is not known",
	    [PRESENCE_STILL] = ", as now",
	    [PRESENCE_THROUGHOUT] = "",
	    [PRESENCE_CAME] = ", came in that hour",
	    [PRESENCE_LEFT] = ", left in that hour",
	    [PRESENCE_PASSED] = ", came and left in that hour"};

	return remarks[presence];
}

static void
print_hour(const struct answer *answer, FILE *out)
{
	char from[CLOCK_TEXT_MAX], until[CLOCK_TEXT_MAX];

	show_time(answer->hour_from_ms, from);
	show_time(answer->hour_until_ms, until);
	if (!answer->is_now)
		fprintf(out, " between %s and %s", from, until);
}

/* Where the pod in question was. */
static void
print_node(const struct answer *answer, FILE *out)
{
	const struct answer_part *part = &answer->node_part;
	const char *verb = answer->is_now ? "is" : "was";

	if (!part->asked)
		return;
	if (!part->known)
		fprintf(out, "not known where pod %s/%s %s", answer->question.namespace,
		    answer->question.pod, verb);
	else
		fprintf(out, "pod %s/%s %s on %s", answer->question.namespace,
		    answer->question.pod, verb,
		    answer->node[0] != '\0' ? answer->node : "no node");
	print_moment(answer, out);
	print_more(out, "why", part->why);
	if (part->known && !answer->is_now) {
		char from[CLOCK_TEXT_MAX], until[CLOCK_TEXT_MAX];

		show_time(answer->hour_from_ms, from);
		show_time(answer->hour_until_ms, until);
		fprintf(out, "  %-8s%s to %s%s\n", "hour", from, until,
		    presence_remark(answer->presence));
	}
	print_more(out, "source", part->source);
}

static void
print_pods(const struct answer *answer, FILE *out)
{
	const struct answer_part *part = &answer->pod_part;

	if (!part->asked)
		return;
	if (!part->known && answer->pods_len == 0) {
		fprintf(out, "not known which pods %s on %s\n",
		    answer->is_now ? "are" : "were", answer->node);
	} else {
		fprintf(out, "%zu pod%s on %s", answer->pods_len,
		    answer->pods_len == 1 ? "" : "s", answer->node);
		print_hour(answer, out);
		fputc('\n', out);
	}
	for (size_t i = 0; i < answer->pods_len; i++) {
		fputs("  pod     ", out);
		show_text(answer->pods[i].namespace, out);
		fputc('/', out);
		show_text(answer->pods[i].name, out);
		fprintf(out, "%s\n", presence_remark(answer->pods[i].presence));
	}
	print_more(out, "why", part->known ? "" : part->why);
	print_more(out, "source", part->source);
}

static void
print_kubelet(const struct answer *answer, FILE *out)
{
	if (answer->kubelet_why[0] == '\0')
		return;
	fprintf(out, "not known whether the kubelet of %s is alive\n", answer->node);
	print_more(out, "why", answer->kubelet_why);
}

void
answer_print(const struct answer *answer, FILE *out)
{
	print_node(answer, out);
	print_addresses(answer, out);
	print_elsewhere(answer, out);
	print_pods(answer, out);
	print_kubelet(answer, out);
}

/* --- JSON ---------------------------------------------------------------------------
 */

static void
put_bool(struct buf *out, const char *key, bool value)
{
	show_key(out, key);
	buf_puts(out, value ? "true" : "false");
}

/* null when there is none. */
static void
put_time(struct buf *out, const char *key, int64_t ms)
{
	char text[CLOCK_TEXT_MAX];

	show_time(ms, text);
	show_key(out, key);
	if (ms != 0)
		show_string(out, text);
	else
		buf_puts(out, "null");
}

static void
put_beside(struct buf *out, const char *key, bool there, const struct stay *stay,
    const char *time_key, int64_t ms)
{
	show_key(out, key);
	if (!there) {
		buf_puts(out, "null");
		return;
	}
	buf_putc(out, '{');
	show_member(out, "node", stay->node);
	put_time(out, time_key, ms);
	buf_putc(out, '}');
}

static void
put_address(struct buf *out, const struct answer_address *address)
{
	static const char *const since[] = {[SINCE_UNKNOWN] = "",
	    [SINCE_OPERATION] = "operation",
	    [SINCE_OBSERVED] = "observed",
	    [SINCE_STATUS] = "status"};

	buf_putc(out, '{');
	show_member(out, "address", address->address);
	put_bool(out, "known", address->known);
	show_key(out, "node");
	if (address->known)
		show_string(out, address->stay.node);
	else
		buf_puts(out, "null");
	show_member(out, "zone", address->stay.zone);
	show_member(out, "allocation", address->stay.allocation);
	show_member(out, "state", address->state);
	put_time(out, "since", address->stay.from.ms);
	show_member(out, "sinceBy", since[address->since]);
	put_time(out, "until", address->stay.until.ms);
	put_beside(out, "before", address->has_before, &address->before, "until",
	    address->before.until.ms);
	put_beside(out, "after", address->has_after, &address->after, "from",
	    address->after.from.ms);
	show_member(out, "why", address->why);
	show_member(out, "source", address->source);
	buf_putc(out, '}');
}

static void
put_presence(struct buf *out, enum answer_presence presence)
{
	static const char *const words[] = {[PRESENCE_NOW] = "now",
	    [PRESENCE_UNKNOWN] = "unknown",
	    [PRESENCE_STILL] = "still",
	    [PRESENCE_THROUGHOUT] = "throughout",
	    [PRESENCE_CAME] = "came",
	    [PRESENCE_LEFT] = "left",
	    [PRESENCE_PASSED] = "passed"};

	show_member(out, "presence", words[presence]);
}

static void
put_part(struct buf *out, const struct answer *answer, const struct answer_part *part)
{
	put_bool(out, "known", part->known);
	show_key(out, "resolutionSeconds");
	buf_printf(
	    out, "%" PRId64, (answer->hour_until_ms - answer->hour_from_ms) / 1000);
	put_time(out, "from", answer->hour_from_ms);
	put_time(out, "until", answer->hour_until_ms);
	show_member(out, "why", part->why);
	show_member(out, "source", part->source);
}

static void
put_question(struct buf *out, const struct question *question)
{
	static const char *const kinds[] = {"address", "node", "pod"};

	show_key(out, "question");
	buf_putc(out, '{');
	show_member(out, "kind", kinds[question->kind]);
	if (question->kind == QUESTION_ADDRESS)
		show_member(out, "address", question->address);
	if (question->kind == QUESTION_NODE)
		show_member(out, "node", question->node);
	if (question->kind == QUESTION_POD) {
		show_member(out, "namespace", question->namespace);
		show_member(out, "name", question->pod);
	}
	buf_putc(out, '}');
}

/* The node that it is all about: null when it is not known. */
static void
put_node(struct buf *out, const struct answer *answer)
{
	bool known = answer->node[0] != '\0' || answer->node_part.known;

	for (size_t i = 0; i < answer->addresses_len; i++)
		known = known || (answer->question.kind == QUESTION_ADDRESS &&
				     answer->addresses[i].known);
	show_key(out, "node");
	if (known)
		show_string(out, answer->node);
	else
		buf_puts(out, "null");
	if (!answer->node_part.asked)
		return;
	show_key(out, "placement");
	buf_putc(out, '{');
	put_part(out, answer, &answer->node_part);
	put_presence(out, answer->presence);
	buf_putc(out, '}');
}

static void
put_kubelet(struct buf *out, const struct answer *answer)
{
	static const char *const words[] = {[KUBELET_NOT_KNOWN] = "unknown",
	    [KUBELET_ALIVE] = "alive",
	    [KUBELET_SILENT] = "silent"};

	show_key(out, "kubelet");
	if (!answer->is_now || answer->node[0] == '\0') {
		buf_puts(out, "null");
		return;
	}
	buf_putc(out, '{');
	show_member(out, "state", words[answer->kubelet]);
	put_time(out, "since", answer->heard_ms);
	show_member(out, "why", answer->kubelet_why);
	buf_putc(out, '}');
}

static void
put_addresses(struct buf *out, const struct answer *answer)
{
	show_key(out, "addresses");
	buf_putc(out, '{');
	put_bool(out, "known", answer->address_part.known);
	show_member(out, "why", answer->address_part.why);
	show_key(out, "othersNotKnown");
	buf_printf(out, "%zu", answer->elsewhere);
	show_key(out, "items");
	buf_putc(out, '[');
	for (size_t i = 0; i < answer->addresses_len; i++) {
		buf_puts(out, i > 0 ? "," : "");
		put_address(out, &answer->addresses[i]);
	}
	buf_puts(out, "]}");
}

static void
put_pods(struct buf *out, const struct answer *answer)
{
	show_key(out, "pods");
	if (!answer->pod_part.asked) {
		buf_puts(out, "null");
		return;
	}
	buf_putc(out, '{');
	put_part(out, answer, &answer->pod_part);
	show_key(out, "items");
	buf_putc(out, '[');
	for (size_t i = 0; i < answer->pods_len; i++) {
		buf_puts(out, i > 0 ? ",{" : "{");
		show_member(out, "namespace", answer->pods[i].namespace);
		show_member(out, "name", answer->pods[i].name);
		put_presence(out, answer->pods[i].presence);
		buf_putc(out, '}');
	}
	buf_puts(out, "]}");
}

int
answer_print_json(const struct answer *answer, FILE *out)
{
	struct buf text;
	int rc;

	buf_init(&text, JSON_MAX);
	buf_putc(&text, '{');
	put_question(&text, &answer->question);
	put_time(&text, "at", answer->at_ms);
	put_bool(&text, "now", answer->is_now);
	put_bool(&text, "known", answer_is_whole(answer));
	put_node(&text, answer);
	put_kubelet(&text, answer);
	put_addresses(&text, answer);
	put_pods(&text, answer);
	rc = buf_puts(&text, "}\n");
	if (rc == 0)
		fputs(text.data, out);
	buf_free(&text);
	return rc;
}
