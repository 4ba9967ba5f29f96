/* The scanner against json-c (strict): any text is accepted by both or refused by both,
 * and they read the same values out of it. Texts are made at random from a seed, and
 * then ruined. The deliberate differences stand at differs(). */
#include <criterion/criterion.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "scan.h"

/* Texts of each kind. */
#define TEXTS 20000

/* Ruins of each text. */
#define RUINS 8

/* Longest text (bytes), and a string in it. */
#define TEXT_SIZE 65536

/* Members that are told apart in one object. */
#define MEMBERS_MAX 256

/* Deeper than any of the texts, ruins and all: json-c is not what refuses depth. It
 * takes memory for the whole depth at each text. */
#define JSON_C_DEPTH (SCAN_DEPTH_MAX + 64)

static uint64_t seed;

/* splitmix64 */
static uint64_t
draw(void)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static size_t
below(size_t bound)
{
	return (size_t)(draw() % bound);
}

static const char *
one_of(const char *const *texts, size_t count)
{
	return texts[below(count)];
}
#define ONE_OF(texts) one_of((texts), sizeof(texts) / sizeof((texts)[0]))

/* --- random documents ---------------------------------------------------------------
 */

static void
put_space(struct buf *out)
{
	static const char *const spaces[] = {"", "", "", "", "", " ", "\n", "\t\r "};

	buf_puts(out, ONE_OF(spaces));
}

static void
put_string(struct buf *out)
{
	static const char *const parts[] = {"a", "name", "resourceVersion", " ", "\\n",
	    "\\\"", "\\\\", "\\/", "\\b\\f\\r\\t", "\\u0041", "\\u00e4",
	    "\\uD83d\\uDe00", "\\u0000", "\\ud83d", "\\ude00x", "\xc3\xa4",
	    "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xef\xbf\xbd", "\x7f", "/", "'",
	    "{[,:]}", "eight at a time"};

	buf_putc(out, '"');
	for (size_t i = below(5); i > 0; i--)
		buf_puts(out, ONE_OF(parts));
	buf_putc(out, '"');
}

static void
put_number(struct buf *out)
{
	static const char *const numbers[] = {"0", "-0", "7", "-1", "12345678901234",
	    "9223372036854775807", "-9223372036854775808", "9223372036854775808",
	    "-9223372036854775809", "18446744073709551615", "18446744073709551616",
	    "99999999999999999999999999999999", "0.5", "-1.25e-3", "1E400", "1e+5",
	    "0e0", "-0.0"};

	if (below(2) == 0)
		buf_puts(out, ONE_OF(numbers));
	else
		buf_printf(out, "%lld", (long long)draw() >> below(64));
}

static void put_value(struct buf *out, unsigned int depth);

static void
put_container(struct buf *out, unsigned int depth)
{
	bool object = below(2) == 0;
	size_t count = below(5);

	buf_putc(out, object ? '{' : '[');
	put_space(out);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_putc(out, ',');
		put_space(out);
		if (object) {
			put_string(out);
			put_space(out);
			buf_putc(out, ':');
		}
		put_value(out, depth + 1);
	}
	buf_putc(out, object ? '}' : ']');
}

static void
put_value(struct buf *out, unsigned int depth)
{
	static const char *const words[] = {"true", "false", "null"};

	put_space(out);
	switch (below(depth < 6 ? 6 : 3)) {
	case 0:
		put_string(out);
		break;
	case 1:
		put_number(out);
		break;
	case 2:
		buf_puts(out, ONE_OF(words));
		break;
	default:
		put_container(out, depth);
		break;
	}
	put_space(out);
}

/* A value inside of many containers, around the greatest depth. */
static void
put_deep(struct buf *out)
{
	size_t depth = SCAN_DEPTH_MAX - 4 + below(8);
	bool object = below(2) == 0;

	for (size_t i = 0; i < depth; i++)
		buf_puts(out, object ? "{\"a\":" : "[");
	if (below(2) == 0)
		buf_puts(out, object ? "1" : "");
	else
		buf_puts(out, object ? "{}" : "[]");
	for (size_t i = 0; i < depth; i++)
		buf_putc(out, object ? '}' : ']');
}

/* --- ruins --------------------------------------------------------------------------
 */

static void
splice(struct buf *text, size_t at, size_t cut, const char *piece, size_t piece_len)
{
	struct buf out;

	buf_init(&out, TEXT_SIZE);
	buf_put(&out, text->data, at);
	buf_put(&out, piece, piece_len);
	buf_put(&out, text->data + at + cut, text->len - at - cut);
	buf_reset(text);
	buf_put(text, out.data, out.len);
	buf_free(&out);
}

static void
ruin(struct buf *text)
{
	static const char *const pieces[] = {",", ":", "{", "}", "[", "]", "\"", "\\",
	    "0", "00", "-", "+", ".", "e", "1.", ".5", "1e", "01", "-01", "1e+", "0x1",
	    "nul", "NULL", "True", "NaN", "Infinity", "-Infinity", "//", "/**/", "'",
	    "\v", "\f", "\x1f", "\n", "\\u12", "\\x", "\x80", "\xc0\xaf",
	    "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3", "\xe2\x82", "\xff",
	    "\xef\xbb\xbf", "{}", "\"a\":1", "\"a\":1,"};
	size_t at = below(text->len + 1);
	size_t cut = below(2) == 0 || at == text->len ? 0 : 1 + below(text->len - at);
	const char *piece = below(4) == 0 ? "" : ONE_OF(pieces);
	char byte = (char)draw();

	if (cut > 3 && below(4) != 0)
		cut = 1;
	if (below(5) == 0)
		splice(text, at, cut, &byte, 1);
	else
		splice(text, at, cut, piece, strlen(piece));
}

/* --- what the two say ---------------------------------------------------------------
 */

static bool
is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The text with its NUL: a number ends there. */
static bool
json_c_accepts(const struct buf *text, struct json_object **ret_json)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_C_DEPTH);
	struct json_object *json;
	size_t end;
	bool accepted;

	cr_assert_not_null(tokener);
	json_tokener_set_flags(
	    tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	json = json_tokener_parse_ex(tokener, text->data, (int)text->len + 1);
	end = json_tokener_get_parse_end(tokener);
	accepted = json_tokener_get_error(tokener) == json_tokener_success;
	while (accepted && end < text->len && is_space(text->data[end]))
		end++;
	accepted = accepted && end >= text->len;
	json_tokener_free(tokener);
	if (accepted)
		*ret_json = json;
	else
		json_object_put(json);
	return accepted;
}

static bool
scan_accepts(const struct buf *text)
{
	struct scan scan;

	scan_init(&scan, text->data, text->len);
	scan_skip(&scan);
	return scan_finish(&scan) == 0;
}

/* What stands in a JSON text outside of its strings, and whether they hold control
 * characters. */
static bool
look_outside_strings(const struct buf *text, struct buf *out)
{
	bool inside = false, control = false;

	for (size_t i = 0; i < text->len; i++) {
		control = control || (inside && (unsigned char)text->data[i] < 0x20);
		if (inside && text->data[i] == '\\')
			i++;
		else if (text->data[i] == '"')
			inside = !inside;
		else if (!inside)
			buf_putc(out, text->data[i]);
	}
	return control;
}

static bool
is_too_deep(const char *outside)
{
	unsigned int depth = 0, most = 0;

	for (; *outside != '\0'; outside++) {
		if (*outside == '{' || *outside == '[')
			depth++;
		else if (*outside == '}' || *outside == ']')
			depth--;
		most = depth > most ? depth : most;
	}
	return most > SCAN_DEPTH_MAX;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A number with a zero too much in front, or with nothing on a side of its point. */
static bool
has_odd_number(const char *outside)
{
	char before = ' ';

	for (; *outside != '\0'; before = *outside++) {
		const char *at = outside + (*outside == '-');

		if (*outside == '.' && (!is_digit(before) || !is_digit(outside[1])))
			return true;
		if (strchr("+-.eE0123456789", before) == NULL && *at == '0' &&
		    is_digit(at[1]))
			return true;
	}
	return false;
}

static bool
is_utf8(const struct buf *text)
{
	size_t len;

	for (size_t at = 0; at < text->len; at += len) {
		len = buf_utf8_len(text->data + at, text->len - at);
		if (len == 0)
			return false;
	}
	return true;
}

/* True for what json-c accepts (it did) and the scanner refuses on purpose:
 * - more than SCAN_DEPTH_MAX containers in each other;
 * - UTF-8 that is overlong, half a surrogate pair, or beyond U+10FFFF (RFC 3629);
 * - a NUL, which is the end of the text to json-c;
 * - control characters in strings (json-c 0.17 refuses them, too);
 * - NaN and Infinity;
 * - numbers with nothing on a side of their point (1. and -.1), or a zero too
 *   much in front (-01).
 * There is nothing that the scanner accepts and json-c refuses. Of several members of
 * one name json-c keeps the last, and the scanner shows each. Sizes are frame.h's
 * business: a text is at most KUBE_OBJECT_MAX bytes long. */
static bool
differs(const struct buf *text)
{
	struct buf outside;
	bool differs;

	buf_init(&outside, TEXT_SIZE);
	buf_puts(&outside, "");
	differs = look_outside_strings(text, &outside) ||
		  memchr(text->data, '\0', text->len) != NULL || !is_utf8(text) ||
		  is_too_deep(outside.data) || has_odd_number(outside.data) ||
		  strstr(outside.data, "NaN") != NULL ||
		  strstr(outside.data, "Infinity") != NULL;
	buf_free(&outside);
	return differs;
}

/* --- values -------------------------------------------------------------------------
 */

static void compare(struct scan *scan, struct json_object *json);

static char
first_byte(const struct scan *scan)
{
	const char *at = scan->at;

	while (is_space(*at))
		at++;
	return *at;
}

/* A string that the scanner refuses holds a NUL, or half a surrogate pair, in the place
 * of which json-c puts U+FFFD. */
static void
compare_string(struct scan *scan, struct json_object *json)
{
	static char text[TEXT_SIZE];
	struct scan copy = *scan;
	size_t len = (size_t)json_object_get_string_len(json);
	const char *wanted = json_object_get_string(json);

	cr_assert(json_object_is_type(json, json_type_string));
	scan_string(&copy, text, sizeof text);
	if (copy.error != 0) {
		cr_assert(memchr(wanted, '\0', len) != NULL ||
			  memmem(wanted, len, "\xef\xbf\xbd", 3) != NULL);
		scan_skip(scan);
		return;
	}
	cr_assert(strlen(text) == len && memcmp(text, wanted, len) == 0, "%s", text);
	*scan = copy;
}

/* What is no integer, or none of 64 bits, is refused; json-c gives its nearest. */
static void
compare_number(struct scan *scan, struct json_object *json)
{
	struct scan copy = *scan;
	const char *raw = NULL;
	size_t raw_len = 0;
	int64_t number = 0;
	char *text;

	scan_integer(&copy, &number);
	scan_raw(scan, &raw, &raw_len);
	cr_assert_eq(scan->error, 0);
	text = mem_strndup(raw, raw_len);
	errno = 0;
	strtoll(text, NULL, 10);
	cr_assert_eq(
	    copy.error == 0, errno == 0 && strpbrk(text, ".eE") == NULL, "%s", text);
	if (copy.error == 0) {
		cr_assert(json_object_is_type(json, json_type_int), "%s", text);
		cr_assert_eq(json_object_get_int64(json), number, "%s", text);
	}
	free(text);
}

static void
compare_word(struct scan *scan, struct json_object *json)
{
	struct scan copy = *scan;
	char text[8] = "x";
	int64_t number = 1;
	bool flag = true;

	scan_bool(scan, &flag);
	cr_assert_eq(scan->error, 0);
	cr_assert_eq(flag, json_object_get_boolean(json));
	if (json == NULL) {
		struct scan again = copy;

		scan_string(&copy, text, sizeof text);
		scan_integer(&again, &number);
		cr_assert(copy.error == 0 && again.error == 0);
		cr_assert(text[0] == '\0' && number == 0);
	} else {
		cr_assert(json_object_is_type(json, json_type_boolean));
	}
}

static void
compare_array(struct scan *scan, struct json_object *json)
{
	size_t count = 0;

	cr_assert(json_object_is_type(json, json_type_array));
	cr_assert(scan_enter_array(scan));
	for (; scan_next_element(scan); count++)
		compare(scan, json_object_array_get_idx(json, count));
	cr_assert_eq(count, json_object_array_length(json));
}

struct member {
	char *name;
	struct scan value;
};

/* json-c keeps the last of several members of one name; the scanner shows each. Names
 * that cannot be read (as strings above) may be others to json-c. */
static void
compare_object(struct scan *scan, struct json_object *json)
{
	static char name[TEXT_SIZE];
	struct member members[MEMBERS_MAX];
	struct scan quoted;
	const char *key;
	size_t len, count = 0;
	bool readable = true;

	cr_assert(json_object_is_type(json, json_type_object));
	cr_assert(scan_enter_object(scan));
	while (scan_next_key(scan, &key, &len)) {
		scan_init(&quoted, key - 1, len + 2);
		scan_string(&quoted, name, sizeof name);
		readable = readable && scan_finish(&quoted) == 0;
		cr_assert_lt(count, MEMBERS_MAX);
		members[count++] =
		    (struct member){.name = mem_strdup(name), .value = *scan};
		scan_skip(scan);
	}
	for (size_t i = 0; readable && i < count; i++) {
		struct json_object *value = NULL;
		bool last = true;

		for (size_t later = i + 1; later < count; later++)
			last =
			    last && strcmp(members[i].name, members[later].name) != 0;
		cr_assert(json_object_object_get_ex(json, members[i].name, &value));
		if (last)
			compare(&members[i].value, value);
	}
	for (size_t i = 0; i < count; i++)
		free(members[i].name);
}

static void
compare(struct scan *scan, struct json_object *json)
{
	switch (first_byte(scan)) {
	case '{':
		compare_object(scan, json);
		break;
	case '[':
		compare_array(scan, json);
		break;
	case '"':
		compare_string(scan, json);
		break;
	case 't':
	case 'f':
	case 'n':
		compare_word(scan, json);
		break;
	default:
		compare_number(scan, json);
		break;
	}
	cr_assert_eq(scan->error, 0);
}

/* --- the property -------------------------------------------------------------------
 */

struct tally {
	int accepted;
	int refused;
	int different;
};

static void
check(const struct buf *text, struct tally *tally)
{
	struct json_object *json = NULL;
	struct scan scan;
	bool accepted = scan_accepts(text);

	if (!json_c_accepts(text, &json)) {
		cr_assert_not(accepted, "json-c refuses: %s", text->data);
		tally->refused++;
		return;
	}
	if (!accepted) {
		cr_assert(differs(text), "json-c accepts: %s", text->data);
		tally->different++;
	} else {
		cr_assert_not(differs(text), "accepted: %s", text->data);
		scan_init(&scan, text->data, text->len);
		compare(&scan, json);
		cr_assert_eq(scan_finish(&scan), 0);
		tally->accepted++;
	}
	json_object_put(json);
}

static void
check_many(void put(struct buf *out), int texts, struct tally *tally)
{
	struct buf text;

	buf_init(&text, TEXT_SIZE);
	for (int i = 0; i < texts; i++) {
		buf_reset(&text);
		put(&text);
		check(&text, tally);
		for (int ruins = 0; ruins < RUINS; ruins++) {
			ruin(&text);
			check(&text, tally);
		}
	}
	buf_free(&text);
}

static void
put_document(struct buf *out)
{
	put_value(out, 0);
}

Test(scan_json, documents_and_their_ruins)
{
	struct tally tally = {0};

	seed = 20261121;
	check_many(put_document, TEXTS, &tally);
	check_many(put_deep, TEXTS / 20, &tally);
	/* each kind came up, and often */
	cr_assert_gt(tally.accepted, TEXTS);
	cr_assert_gt(tally.refused, TEXTS);
	cr_assert_gt(tally.different, TEXTS / 100);
}
