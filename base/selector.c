#include "selector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "mem.h"

/* Longest key: a prefix of 253, a slash, a name of 63 (Kubernetes:
 * IsQualifiedName). */
#define KEY_MAX (NAME_MAX_LEN + 1 + LABEL_MAX_LEN)

enum operation {
	OP_IN,
	OP_NOT_IN,
	OP_EXISTS,
	OP_NOT_EXISTS,
	OP_GREATER,
	OP_LESS,
};

struct term {
	enum operation operation;
	const char *key;
	const char *values; /* so many texts, one behind the other */
	size_t values_len;
	int64_t number; /* OP_GREATER, OP_LESS */
};

struct selector {
	struct term terms[SELECTOR_TERMS_MAX];
	size_t terms_len;
	char *at;    /* where the next text goes */
	char text[]; /* of keys and values, a NUL behind each: what was parsed, twice,
			will do */
};

void
selector_free(struct selector *selector)
{
	free(selector);
}

/* --- the text -----------------------------------------------------------------------
 */

static void
skip_space(const char **text)
{
	*text += strspn(*text, " \t\r\n");
}

/* As the lexer of labels.Parse: what is neither space nor a sign of its own. */
static size_t
word_length(const char **text)
{
	skip_space(text);
	return strcspn(*text, " \t\r\n!=<>(),");
}

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* Kubernetes: IsValidLabelValue; the name of a key is one that is not empty. */
static bool
is_value(const char *text, size_t len)
{
	if (len > LABEL_MAX_LEN)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_alnum(text[i]) &&
		    (strchr("-._", text[i]) == NULL || i == 0 || i == len - 1))
			return false;
	return true;
}

static bool
is_prefix(const char *text, size_t len)
{
	if (len == 0 || len > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!(text[i] >= 'a' && text[i] <= 'z') &&
		    !(text[i] >= '0' && text[i] <= '9') &&
		    ((text[i] != '-' && text[i] != '.') || i == 0 || i == len - 1))
			return false;
	return true;
}

static bool
is_key(const char *text, size_t len)
{
	const char *slash = memchr(text, '/', len);
	size_t prefix_len = slash != NULL ? (size_t)(slash - text) : 0;

	if (slash != NULL) {
		if (!is_prefix(text, prefix_len))
			return false;
		text = slash + 1;
		len -= prefix_len + 1;
	}
	return len > 0 && is_value(text, len);
}

static int
take_value(struct selector *selector, struct term *term, const char **text)
{
	size_t len = word_length(text);

	if (!is_value(*text, len))
		return -EINVAL;
	mem_keep(&selector->at, *text, len);
	term->values_len++;
	*text += len;
	return 0;
}

/* "(a, b)": an empty one is the value "". */
static int
take_values(struct selector *selector, struct term *term, const char **text)
{
	skip_space(text);
	if (**text != '(')
		return -EINVAL;
	do {
		++*text;
		if (take_value(selector, term, text) < 0)
			return -EINVAL;
		skip_space(text);
	} while (**text == ',');
	if (**text != ')')
		return -EINVAL;
	++*text;
	return 0;
}

static int
take_number(struct term *term, const char **text)
{
	char *end;

	skip_space(text);
	if (strchr("-0123456789", **text) == NULL)
		return -EINVAL;
	errno = 0;
	term->number = strtoll(*text, &end, 10);
	if (errno != 0 || end == *text)
		return -EINVAL;
	*text = end;
	return 0;
}

/* The word at *text is that one, and nothing longer. */
static bool
take_word(const char **text, const char *word)
{
	size_t len = word_length(text);

	if (len != strlen(word) || strncmp(*text, word, len) != 0)
		return false;
	*text += len;
	return true;
}

static bool
take_sign(const char **text, const char *sign)
{
	skip_space(text);
	if (strncmp(*text, sign, strlen(sign)) != 0)
		return false;
	*text += strlen(sign);
	return true;
}

static int
take_operation(struct selector *selector, struct term *term, const char **text)
{
	term->values = selector->at;
	term->operation = OP_IN;
	if (take_sign(text, "==") || take_sign(text, "="))
		return take_value(selector, term, text);
	if (take_word(text, "in"))
		return take_values(selector, term, text);
	term->operation = OP_NOT_IN;
	if (take_sign(text, "!="))
		return take_value(selector, term, text);
	if (take_word(text, "notin"))
		return take_values(selector, term, text);
	term->operation = OP_GREATER;
	if (take_sign(text, ">"))
		return take_number(term, text);
	term->operation = OP_LESS;
	if (take_sign(text, "<"))
		return take_number(term, text);
	term->operation = OP_EXISTS;
	return 0;
}

static int
take_term(struct selector *selector, const char **text)
{
	struct term *term = &selector->terms[selector->terms_len];
	bool unwanted = take_sign(text, "!");
	size_t len = word_length(text);

	if (selector->terms_len == SELECTOR_TERMS_MAX || !is_key(*text, len))
		return -EINVAL;
	term->key = mem_keep(&selector->at, *text, len);
	*text += len;
	if (unwanted)
		term->operation = OP_NOT_EXISTS;
	else if (take_operation(selector, term, text) < 0)
		return -EINVAL;
	selector->terms_len++;
	return 0;
}

static int
take_terms(struct selector *selector, const char *text)
{
	skip_space(&text);
	if (*text == '\0')
		return 0;
	for (;;) {
		if (take_term(selector, &text) < 0)
			return -EINVAL;
		skip_space(&text);
		if (*text == '\0')
			return 0;
		if (*text++ != ',')
			return -EINVAL;
	}
}

struct selector *
selector_new(const char *text)
{
	size_t len = strlen(text);
	struct selector *selector;

	if (len > SELECTOR_TEXT_MAX)
		return NULL;
	selector = mem_calloc(1, sizeof *selector + 2 * len + 2);
	selector->at = selector->text;
	if (take_terms(selector, text) == 0)
		return selector;
	selector_free(selector);
	return NULL;
}

/* --- labels -------------------------------------------------------------------------
 */

static bool
has_value(const struct term *term, const char *value)
{
	const char *at = term->values;

	for (size_t i = 0; i < term->values_len; i++, at += strlen(at) + 1)
		if (strcmp(at, value) == 0)
			return true;
	return false;
}

static bool
compares(const struct term *term, const char *value)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0')
		return false;
	return term->operation == OP_GREATER ? number > term->number
					     : number < term->number;
}

static bool
wants(const struct term *term, const char *value)
{
	switch (term->operation) {
	case OP_IN:
		return has_value(term, value);
	case OP_NOT_IN:
		return !has_value(term, value);
	case OP_EXISTS:
		return true;
	case OP_NOT_EXISTS:
		return false;
	case OP_GREATER:
	case OP_LESS:
		return compares(term, value);
	}
	return false;
}

void
selector_see(const struct selector *selector, struct selector_look *look,
    const char *key, size_t key_len, const char *value)
{
	for (size_t i = 0; i < selector->terms_len; i++) {
		const struct term *term = &selector->terms[i];

		if (strlen(term->key) != key_len ||
		    memcmp(term->key, key, key_len) != 0)
			continue;
		look->seen |= 1u << i;
		if (wants(term, value))
			look->met |= 1u << i;
	}
}

bool
selector_chooses(const struct selector *selector, const struct selector_look *look)
{
	for (size_t i = 0; i < selector->terms_len; i++) {
		enum operation operation = selector->terms[i].operation;
		bool absent_will_do =
		    operation == OP_NOT_IN || operation == OP_NOT_EXISTS;

		if ((look->seen & 1u << i) != 0 ? (look->met & 1u << i) == 0
						: !absent_will_do)
			return false;
	}
	return true;
}
