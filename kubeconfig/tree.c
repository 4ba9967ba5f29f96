#include "tree.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "mem.h"

struct reader {
	yaml_parser_t parser;
	struct tree *root;
	struct tree *open[TREE_DEPTH_MAX]; /* from the root inwards */
	size_t depth;
	size_t values;
	char *key;  /* read, its value is still to come */
	bool ended; /* the document is over */
	char *reason;
	size_t reason_size;
};

static int read_event(struct reader *reader, const yaml_event_t *event);

static int __attribute__((format(printf, 2, 3)))
refuse(struct reader *reader, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reader->reason, reader->reason_size, format, args);
	va_end(args);
	return -EINVAL;
}

static int
read_events(struct reader *reader)
{
	for (;;) {
		yaml_event_t event;
		bool last;
		int rc;

		if (!yaml_parser_parse(&reader->parser, &event))
			return refuse(reader, "line %zu: %s",
			    reader->parser.problem_mark.line + 1,
			    reader->parser.problem != NULL ? reader->parser.problem
							   : "not YAML");
		last = event.type == YAML_STREAM_END_EVENT;
		rc = read_event(reader, &event);
		yaml_event_delete(&event);
		if (rc < 0 || last)
			return rc;
	}
}

struct tree *
tree_read(const char *text, size_t len, char *reason, size_t reason_size)
{
	struct reader reader = {.reason = reason, .reason_size = reason_size};
	int rc;

	if (!yaml_parser_initialize(&reader.parser)) {
		refuse(&reader, "the YAML parser cannot start");
		return NULL;
	}
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, len);
	rc = read_events(&reader);
	if (rc == 0 && reader.root == NULL)
		rc = refuse(&reader, "the file is empty");
	yaml_parser_delete(&reader.parser);
	free(reader.key);
	if (rc == 0)
		return reader.root;
	tree_free(reader.root);
	return NULL;
}

/* Not recursive: a node's children are hung in front of what is still to be freed. */
void
tree_free(struct tree *tree)
{
	while (tree != NULL) {
		struct tree *after = tree->next;

		if (tree->first != NULL) {
			tree->last->next = after;
			after = tree->first;
		}
		if (tree->text != NULL)
			explicit_bzero(tree->text, strlen(tree->text));
		free(tree->text);
		free(tree->key);
		free(tree);
		tree = after;
	}
}

/* The parent takes the value under the key that was read before it. */
static void
hang_value(struct reader *reader, struct tree *value)
{
	struct tree *parent =
	    reader->depth > 0 ? reader->open[reader->depth - 1] : NULL;

	if (parent == NULL) {
		reader->root = value;
		return;
	}
	value->key = reader->key;
	reader->key = NULL;
	if (parent->last != NULL)
		parent->last->next = value;
	else
		parent->first = value;
	parent->last = value;
	parent->children_len++;
}

static int
check_properties(struct reader *reader, const yaml_event_t *event, const char *tag)
{
	if (tag != NULL && strcmp(tag, "!") != 0)
		return refuse(reader, "line %zu: YAML tags are not supported",
		    event->start_mark.line + 1);
	if (reader->values++ >= TREE_VALUES_MAX)
		return refuse(reader, "line %zu: more than %u values",
		    event->start_mark.line + 1, TREE_VALUES_MAX);
	return 0;
}

static struct tree *
value_new(enum tree_kind kind, const yaml_event_t *event)
{
	struct tree *value = mem_calloc(1, sizeof *value);

	value->kind = kind;
	value->line = event->start_mark.line + 1;
	return value;
}

/* True when the next text is a key of the innermost map. */
static bool
key_is_next(const struct reader *reader)
{
	return reader->depth > 0 && reader->key == NULL &&
	       reader->open[reader->depth - 1]->kind == TREE_MAP;
}

static int
read_key(struct reader *reader, const yaml_event_t *event, const char *key)
{
	const struct tree *map = reader->open[reader->depth - 1];
	size_t line = event->start_mark.line + 1;

	if (strcmp(key, "<<") == 0)
		return refuse(reader, "line %zu: merge keys are not supported", line);
	if (map->children_len >= TREE_KEYS_MAX)
		return refuse(reader, "line %zu: more than %u keys in one map", line,
		    TREE_KEYS_MAX);
	for (const struct tree *child = map->first; child != NULL; child = child->next)
		if (strcmp(child->key, key) == 0)
			return refuse(
			    reader, "line %zu: the key \"%s\" stands twice", line, key);
	reader->key = mem_strdup(key);
	return 0;
}

static int
read_scalar(struct reader *reader, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	struct tree *value;
	int rc = check_properties(reader, event, (const char *)event->data.scalar.tag);

	if (rc < 0)
		return rc;
	if (strlen(text) != event->data.scalar.length)
		return refuse(
		    reader, "line %zu: a NUL character", event->start_mark.line + 1);
	if (key_is_next(reader))
		return read_key(reader, event, text);
	value = value_new(TREE_TEXT, event);
	value->text = mem_strdup(text);
	value->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	hang_value(reader, value);
	return 0;
}

static int
read_start(struct reader *reader, const yaml_event_t *event, enum tree_kind kind,
    const char *tag)
{
	struct tree *value;
	int rc = check_properties(reader, event, tag);

	if (rc < 0)
		return rc;
	if (key_is_next(reader))
		return refuse(reader, "line %zu: a key that is no text",
		    event->start_mark.line + 1);
	if (reader->depth == TREE_DEPTH_MAX)
		return refuse(reader, "line %zu: deeper than %u levels",
		    event->start_mark.line + 1, TREE_DEPTH_MAX);
	value = value_new(kind, event);
	hang_value(reader, value);
	reader->open[reader->depth++] = value;
	return 0;
}

static int
read_event(struct reader *reader, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(reader, event);
	case YAML_MAPPING_START_EVENT:
		return read_start(reader, event, TREE_MAP,
		    (const char *)event->data.mapping_start.tag);
	case YAML_SEQUENCE_START_EVENT:
		return read_start(reader, event, TREE_LIST,
		    (const char *)event->data.sequence_start.tag);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		reader->depth--;
		return 0;
	case YAML_ALIAS_EVENT:
		return refuse(reader, "line %zu: YAML aliases are not supported",
		    event->start_mark.line + 1);
	case YAML_DOCUMENT_START_EVENT:
		if (reader->ended)
			return refuse(reader, "line %zu: a second document",
			    event->start_mark.line + 1);
		return 0;
	case YAML_DOCUMENT_END_EVENT:
		reader->ended = true;
		return 0;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
		return 0;
	}
	return refuse(reader, "an unknown YAML event");
}

bool
tree_is_null(const struct tree *tree)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};

	if (tree->kind != TREE_TEXT || !tree->plain)
		return false;
	for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++)
		if (strcmp(tree->text, nulls[i]) == 0)
			return true;
	return false;
}

const struct tree *
tree_get(const struct tree *tree, const char *key)
{
	if (tree == NULL || tree->kind != TREE_MAP)
		return NULL;
	for (const struct tree *child = tree->first; child != NULL; child = child->next)
		if (strcmp(child->key, key) == 0)
			return tree_is_null(child) ? NULL : child;
	return NULL;
}
