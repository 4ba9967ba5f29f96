#include "leads.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_read.h"
#include "kube.h"
#include "mem.h"

/* The duration of a Lease that gives none, as ipwarden's is by default (seconds). */
#define DURATION_S 60

static enum leads
read_lease(struct json_object *json, int64_t now_ms)
{
	struct json_object *spec = json_read_member(json, "spec");
	const char *holder = json_read_string(json_read_member(spec, "holderIdentity"));
	int64_t duration_s = DURATION_S;
	struct wall_time renewed;

	if (json_read_time(spec, "renewTime", &renewed) != 1 ||
	    json_read_number(spec, "leaseDurationSeconds", &duration_s) < 0)
		return LEADS_UNKNOWN;
	/* twice: our clock is not that of who renews it */
	return holder != NULL && holder[0] != '\0' &&
		       (now_ms - renewed.ms) / 2000 < duration_s
		   ? LEADS_YES
		   : LEADS_NO;
}

enum leads
leads_ask(struct ask *ask, const char *lease, int64_t now_ms)
{
	size_t len = strcspn(lease, "/");
	char *space = mem_strndup(lease, len);
	char *namespace = kube_escape(space);
	char *name = kube_escape(lease[len] == '/' ? lease + len + 1 : "");
	char *path = mem_printf(
	    "/apis/coordination.k8s.io/v1/namespaces/%s/leases/%s", namespace, name);
	struct json_object *json = NULL;
	enum leads leads =
	    ask_get(ask, path, &json) == 200 ? read_lease(json, now_ms) : LEADS_UNKNOWN;

	json_object_put(json);
	free(path);
	free(name);
	free(namespace);
	free(space);
	return leads;
}

void
leads_why(enum leads leads, const char *lease, char out[LEADS_WHY_MAX])
{
	switch (leads) {
	case LEADS_YES:
		snprintf(out, LEADS_WHY_MAX, "%s", "");
		return;
	case LEADS_NO:
		snprintf(out, LEADS_WHY_MAX, "no ipwarden leads");
		return;
	case LEADS_UNKNOWN:
		snprintf(out, LEADS_WHY_MAX,
		    "whether an ipwarden leads is not known, for want of Lease %s",
		    lease);
		return;
	}
}
