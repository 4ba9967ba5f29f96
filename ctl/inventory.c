#include "inventory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "mem.h"
#include "show.h"
#include "walk.h"

#define IP_MAX	 64u
#define WORD_MAX 64u
#define TEXT_MAX 128u /* of a complaint */

struct inventory {
	struct inventory_filter filter;
	struct inventory_slice **slices;
	size_t slices_len, slices_cap;
	struct inventory_pod **pods;
	size_t pods_len, pods_cap;
};

struct inventory *
inventory_new(const struct inventory_filter *filter)
{
	struct inventory *inventory = mem_calloc(1, sizeof *inventory);

	inventory->filter = *filter;
	return inventory;
}

void
inventory_forget(struct inventory *inventory)
{
	for (size_t i = 0; i < inventory->pods_len; i++)
		free(inventory->pods[i]);
	for (size_t i = 0; i < inventory->slices_len; i++)
		free(inventory->slices[i]);
	inventory->pods_len = inventory->slices_len = 0;
}

void
inventory_free(struct inventory *inventory)
{
	if (inventory == NULL)
		return;
	inventory_forget(inventory);
	free(inventory->pods);
	free(inventory->slices);
	free(inventory);
}

/* --- reading ------------------------------------------------------------------------
 */

struct pod_reading {
	char name[NAME_MAX_LEN + 1];
	char namespace[NAME_MAX_LEN + 1];
	char uid[UID_MAX_LEN + 1];
	char ip[IP_MAX];
	char ips[INVENTORY_IPS_MAX];
	char phase[WORD_MAX];
	int64_t created_ms;
	bool host_network;
};

struct slice_reading {
	char node[NAME_MAX_LEN + 1];
	char node_uid[UID_MAX_LEN + 1];
	char node_ip[IP_MAX];
	char writer[WORD_MAX];
	struct inventory_slice numbers;
	const char *pods; /* the array's text, read once the rest is known */
	size_t pods_len;
};

/* A pod has two; what has no room here is no pod. */
static void
read_ips(struct scan *scan, struct pod_reading *pod)
{
	size_t len = 0;

	if (!scan_enter_array(scan))
		return;
	while (scan_next_element(scan)) {
		char ip[IP_MAX];

		scan_string(scan, ip, sizeof ip);
		if (scan->error != 0)
			return;
		if (len + strlen(ip) + 2 > sizeof pod->ips) {
			scan->error = -EBADMSG;
			return;
		}
		len += (size_t)snprintf(pod->ips + len, sizeof pod->ips - len, "%s%s",
		    len > 0 ? "," : "", ip);
	}
}

static bool
pod_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct pod_reading *pod = arg;

	if (walk_text(scan, key, len, "podName", pod->name, sizeof pod->name) ||
	    walk_text(
		scan, key, len, "namespace", pod->namespace, sizeof pod->namespace) ||
	    walk_text(scan, key, len, "uid", pod->uid, sizeof pod->uid) ||
	    walk_text(scan, key, len, "ip", pod->ip, sizeof pod->ip) ||
	    walk_text(scan, key, len, "phase", pod->phase, sizeof pod->phase))
		return true;
	if (scan_key_is(key, len, "ips"))
		read_ips(scan, pod);
	else if (scan_key_is(key, len, "hostNetwork"))
		scan_bool(scan, &pod->host_network);
	else if (scan_key_is(key, len, "creationTimestamp"))
		walk_time(scan, &pod->created_ms);
	else
		return false;
	return true;
}

/* They are held by the ten thousand: as small as their texts are. */
static struct inventory_pod *
pack_pod(const struct pod_reading *pod, const struct inventory_slice *slice)
{
	const char *ips = pod->ips[0] != '\0' ? pod->ips : pod->ip;
	size_t size = strlen(pod->namespace) + strlen(pod->name) + strlen(pod->uid) +
		      strlen(pod->ip) + strlen(ips) + strlen(pod->phase) + 6;
	struct inventory_pod *packed = mem_calloc(1, sizeof *packed + size);
	char *at = (char *)(packed + 1);

	packed->slice = slice;
	packed->namespace = mem_keep(&at, pod->namespace, strlen(pod->namespace));
	packed->name = mem_keep(&at, pod->name, strlen(pod->name));
	packed->uid = mem_keep(&at, pod->uid, strlen(pod->uid));
	packed->ip = mem_keep(&at, pod->ip, strlen(pod->ip));
	packed->ips = mem_keep(&at, ips, strlen(ips));
	packed->phase = mem_keep(&at, pod->phase, strlen(pod->phase));
	packed->created_ms = pod->created_ms;
	packed->host_network = pod->host_network;
	return packed;
}

static bool
is_meant(const struct inventory_filter *filter, const struct pod_reading *pod)
{
	return (filter->namespace[0] == '\0' ||
		   strcmp(filter->namespace, pod->namespace) == 0) &&
	       strncmp(filter->name, pod->name, strlen(filter->name)) == 0;
}

static void
add_pod(struct inventory *inventory, struct inventory_pod *pod)
{
	if (inventory->pods_len == inventory->pods_cap) {
		inventory->pods_cap =
		    inventory->pods_cap > 0 ? 2 * inventory->pods_cap : 64;
		inventory->pods = mem_realloc(inventory->pods, inventory->pods_cap,
		    sizeof(struct inventory_pod *));
	}
	inventory->pods[inventory->pods_len++] = pod;
}

/* The other members of the slice come before and after them. */
static int
read_pods(struct inventory *inventory, const struct slice_reading *reading,
    struct inventory_slice *slice)
{
	size_t first = inventory->pods_len;
	struct scan scan;

	if (reading->pods == NULL)
		return 0;
	scan_init(&scan, reading->pods, reading->pods_len);
	if (scan_enter_array(&scan))
		while (scan_next_element(&scan)) {
			struct pod_reading pod = {0};

			walk_members(&scan, pod_member, &pod);
			slice->pods++;
			if (scan.error == 0 && is_meant(&inventory->filter, &pod))
				add_pod(inventory, pack_pod(&pod, slice));
		}
	if (scan_finish(&scan) == 0)
		return 0;
	while (inventory->pods_len > first)
		free(inventory->pods[--inventory->pods_len]);
	return -EBADMSG;
}

static bool
slice_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct slice_reading *slice = arg;

	if (walk_text(scan, key, len, "nodeName", slice->node, sizeof slice->node) ||
	    walk_text(
		scan, key, len, "nodeUID", slice->node_uid, sizeof slice->node_uid) ||
	    walk_text(
		scan, key, len, "nodeIP", slice->node_ip, sizeof slice->node_ip) ||
	    walk_text(scan, key, len, "writer", slice->writer, sizeof slice->writer))
		return true;
	if (scan_key_is(key, len, "part"))
		scan_integer(scan, &slice->numbers.part);
	else if (scan_key_is(key, len, "parts"))
		scan_integer(scan, &slice->numbers.parts);
	else if (scan_key_is(key, len, "podCount"))
		scan_integer(scan, &slice->numbers.pod_count);
	else if (scan_key_is(key, len, "lastUpdateTime"))
		walk_time(scan, &slice->numbers.updated_ms);
	else if (scan_key_is(key, len, "pods"))
		scan_raw(scan, &slice->pods, &slice->pods_len);
	else
		return false;
	return true;
}

static struct inventory_slice *
pack_slice(const struct slice_reading *reading)
{
	size_t size = strlen(reading->node) + strlen(reading->node_uid) +
		      strlen(reading->node_ip) + strlen(reading->writer) + 4;
	struct inventory_slice *slice = mem_calloc(1, sizeof *slice + size);
	char *at = (char *)(slice + 1);

	*slice = reading->numbers;
	slice->node = mem_keep(&at, reading->node, strlen(reading->node));
	slice->node_uid = mem_keep(&at, reading->node_uid, strlen(reading->node_uid));
	slice->node_ip = mem_keep(&at, reading->node_ip, strlen(reading->node_ip));
	slice->writer = mem_keep(&at, reading->writer, strlen(reading->writer));
	return slice;
}

int
inventory_add(struct inventory *inventory, const char *json, size_t len)
{
	struct slice_reading reading = {
	    .numbers = {.part = 1, .parts = 1, .pod_count = -1}};
	const char *node = inventory->filter.node;
	struct inventory_slice *slice;
	struct scan scan;

	scan_init(&scan, json, len);
	walk_members(&scan, slice_member, &reading);
	if (scan_finish(&scan) < 0 || reading.node[0] == '\0')
		return -EBADMSG;
	if (node[0] != '\0' && strcmp(node, reading.node) != 0)
		return 0;
	slice = pack_slice(&reading);
	if (read_pods(inventory, &reading, slice) < 0) {
		free(slice);
		return -EBADMSG;
	}
	if (inventory->slices_len == inventory->slices_cap) {
		inventory->slices_cap =
		    inventory->slices_cap > 0 ? 2 * inventory->slices_cap : 64;
		inventory->slices = mem_realloc(inventory->slices,
		    inventory->slices_cap, sizeof(struct inventory_slice *));
	}
	inventory->slices[inventory->slices_len++] = slice;
	return 0;
}

/* --- order --------------------------------------------------------------------------
 */

static int
compare_pods(const void *a, const void *b)
{
	const struct inventory_pod *one = *(struct inventory_pod *const *)a;
	const struct inventory_pod *other = *(struct inventory_pod *const *)b;
	int order = strcmp(one->namespace, other->namespace);

	order = order != 0 ? order : strcmp(one->name, other->name);
	order = order != 0 ? order : strcmp(one->uid, other->uid);
	if (order != 0)
		return order;
	return (one->slice->updated_ms < other->slice->updated_ms) -
	       (one->slice->updated_ms > other->slice->updated_ms);
}

static int
compare_slices(const void *a, const void *b)
{
	const struct inventory_slice *one = *(struct inventory_slice *const *)a;
	const struct inventory_slice *other = *(struct inventory_slice *const *)b;
	int order = strcmp(one->node, other->node);

	return order != 0 ? order
			  : (one->part > other->part) - (one->part < other->part);
}

static bool
is_same_pod(const struct inventory_pod *one, const struct inventory_pod *other)
{
	return one->uid[0] != '\0' && strcmp(one->uid, other->uid) == 0 &&
	       strcmp(one->name, other->name) == 0 &&
	       strcmp(one->namespace, other->namespace) == 0;
}

void
inventory_finish(struct inventory *inventory)
{
	size_t kept = 0;

	if (inventory->slices_len > 0)
		qsort(inventory->slices, inventory->slices_len,
		    sizeof(struct inventory_slice *), compare_slices);
	if (inventory->pods_len > 0)
		qsort(inventory->pods, inventory->pods_len,
		    sizeof(struct inventory_pod *), compare_pods);
	for (size_t i = 0; i < inventory->pods_len; i++)
		if (kept > 0 &&
		    is_same_pod(inventory->pods[kept - 1], inventory->pods[i]))
			free(inventory->pods[i]);
		else
			inventory->pods[kept++] = inventory->pods[i];
	inventory->pods_len = kept;
}

size_t
inventory_slices(const struct inventory *inventory)
{
	return inventory->slices_len;
}

static bool
is_by_agent(const struct inventory_slice *slice)
{
	return strcmp(slice->writer, "Agent") == 0;
}

size_t
inventory_by_leader(const struct inventory *inventory)
{
	size_t count = 0;

	for (size_t i = 0; i < inventory->slices_len; i++)
		count += !is_by_agent(inventory->slices[i]);
	return count;
}

size_t
inventory_pods(const struct inventory *inventory)
{
	return inventory->pods_len;
}

const struct inventory_pod *
inventory_pod(const struct inventory *inventory, size_t index)
{
	return inventory->pods[index];
}

/* --- what is wrong ------------------------------------------------------------------
 */

/* Of one node's slices: do they say the same of it? */
static bool
is_mixed(struct inventory_slice *const *slices, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (slices[i]->parts != slices[0]->parts ||
		    slices[i]->pod_count != slices[0]->pod_count ||
		    slices[i]->part == slices[i - 1]->part)
			return true;
	return false;
}

static bool
is_two_nodes(struct inventory_slice *const *slices, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (strcmp(slices[i]->node_uid, slices[0]->node_uid) != 0)
			return true;
	return false;
}

/* False: nothing. */
static bool
describe(struct inventory_slice *const *slices, size_t count, int64_t now_ms,
    char text[TEXT_MAX])
{
	const struct inventory_slice *first = slices[0];
	int64_t pods = 0, oldest_ms = now_ms;
	char age[SHOW_AGE_MAX];

	for (size_t i = 0; i < count; i++) {
		pods += slices[i]->pods;
		if (is_by_agent(slices[i]) && slices[i]->updated_ms < oldest_ms)
			oldest_ms = slices[i]->updated_ms;
	}
	show_age(now_ms - oldest_ms, age);
	if (is_two_nodes(slices, count))
		snprintf(text, TEXT_MAX, "has slices of two nodes of that name");
	else if (is_mixed(slices, count))
		snprintf(text, TEXT_MAX, "has slices of different times");
	else if (first->parts != (int64_t)count)
		snprintf(text, TEXT_MAX, "has %zu of %" PRId64 " slices", count,
		    first->parts);
	else if (first->pod_count >= 0 && first->pod_count != pods)
		snprintf(text, TEXT_MAX, "has %" PRId64 " of %" PRId64 " pods", pods,
		    first->pod_count);
	else if (oldest_ms == 0)
		snprintf(text, TEXT_MAX, "does not say when it was written");
	else if (now_ms - oldest_ms > INVENTORY_STALE_MS)
		snprintf(text, TEXT_MAX, "was last written by its agent %s ago", age);
	else
		return false;
	return true;
}

/* Of one node, from there on. */
static size_t
slices_of_node(const struct inventory *inventory, size_t at)
{
	const char *node = inventory->slices[at]->node;
	size_t count = 1;

	while (at + count < inventory->slices_len &&
	       strcmp(inventory->slices[at + count]->node, node) == 0)
		count++;
	return count;
}

void
inventory_walk_nodes(
    const struct inventory *inventory, inventory_node_fn *fn, void *arg)
{
	for (size_t at = 0; at < inventory->slices_len;
	     at += slices_of_node(inventory, at))
		fn(arg, inventory->slices[at]->node);
}

size_t
inventory_problems(const struct inventory *inventory, int64_t now_ms,
    inventory_problem_fn *fn, void *arg)
{
	size_t nodes = 0, at = 0;

	while (at < inventory->slices_len) {
		struct inventory_slice *const *slices = inventory->slices + at;
		size_t count = slices_of_node(inventory, at);
		char text[TEXT_MAX];

		if (describe(slices, count, now_ms, text)) {
			fn(arg, slices[0]->node, text);
			nodes++;
		}
		at += count;
	}
	return nodes;
}
