#include <stdio.h>
#include <string.h>

#include "kube_json.h"
#include "kube_rbac.h"

void
kube_rbac_complete(struct json_object *json)
{
	struct json_object *subjects = kube_json_member(json, "subjects");
	struct json_object *ref = kube_json_member(json, "roleRef");

	if (json_object_is_type(ref, json_type_object) &&
	    kube_json_text(ref, "apiGroup")[0] == '\0')
		kube_json_set_text(ref, "apiGroup", KUBE_RBAC_GROUP);
	for (size_t i = 0; i < kube_json_count(subjects); i++) {
		struct json_object *subject = json_object_array_get_idx(subjects, i);

		if (json_object_is_type(subject, json_type_object) &&
		    kube_json_text(subject, "apiGroup")[0] == '\0' &&
		    strcmp(kube_json_text(subject, "kind"), "ServiceAccount") != 0)
			kube_json_set_text(subject, "apiGroup", KUBE_RBAC_GROUP);
	}
}

static void
check_name(const struct json_object *json, struct kube_causes *causes)
{
	const char *name = kube_json_text(json, "metadata.name");

	if (name[0] == '\0')
		kube_causes_add(causes, "FieldValueRequired", "metadata.name",
		    "Required value: name or generateName is required");
	else if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		kube_causes_add(causes, "FieldValueInvalid", "metadata.name",
		    "Invalid value: \"%s\": may not be '%s'", name, name);
	else if (strpbrk(name, "/%") != NULL)
		kube_causes_add(causes, "FieldValueInvalid", "metadata.name",
		    "Invalid value: \"%s\": may not contain '%c'", name,
		    *strpbrk(name, "/%"));
}

static void
check_rule(
    struct json_object *rule, size_t index, bool cluster, struct kube_causes *causes)
{
	bool paths = kube_json_count(kube_json_member(rule, "nonResourceURLs")) > 0;
	static const char *const needed[] = {"apiGroups", "resources"};
	char field[64];

	snprintf(field, sizeof field, "rules[%zu].verbs", index);
	if (kube_json_count(kube_json_member(rule, "verbs")) == 0)
		kube_causes_add(causes, "FieldValueRequired", field,
		    "Required value: verbs must contain at least one value");
	snprintf(field, sizeof field, "rules[%zu].nonResourceURLs", index);
	if (paths && !cluster)
		kube_causes_add(causes, "FieldValueInvalid", field,
		    "Invalid value: %s: namespaced rules cannot apply to non-resource "
		    "URLs",
		    kube_json_write(kube_json_member(rule, "nonResourceURLs"), NULL));
	for (size_t i = 0; i < 2 && !paths; i++) {
		snprintf(field, sizeof field, "rules[%zu].%s", index, needed[i]);
		if (kube_json_count(kube_json_member(rule, needed[i])) == 0)
			kube_causes_add(causes, "FieldValueRequired", field,
			    "Required value: resource rules must supply at least one "
			    "%s",
			    i == 0 ? "api group" : "resource");
	}
}

static void
check_subject(struct json_object *subject, size_t index, struct kube_causes *causes)
{
	const char *kind = kube_json_text(subject, "kind");
	char field[64];

	snprintf(field, sizeof field, "subjects[%zu].name", index);
	if (kube_json_text(subject, "name")[0] == '\0')
		kube_causes_add(causes, "FieldValueRequired", field, "Required value");
	snprintf(field, sizeof field, "subjects[%zu].kind", index);
	if (strcmp(kind, "User") != 0 && strcmp(kind, "Group") != 0 &&
	    strcmp(kind, "ServiceAccount") != 0)
		kube_causes_add(causes, "FieldValueNotSupported", field,
		    "Unsupported value: \"%s\": supported values: \"ServiceAccount\", "
		    "\"User\", \"Group\"",
		    kind);
	snprintf(field, sizeof field, "subjects[%zu].namespace", index);
	if (strcmp(kind, "ServiceAccount") == 0 &&
	    kube_json_text(subject, "namespace")[0] == '\0')
		kube_causes_add(causes, "FieldValueRequired", field, "Required value");
}

static void
check_binding(const struct json_object *json, bool cluster, struct kube_causes *causes)
{
	struct json_object *subjects = kube_json_member(json, "subjects");
	const char *kind = kube_json_text(json, "roleRef.kind");

	if (strcmp(kind, "ClusterRole") != 0 && (cluster || strcmp(kind, "Role") != 0))
		kube_causes_add(causes, "FieldValueNotSupported", "roleRef.kind",
		    "Unsupported value: \"%s\": supported values: %s\"ClusterRole\"",
		    kind, cluster ? "" : "\"Role\", ");
	if (kube_json_text(json, "roleRef.name")[0] == '\0')
		kube_causes_add(
		    causes, "FieldValueRequired", "roleRef.name", "Required value");
	for (size_t i = 0; i < kube_json_count(subjects); i++)
		check_subject(json_object_array_get_idx(subjects, i), i, causes);
}

void
kube_rbac_check(const struct kube_resource *resource, const struct json_object *json,
    struct kube_causes *causes)
{
	bool cluster = (resource->flags & KUBE_NAMESPACED) == 0;
	struct json_object *rules = kube_json_member(json, "rules");

	check_name(json, causes);
	if (strstr(resource->plural, "bindings") != NULL) {
		check_binding(json, cluster, causes);
		return;
	}
	for (size_t i = 0; i < kube_json_count(rules); i++)
		check_rule(json_object_array_get_idx(rules, i), i, cluster, causes);
}
