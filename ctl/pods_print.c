#include "pods_print.h"

#include <string.h>

#include "show.h"

#define COLUMNS	     6u
#define COLUMNS_WIDE 11u

/* --- table --------------------------------------------------------------------------
 */

struct row {
	const char *texts[COLUMNS_WIDE];
	char age[SHOW_AGE_MAX];
	char updated[SHOW_AGE_MAX];
};

static void
format_age(int64_t then_ms, int64_t now_ms, char out[SHOW_AGE_MAX])
{
	out[0] = '\0';
	if (then_ms != 0)
		show_age(now_ms - then_ms, out);
}

static const char *const *
fill_row(const struct inventory_pod *pod, int64_t now_ms, struct row *row)
{
	const char *const texts[COLUMNS_WIDE] = {pod->namespace, pod->name, pod->ip,
	    pod->slice->node, pod->phase, row->age, pod->ips,
	    pod->host_network ? "true" : "false", pod->slice->node_ip,
	    pod->slice->writer, row->updated};

	memcpy(row->texts, texts, sizeof texts);
	format_age(pod->created_ms, now_ms, row->age);
	format_age(pod->slice->updated_ms, now_ms, row->updated);
	return row->texts;
}

void
pods_print_table(
    const struct inventory *inventory, bool wide, int64_t now_ms, FILE *out)
{
	static const char *const head[COLUMNS_WIDE] = {"NAMESPACE", "NAME", "IP",
	    "NODE", "PHASE", "AGE", "IPS", "HOSTNETWORK", "NODE-IP", "WRITER",
	    "UPDATED"};
	struct show_table table = {.columns = wide ? COLUMNS_WIDE : COLUMNS};
	size_t count = inventory_pods(inventory);
	struct row row;

	if (count == 0)
		return;
	show_measure(&table, head);
	for (size_t i = 0; i < count; i++)
		show_measure(
		    &table, fill_row(inventory_pod(inventory, i), now_ms, &row));
	show_row(&table, head, out);
	for (size_t i = 0; i < count; i++)
		show_row(
		    &table, fill_row(inventory_pod(inventory, i), now_ms, &row), out);
}

void
pods_print_names(const struct inventory *inventory, FILE *out)
{
	for (size_t i = 0; i < inventory_pods(inventory); i++) {
		const struct inventory_pod *pod = inventory_pod(inventory, i);

		show_text(pod->namespace, out);
		fputc('/', out);
		show_text(pod->name, out);
		fputc('\n', out);
	}
}

/* --- JSON ---------------------------------------------------------------------------
 */

/* One pod or problem with its texts escaped. */
#define OBJECT_MAX (64u * 1024u)

static void
put_time(struct buf *out, const char *key, int64_t ms)
{
	char text[CLOCK_TEXT_MAX];

	show_time(ms, text);
	show_member(out, key, text);
}

static void
put_ips(struct buf *out, const char *ips)
{
	char ip[INVENTORY_IPS_MAX];

	show_key(out, "ips");
	buf_putc(out, '[');
	while (ips[0] != '\0') {
		size_t len = strcspn(ips, ",");

		snprintf(ip, sizeof ip, "%.*s", (int)len, ips);
		show_string(out, ip);
		ips += len;
		if (ips[0] == ',')
			buf_putc(out, *ips++);
	}
	buf_putc(out, ']');
}

static void
put_pod(struct buf *out, const struct inventory_pod *pod)
{
	buf_putc(out, '{');
	show_member(out, "namespace", pod->namespace);
	show_member(out, "podName", pod->name);
	show_member(out, "uid", pod->uid);
	show_member(out, "ip", pod->ip);
	put_ips(out, pod->ips);
	show_member(out, "nodeName", pod->slice->node);
	show_member(out, "nodeIP", pod->slice->node_ip);
	show_key(out, "hostNetwork");
	buf_puts(out, pod->host_network ? "true" : "false");
	show_member(out, "phase", pod->phase);
	put_time(out, "creationTimestamp", pod->created_ms);
	show_member(out, "writer", pod->slice->writer);
	put_time(out, "lastUpdateTime", pod->slice->updated_ms);
	buf_putc(out, '}');
}

/* Writes what there is, one line of the output, and forgets it. */
static void
flush(struct buf *line, bool last, FILE *out)
{
	fprintf(out, "%s%s\n", line->data, last ? "" : ",");
	buf_reset(line);
}

struct problems {
	FILE *out;
	struct buf line; /* the last one: it waits for its comma */
};

static void
on_problem(void *arg, const char *node, const char *text)
{
	struct problems *problems = arg;

	if (problems->line.len > 0)
		flush(&problems->line, false, problems->out);
	buf_putc(&problems->line, '{');
	show_member(&problems->line, "nodeName", node);
	show_member(&problems->line, "problem", text);
	buf_putc(&problems->line, '}');
}

struct silent {
	const struct kubelets *kubelets;
	int64_t now_ms;
	FILE *out;
	struct buf line; /* as of the problems */
	size_t nodes, not_known;
};

static void
on_node(void *arg, const char *node)
{
	struct silent *silent = arg;
	int64_t since_ms = 0;
	enum kubelet kubelet =
	    kubelets_of(silent->kubelets, node, silent->now_ms, &since_ms);

	silent->not_known += kubelet == KUBELET_NOT_KNOWN;
	if (kubelet != KUBELET_SILENT)
		return;
	if (silent->nodes++ > 0)
		flush(&silent->line, false, silent->out);
	buf_putc(&silent->line, '{');
	show_member(&silent->line, "nodeName", node);
	put_time(&silent->line, "since", since_ms);
	buf_putc(&silent->line, '}');
}

/* Returns of how many nodes. */
static size_t
print_silent(const struct inventory *inventory, const struct pods_sources *sources,
    int64_t now_ms, FILE *out)
{
	struct silent silent = {sources->kubelets, now_ms, out, .nodes = 0};

	buf_init(&silent.line, OBJECT_MAX);
	fputs("],\"silentKubelets\":[\n", out);
	inventory_walk_nodes(inventory, on_node, &silent);
	if (silent.nodes > 0)
		flush(&silent.line, true, out);
	buf_free(&silent.line);
	fprintf(out, "],\"kubeletsNotKnown\":%zu,", silent.not_known);
	return silent.nodes;
}

void
pods_print_json(const struct inventory *inventory, const struct pods_sources *sources,
    int64_t now_ms, FILE *out)
{
	static const char *const words[] = {
	    [LEADS_YES] = "yes", [LEADS_NO] = "no", [LEADS_UNKNOWN] = "unknown"};
	struct problems problems = {.out = out};
	size_t count = inventory_pods(inventory);
	size_t by_leader = inventory_by_leader(inventory);
	size_t nodes;
	struct buf line;

	buf_init(&line, OBJECT_MAX);
	buf_init(&problems.line, OBJECT_MAX);
	fputs("{\"pods\":[\n", out);
	for (size_t i = 0; i < count; i++) {
		put_pod(&line, inventory_pod(inventory, i));
		flush(&line, i + 1 == count, out);
	}
	fputs("],\"problems\":[\n", out);
	nodes = inventory_problems(inventory, now_ms, on_problem, &problems);
	if (problems.line.len > 0)
		flush(&problems.line, true, out);
	nodes += print_silent(inventory, sources, now_ms, out);
	fprintf(out, "\"unreadableSlices\":%ju,\"byLeader\":%zu,\"leads\":\"%s\",",
	    (uintmax_t)sources->refused, by_leader, words[sources->leads]);
	fprintf(out, "\"complete\":%s}\n",
	    nodes == 0 && sources->refused == 0 &&
		    (by_leader == 0 || sources->leads == LEADS_YES)
		? "true"
		: "false");
	buf_free(&line);
	buf_free(&problems.line);
}
