#include "pods.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "exits.h"
#include "inventory.h"
#include "kube.h"
#include "leads.h"
#include "mem.h"
#include "option.h"
#include "pods_print.h"
#include "show.h"

#define SLICES "/apis/tracking.ipwarden.dev/v1alpha1/podtrackerslices"

enum form { FORM_TABLE, FORM_WIDE, FORM_JSON, FORM_NAME };

struct pods {
	/* options */
	const char *kubeconfig;
	const char *form_name;
	const char *lease;
	struct inventory_filter filter;
	enum form form;

	struct ask *ask;
	struct inventory *inventory;
	struct pods_sources sources; /* leads: looked at when it matters */
	struct kubelets *kubelets;
};

static const struct option options[] = {
    {"node", OPTION_TEXT, offsetof(struct pods, filter.node), "pods on this node"},
    {"namespace", OPTION_TEXT, offsetof(struct pods, filter.namespace),
	"pods of this namespace (default: all)"},
    {"name", OPTION_TEXT, offsetof(struct pods, filter.name),
	"pods whose name begins so"},
    {"o", OPTION_TEXT, offsetof(struct pods, form_name),
	"table (the default), wide, json or name"},
    {"lease", OPTION_TEXT, offsetof(struct pods, lease),
	"NAMESPACE/NAME of the Lease by which an ipwarden leads (default:\n"
	"                         " LEADS_LEASE ")"},
    {"kubeconfig", OPTION_TEXT, offsetof(struct pods, kubeconfig),
	"the API server and its credentials (default: $KUBECONFIG, the pod's own,\n"
	"                         ~/.kube/config)"},
};

static const struct option_set set = {
    .usage = "Usage: ipwardenctl pods [OPTION]...\n"
	     "\n"
	     "The pods that have an address, as the PodTrackerSlices say: where, and "
	     "which.\n",
    .options = options,
    .count = sizeof options / sizeof *options,
};

static int
read_options(const char *const *argv, struct pods *pods)
{
	static const char *const forms[] = {"table", "wide", "json", "name"};
	int rc;

	pods->filter = (struct inventory_filter){"", "", ""};
	pods->form_name = "table";
	pods->lease = LEADS_LEASE;
	rc = option_read(&set, &argv, pods);
	if (rc != 0)
		return rc;
	if (*argv != NULL)
		return option_refuse(&set, "takes no such word", *argv);
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (strcmp(pods->form_name, forms[i]) == 0) {
			pods->form = (enum form)i;
			return 0;
		}
	return option_refuse(&set, "no such form", pods->form_name);
}

/* --- asking -------------------------------------------------------------------------
 */

static void
on_begin(void *arg)
{
	struct pods *pods = arg;

	inventory_forget(pods->inventory);
}

static int
on_slice(void *arg, const char *json, size_t len)
{
	struct pods *pods = arg;

	return inventory_add(pods->inventory, json, len);
}

static int
list(struct pods *pods, bool selects)
{
	static const struct ask_list_handlers handlers = {on_begin, on_slice};
	char *node = kube_escape(pods->filter.node);
	char *query =
	    selects ? mem_printf("fieldSelector=nodeName%%3D%s", node) : mem_strdup("");
	int status = ask_list(pods->ask, SLICES, query, &handlers, pods);

	free(node);
	free(query);
	return status;
}

/* Servers before Kubernetes 1.31 know no fields of ours, and say 400. */
static bool
list_slices(struct pods *pods)
{
	bool selects = pods->filter.node[0] != '\0';
	int status = list(pods, selects);

	if (status == 400 && selects)
		status = list(pods, false);
	pods->sources.refused = ask_refused(pods->ask);
	if (status == 404)
		fputs("ipwardenctl: this cluster has no PodTrackerSlices: apply crds/, "
		      "and create a PodTracker (see ipwardenctl(1))\n",
		    stderr);
	else if (status != 200)
		ask_tell(pods->ask, "the PodTrackerSlices cannot be listed");
	return status == 200;
}

/* --- answering ----------------------------------------------------------------------
 */

static void
on_problem(void *arg, const char *node, const char *text)
{
	(void)arg;
	fputs("ipwardenctl: not sure of node ", stderr);
	show_text(node, stderr);
	fprintf(stderr, ": it %s\n", text);
}

static void
print(const struct pods *pods, int64_t now_ms)
{
	switch (pods->form) {
	case FORM_TABLE:
	case FORM_WIDE:
		pods_print_table(
		    pods->inventory, pods->form == FORM_WIDE, now_ms, stdout);
		break;
	case FORM_JSON:
		pods_print_json(pods->inventory, &pods->sources, now_ms, stdout);
		break;
	case FORM_NAME:
		pods_print_names(pods->inventory, stdout);
		break;
	}
}

/* Without a slice nothing is known: that is no answer. */
static int
tell_no_slices(const struct pods *pods)
{
	if (pods->filter.node[0] != '\0')
		fprintf(stderr,
		    "ipwardenctl: node %s has no PodTrackerSlice: is there a node of "
		    "that name, a PodTracker, and an ipwarden that leads?\n",
		    pods->filter.node);
	else
		fputs(
		    "ipwardenctl: there are no PodTrackerSlices: create a PodTracker; "
		    "they are written while there is one, by the ipwarden that leads "
		    "or by its nodes' agents\n",
		    stderr);
	return EXIT_FAILURE;
}

/* Slices of agents have their time, the others who keeps them up to date. */
static void
look_for_leader(struct pods *pods, int64_t now_ms)
{
	size_t slices = inventory_by_leader(pods->inventory);
	char why[LEADS_WHY_MAX];

	if (slices == 0)
		return;
	pods->sources.leads = leads_ask(pods->ask, pods->lease, now_ms);
	if (pods->sources.leads == LEADS_YES)
		return;
	leads_why(pods->sources.leads, pods->lease, why);
	fputs("ipwardenctl: ", stderr);
	show_text(why, stderr);
	fprintf(
	    stderr, ": the %zu slices that no agent has written may be old\n", slices);
}

struct unheard {
	const struct pods *pods;
	int64_t now_ms;
	size_t nodes;
	const char *first;
};

static void
tell_kubelet(void *arg, const char *node)
{
	struct unheard *unheard = arg;
	int64_t since_ms = 0;
	char age[SHOW_AGE_MAX], text[SHOW_AGE_MAX + 64];

	switch (
	    kubelets_of(unheard->pods->kubelets, node, unheard->now_ms, &since_ms)) {
	case KUBELET_ALIVE:
		return;
	case KUBELET_SILENT:
		show_age(unheard->now_ms - since_ms, age);
		snprintf(
		    text, sizeof text, "has a kubelet that was last heard %s ago", age);
		on_problem(NULL, node, text);
		return;
	case KUBELET_NOT_KNOWN:
		if (unheard->nodes++ == 0)
			unheard->first = node;
		return;
	}
}

/* That the API server has a pod says that it runs while its node's kubelet is heard. */
static void
look_for_kubelets(struct pods *pods, int64_t now_ms)
{
	struct unheard unheard = {.pods = pods, .now_ms = now_ms};
	int status = 200;

	if (inventory_slices(pods->inventory) > 0)
		status = kubelets_ask(pods->kubelets, pods->ask, pods->filter.node);
	if (status != 200) {
		ask_tell(pods->ask,
		    "whether the nodes' kubelets are alive is not known, their Leases "
		    "in " KUBELETS_NAMESPACE " cannot be read");
		return;
	}
	inventory_walk_nodes(pods->inventory, tell_kubelet, &unheard);
	if (unheard.nodes == 0)
		return;
	fprintf(stderr,
	    "ipwardenctl: whether the kubelets of %zu nodes are alive is not known, "
	    "for "
	    "want of a Lease in " KUBELETS_NAMESPACE ": ",
	    unheard.nodes);
	show_text(unheard.first, stderr);
	fputs(unheard.nodes > 1 ? ", …\n" : "\n", stderr);
}

static int
answer(struct pods *pods)
{
	int64_t now_ms = clock_wall().ms;

	inventory_finish(pods->inventory);
	if (pods->sources.refused > 0)
		fprintf(stderr,
		    "ipwardenctl: %" PRIu64 " slices cannot be read: their pods are "
		    "missing here\n",
		    pods->sources.refused);
	else if (inventory_slices(pods->inventory) == 0)
		return tell_no_slices(pods);
	look_for_leader(pods, now_ms);
	inventory_problems(pods->inventory, now_ms, on_problem, NULL);
	look_for_kubelets(pods, now_ms);
	if (pods->form != FORM_JSON && inventory_pods(pods->inventory) == 0)
		fputs("ipwardenctl: no such pods\n", stderr);
	show_begin();
	print(pods, now_ms);
	return show_end() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
pods_run(const char *const *argv)
{
	struct pods pods = {0};
	int rc = read_options(argv, &pods);

	if (rc != 0) {
		if (rc > 0)
			option_usage(&set);
		return rc > 0 ? EXIT_SUCCESS : EXIT_CONFIG;
	}
	pods.ask = ask_new(pods.kubeconfig);
	if (pods.ask == NULL)
		return EXIT_FAILURE;
	pods.inventory = inventory_new(&pods.filter);
	pods.sources.kubelets = pods.kubelets = kubelets_new();
	rc = list_slices(&pods) ? answer(&pods) : EXIT_FAILURE;
	inventory_free(pods.inventory);
	kubelets_free(pods.kubelets);
	ask_free(pods.ask);
	return rc;
}
