/* Label and field selectors, and the namespace of a list or watch. */
#ifndef IPW_SIM_KUBE_SELECTOR_H
#define IPW_SIM_KUBE_SELECTOR_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "kube_store.h"

/* Requirements of one selector, and values of one requirement. */
#define KUBE_REQUIREMENTS_MAX 32u
#define KUBE_VALUES_MAX	      64u

enum kube_operator {
	KUBE_EXISTS,
	KUBE_ABSENT,
	KUBE_IN,
	KUBE_NOT_IN,
	KUBE_GREATER,
	KUBE_LESS,
};

struct kube_requirement {
	char *key;
	enum kube_operator relation;
	char **values;
	size_t values_len;
};

struct kube_selector {
	char space[254]; /* "" = all namespaces */
	struct kube_requirement labels[KUBE_REQUIREMENTS_MAX];
	size_t labels_len;
	struct kube_requirement fields[KUBE_REQUIREMENTS_MAX];
	size_t fields_len;
};

/* Reads both (NULL = none) for a resource seen through `view`. Returns 0, or -EINVAL
 * with the server's words in `error`; `selector` must be freed in either case. */
int kube_selector_parse(struct kube_selector *selector, const struct kube_view *view,
    const char *labels, const char *fields, char *error, size_t error_size);
void kube_selector_free(struct kube_selector *selector);
bool kube_selector_is_empty(const struct kube_selector *selector);
bool kube_selector_matches(
    const struct kube_selector *selector, const struct json_object *json);
/* A LabelSelector object (matchLabels, matchExpressions) on an object's labels; an
 * empty one matches everything. */
bool kube_selector_object_matches(
    const struct json_object *label_selector, const struct json_object *json);

#endif
