#include "kubelets.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

#include "bounds.h"
#include "clock.h"
#include "json_read.h"
#include "mem.h"

/* Of a Lease that gives none (the kubelet's nodeLeaseDurationSeconds). */
#define DURATION_S 40

struct kubelets {
	struct json_object *heard; /* node → when (ms), */
	struct json_object *ends;  /* and until when that will do */
};

struct kubelets *
kubelets_new(void)
{
	struct kubelets *kubelets = mem_calloc(1, sizeof *kubelets);

	kubelets->heard = json_object_new_object();
	kubelets->ends = json_object_new_object();
	return kubelets;
}

void
kubelets_free(struct kubelets *kubelets)
{
	if (kubelets == NULL)
		return;
	json_object_put(kubelets->heard);
	json_object_put(kubelets->ends);
	free(kubelets);
}

void
kubelets_forget(struct kubelets *kubelets)
{
	json_object_put(kubelets->heard);
	json_object_put(kubelets->ends);
	kubelets->heard = json_object_new_object();
	kubelets->ends = json_object_new_object();
}

static int
read_lease(struct kubelets *kubelets, struct json_object *json)
{
	struct json_object *spec = json_read_member(json, "spec");
	char name[NAME_MAX_LEN + 1];
	int64_t duration_s = DURATION_S;
	struct wall_time renewed;

	if (json_read_text(
		json_read_member(json, "metadata"), "name", name, sizeof name) != 1 ||
	    json_read_time(spec, "renewTime", &renewed) != 1 ||
	    json_read_number(spec, "leaseDurationSeconds", &duration_s) < 0 ||
	    duration_s <= 0 || duration_s > INT32_MAX)
		return -EBADMSG;
	json_object_object_add(
	    kubelets->heard, name, json_object_new_int64(renewed.ms));
	json_object_object_add(kubelets->ends, name,
	    json_object_new_int64(renewed.ms + 1000 * duration_s));
	return 0;
}

int
kubelets_add(struct kubelets *kubelets, const char *json, size_t len)
{
	struct json_object *lease = json_read_object(json, len);
	int rc = lease != NULL ? read_lease(kubelets, lease) : -EBADMSG;

	json_object_put(lease);
	return rc;
}

enum kubelet
kubelets_of(const struct kubelets *kubelets, const char *node, int64_t now_ms,
    int64_t *ret_since_ms)
{
	struct json_object *heard = json_read_member(kubelets->heard, node);
	struct json_object *ends = json_read_member(kubelets->ends, node);

	if (heard == NULL)
		return KUBELET_NOT_KNOWN;
	if (now_ms <= json_object_get_int64(ends))
		return KUBELET_ALIVE;
	*ret_since_ms = json_object_get_int64(heard);
	return KUBELET_SILENT;
}
