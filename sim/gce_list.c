#include "gce_list.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gce_json.h"
#include "gce_reply.h"
#include "mem.h"

/* Longest page token (bytes): a key in hexadecimal digits. */
#define TOKEN_LEN_MAX 512u

/* Longest name and value of a filter's condition (bytes). */
#define FILTER_WORD_MAX 256u

/* --- filters -----------------------------------------------------------------------
 */

/* Takes a bare word or one in double quotes. */
static int
filter_take_word(const char **at, char word[FILTER_WORD_MAX])
{
	bool quoted = **at == '"';
	const char *start = quoted ? *at + 1 : *at;
	size_t len = strcspn(start, quoted ? "\"" : " ()=!\"");

	if ((len == 0 && !quoted) || len >= FILTER_WORD_MAX ||
	    (quoted && start[len] != '"'))
		return -EINVAL;
	memcpy(word, start, len);
	word[len] = '\0';
	*at = start + len + (quoted ? 1 : 0);
	return 0;
}

static void
filter_skip_space(const char **at)
{
	while (**at == ' ')
		(*at)++;
}

static bool
member_is(struct json_object *object, const char *name, const char *value)
{
	struct json_object *member;

	if (!json_object_object_get_ex(object, name, &member))
		return value[0] == '\0';
	return strcmp(json_object_get_string(member), value) == 0;
}

/* `name = value` or `name != value`, in parentheses or not. */
static int
filter_take_condition(const char **at, struct json_object *object, bool *ret_holds)
{
	char name[FILTER_WORD_MAX], value[FILTER_WORD_MAX];
	bool wrapped = **at == '(';
	bool negated;

	if (wrapped)
		(*at)++;
	filter_skip_space(at);
	if (filter_take_word(at, name) < 0)
		return -EINVAL;
	filter_skip_space(at);
	negated = **at == '!';
	if (negated)
		(*at)++;
	if (**at != '=')
		return -EINVAL;
	(*at)++;
	filter_skip_space(at);
	if (filter_take_word(at, value) < 0)
		return -EINVAL;
	filter_skip_space(at);
	if (wrapped && **at != ')')
		return -EINVAL;
	if (wrapped)
		(*at)++;
	*ret_holds = object != NULL && member_is(object, name, value) != negated;
	return 0;
}

/* Do all conditions hold? They stand side by side or with AND between them. `object`
 * NULL: the filter is only read. -EINVAL: it is none that is known here. */
static int
filter_match(const char *filter, struct json_object *object, bool *ret_match)
{
	bool match = true;

	filter_skip_space(&filter);
	if (*filter == '\0')
		return -EINVAL;
	while (*filter != '\0') {
		bool holds = false;

		if (filter_take_condition(&filter, object, &holds) < 0)
			return -EINVAL;
		match = match && holds;
		filter_skip_space(&filter);
		if (strncmp(filter, "AND ", 4) == 0) {
			filter += 4;
			filter_skip_space(&filter);
			if (*filter == '\0')
				return -EINVAL;
		}
	}
	*ret_match = match;
	return 0;
}

/* --- page tokens -------------------------------------------------------------------
 */

static char *
token_encode(const char *key)
{
	size_t len = strlen(key);
	char *token = mem_calloc(2 * len + 1, 1);

	for (size_t i = 0; i < len; i++)
		snprintf(token + 2 * i, 3, "%02x", (unsigned char)key[i]);
	return token;
}

/* The key in a token; NULL when it is none of ours. The caller frees it. */
static char *
token_decode(const char *token)
{
	size_t len = strnlen(token, TOKEN_LEN_MAX + 1);
	char *key;

	if (len == 0 || len > TOKEN_LEN_MAX || len % 2 != 0 ||
	    strspn(token, "0123456789abcdef") != len)
		return NULL;
	key = mem_calloc(len / 2 + 1, 1);
	for (size_t i = 0; i < len / 2; i++) {
		char digits[3] = {token[2 * i], token[2 * i + 1], '\0'};

		key[i] = (char)strtoul(digits, NULL, 16);
	}
	return key;
}

/* --- the list ----------------------------------------------------------------------
 */

static int
read_page_size(const struct sim_request *request, int *ret_size)
{
	const char *text = sim_request_query(request, "maxResults");
	int size = 0;

	if (text == NULL)
		return 0;
	if (*text == '\0' || strlen(text) > 3)
		return -EINVAL;
	for (; *text != '\0'; text++) {
		if (!isdigit((unsigned char)*text))
			return -EINVAL;
		size = 10 * size + (*text - '0');
	}
	if (size > GCE_PAGE_MAX)
		return -EINVAL;
	if (size > 0)
		*ret_size = size;
	return 0;
}

static int
read_order(const struct sim_request *request, bool *ret_newest_first)
{
	const char *order = sim_request_query(request, "orderBy");

	if (order == NULL || strcmp(order, "name") == 0)
		return 0;
	if (strcmp(order, "creationTimestamp desc") != 0)
		return -EINVAL;
	*ret_newest_first = true;
	return 0;
}

static int
refuse(struct sim_reply *reply, const char *field, const char *value, const char *why)
{
	gce_reply_error(reply, 400, "invalid", "Invalid value for field '%s': '%s'. %s",
	    field, value != NULL ? value : "", why);
	return -EINVAL;
}

int
gce_list_begin(
    struct gce_list *list, const struct sim_request *request, struct sim_reply *reply)
{
	char *key;
	bool ignored;

	list->page_size = GCE_PAGE_MAX;
	list->filter = sim_request_query(request, "filter");
	list->token = sim_request_query(request, "pageToken");
	list->fields = sim_request_query(request, "fields");
	if (read_page_size(request, &list->page_size) < 0)
		return refuse(reply, "maxResults",
		    sim_request_query(request, "maxResults"),
		    "Acceptable values are 0 to 500, inclusive.");
	if (read_order(request, &list->newest_first) < 0)
		return refuse(reply, "orderBy", sim_request_query(request, "orderBy"),
		    "Only 'name' and 'creationTimestamp desc' are supported.");
	if (list->filter != NULL && list->filter[0] == '\0')
		list->filter = NULL;
	if (list->filter != NULL && filter_match(list->filter, NULL, &ignored) < 0)
		return refuse(
		    reply, "filter", list->filter, "Invalid list filter expression.");
	if (list->token != NULL && list->token[0] == '\0')
		list->token = NULL;
	key = list->token != NULL ? token_decode(list->token) : NULL;
	if (list->token != NULL && key == NULL)
		return refuse(reply, "pageToken", list->token, "Invalid page token.");
	free(key);
	return 0;
}

void
gce_list_add_scope(struct gce_list *list, const char *scope)
{
	if (list->scopes == NULL)
		list->scopes = json_object_new_object();
	if (!json_object_object_get_ex(list->scopes, scope, NULL))
		json_object_object_add(list->scopes, scope, json_object_new_object());
}

void
gce_list_add(struct gce_list *list, const char *scope, const char *name, uint64_t id,
    struct json_object *object)
{
	struct gce_list_item *item;
	bool match = true;

	/* the filter was read before: it cannot be malformed here */
	if (list->filter != NULL && filter_match(list->filter, object, &match) < 0)
		match = false;
	if (!match) {
		json_object_put(object);
		return;
	}
	if (list->len == list->cap) {
		list->cap = list->cap > 0 ? 2 * list->cap : 64;
		list->items = mem_realloc(list->items, list->cap, sizeof *list->items);
	}
	item = &list->items[list->len++];
	item->object = object;
	sim_text_copy(item->scope, sizeof item->scope, scope != NULL ? scope : "");
	if (list->newest_first)
		item->key = mem_printf("%020" PRIu64, UINT64_MAX - id);
	else
		item->key = mem_printf("%s %s", item->scope, name);
}

static int
compare_items(const void *left, const void *right)
{
	const struct gce_list_item *a = left, *b = right;

	return strcmp(a->key, b->key);
}

/* Adds a scope that has nothing on this page. */
static void
add_warning(struct json_object *entry, const char *scope)
{
	struct json_object *warning = json_object_new_object();
	struct json_object *list = json_object_new_array();
	struct json_object *data = json_object_new_object();

	gce_json_add_text(warning, "code", "NO_RESULTS_ON_PAGE");
	gce_json_add_format(warning, "message",
	    "There are no results for scope '%s' on this page.", scope);
	gce_json_add_text(data, "key", "scope");
	gce_json_add_text(data, "value", scope);
	json_object_array_add(list, data);
	json_object_object_add(warning, "data", list);
	json_object_object_add(entry, "warning", warning);
}

static void
put_in_scope(struct gce_list *list, const char *scope, struct json_object *object)
{
	struct json_object *entry, *array;

	gce_list_add_scope(list, scope);
	json_object_object_get_ex(list->scopes, scope, &entry);
	if (!json_object_object_get_ex(entry, list->member, &array)) {
		array = json_object_new_array();
		json_object_object_add(entry, list->member, array);
	}
	json_object_array_add(array, object);
}

/* Items [start, end) of the ordered list. */
static void
put_page(struct gce_list *list, struct json_object *root, size_t start, size_t end)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = start; i < end; i++) {
		struct json_object *object = json_object_get(list->items[i].object);

		if (list->member != NULL)
			put_in_scope(list, list->items[i].scope, object);
		else
			json_object_array_add(array, object);
	}
	if (list->member == NULL && end > start)
		json_object_object_add(root, "items", json_object_get(array));
	json_object_put(array);
	if (list->scopes == NULL)
		return;
	json_object_object_foreach(list->scopes, scope, entry) {
		if (json_object_object_length(entry) == 0)
			add_warning(entry, scope);
	}
	json_object_object_add(root, "items", json_object_get(list->scopes));
}

static void
list_free(struct gce_list *list)
{
	for (size_t i = 0; i < list->len; i++) {
		json_object_put(list->items[i].object);
		free(list->items[i].key);
	}
	free(list->items);
	json_object_put(list->scopes);
}

/* Orders the list and finds the first item after the token's. */
static size_t
page_start(struct gce_list *list)
{
	char *after = list->token != NULL ? token_decode(list->token) : NULL;
	size_t start = 0;

	if (list->len > 0)
		qsort(list->items, list->len, sizeof *list->items, compare_items);
	while (after != NULL && start < list->len &&
	       strcmp(list->items[start].key, after) <= 0)
		start++;
	free(after);
	return start;
}

void
gce_list_end(struct gce_list *list, const struct sim_gce *gce, struct sim_reply *reply)
{
	struct json_object *root = json_object_new_object();
	size_t start = page_start(list);
	size_t end = start + (size_t)list->page_size;

	if (end > list->len)
		end = list->len;
	gce_json_add_text(root, "kind", list->kind);
	gce_json_add_format(root, "id", "projects/%s/%s", gce->project, list->path);
	put_page(list, root, start, end);
	if (end < list->len) {
		char *token = token_encode(list->items[end - 1].key);

		gce_json_add_text(root, "nextPageToken", token);
		free(token);
	}
	gce_json_add_format(
	    root, "selfLink", GCE_JSON_BASE "%s/%s", gce->project, list->path);
	gce_reply_json(reply, root, list->fields);
	list_free(list);
}
