#include "choose.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "selector.h"
#include "walk.h"

struct choose {
	const char *namespace;	   /* "": all */
	const char *name;	   /* prefix */
	struct selector *selector; /* NULL: no labels are asked for */
};

struct choose *
choose_new(const struct settings *settings)
{
	const char *label = settings_get(settings, SETTING_FOOTPRINT_LABEL, "");
	struct choose *choose;

	if (settings_get(settings, SETTING_STORE_IN_CM, NULL) == NULL)
		return NULL;
	choose = mem_calloc(1, sizeof *choose);
	choose->namespace = settings_get(settings, SETTING_FOOTPRINT_NAMESPACE, "");
	choose->name = settings_get(settings, SETTING_FOOTPRINT_NAME, "");
	if (label[0] != '\0') {
		choose->selector = selector_new(label);
		assert(choose->selector != NULL); /* the supervisor has checked it */
	}
	return choose;
}

void
choose_free(struct choose *choose)
{
	if (choose == NULL)
		return;
	selector_free(choose->selector);
	free(choose);
}

/* --- labels -------------------------------------------------------------------------
 */

struct labels {
	const struct selector *selector;
	struct selector_look look;
};

static bool
label_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	struct labels *labels = arg;
	char value[LABEL_MAX_LEN + 1];

	scan_string(scan, value, sizeof value);
	if (scan->error == 0)
		selector_see(labels->selector, &labels->look, key, len, value);
	return true;
}

static bool
metadata_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	if (!scan_key_is(key, len, "labels"))
		return false;
	walk_members(scan, label_member, arg);
	return true;
}

static bool
pod_member(void *arg, struct scan *scan, const char *key, size_t len)
{
	if (!scan_key_is(key, len, "metadata"))
		return false;
	walk_members(scan, metadata_member, arg);
	return true;
}

static bool
labels_fit(const struct selector *selector, const char *json, size_t len)
{
	struct labels labels = {.selector = selector};
	struct scan scan;

	scan_init(&scan, json, len);
	walk_members(&scan, pod_member, &labels);
	return scan.error == 0 && selector_chooses(selector, &labels.look);
}

bool
choose_pod(const struct choose *choose, const struct msg_fact_pod *fact,
    const char *json, size_t len)
{
	if (choose == NULL)
		return false;
	if (choose->namespace[0] != '\0' &&
	    strcmp(choose->namespace, fact->namespace) != 0)
		return false;
	if (strncmp(fact->name, choose->name, strlen(choose->name)) != 0)
		return false;
	return choose->selector == NULL || labels_fit(choose->selector, json, len);
}
