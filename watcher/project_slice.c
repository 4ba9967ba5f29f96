#include <errno.h>
#include <string.h>

#include "project.h"
#include "walk.h"

static bool
slice_metadata(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct msg_fact_slice *fact = arg;

	return walk_text(scan, key, len, "name", fact->name, sizeof fact->name) ||
	       walk_text(scan, key, len, "uid", fact->uid, sizeof fact->uid) ||
	       walk_text(scan, key, len, "resourceVersion", fact->resource_version,
		   sizeof fact->resource_version);
}

static void
slice_number(struct scan *scan, uint32_t *ret_number)
{
	int64_t value = 0;

	scan_integer(scan, &value);
	*ret_number = value > 0 && value <= UINT32_MAX ? (uint32_t)value : 0;
}

static bool
slice_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct msg_fact_slice *fact = arg;
	char writer[16];

	if (walk_text_or(
		scan, key, len, "nodeName", "", fact->node, sizeof fact->node) ||
	    walk_text_or(
		scan, key, len, "nodeUID", "", fact->node_uid, sizeof fact->node_uid) ||
	    walk_text_or(scan, key, len, "contentHash", "", fact->content_hash,
		sizeof fact->content_hash))
		return true;
	if (walk_text_or(scan, key, len, "writer", "", writer, sizeof writer)) {
		fact->agent = scan->error == 0 && strcmp(writer, "Agent") == 0;
		return true;
	}
	if (scan_key_is(key, len, "part"))
		slice_number(scan, &fact->part);
	else if (scan_key_is(key, len, "parts"))
		slice_number(scan, &fact->parts);
	else if (scan_key_is(key, len, "metadata"))
		walk_members(scan, slice_metadata, fact);
	else if (scan_key_is(key, len, "lastUpdateTime"))
		walk_time_or_none(scan, &fact->updated_ms);
	else
		return false;
	return true;
}

int
project_slice(const char *json, size_t len, struct msg_fact_slice *ret_fact)
{
	struct scan scan;
	int rc;

	memset(ret_fact, 0, sizeof *ret_fact);
	scan_init(&scan, json, len);
	walk_members(&scan, slice_member, ret_fact);
	rc = scan_finish(&scan);
	if (rc == 0 && (ret_fact->name[0] == '\0' || ret_fact->uid[0] == '\0'))
		return -EBADMSG;
	return rc;
}
