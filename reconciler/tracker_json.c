#include "tracker_json.h"

#include <stdlib.h>
#include <string.h>

#include "intent.h"
#include "mem.h"

/* --- the hash --------------------------------------------------------------------- */

void
tracker_json_begin(struct tracker_json *json, struct buf *out)
{
	*json = (struct tracker_json){out, 14695981039346656037u, out->len};
}

/* FNV-1a. */
void
tracker_json_count(struct tracker_json *json)
{
	for (; json->hashed < json->out->len; json->hashed++)
		json->hash =
		    (json->hash ^ (unsigned char)json->out->data[json->hashed]) *
		    1099511628211u;
}

void
tracker_json_ignore(struct tracker_json *json)
{
	json->hashed = json->out->len;
}

const char *
tracker_json_hash(const char *text)
{
	return text[strspn(text, "0123456789abcdef")] == '\0' ? text : "";
}

/* --- in order --------------------------------------------------------------------- */

static int
tracker_json_by_name(const void *left, const void *right)
{
	const struct world_pod *const *a = left;
	const struct world_pod *const *b = right;
	int order = strcmp((*a)->kin->namespace, (*b)->kin->namespace);

	if (order == 0)
		order = strcmp((*a)->name, (*b)->name);
	return order != 0 ? order : strcmp((*a)->uid, (*b)->uid);
}

static bool
tracker_json_shows(const struct world_pod *pod, const char *namespace)
{
	return pod->ips[0] != '\0' &&
	       (namespace[0] == '\0' || strcmp(pod->kin->namespace, namespace) == 0);
}

const struct world_pod **
tracker_json_pods(const struct world *world, const char *namespace, size_t *ret_len)
{
	const struct world_pod **pods =
	    mem_calloc(world->pods.count + 1, sizeof(struct world_pod *));
	const struct world_pod *pod = NULL;
	size_t len = 0;

	while ((pod = world_next_pod(world, pod)) != NULL)
		if (tracker_json_shows(pod, namespace))
			pods[len++] = pod;
	qsort(pods, len, sizeof(struct world_pod *), tracker_json_by_name);
	*ret_len = len;
	return pods;
}

const struct world_pod **
tracker_json_pods_on(
    const struct world *world, const char *namespace, const char *node, size_t *ret_len)
{
	const struct world_pod *first = world_pods(world, node), *pod;
	const struct world_pod **pods;
	size_t len = 0;

	for (pod = first; pod != NULL; pod = pod->next)
		len += tracker_json_shows(pod, namespace);
	pods = mem_calloc(len + 1, sizeof(struct world_pod *));
	len = 0;
	for (pod = first; pod != NULL; pod = pod->next)
		if (tracker_json_shows(pod, namespace))
			pods[len++] = pod;
	qsort(pods, len, sizeof(struct world_pod *), tracker_json_by_name);
	*ret_len = len;
	return pods;
}

static int
tracker_json_node_order(const void *left, const void *right)
{
	const struct world_node *const *a = left;
	const struct world_node *const *b = right;

	return strcmp((*a)->name, (*b)->name);
}

const struct world_node **
tracker_json_nodes(const struct world *world, size_t *ret_len)
{
	const struct world_node **nodes =
	    mem_calloc(map_count(world->nodes) + 1, sizeof(struct world_node *));
	size_t len = 0;

	MAP_EACH(world->nodes, entry)
	nodes[len++] = lh_entry_v(entry);
	qsort(nodes, len, sizeof(struct world_node *), tracker_json_node_order);
	*ret_len = len;
	return nodes;
}

/* --- one of them ------------------------------------------------------------------ */

static const char *
tracker_json_phase(const struct world_pod *pod)
{
	static const char *const names[] = {
	    [POD_PHASE_UNKNOWN] = "Unknown",
	    [POD_PHASE_PENDING] = "Pending",
	    [POD_PHASE_RUNNING] = "Running",
	    [POD_PHASE_SUCCEEDED] = "Succeeded",
	    [POD_PHASE_FAILED] = "Failed",
	};

	return names[pod->phase];
}

void
tracker_json_pod(struct buf *out, const struct world_pod *pod)
{
	size_t first = strcspn(pod->ips, ",");
	char when[CLOCK_TEXT_MAX];

	buf_puts(out, "{\"ip\":\"");
	buf_put_json(out, pod->ips, first);
	buf_puts(out, "\"");
	if (pod->ips[first] != '\0') {
		buf_puts(out, ",\"ips\":[\"");
		buf_put_json(out, pod->ips, first);
		buf_puts(out, "\",\"");
		buf_put_json(out, pod->ips + first + 1, strlen(pod->ips + first + 1));
		buf_puts(out, "\"]");
	}
	intent_put_text(out, "namespace", pod->kin->namespace);
	intent_put_text(out, "nodeName", pod->node);
	intent_put_text(out, "phase", tracker_json_phase(pod));
	intent_put_text(out, "podName", pod->name);
	intent_put_text(out, "uid", pod->uid);
	if (pod->host_network)
		buf_puts(out, ",\"hostNetwork\":true");
	if (pod->created_ms != 0) {
		clock_format(
		    (struct wall_time){pod->created_ms}, false, when, sizeof when);
		intent_put_text(out, "creationTimestamp", when);
	}
	buf_puts(out, "}");
}

void
tracker_json_resources(struct buf *out, const struct world_node *node)
{
	static const char *const names[] = {
	    "cpuCapacity", "memoryCapacity", "cpuAllocatable", "memoryAllocatable"};
	size_t cursor = 0;

	buf_puts(out, "\"resources\":{");
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *value = texts_next(&node->resources, &cursor);

		buf_printf(out, "%s\"%s\":\"", i > 0 ? "," : "", names[i]);
		/* as the Pod IP Tracker has it of what a node does not say */
		if (value == NULL || value[0] == '\0')
			value = "0";
		buf_put_json(out, value, strlen(value));
		buf_puts(out, "\"");
	}
	buf_puts(out, "}");
}
