#include "kube_managed.h"

#include <stdlib.h>

#include "kube_json.h"
#include "mem.h"

/* "f:KEY": {} for each of the members of `from`. */
static void
name_members(const struct json_object *from, struct json_object *fields)
{
	kube_json_section(fields, ".");
	for (const struct lh_entry *at = kube_json_first(from); at != NULL;
	     at = at->next) {
		char *name = mem_printf("f:%s", kube_json_key(at));

		kube_json_section(fields, name);
		free(name);
	}
}

void
kube_managed_write(struct json_object *json)
{
	struct json_object *list = json_object_new_array();
	struct json_object *entry = kube_json_constant(
	    "{\"manager\":\"ipwarden-reconciler\",\"operation\":\"Update\","
	    "\"apiVersion\":\"v1\",\"time\":\"2026-11-21T00:10:00Z\","
	    "\"fieldsType\":\"FieldsV1\"}");
	struct json_object *fields = kube_json_section(entry, "fieldsV1");

	name_members(
	    kube_json_member(json, "data"), kube_json_section(fields, "f:data"));
	name_members(kube_json_at(json, "metadata.labels"),
	    kube_json_section(kube_json_section(fields, "f:metadata"), "f:labels"));
	json_object_array_add(list, entry);
	kube_json_set(kube_json_section(json, "metadata"), "managedFields", list);
	json_object_put(list);
}
