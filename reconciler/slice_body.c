#include "slice_body.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "intent.h"

/* Where each part ends, by the bytes of its pods. */
static void
slice_body_divide(struct slice_body *body)
{
	size_t bytes = 0, at = 0;
	struct buf text;

	buf_init(&text, SLICE_BODY_MAX);
	for (; at < body->pods_len; at++) {
		buf_reset(&text);
		tracker_json_pod(&text, body->pods[at]);
		if (bytes > 0 && bytes + text.len + 1 > SLICE_PODS_BYTES_MAX) {
			if (body->parts == SLICE_PARTS_MAX)
				break;
			body->ends[body->parts++ - 1] = at;
			bytes = 0;
		}
		bytes += text.len + 1;
	}
	body->ends[body->parts - 1] = at;
	buf_free(&text);
}

void
slice_body_begin(const struct world *world, const struct world_node *node,
    struct slice_body *ret_body)
{
	*ret_body = (struct slice_body){.node = node, .parts = 1};
	ret_body->pods =
	    tracker_json_pods_on(world, "", node->name, &ret_body->pods_len);
	slice_body_divide(ret_body);
}

void
slice_body_end(struct slice_body *body)
{
	free(body->pods);
}

void
slice_body_name(const char *node, unsigned part, bool taken, char out[NAME_MAX_LEN + 1])
{
	if (part == 1)
		snprintf(out, NAME_MAX_LEN + 1, "%s", node);
	else /* no name is so long that it has to be cut, but by a hostile hand */
		snprintf(out, NAME_MAX_LEN + 1, taken ? "%.240s-part-%u" : "%.240s-%u",
		    node, part);
}

static void
slice_body_put_metadata(
    struct buf *out, const char *name, const struct world_node *node)
{
	buf_puts(out, "\"metadata\":{\"name\":\"");
	buf_put_json(out, name, strlen(name));
	buf_puts(
	    out, "\",\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"Node\"");
	intent_put_text(out, "name", node->name);
	intent_put_text(out, "uid", node->uid);
	buf_puts(out, "}]}");
}

static void
slice_body_put_pods(const struct slice_body *body, unsigned part, struct buf *out)
{
	size_t first = part > 1 ? body->ends[part - 2] : 0;

	buf_puts(out, ",\"pods\":[");
	for (size_t i = first; i < body->ends[part - 1]; i++) {
		buf_puts(out, i > first ? "," : "");
		tracker_json_pod(out, body->pods[i]);
	}
	buf_puts(out, "]");
}

void
slice_body_put(const struct slice_body *body, const char *name, const char *writer,
    unsigned part, struct wall_time now, struct buf *out, char hash[HASH_MAX + 1])
{
	const struct world_node *node = body->node;
	struct tracker_json json;
	char when[CLOCK_TEXT_MAX];

	tracker_json_begin(&json, out);
	buf_puts(
	    out, "{\"apiVersion\":\"" SLICE_API "\",\"kind\":\"PodTrackerSlice\",");
	slice_body_put_metadata(out, name, node);
	intent_put_text(out, "nodeName", node->name);
	intent_put_text(out, "nodeUID", node->uid);
	buf_puts(out, ",\"nodeIP\":\"");
	buf_put_json(out, node->internal_ip, strlen(node->internal_ip));
	buf_printf(out,
	    "\",\"writer\":\"%s\",\"part\":%u,\"parts\":%u,\"podCount\":%zu,", writer,
	    part, body->parts, body->pods_len);
	tracker_json_resources(out, node);
	slice_body_put_pods(body, part, out);
	tracker_json_count(&json);
	snprintf(hash, HASH_MAX + 1, "%016" PRIx64, json.hash);
	clock_format(now, false, when, sizeof when);
	intent_put_text(out, "contentHash", hash);
	intent_put_text(out, "lastUpdateTime", when);
	buf_puts(out, "}");
}
