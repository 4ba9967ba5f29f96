#include "kube_selector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube_json.h"
#include "mem.h"

/* A position in the selector's text, and where complaints go. */
struct reader {
	const char *at;
	char *error;
	size_t error_size;
};

static void
skip_blanks(struct reader *reader)
{
	while (*reader->at == ' ' || *reader->at == '\t')
		reader->at++;
}

static size_t
word_length(const struct reader *reader)
{
	return strcspn(reader->at, "=!,()<> \t");
}

/* The token at the reader, for a complaint. */
static int
refuse(struct reader *reader, const char *expected)
{
	size_t len = word_length(reader);

	if (len == 0 && *reader->at != '\0')
		len = strncmp(reader->at, "==", 2) == 0 ||
			      strncmp(reader->at, "!=", 2) == 0
			  ? 2
			  : 1;
	snprintf(reader->error, reader->error_size,
	    "unable to parse requirement: found '%.*s', expected: %s", (int)len,
	    reader->at, expected);
	return -EINVAL;
}

static void
add_value(struct kube_requirement *requirement, const char *text, size_t len)
{
	if (requirement->values_len == KUBE_VALUES_MAX)
		return;
	requirement->values = mem_realloc(
	    requirement->values, requirement->values_len + 1, sizeof(char *));
	requirement->values[requirement->values_len++] = mem_strndup(text, len);
}

/* "(a, b)" after in or notin. */
static int
read_set(struct reader *reader, struct kube_requirement *requirement)
{
	skip_blanks(reader);
	if (*reader->at != '(')
		return refuse(reader, "'('");
	reader->at++;
	for (;;) {
		size_t len;

		skip_blanks(reader);
		len = word_length(reader);
		add_value(requirement, reader->at, len);
		reader->at += len;
		skip_blanks(reader);
		if (*reader->at == ')') {
			reader->at++;
			return 0;
		}
		if (*reader->at != ',')
			return refuse(reader, "',', or ')'");
		reader->at++;
	}
}

static int
read_word_operator(struct reader *reader, struct kube_requirement *requirement)
{
	if (strncmp(reader->at, "in", 2) == 0 && word_length(reader) == 2) {
		requirement->relation = KUBE_IN;
		reader->at += 2;
		return read_set(reader, requirement);
	}
	if (strncmp(reader->at, "notin", 5) == 0 && word_length(reader) == 5) {
		requirement->relation = KUBE_NOT_IN;
		reader->at += 5;
		return read_set(reader, requirement);
	}
	return refuse(reader, "in, notin, =, ==, !=, gt, lt");
}

static int
read_operator(struct reader *reader, struct kube_requirement *requirement)
{
	size_t len;

	skip_blanks(reader);
	if (*reader->at == '\0' || *reader->at == ',') {
		requirement->relation = KUBE_EXISTS;
		return 0;
	}
	if (strncmp(reader->at, "!=", 2) == 0) {
		requirement->relation = KUBE_NOT_IN;
		reader->at += 2;
	} else if (*reader->at == '=') {
		requirement->relation = KUBE_IN;
		reader->at += reader->at[1] == '=' ? 2 : 1;
	} else if (*reader->at == '>' || *reader->at == '<') {
		requirement->relation = *reader->at == '>' ? KUBE_GREATER : KUBE_LESS;
		reader->at++;
	} else {
		return read_word_operator(reader, requirement);
	}
	skip_blanks(reader);
	len = word_length(reader);
	if (len == 0 && *reader->at != '\0' && *reader->at != ',')
		return refuse(reader, "identifier");
	add_value(requirement, reader->at, len);
	reader->at += len;
	return 0;
}

static int
read_requirement(struct reader *reader, struct kube_requirement *requirement)
{
	bool absent = false;
	size_t len;

	skip_blanks(reader);
	if (*reader->at == '!') {
		absent = true;
		reader->at++;
		skip_blanks(reader);
	}
	len = word_length(reader);
	if (len == 0)
		return refuse(reader, "identifier");
	requirement->key = mem_strndup(reader->at, len);
	reader->at += len;
	if (!absent)
		return read_operator(reader, requirement);
	requirement->relation = KUBE_ABSENT;
	return 0;
}

static int
read_requirements(
    struct reader *reader, struct kube_requirement *requirements, size_t *len)
{
	skip_blanks(reader);
	while (*reader->at != '\0') {
		if (*len == KUBE_REQUIREMENTS_MAX) {
			snprintf(
			    reader->error, reader->error_size, "selector too long");
			return -EINVAL;
		}
		(*len)++;
		if (read_requirement(reader, &requirements[*len - 1]) < 0)
			return -EINVAL;
		skip_blanks(reader);
		if (*reader->at == '\0')
			break;
		if (*reader->at != ',')
			return refuse(reader, "',', or 'end of string'");
		reader->at++;
	}
	return 0;
}

/* Of a custom resource: what its definition names, without the first dot. */
static bool
field_is_selectable(const struct kube_view *view, const char *key)
{
	for (size_t i = 0; i < kube_json_count(view->selectable); i++) {
		const char *path = kube_json_text(
		    json_object_array_get_idx(view->selectable, i), "jsonPath");

		if (path[0] == '.' && strcmp(path + 1, key) == 0)
			return true;
	}
	return false;
}

static bool
field_is_known(const struct kube_view *view, const char *key)
{
	static const struct {
		const char *plural; /* NULL: all */
		const char *key;
	} known[] = {
	    {NULL, "metadata.name"},
	    {NULL, "metadata.namespace"},
	    {"pods", "spec.nodeName"},
	    {"pods", "spec.restartPolicy"},
	    {"pods", "spec.schedulerName"},
	    {"pods", "spec.serviceAccountName"},
	    {"pods", "spec.hostNetwork"},
	    {"pods", "status.phase"},
	    {"pods", "status.podIP"},
	    {"pods", "status.nominatedNodeName"},
	    {"nodes", "spec.unschedulable"},
	    {"namespaces", "status.phase"},
	    {"events", "involvedObject.kind"},
	    {"events", "involvedObject.namespace"},
	    {"events", "involvedObject.name"},
	    {"events", "involvedObject.uid"},
	    {"events", "involvedObject.apiVersion"},
	    {"events", "involvedObject.resourceVersion"},
	    {"events", "involvedObject.fieldPath"},
	    {"events", "reason"},
	    {"events", "reportingComponent"},
	    {"events", "source"},
	    {"events", "type"},
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		bool all = known[i].plural == NULL;
		bool mine = !all && (view->resource->flags & KUBE_CUSTOM) == 0 &&
			    strcmp(known[i].plural, view->resource->plural) == 0;

		if ((all || mine) && strcmp(known[i].key, key) == 0)
			return true;
	}
	return field_is_selectable(view, key);
}

static int
check_fields(const struct kube_selector *selector, const struct kube_view *view,
    struct reader *reader)
{
	for (size_t i = 0; i < selector->fields_len; i++) {
		const struct kube_requirement *field = &selector->fields[i];

		if (field->relation != KUBE_IN && field->relation != KUBE_NOT_IN) {
			snprintf(reader->error, reader->error_size,
			    "invalid selector: '%s'; can't understand '%s'", field->key,
			    field->key);
			return -EINVAL;
		}
		if (!field_is_known(view, field->key)) {
			snprintf(reader->error, reader->error_size,
			    "field label not supported: %s", field->key);
			return -EINVAL;
		}
	}
	return 0;
}

int
kube_selector_parse(struct kube_selector *selector, const struct kube_view *view,
    const char *labels, const char *fields, char *error, size_t error_size)
{
	struct reader reader = {labels != NULL ? labels : "", error, error_size};

	if (read_requirements(&reader, selector->labels, &selector->labels_len) < 0)
		return -EINVAL;
	reader.at = fields != NULL ? fields : "";
	if (read_requirements(&reader, selector->fields, &selector->fields_len) < 0)
		return -EINVAL;
	return check_fields(selector, view, &reader);
}

static void
free_requirements(struct kube_requirement *requirements, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		for (size_t j = 0; j < requirements[i].values_len; j++)
			free(requirements[i].values[j]);
		free(requirements[i].values);
		free(requirements[i].key);
	}
}

void
kube_selector_free(struct kube_selector *selector)
{
	free_requirements(selector->labels, selector->labels_len);
	free_requirements(selector->fields, selector->fields_len);
	selector->labels_len = 0;
	selector->fields_len = 0;
}

bool
kube_selector_is_empty(const struct kube_selector *selector)
{
	return selector->labels_len == 0 && selector->fields_len == 0;
}

static bool
value_is_in(const struct kube_requirement *requirement, const char *value)
{
	for (size_t i = 0; i < requirement->values_len; i++)
		if (strcmp(requirement->values[i], value) == 0)
			return true;
	return false;
}

/* `value` NULL: the object has no such label. */
static bool
requirement_holds(const struct kube_requirement *requirement, const char *value)
{
	long long number, limit;

	switch (requirement->relation) {
	case KUBE_EXISTS:
		return value != NULL;
	case KUBE_ABSENT:
		return value == NULL;
	case KUBE_IN:
		return value != NULL && value_is_in(requirement, value);
	case KUBE_NOT_IN:
		return value == NULL || !value_is_in(requirement, value);
	case KUBE_GREATER:
	case KUBE_LESS:
		if (value == NULL || requirement->values_len == 0)
			return false;
		number = strtoll(value, NULL, 10);
		limit = strtoll(requirement->values[0], NULL, 10);
		return requirement->relation == KUBE_GREATER ? number > limit
							     : number < limit;
	default:
		return false;
	}
}

static const char *
label_of(const struct json_object *json, const char *key)
{
	struct json_object *value =
	    kube_json_member(kube_json_at(json, "metadata.labels"), key);

	return value != NULL ? json_object_get_string(value) : NULL;
}

/* Fields compare as text; what is absent is "", a flag "false". */
static const char *
field_of(const struct json_object *json, const char *key)
{
	struct json_object *value;

	if (strcmp(key, "source") == 0)
		key = "source.component";
	value = kube_json_at(json, key);
	if (value != NULL)
		return json_object_get_string(value);
	return strcmp(key, "spec.unschedulable") == 0 ||
		       strcmp(key, "spec.hostNetwork") == 0
		   ? "false"
		   : "";
}

bool
kube_selector_matches(
    const struct kube_selector *selector, const struct json_object *json)
{
	if (selector->space[0] != '\0' &&
	    strcmp(selector->space, kube_json_text(json, "metadata.namespace")) != 0)
		return false;
	for (size_t i = 0; i < selector->labels_len; i++)
		if (!requirement_holds(
			&selector->labels[i], label_of(json, selector->labels[i].key)))
			return false;
	for (size_t i = 0; i < selector->fields_len; i++)
		if (!requirement_holds(
			&selector->fields[i], field_of(json, selector->fields[i].key)))
			return false;
	return true;
}

static bool
expression_matches(const struct json_object *expression, const struct json_object *json)
{
	struct json_object *values = kube_json_member(expression, "values");
	const char *relation = kube_json_text(expression, "operator");
	const char *value = label_of(json, kube_json_text(expression, "key"));
	bool found = false;

	for (size_t i = 0; value != NULL && i < kube_json_count(values); i++)
		found = found || strcmp(json_object_get_string(
					    json_object_array_get_idx(values, i)),
				     value) == 0;
	if (strcmp(relation, "Exists") == 0)
		return value != NULL;
	if (strcmp(relation, "DoesNotExist") == 0)
		return value == NULL;
	return strcmp(relation, "NotIn") == 0 ? !found : found;
}

bool
kube_selector_object_matches(
    const struct json_object *label_selector, const struct json_object *json)
{
	struct json_object *labels = kube_json_member(label_selector, "matchLabels");
	struct json_object *expressions =
	    kube_json_member(label_selector, "matchExpressions");

	for (const struct lh_entry *at = kube_json_first(labels); at != NULL;
	     at = at->next) {
		const char *value = label_of(json, kube_json_key(at));

		if (value == NULL ||
		    strcmp(value, json_object_get_string(kube_json_value(at))) != 0)
			return false;
	}
	for (size_t i = 0; i < kube_json_count(expressions); i++)
		if (!expression_matches(
			json_object_array_get_idx(expressions, i), json))
			return false;
	return true;
}
