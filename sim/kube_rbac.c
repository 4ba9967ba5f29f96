#include "kube_rbac.h"

#include <stdio.h>
#include <string.h>

#include "kube_json.h"
#include "kube_read.h"

/* Called with each rule that a caller has; true ends the search. */
typedef bool rule_fn(void *arg, const struct json_object *rule);

struct search {
	const struct kube_store *store;
	const struct kube_caller *caller;
	const char *space; /* "" = cluster-wide */
	rule_fn *fn;
	void *arg;
};

static const struct kube_resource *
resource_of(const struct kube_store *store, const char *plural)
{
	return kube_store_view(store, KUBE_RBAC_GROUP, "v1", plural, NULL)->resource;
}

static bool
subject_fits(const struct json_object *subject, const struct kube_caller *caller,
    const char *binding_space)
{
	const char *kind = kube_json_text(subject, "kind");
	const char *name = kube_json_text(subject, "name");
	const char *space = kube_json_text(subject, "namespace");
	char user[KUBE_USER_MAX];

	if (strcmp(kind, "Group") == 0)
		return kube_caller_is_in(caller, name);
	if (strcmp(kind, "User") == 0)
		return strcmp(caller->user, name) == 0;
	if (strcmp(kind, "ServiceAccount") != 0)
		return false;
	snprintf(user, sizeof user, KUBE_ACCOUNT_PREFIX "%.63s:%.253s",
	    space[0] != '\0' ? space : binding_space, name);
	return strcmp(caller->user, user) == 0;
}

static bool
binding_fits(const struct json_object *binding, const struct kube_caller *caller)
{
	struct json_object *subjects = kube_json_member(binding, "subjects");
	const char *space = kube_json_text(binding, "metadata.namespace");

	for (size_t i = 0; i < kube_json_count(subjects); i++)
		if (subject_fits(json_object_array_get_idx(subjects, i), caller, space))
			return true;
	return false;
}

/* The rules of the role that a binding refers to. */
static bool
search_binding(const struct search *search, const struct json_object *binding)
{
	bool cluster =
	    strcmp(kube_json_text(binding, "roleRef.kind"), "ClusterRole") == 0;
	const char *space = kube_json_text(binding, "metadata.namespace");
	const struct kube_object *role;
	struct json_object *rules;
	char key[KUBE_KEY_MAX];

	if (!binding_fits(binding, search->caller))
		return false;
	kube_store_key(cluster ? "" : space, kube_json_text(binding, "roleRef.name"),
	    key, sizeof key);
	role = kube_store_find(
	    resource_of(search->store, cluster ? "clusterroles" : "roles"), key);
	if (role == NULL)
		return false;
	rules = kube_json_member(role->json, "rules");
	for (size_t i = 0; i < kube_json_count(rules); i++)
		if (search->fn(search->arg, json_object_array_get_idx(rules, i)))
			return true;
	return false;
}

static bool
search_rules(const struct search *search)
{
	const struct kube_resource *everywhere =
	    resource_of(search->store, "clusterrolebindings");
	const struct kube_resource *inside = resource_of(search->store, "rolebindings");
	size_t at, end;

	for (size_t i = 0; i < everywhere->len; i++)
		if (search_binding(search, everywhere->objects[i]->json))
			return true;
	if (search->space[0] == '\0')
		return false;
	kube_read_range(inside, search->space, &at, &end);
	for (; at < end; at++)
		if (search_binding(search, inside->objects[at]->json))
			return true;
	return false;
}

/* --- one rule --- */

static const char *
text_at(const struct json_object *list, size_t index)
{
	struct json_object *each = json_object_array_get_idx(list, index);

	return json_object_is_type(each, json_type_string)
		   ? json_object_get_string(each)
		   : "";
}

static bool
list_has(const struct json_object *list, const char *text)
{
	for (size_t i = 0; i < kube_json_count(list); i++) {
		const char *each = text_at(list, i);

		if (strcmp(each, "*") == 0 || strcmp(each, text) == 0)
			return true;
	}
	return false;
}

/* "pods", "pods/eviction", "*" for all of them, or "*" and "/scale" for that part of
 * any. */
static bool
resources_have(const struct json_object *list, const struct kube_access *access)
{
	const char *part = access->subresource;
	char whole[KUBE_KEY_MAX], any[KUBE_KEY_MAX];

	snprintf(whole, sizeof whole, "%s%s%s", access->resource,
	    part[0] != '\0' ? "/" : "", part);
	snprintf(any, sizeof any, "*/%s", part);
	return list_has(list, whole) || (part[0] != '\0' && list_has(list, any));
}

/* An exact path, or the beginning of one before a "*" at the end. */
static bool
paths_have(const struct json_object *list, const char *path)
{
	for (size_t i = 0; i < kube_json_count(list); i++) {
		const char *each = text_at(list, i);
		size_t len = strlen(each);

		if (strcmp(each, path) == 0)
			return true;
		if (len > 0 && each[len - 1] == '*' &&
		    strncmp(each, path, len - 1) == 0)
			return true;
	}
	return false;
}

static bool
rule_allows(void *arg, const struct json_object *rule)
{
	const struct kube_access *access = arg;
	struct json_object *names = kube_json_member(rule, "resourceNames");

	if (!list_has(kube_json_member(rule, "verbs"), access->verb))
		return false;
	if (access->path != NULL)
		return paths_have(
		    kube_json_member(rule, "nonResourceURLs"), access->path);
	if (!list_has(kube_json_member(rule, "apiGroups"), access->group) ||
	    !resources_have(kube_json_member(rule, "resources"), access))
		return false;
	if (kube_json_count(names) == 0)
		return true;
	for (size_t i = 0; i < kube_json_count(names); i++)
		if (strcmp(text_at(names, i), access->name) == 0)
			return true;
	return false;
}

bool
kube_rbac_allows(const struct kube_store *store, const struct kube_caller *caller,
    const struct kube_access *access)
{
	struct kube_access wanted = *access;
	const struct search search = {
	    .store = store,
	    .caller = caller,
	    .space = access->path == NULL ? access->space : "",
	    .fn = rule_allows,
	    .arg = &wanted,
	};

	return kube_caller_is_in(caller, KUBE_RBAC_MASTERS) || search_rules(&search);
}

/* --- all rules --- */

struct collection {
	struct json_object *resource_rules;
	struct json_object *path_rules;
};

static void
copy_rule(
    struct json_object *list, const struct json_object *rule, const char *const *keys)
{
	struct json_object *copy = json_object_new_object();

	for (; *keys != NULL; keys++)
		if (kube_json_count(kube_json_member(rule, *keys)) > 0)
			kube_json_set(copy, *keys, kube_json_member(rule, *keys));
	json_object_array_add(list, copy);
}

static bool
rule_collect(void *arg, const struct json_object *rule)
{
	static const char *const resource_keys[] = {
	    "verbs", "apiGroups", "resources", "resourceNames", NULL};
	static const char *const path_keys[] = {"verbs", "nonResourceURLs", NULL};
	const struct collection *collection = arg;

	if (kube_json_count(kube_json_member(rule, "resources")) > 0)
		copy_rule(collection->resource_rules, rule, resource_keys);
	if (kube_json_count(kube_json_member(rule, "nonResourceURLs")) > 0)
		copy_rule(collection->path_rules, rule, path_keys);
	return false;
}

void
kube_rbac_rules(const struct kube_store *store, const struct kube_caller *caller,
    const char *space, struct json_object *resource_rules,
    struct json_object *path_rules)
{
	struct collection collection = {resource_rules, path_rules};
	const struct search search = {store, caller, space, rule_collect, &collection};

	(void)search_rules(&search);
}
