#include "tracker_body.h"

#include <stdlib.h>
#include <string.h>

#include "intent.h"

/* One try at writing it. */
struct tracker_try {
	const struct world_pod **by_name, **by_node;
	size_t pods;
	const struct world_node **nodes;
	size_t nodes_len;
	bool whole; /* else: nodes without pods, and both lists cut */
	bool cut;   /* something was left out of a list */
	struct tracker_json json;
};

static void
tracker_body_node_pods(struct tracker_try *try, size_t first, size_t end)
{
	struct buf *out = try->json.out;

	for (size_t i = first; i < end; i++) {
		buf_puts(out, i == first ? ",\"podIPs\":[" : ",");
		tracker_json_pod(out, try->by_node[i]);
	}
	if (end > first)
		buf_puts(out, "]");
}

/* Its pods are those at `first` up to `end`. */
static void
tracker_body_node(
    struct tracker_try *try, const struct world_node *node, size_t first, size_t end)
{
	struct buf *out = try->json.out;
	char when[CLOCK_TEXT_MAX];

	buf_puts(out, "{\"nodeIP\":\"");
	buf_put_json(out, node->internal_ip, strlen(node->internal_ip));
	buf_puts(out, "\"");
	intent_put_text(out, "nodeName", node->name);
	buf_printf(out, ",\"podCount\":%zu,", end - first);
	tracker_json_resources(out, node);
	if (try->whole)
		tracker_body_node_pods(try, first, end);
	tracker_json_count(&try->json);
	clock_format((struct wall_time){node->changed_ms}, false, when, sizeof when);
	intent_put_text(out, "lastUpdateTime", when);
	tracker_json_ignore(&try->json);
	buf_puts(out, "}");
}

static void
tracker_body_nodes(struct tracker_try *try)
{
	struct buf *out = try->json.out;
	size_t begin = out->len, at = 0;

	buf_puts(out, ",\"nodeInfo\":");
	for (size_t i = 0; i < try->nodes_len && !out->refused; i++) {
		const char *name = try->nodes[i]->name;
		size_t first;

		if (!try->whole && out->len - begin > TRACKER_BODY_NODES_MAX) {
			try->cut = true;
			break;
		}
		while (at < try->pods && strcmp(try->by_node[at]->node, name) < 0)
			at++;
		first = at;
		while (at < try->pods && strcmp(try->by_node[at]->node, name) == 0)
			at++;
		buf_puts(out, i == 0 ? "[" : ",");
		tracker_body_node(try, try->nodes[i], first, at);
	}
	buf_puts(out, try->nodes_len > 0 ? "]" : "null");
}

static void
tracker_body_pods(struct tracker_try *try, size_t begin)
{
	struct buf *out = try->json.out;

	buf_puts(out, ",\"podIPs\":");
	for (size_t i = 0; i < try->pods && !out->refused; i++) {
		size_t before = out->len;

		buf_puts(out, i == 0 ? "[" : ",");
		tracker_json_pod(out, try->by_name[i]);
		if (try->whole || out->len - begin < TRACKER_BODY_MAX)
			continue;
		/* the one that passes the limit goes again */
		out->len = before;
		try->cut = true;
		break;
	}
	buf_puts(out, try->pods > 0 ? "]" : "null");
}

/* False: not all of it fits. */
static bool
tracker_body_try(struct tracker_try *try, struct buf *out)
{
	size_t begin = out->len;

	tracker_json_begin(&try->json, out);
	buf_printf(
	    out, "\"podCount\":%zu,\"nodeCount\":%zu", try->pods, try->nodes_len);
	tracker_body_nodes(try);
	tracker_body_pods(try, begin);
	tracker_json_count(&try->json);
	return !try->whole || (!out->refused && out->len - begin <= TRACKER_BODY_MAX);
}

void
tracker_body_put(const struct world *world, const char *namespace, struct buf *out,
    struct tracker_body *ret_body)
{
	struct tracker_try try = {.whole = true};
	size_t begin = out->len;

	try.by_name = tracker_json_pods(world, namespace, false, &try.pods);
	try.by_node = tracker_json_pods(world, namespace, true, &try.pods);
	try.nodes = tracker_json_nodes(world, &try.nodes_len);
	if (!tracker_body_try(&try, out)) {
		out->len = begin;
		out->refused = false;
		try.whole = false;
		tracker_body_try(&try, out);
	}
	*ret_body =
	    (struct tracker_body){try.pods, try.nodes_len, !try.whole, try.json.hash};
	free(try.by_name);
	free(try.by_node);
	free(try.nodes);
}
