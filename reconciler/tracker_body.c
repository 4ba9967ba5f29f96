#include "tracker_body.h"

#include <stdlib.h>
#include <string.h>

#include "intent.h"

/* One try at writing it. */
struct tracker_try {
	const struct world *world;
	const char *namespace;
	const struct world_pod **pods;
	size_t pods_len;
	const struct world_node **nodes;
	size_t nodes_len;
	bool whole; /* else: nodes without pods, and both lists cut */
	bool cut;   /* something was left out of a list */
	struct tracker_json json;
};

static void
tracker_body_node_pods(
    struct tracker_try *try, const struct world_pod *const *pods, size_t len)
{
	struct buf *out = try->json.out;

	for (size_t i = 0; i < len; i++) {
		buf_puts(out, i == 0 ? ",\"podIPs\":[" : ",");
		tracker_json_pod(out, pods[i]);
	}
	if (len > 0)
		buf_puts(out, "]");
}

static void
tracker_body_node(struct tracker_try *try, const struct world_node *node)
{
	struct buf *out = try->json.out;
	char when[CLOCK_TEXT_MAX];
	size_t len;
	const struct world_pod **pods =
	    tracker_json_pods_on(try->world, try->namespace, node->name, &len);

	buf_puts(out, "{\"nodeIP\":\"");
	buf_put_json(out, node->internal_ip, strlen(node->internal_ip));
	buf_puts(out, "\"");
	intent_put_text(out, "nodeName", node->name);
	buf_printf(out, ",\"podCount\":%zu,", len);
	tracker_json_resources(out, node);
	if (try->whole)
		tracker_body_node_pods(try, pods, len);
	tracker_json_count(&try->json);
	clock_format((struct wall_time){node->changed_ms}, false, when, sizeof when);
	intent_put_text(out, "lastUpdateTime", when);
	tracker_json_ignore(&try->json);
	buf_puts(out, "}");
	free(pods);
}

static void
tracker_body_nodes(struct tracker_try *try)
{
	struct buf *out = try->json.out;
	size_t begin = out->len;

	buf_puts(out, ",\"nodeInfo\":");
	for (size_t i = 0; i < try->nodes_len && !out->refused; i++) {
		if (!try->whole && out->len - begin > TRACKER_BODY_NODES_MAX) {
			try->cut = true;
			break;
		}
		buf_puts(out, i == 0 ? "[" : ",");
		tracker_body_node(try, try->nodes[i]);
	}
	buf_puts(out, try->nodes_len > 0 ? "]" : "null");
}

static void
tracker_body_pods(struct tracker_try *try, size_t begin)
{
	struct buf *out = try->json.out;

	buf_puts(out, ",\"podIPs\":");
	for (size_t i = 0; i < try->pods_len && !out->refused; i++) {
		size_t before = out->len;

		buf_puts(out, i == 0 ? "[" : ",");
		tracker_json_pod(out, try->pods[i]);
		if (try->whole || out->len - begin < TRACKER_BODY_MAX)
			continue;
		/* the one that passes the limit goes again */
		out->len = before;
		try->cut = true;
		break;
	}
	buf_puts(out, try->pods_len > 0 ? "]" : "null");
}

/* False: not all of it fits. */
static bool
tracker_body_try(struct tracker_try *try, struct buf *out)
{
	size_t begin = out->len;

	tracker_json_begin(&try->json, out);
	buf_printf(
	    out, "\"podCount\":%zu,\"nodeCount\":%zu", try->pods_len, try->nodes_len);
	tracker_body_nodes(try);
	tracker_body_pods(try, begin);
	tracker_json_count(&try->json);
	return !try->whole || (!out->refused && out->len - begin <= TRACKER_BODY_MAX);
}

void
tracker_body_put(const struct world *world, const char *namespace, struct buf *out,
    struct tracker_body *ret_body)
{
	struct tracker_try try = {
	    .world = world, .namespace = namespace, .whole = true};
	size_t begin = out->len;

	try.pods = tracker_json_pods(world, namespace, &try.pods_len);
	try.nodes = tracker_json_nodes(world, &try.nodes_len);
	if (!tracker_body_try(&try, out)) {
		out->len = begin;
		out->refused = false;
		try.whole = false;
		tracker_body_try(&try, out);
	}
	*ret_body = (struct tracker_body){
	    try.pods_len, try.nodes_len, !try.whole, try.json.hash};
	free(try.pods);
	free(try.nodes);
}
