#include <arpa/inet.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "kube_json.h"
#include "kube_schema.h"

/* Longest value that a message quotes. */
#define QUOTE_MAX 65536u

/* Between these a number with a fraction of zero counts as an integer (1e3). */
#define INTEGER_LEAST (-9.0e18)
#define INTEGER_MOST  9.0e18

struct check {
	const struct json_object *schema;
	struct json_object *value;
	const struct kube_path *path;
	struct kube_causes *causes;
};

static void validate(const struct check *check);

/* The path of the check, for a message; the caller frees. */
static void
write_place(const struct check *check, struct buf *out)
{
	buf_init(out, KUBE_PATH_MAX);
	buf_puts(out, "");
	kube_path_write(check->path, out);
}

static void
write_value(struct json_object *value, struct buf *out)
{
	if (json_object_is_type(value, json_type_string))
		kube_json_quote(out, json_object_get_string(value));
	else
		buf_puts(out, kube_json_write(value, NULL));
}

/* "Invalid value: V: PLACE in body should …"; `rest` follows "in body ". */
static void
refuse_value(const struct check *check, const char *reason, const char *rest)
{
	struct buf place, value;

	write_place(check, &place);
	buf_init(&value, QUOTE_MAX);
	write_value(check->value, &value);
	kube_causes_add(check->causes, reason, place.data,
	    "Invalid value: %s: %s in body %s", value.data != NULL ? value.data : "",
	    place.data, rest);
	buf_free(&place);
	buf_free(&value);
}

static void
refuse_plain(const struct check *check, const char *reason, const char *message)
{
	struct buf place;

	write_place(check, &place);
	kube_causes_add(check->causes, reason, place.data, "%s", message);
	buf_free(&place);
}

static const char *
type_of(const struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_boolean:
		return "boolean";
	case json_type_int:
		return "integer";
	case json_type_double:
		return "number";
	case json_type_string:
		return "string";
	case json_type_array:
		return "array";
	case json_type_object:
		return "object";
	case json_type_null:
	default:
		return "null";
	}
}

static bool
type_fits(const struct json_object *schema, const struct json_object *value)
{
	const char *type = kube_json_text(schema, "type");
	const char *is = type_of(value);
	double number = json_object_get_double(value);

	if (kube_json_true(schema, "x-kubernetes-int-or-string"))
		return strcmp(is, "integer") == 0 || strcmp(is, "string") == 0;
	if (type[0] == '\0' || strcmp(type, is) == 0)
		return true;
	if (strcmp(type, "number") == 0)
		return strcmp(is, "integer") == 0;
	if (strcmp(type, "integer") == 0 && strcmp(is, "number") == 0)
		return number >= INTEGER_LEAST && number <= INTEGER_MOST &&
		       (double)(int64_t)number == number;
	return false;
}

static void
refuse_type(const struct check *check)
{
	bool either = kube_json_true(check->schema, "x-kubernetes-int-or-string");
	const char *is = type_of(check->value);
	struct buf place;

	write_place(check, &place);
	kube_causes_add(check->causes, "FieldValueTypeInvalid", place.data,
	    "Invalid value: \"%s\": %s in body must be of type %s: \"%s\"", is,
	    place.data,
	    either ? "integer,string" : kube_json_text(check->schema, "type"), is);
	buf_free(&place);
}

static void
check_enum(const struct check *check)
{
	struct json_object *allowed = kube_json_member(check->schema, "enum");
	struct buf text;

	if (allowed == NULL)
		return;
	for (size_t i = 0; i < kube_json_count(allowed); i++)
		if (json_object_equal(
			json_object_array_get_idx(allowed, i), check->value))
			return;
	buf_init(&text, QUOTE_MAX);
	buf_puts(&text, "Unsupported value: ");
	write_value(check->value, &text);
	buf_puts(&text, ": supported values: ");
	for (size_t i = 0; i < kube_json_count(allowed); i++) {
		buf_puts(&text, i > 0 ? ", " : "");
		write_value(json_object_array_get_idx(allowed, i), &text);
	}
	refuse_plain(check, "FieldValueNotSupported", text.data);
	buf_free(&text);
}

/* net.ParseIP and a dot in it, as the server's validator has it: an IPv4 address that
 * is mapped into IPv6 passes. */
static bool
is_ipv4(const char *text)
{
	unsigned char address[16];

	if (inet_pton(AF_INET, text, address) == 1)
		return true;
	return strchr(text, '.') != NULL && inet_pton(AF_INET6, text, address) == 1;
}

static bool
format_fits(const char *format, const char *text)
{
	unsigned char address[16];
	struct wall_time time;

	if (strcmp(format, "ipv4") == 0)
		return is_ipv4(text);
	if (strcmp(format, "ipv6") == 0)
		return inet_pton(AF_INET6, text, address) == 1;
	if (strcmp(format, "date-time") == 0)
		return clock_parse(text, &time) == 0;
	return true; /* the server ignores formats that it does not know */
}

static void
check_format(const struct check *check, const char *text)
{
	const char *format = kube_json_text(check->schema, "format");
	struct buf rest;

	if (format_fits(format, text))
		return;
	buf_init(&rest, QUOTE_MAX);
	buf_printf(&rest, "must be of type %s: ", format);
	kube_json_quote(&rest, text);
	refuse_value(check, "FieldValueTypeInvalid", rest.data);
	buf_free(&rest);
}

/* Go's RE2 and POSIX agree on what schemas use: classes, counts, groups, anchors. */
static void
check_pattern(const struct check *check, const char *text)
{
	const char *pattern = kube_json_text(check->schema, "pattern");
	regex_t regex;
	struct buf rest;

	if (pattern[0] == '\0' ||
	    regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return;
	if (regexec(&regex, text, 0, NULL, 0) != 0) {
		buf_init(&rest, QUOTE_MAX);
		buf_printf(&rest, "should match '%s'", pattern);
		refuse_value(check, "FieldValueInvalid", rest.data);
		buf_free(&rest);
	}
	regfree(&regex);
}

/* Code points: bytes that do not continue one. */
static int64_t
rune_count(const char *text)
{
	int64_t count = 0;

	for (; *text != '\0'; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

static void
check_string(const struct check *check)
{
	const char *text = json_object_get_string(check->value);
	int64_t least = kube_json_int(check->schema, "minLength", 0);
	int64_t most = kube_json_int(check->schema, "maxLength", INT64_MAX);
	char message[96];

	if (rune_count(text) < least) {
		snprintf(message, sizeof message, "should be at least %lld chars long",
		    (long long)least);
		refuse_value(check, "FieldValueInvalid", message);
	}
	if (rune_count(text) > most) {
		snprintf(message, sizeof message,
		    "Too long: may not be more than %lld bytes", (long long)most);
		refuse_plain(check, "FieldValueTooLong", message);
	}
	check_pattern(check, text);
	check_format(check, text);
}

static void
check_number(const struct check *check)
{
	struct json_object *least = kube_json_member(check->schema, "minimum");
	struct json_object *most = kube_json_member(check->schema, "maximum");
	bool above = kube_json_true(check->schema, "exclusiveMinimum");
	bool below = kube_json_true(check->schema, "exclusiveMaximum");
	double number = json_object_get_double(check->value);
	double bound;
	char message[96];

	bound = json_object_get_double(least);
	if (least != NULL && (above ? number <= bound : number < bound)) {
		snprintf(message, sizeof message, "should be greater than %s%.15g",
		    above ? "" : "or equal to ", bound);
		refuse_value(check, "FieldValueInvalid", message);
	}
	bound = json_object_get_double(most);
	if (most != NULL && (below ? number >= bound : number > bound)) {
		snprintf(message, sizeof message, "should be less than %s%.15g",
		    below ? "" : "or equal to ", bound);
		refuse_value(check, "FieldValueInvalid", message);
	}
}

/* What makes an element of a list of the type map unlike the others; new. */
static struct json_object *
element_key(const struct json_object *keys, struct json_object *element)
{
	struct json_object *key = json_object_new_object();

	for (size_t i = 0; i < kube_json_count(keys); i++) {
		const char *name =
		    json_object_get_string(json_object_array_get_idx(keys, i));

		kube_json_set(key, name, kube_json_member(element, name));
	}
	return key;
}

static void
refuse_duplicate(const struct check *check, size_t index, struct json_object *value)
{
	struct kube_path path = {check->path, NULL, index};
	struct check at = {check->schema, value, &path, check->causes};
	struct buf text;

	buf_init(&text, QUOTE_MAX);
	buf_puts(&text, "Duplicate value: ");
	write_value(value, &text);
	refuse_plain(&at, "FieldValueDuplicate", text.data);
	buf_free(&text);
}

/* Lists of these types are short (hundreds), a set of seen texts keeps it linear. */
static void
check_list_type(const struct check *check)
{
	const char *type = kube_json_text(check->schema, "x-kubernetes-list-type");
	struct json_object *keys =
	    kube_json_member(check->schema, "x-kubernetes-list-map-keys");
	bool is_map = strcmp(type, "map") == 0;
	struct json_object *seen;

	if (!is_map && strcmp(type, "set") != 0)
		return;
	seen = json_object_new_object();
	for (size_t i = 0; i < kube_json_count(check->value); i++) {
		struct json_object *element =
		    json_object_array_get_idx(check->value, i);
		struct json_object *key =
		    is_map ? element_key(keys, element) : json_object_get(element);
		const char *text = kube_json_write(key, NULL);

		if (json_object_object_get_ex(seen, text, NULL))
			refuse_duplicate(check, i, key);
		else
			json_object_object_add(seen, text, NULL);
		json_object_put(key);
	}
	json_object_put(seen);
}

static void
check_array(const struct check *check)
{
	struct json_object *items = kube_json_member(check->schema, "items");
	int64_t count = (int64_t)kube_json_count(check->value);
	int64_t least = kube_json_int(check->schema, "minItems", 0);
	int64_t most = kube_json_int(check->schema, "maxItems", INT64_MAX);
	struct buf text;

	if (count < least) {
		write_place(check, &text);
		kube_causes_add(check->causes, "FieldValueInvalid", text.data,
		    "Invalid value: %lld: %s in body should have at least %lld items",
		    (long long)count, text.data, (long long)least);
		buf_free(&text);
	}
	if (count > most) {
		write_place(check, &text);
		kube_causes_add(check->causes, "FieldValueTooMany", text.data,
		    "Too many: %lld: must have at most %lld items", (long long)count,
		    (long long)most);
		buf_free(&text);
	}
	for (size_t i = 0; items != NULL && i < (size_t)count; i++) {
		struct kube_path path = {check->path, NULL, i};
		struct check element = {items,
		    json_object_array_get_idx(check->value, i), &path, check->causes};

		validate(&element);
	}
	check_list_type(check);
}

static void
check_required(const struct check *check)
{
	struct json_object *required = kube_json_member(check->schema, "required");

	for (size_t i = 0; i < kube_json_count(required); i++) {
		const char *key =
		    json_object_get_string(json_object_array_get_idx(required, i));
		struct kube_path path = {check->path, key, 0};
		struct check member = {check->schema, NULL, &path, check->causes};

		if (!json_object_object_get_ex(check->value, key, NULL))
			refuse_plain(&member, "FieldValueRequired", "Required value");
	}
}

static void
check_object(const struct check *check)
{
	struct json_object *properties = kube_json_member(check->schema, "properties");
	struct json_object *others =
	    kube_json_member(check->schema, "additionalProperties");
	int64_t most = kube_json_int(check->schema, "maxProperties", INT64_MAX);

	check_required(check);
	if ((int64_t)kube_json_count(check->value) > most) {
		char message[96];

		snprintf(message, sizeof message,
		    "Too many: %zu: must have at most %lld items",
		    kube_json_count(check->value), (long long)most);
		refuse_plain(check, "FieldValueTooMany", message);
	}
	for (const struct lh_entry *at = kube_json_first(check->value); at != NULL;
	     at = at->next) {
		struct kube_path path = {check->path, kube_json_key(at), 0};
		struct json_object *schema = kube_json_member(properties, path.key);
		struct check member = {
		    schema, kube_json_value(at), &path, check->causes};

		if (check->path == NULL && strcmp(path.key, "metadata") == 0)
			continue;
		if (schema == NULL && json_object_is_type(others, json_type_object))
			member.schema = others;
		if (member.schema != NULL)
			validate(&member);
	}
}

/* How many of the schemas in the array fit. */
static size_t
count_fitting(const struct check *check, const struct json_object *schemas)
{
	size_t fitting = 0;

	for (size_t i = 0; i < kube_json_count(schemas); i++) {
		struct kube_causes causes = {.len = 0};
		struct check each = {json_object_array_get_idx(schemas, i),
		    check->value, check->path, &causes};

		validate(&each);
		fitting += causes.len == 0;
		kube_causes_free(&causes);
	}
	return fitting;
}

static void
refuse_combination(const struct check *check, const char *what)
{
	struct buf place;

	write_place(check, &place);
	kube_causes_add(check->causes, "FieldValueInvalid", place.data,
	    "Invalid value: \"\": \"%s\" %s", place.data, what);
	buf_free(&place);
}

static void
check_combinations(const struct check *check)
{
	struct json_object *any = kube_json_member(check->schema, "anyOf");
	struct json_object *one = kube_json_member(check->schema, "oneOf");
	struct json_object *all = kube_json_member(check->schema, "allOf");
	struct json_object *not = kube_json_member(check->schema, "not");

	if (any != NULL && count_fitting(check, any) == 0)
		refuse_combination(check, "must validate at least one schema (anyOf)");
	if (one != NULL && count_fitting(check, one) != 1)
		refuse_combination(
		    check, "must validate one and only one schema (oneOf)");
	if (all != NULL && count_fitting(check, all) < kube_json_count(all))
		refuse_combination(check, "must validate all the schemas (allOf)");
	if (not != NULL) {
		struct kube_causes causes = {.len = 0};
		struct check each = {not, check->value, check->path, &causes};

		validate(&each);
		if (causes.len == 0)
			refuse_combination(check, "must not validate the schema (not)");
		kube_causes_free(&causes);
	}
}

static void
validate(const struct check *check)
{
	if (check->value == NULL && kube_json_true(check->schema, "nullable"))
		return;
	if (!type_fits(check->schema, check->value)) {
		refuse_type(check);
		return;
	}
	check_enum(check);
	if (json_object_is_type(check->value, json_type_string))
		check_string(check);
	else if (json_object_is_type(check->value, json_type_int) ||
		 json_object_is_type(check->value, json_type_double))
		check_number(check);
	else if (json_object_is_type(check->value, json_type_array))
		check_array(check);
	else if (json_object_is_type(check->value, json_type_object))
		check_object(check);
	check_combinations(check);
}

void
kube_schema_validate(const struct json_object *schema, struct json_object *json,
    struct kube_causes *causes)
{
	struct check check = {schema, json, NULL, causes};

	if (schema != NULL)
		validate(&check);
}
