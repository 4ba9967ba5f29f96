#include "change.h"

#include <json-c/json.h>
#include <string.h>

#include "json_read.h"

/* Room for "more" and the closing brace. */
#define CHANGE_END_MAX 32u

/* The members of an address that are told; the rest follows from them, or is in the
 * orders' own lines. */
static const char *const address_members[] = {"state", "reason", "nodeName"};
static const char *const condition_members[] = {"status", "reason"};
static const char *const intent_members[] = {"step", "id"};

#define LEN(array) (sizeof(array) / sizeof(array)[0])

struct change {
	struct json_object *before, *after;
	struct buf *out_before, *out_after;
	unsigned int more;
};

static struct json_object *
change_find(struct json_object *list, const char *key, const char *name)
{
	for (size_t i = 0; i < json_read_length(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i);
		const char *text = json_read_string(json_read_member(item, key));

		if (text != NULL && strcmp(text, name) == 0)
			return item;
	}
	return NULL;
}

static void
change_copy(struct json_object *from, const char *const *members, size_t len,
    struct json_object *to)
{
	for (size_t i = 0; i < len; i++) {
		struct json_object *value = json_read_member(from, members[i]);

		if (value != NULL)
			json_object_object_add(to, members[i], json_object_get(value));
	}
}

/* What is told of an address or a condition; NULL: there is none. */
static struct json_object *
change_digest(struct json_object *item, const char *const *members, size_t len)
{
	struct json_object *digest, *intent;

	if (item == NULL)
		return NULL;
	digest = json_object_new_object();
	change_copy(item, members, len, digest);
	intent = json_read_member(item, "intent");
	if (intent != NULL) {
		struct json_object *part = json_object_new_object();

		change_copy(intent, intent_members, LEN(intent_members), part);
		json_object_object_add(digest, "intent", part);
	}
	return digest;
}

static void
change_put(struct buf *out, const char *name, struct json_object *value)
{
	if (value == NULL)
		return;
	buf_puts(out, out->len > 1 ? ",\"" : "\"");
	buf_put_json(out, name, strlen(name));
	buf_puts(out, "\":");
	buf_puts(out, json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
}

static size_t
change_length(const char *name, struct json_object *value)
{
	if (value == NULL)
		return 0;
	return 6 * strlen(name) + 8 +
	       strlen(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
}

/* Takes both references. */
static void
change_tell(struct change *change, const char *name, struct json_object *before,
    struct json_object *after)
{
	size_t room = CHANGE_MAX - CHANGE_END_MAX;

	if (change->out_before->len + change_length(name, before) > room ||
	    change->out_after->len + change_length(name, after) > room) {
		change->more++;
	} else {
		change_put(change->out_before, name, before);
		change_put(change->out_after, name, after);
	}
	json_object_put(before);
	json_object_put(after);
}

static void
change_compare(struct change *change, const char *name, struct json_object *before,
    struct json_object *after, const char *const *members, size_t len)
{
	struct json_object *was = change_digest(before, members, len);
	struct json_object *is = change_digest(after, members, len);
	struct json_object *old = json_read_member(before, "message");
	struct json_object *new = json_read_member(after, "message");

	if (!json_object_equal(was, is)) {
		change_tell(change, name, was, is);
		return;
	}
	json_object_put(was);
	json_object_put(is);
	if (!json_object_equal(old, new))
		change_tell(change, name, json_object_get(old), json_object_get(new));
}

/* One list of the status, whose items have a name in `key`. */
static void
change_list(struct change *change, const char *list, const char *key,
    const char *const *members, size_t len)
{
	struct json_object *before = json_read_member(change->before, list);
	struct json_object *after = json_read_member(change->after, list);

	for (size_t i = 0; i < json_read_length(after); i++) {
		struct json_object *item = json_object_array_get_idx(after, i);
		const char *name = json_read_string(json_read_member(item, key));

		if (name != NULL)
			change_compare(change, name, change_find(before, key, name),
			    item, members, len);
	}
	for (size_t i = 0; i < json_read_length(before); i++) {
		struct json_object *item = json_object_array_get_idx(before, i);
		const char *name = json_read_string(json_read_member(item, key));

		if (name != NULL && change_find(after, key, name) == NULL)
			change_compare(change, name, item, NULL, members, len);
	}
}

static void
change_scalar(struct change *change, const char *key)
{
	struct json_object *before = json_read_member(change->before, key);
	struct json_object *after = json_read_member(change->after, key);

	if (!json_object_equal(before, after))
		change_tell(
		    change, key, json_object_get(before), json_object_get(after));
}

void
change_status(const char *before_json, const char *patch, struct buf *ret_before,
    struct buf *ret_after)
{
	struct json_object *body = json_tokener_parse(patch);
	struct change change = {
	    .before = json_tokener_parse(before_json),
	    .after = json_read_member(body, "status"),
	    .out_before = ret_before,
	    .out_after = ret_after,
	};

	buf_putc(ret_before, '{');
	buf_putc(ret_after, '{');
	change_scalar(&change, "policy");
	change_scalar(&change, "observedGeneration");
	change_list(
	    &change, "conditions", "type", condition_members, LEN(condition_members));
	/* a status that is too large is written without them */
	if (json_read_member(change.after, "addresses") != NULL)
		change_list(&change, "addresses", "address", address_members,
		    LEN(address_members));
	if (change.more > 0)
		buf_printf(ret_after, "%s\"more\":%u", ret_after->len > 1 ? "," : "",
		    change.more);
	buf_putc(ret_before, '}');
	buf_putc(ret_after, '}');
	json_object_put(change.before);
	json_object_put(body);
}
