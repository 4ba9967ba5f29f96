#include "logfmt.h"

#include <stdbool.h>
#include <string.h>

struct text {
	const char *at;
	size_t len;
};

struct field {
	struct text key;
	struct text value; /* with its quotes */
};

struct name {
	const char *ours, *theirs; /* longer by no more than the quotes that go */
};

static const struct name keys[] = {
    {"allocation", "crd"}, {"address", "ip"}, {"error", "trace"}, {NULL, NULL}};

static const struct name levels[] = {{"debug", "DEBUG"}, {"info", "INFO"},
    {"warn", "WARNING"}, {"error", "ERROR"}, {NULL, NULL}};

static bool
text_is(struct text text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.at, word, text.len) == 0;
}

static struct text
text_rename(struct text text, const struct name *names)
{
	for (; names->ours != NULL; names++)
		if (text_is(text, names->ours))
			return (struct text){names->theirs, strlen(names->theirs)};
	return text;
}

static const char *
value_end(const char *at, const char *end)
{
	bool quoted = *at == '"';

	for (at += quoted; at < end && strchr(quoted ? "\"" : ",}", *at) == NULL; at++)
		if (*at == '\\')
			at++;
	at += quoted;
	return at < end ? at : end;
}

/* *at: the brace or comma before the field, then what comes behind it. */
static bool
field_next(const char **at, const char *end, struct field *ret_field)
{
	const char *key = *at + 2, *key_end, *value;

	if (end - *at < 4) /* }\n */
		return false;
	key_end = memchr(key, '"', (size_t)(end - key));
	if (key_end == NULL || end - key_end < 3)
		return false;
	value = key_end + 2;
	*at = value_end(value, end);
	ret_field->key = (struct text){key, (size_t)(key_end - key)};
	ret_field->value = (struct text){value, (size_t)(*at - value)};
	return true;
}

/* What needs no quotes: something, and no space, quote, escape, "=" or brace in it. */
static bool
is_word(struct text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || strchr("\"\\={}", text.at[i]) != NULL)
			return false;
	return text.len > 0;
}

static char *
put(char *out, struct text text)
{
	memcpy(out, text.at, text.len);
	return out + text.len;
}

static char *
put_field(char *out, const struct field *field)
{
	struct text value = field->value;
	struct text inner = {value.at + 1, value.len < 2 ? 0 : value.len - 2};

	if (value.at[0] == '"' && is_word(inner))
		value =
		    text_is(field->key, "level") ? text_rename(inner, levels) : inner;
	out = put(out, text_rename(field->key, keys));
	*out++ = '=';
	out = put(out, value);
	*out++ = ' ';
	return out;
}

size_t
logfmt_from_line(const char *line, size_t len, char *out)
{
	const char *at = line;
	struct field field, process = {0};
	char *begin = out;

	while (field_next(&at, line + len, &field)) {
		if (text_is(field.key, "process")) { /* where they have none */
			process = field;
			continue;
		}
		out = put_field(out, &field);
		if (process.key.len > 0 && text_is(field.key, "msg"))
			out = put_field(out, &process);
	}
	if (out > begin)
		out[-1] = '\n';
	return (size_t)(out - begin);
}
