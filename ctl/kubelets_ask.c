#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "kube.h"
#include "kubelets.h"
#include "mem.h"

#define LEASES "/apis/coordination.k8s.io/v1/namespaces/" KUBELETS_NAMESPACE "/leases"

static void
on_begin(void *arg)
{
	kubelets_forget(arg);
}

/* One that does not tell is a node of which it is not known. */
static int
on_lease(void *arg, const char *json, size_t len)
{
	kubelets_add(arg, json, len);
	return 0;
}

int
kubelets_ask(struct kubelets *kubelets, struct ask *ask, const char *node)
{
	static const struct ask_list_handlers handlers = {on_begin, on_lease};
	struct json_object *json = NULL;
	char *name, *path;
	int status;

	if (node[0] == '\0')
		return ask_list(ask, LEASES, "", &handlers, kubelets);
	name = kube_escape(node);
	path = mem_printf(LEASES "/%s", name);
	status = ask_get(ask, path, &json);
	if (status == 200) {
		const char *text = json_object_to_json_string(json);

		kubelets_add(kubelets, text, strlen(text));
	}
	json_object_put(json);
	free(path);
	free(name);
	return status == 404 ? 200 : status;
}
