#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "buf.h"
#include "frame.h"
#include "mem.h"
#include "scan.h"

/* Largest recording that is read (bytes). */
#define RECORDING_MAX (1024 * 1024)

static int
skip_text(const char *text, size_t len)
{
	struct scan scan;

	scan_init(&scan, text, len);
	scan_skip(&scan);
	return scan_finish(&scan);
}

Test(scan, accepts_json)
{
	static const char *const texts[] = {"{}", "[]", " { } ", "null", "true",
	    "false", "0", "-0", "12", "-1.5e+10", "1E5", "0.1", "\"\"",
	    "\"a\\n\\u00e4\\\"\"", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"",
	    "{\"a\":1}", "{\"a\":{\"b\":[1,2,{\"c\":null}]},\"d\":\"e\"}",
	    "[[],{},[[]]]", "\t[\r\n1 , 2 ]\n", "\"\\ud83d\\ude00\"", "\"\x7f\"",
	    "{\"\":\"\"}",
	    "\"long enough for eight at a time, with \\\\ and \\\" in it\""};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		cr_assert_eq(skip_text(texts[i], strlen(texts[i])), 0, "%s", texts[i]);
}

Test(scan, refuses_what_is_not_json)
{
	static const char *const texts[] = {"", " ", "{", "}", "[", "]", "[1", "[1,]",
	    "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{a:1}",
	    "{1:2}", "{\"a\":1 \"b\":2}", "[}", "{]", "[{]}", "{\"a\":[}", "nul",
	    "nulll", "tru", "True", "01", "-", "+1", ".5", "1.", "1e", "1e+", "0x1",
	    "1a", "NaN", "\"", "\"a", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u123g\"",
	    "\"\n\"", "\"\x01\"", "'a'", "\"\x80\"", "\"\xc3\"", "\"\xc0\xaf\"",
	    "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"",
	    "\"12345678\37712345678\"", "\"12345678\n12345678\"", "{} {}", "1 2",
	    "\"a\"b", "[1]]", "//", "{\"a\"::1}", "{\"\xff\":1}"};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		cr_assert_eq(
		    skip_text(texts[i], strlen(texts[i])), -EBADMSG, "%s", texts[i]);
	cr_assert_eq(skip_text("\"a\0b\"", 5), -EBADMSG);
	cr_assert_eq(skip_text("1\0", 2), -EBADMSG);
	cr_assert_eq(skip_text("[\0]", 3), -EBADMSG);
}

/* Each byte that a string may not hold, at each place of the eight that are looked at
 * together. */
Test(scan, looks_at_every_byte_of_a_string)
{
	for (int byte = 0; byte < 256; byte++) {
		bool good = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';

		for (size_t place = 0; place < 20; place++) {
			char text[22];

			memset(text, 'x', sizeof text);
			text[0] = text[21] = '"';
			text[1 + place] = (char)byte;
			cr_assert_eq(skip_text(text, sizeof text), good ? 0 : -EBADMSG,
			    "byte %d at %zu", byte, place);
		}
	}
}

static char *
nested(const char *open, const char *close, unsigned int depth)
{
	struct buf buf;

	buf_init(&buf, RECORDING_MAX);
	for (unsigned int i = 0; i < depth; i++)
		buf_puts(&buf, open);
	buf_puts(&buf, "1");
	for (unsigned int i = 0; i < depth; i++)
		buf_puts(&buf, close);
	return buf.data;
}

Test(scan, depth_is_bounded)
{
	static const char *const open[] = {"[", "{\"a\":", "[{\"a\":"};
	static const char *const close[] = {"]", "}", "}]"};
	static const unsigned int most[] = {64, 64, 32};

	for (size_t i = 0; i < 3; i++) {
		char *deep = nested(open[i], close[i], most[i]);
		char *deeper = nested(open[i], close[i], most[i] + 1);
		char *absurd = nested(open[i], close[i], 50000);

		cr_assert_eq(skip_text(deep, strlen(deep)), 0);
		cr_assert_eq(skip_text(deeper, strlen(deeper)), -EBADMSG);
		cr_assert_eq(skip_text(absurd, strlen(absurd)), -EBADMSG);
		free(deep);
		free(deeper);
		free(absurd);
	}
}

Test(scan, depth_counts_what_was_entered)
{
	char *deep = nested("[", "]", 64);
	struct scan scan;

	scan_init(&scan, deep, strlen(deep));
	for (int i = 0; i < 10; i++) {
		cr_assert(scan_enter_array(&scan));
		cr_assert(scan_next_element(&scan));
	}
	scan_skip(&scan);
	cr_assert_eq(scan.error, 0);
	for (int i = 0; i < 10; i++)
		cr_assert_not(scan_next_element(&scan));
	cr_assert_eq(scan_finish(&scan), 0);
	free(deep);
}

Test(scan, walks_an_object)
{
	static const char text[] =
	    " {\"skip\":{\"name\":\"no\"},\"name\":\"a\\tb\",\"n\":-42,\"t\":true,"
	    "\"list\":[\"x\",null,\"z\"],\"raw\": [1, {}] "
	    ",\"none\":null,\"na\\u006de\":1}";
	struct scan scan;
	const char *key, *raw = NULL;
	size_t len, raw_len = 0;
	char name[8] = "?", list[3][4];
	int64_t number = 0;
	bool yes = false;
	int elements = 0, keys = 0;

	scan_init(&scan, text, strlen(text));
	cr_assert(scan_enter_object(&scan));
	while (scan_next_key(&scan, &key, &len)) {
		keys++;
		if (scan_key_is(key, len, "name")) {
			scan_string(&scan, name, sizeof name);
		} else if (scan_key_is(key, len, "n")) {
			scan_integer(&scan, &number);
		} else if (scan_key_is(key, len, "t")) {
			scan_bool(&scan, &yes);
		} else if (scan_key_is(key, len, "raw")) {
			scan_raw(&scan, &raw, &raw_len);
		} else if (scan_key_is(key, len, "none")) {
			cr_assert_not(scan_enter_object(&scan));
		} else if (scan_key_is(key, len, "list")) {
			cr_assert(scan_enter_array(&scan));
			while (scan_next_element(&scan))
				scan_string(&scan, list[elements++], sizeof list[0]);
		} else {
			scan_skip(&scan);
		}
	}
	cr_assert_eq(scan_finish(&scan), 0);
	cr_assert_eq(keys, 8);
	cr_assert_str_eq(name, "a\tb", "the escaped key is another one");
	cr_assert_eq(number, -42);
	cr_assert(yes);
	cr_assert_eq(elements, 3);
	cr_assert_str_eq(list[0], "x");
	cr_assert_str_eq(list[1], "");
	cr_assert_str_eq(list[2], "z");
	cr_assert_eq(raw_len, 7);
	cr_assert_eq(memcmp(raw, "[1, {}]", 7), 0);
}

Test(scan, walking_finds_the_same_faults)
{
	static const char *const texts[] = {"{\"a\":1,}", "{\"a\":1 \"b\":2}",
	    "{\"a\" 1}", "{,\"a\":1}", "{\"a\":1", "{\"a\":}", "{\"a\":1}x", "[1]"};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct scan scan;
		const char *key;
		size_t len;

		scan_init(&scan, texts[i], strlen(texts[i]));
		if (scan_enter_object(&scan))
			while (scan_next_key(&scan, &key, &len))
				scan_skip(&scan);
		cr_assert_eq(scan_finish(&scan), -EBADMSG, "%s", texts[i]);
	}
}

/* A caller that forgets a value does not get away with it. */
Test(scan, values_must_be_consumed)
{
	struct scan scan;
	const char *key;
	size_t len;

	scan_init(&scan, "{\"a\":1,\"b\":2}", 13);
	cr_assert(scan_enter_object(&scan));
	cr_assert(scan_next_key(&scan, &key, &len));
	cr_assert_not(scan_next_key(&scan, &key, &len));
	cr_assert_eq(scan_finish(&scan), -EBADMSG);
	scan_init(&scan, "[[1]]", 5);
	cr_assert(scan_enter_array(&scan));
	cr_assert_eq(scan_finish(&scan), -EBADMSG, "still inside");
}

static int
read_string(const char *text, char *out, size_t size)
{
	struct scan scan;

	scan_init(&scan, text, strlen(text));
	scan_string(&scan, out, size);
	return scan_finish(&scan);
}

Test(scan, strings)
{
	static const struct {
		const char *text;
		const char *value; /* NULL: refused */
	} cases[] = {
	    {"\"\"", ""},
	    {"null", ""},
	    {"\"abc\"", "abc"},
	    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
	    {"\"\\u0041\\u00e4\\u20ac\"", "A\xc3\xa4\xe2\x82\xac"},
	    {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},
	    {"\"\\ud83d\"", NULL},
	    {"\"\\ude00\"", NULL},
	    {"\"\\ud83dx\"", NULL},
	    {"\"\\ud83d\\u0041\"", NULL},
	    {"\"\\u0000\"", NULL},
	    {"\"0123456789abcde\"", "0123456789abcde"},
	    {"\"0123456789abcdef\"", NULL},
	    {"\"0123456789abcd\\u00e4\"", NULL},
	    {"1", NULL},
	    {"{}", NULL},
	    {"[\"a\"]", NULL},
	    {"true", NULL},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char out[16] = "untouched";
		int rc = read_string(cases[i].text, out, sizeof out);

		cr_assert_eq(
		    rc, cases[i].value != NULL ? 0 : -EBADMSG, "%s", cases[i].text);
		cr_assert_str_eq(out, cases[i].value != NULL ? cases[i].value : "",
		    "%s", cases[i].text);
	}
}

Test(scan, integers)
{
	static const struct {
		const char *text;
		int rc;
		int64_t value;
	} cases[] = {
	    {"0", 0, 0},
	    {"-0", 0, 0},
	    {"null", 0, 0},
	    {"9223372036854775807", 0, INT64_MAX},
	    {"-9223372036854775808", 0, INT64_MIN},
	    {"9223372036854775808", -EBADMSG, 0},
	    {"-9223372036854775809", -EBADMSG, 0},
	    {"99999999999999999999999", -EBADMSG, 0},
	    {"1.0", -EBADMSG, 0},
	    {"1e3", -EBADMSG, 0},
	    {"01", -EBADMSG, 0},
	    {"-", -EBADMSG, 0},
	    {"\"1\"", -EBADMSG, 0},
	    {"[1]", -EBADMSG, 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct scan scan;
		int64_t value = 77;

		scan_init(&scan, cases[i].text, strlen(cases[i].text));
		scan_integer(&scan, &value);
		cr_assert_eq(scan_finish(&scan), cases[i].rc, "%s", cases[i].text);
		cr_assert_eq(
		    value, cases[i].rc == 0 ? cases[i].value : 77, "%s", cases[i].text);
	}
}

Test(scan, errors_stay)
{
	struct scan scan;
	const char *raw = "untouched";
	char text[8];
	size_t len = 99;
	int64_t number = 5;
	bool flag = true;

	scan_init(&scan, "[x, 1, true, \"a\"]", 17);
	cr_assert(scan_enter_array(&scan));
	cr_assert(scan_next_element(&scan));
	scan_skip(&scan);
	cr_assert_eq(scan.error, -EBADMSG);
	cr_assert_not(scan_next_element(&scan));
	cr_assert_not(scan_enter_object(&scan));
	cr_assert_not(scan_enter_array(&scan));
	scan_integer(&scan, &number);
	scan_bool(&scan, &flag);
	scan_raw(&scan, &raw, &len);
	scan_string(&scan, text, sizeof text);
	cr_assert_eq(number, 5);
	cr_assert_eq(flag, true);
	cr_assert_str_eq(raw, "untouched");
	cr_assert_eq(scan_finish(&scan), -EBADMSG);
}

/* --- recordings of a real API server ------------------------------------------------
 */

/* The body of a recorded answer: what follows its last header. */
static char *
recorded_body(const char *name)
{
	const char *dir = getenv("srcdir");
	char *path = mem_printf(
	    "%s/tests/contracts/kube-wire/%s", dir != NULL ? dir : ".", name);
	FILE *file = fopen(path, "r");
	char *text = mem_calloc(RECORDING_MAX + 1, 1);
	char *answer, *body;

	cr_assert_not_null(file, "%s", path);
	cr_assert_gt(fread(text, 1, RECORDING_MAX, file), 0);
	fclose(file);
	free(path);
	answer = strstr(text, "\nHTTP/1.1 ");
	cr_assert_not_null(answer);
	body = strstr(answer, "\n\n");
	cr_assert_not_null(body);
	body = mem_strdup(body + 2);
	free(text);
	return body;
}

Test(scan, recorded_objects_and_their_ruins)
{
	char *body = recorded_body("043-nodes-list-json.http");
	size_t len = strlen(body);

	while (len > 0 && (body[len - 1] == '\n' || body[len - 1] == '\r'))
		len--;
	cr_assert_eq(skip_text(body, len), 0);
	for (size_t cut = 0; cut < len; cut++)
		cr_assert_eq(skip_text(body, cut), -EBADMSG, "cut at %zu", cut);
	for (size_t at = 0; at < len; at++) {
		char saved = body[at];

		body[at] = (char)0xff;
		cr_assert_eq(skip_text(body, len), -EBADMSG, "ruined at %zu", at);
		body[at] = saved;
	}
	free(body);
}

/* --- framing ------------------------------------------------------------------------
 */

struct cut {
	struct buf texts; /* each followed by a newline */
	char members[256];
	int count;
	int oversized;
	bool malformed;
	bool complete;
};

static void
cut_all(struct frame *frame, struct cut *cut, const char *piece, size_t len)
{
	enum frame_result result;

	while (!cut->malformed &&
	       (result = frame_next(frame, &piece, &len)) != FRAME_MORE) {
		if (result == FRAME_TEXT) {
			cut->count++;
			buf_put(&cut->texts, frame->text.data, frame->text.len);
			buf_putc(&cut->texts, '\n');
		} else if (result == FRAME_MEMBER) {
			size_t used = strlen(cut->members);

			snprintf(cut->members + used, sizeof cut->members - used,
			    "%s=%s;", frame->key, frame->text.data);
		} else if (result == FRAME_OVERSIZED) {
			cut->oversized++;
		} else {
			cut->malformed = true;
		}
	}
	if (!cut->malformed)
		cr_assert_eq(len, 0);
}

/* Cuts a text that arrives in pieces of `step` bytes. */
static void
cut_text(
    enum frame_form form, const char *text, size_t len, size_t step, struct cut *cut)
{
	struct frame frame;

	*cut = (struct cut){.count = 0};
	buf_init(&cut->texts, RECORDING_MAX);
	frame_init(&frame, form);
	for (size_t at = 0; at < len; at += step)
		cut_all(&frame, cut, text + at, step < len - at ? step : len - at);
	cut->complete = frame_is_complete(&frame);
	frame_free(&frame);
}

Test(frame, lists_at_every_step)
{
	static const char text[] =
	    " {\"kind\":\"L\\\"ist\" ,\"metadata\":{\"a\":[1,\"]}\"]}, \"items\" :[ "
	    "{\"a\":\"}\\\"\"},"
	    "[1,[2]] , 7,\"s]\",null ],\"n\":12,\"b\":true}\n ";
	static const char wanted[] = "{\"a\":\"}\\\"\"}\n[1,[2]]\n7\n\"s]\"\nnull\n";

	for (size_t step = 1; step <= sizeof text; step++) {
		struct cut cut;

		cut_text(FRAME_LIST, text, strlen(text), step, &cut);
		cr_assert(!cut.malformed && cut.complete, "step %zu", step);
		cr_assert_str_eq(cut.texts.data, wanted, "step %zu", step);
		cr_assert_str_eq(cut.members,
		    "kind=\"L\\\"ist\";metadata={\"a\":[1,\"]}\"]};n=12;b=true;");
		buf_free(&cut.texts);
	}
}

Test(frame, lists_that_are_none)
{
	static const char *const texts[] = {"[]", "x", "{\"a\" 1}", "{1}",
	    "{\"items\":[1 2]}", "{\"items\":[,]}", "{\"items\":[1,]}", "{} {}",
	    "{\"a\":1,}", "{\"items\":[]]}", "{\"a\":}", "{\"a\"::1}"};
	static const char *const cut_off[] = {"", " ", "{", "{\"items\":[",
	    "{\"items\":[{}", "{\"items\":[{}]", "{\"a\":{", "{\"a\":\"x", "{\"a\":1"};
	static const char *const empty[] = {"{}", "{\"items\":[]}", "{\"items\":null}"};
	struct cut cut;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		cut_text(FRAME_LIST, texts[i], strlen(texts[i]), 1, &cut);
		cr_assert(cut.malformed && !cut.complete, "%s", texts[i]);
		buf_free(&cut.texts);
	}
	for (size_t i = 0; i < sizeof cut_off / sizeof cut_off[0]; i++) {
		cut_text(FRAME_LIST, cut_off[i], strlen(cut_off[i]), 1, &cut);
		cr_assert(!cut.malformed && !cut.complete, "%s", cut_off[i]);
		buf_free(&cut.texts);
	}
	for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
		cut_text(FRAME_LIST, empty[i], strlen(empty[i]), 1, &cut);
		cr_assert(
		    !cut.malformed && cut.complete && cut.count == 0, "%s", empty[i]);
	}
}

Test(frame, lines_at_every_step)
{
	static const char text[] = "{\"a\":1}\n\n{\"b\":\"\\n\"}\nlast";

	for (size_t step = 1; step <= sizeof text; step++) {
		struct cut cut;

		cut_text(FRAME_LINES, text, strlen(text), step, &cut);
		cr_assert_str_eq(cut.texts.data, "{\"a\":1}\n{\"b\":\"\\n\"}\n");
		cr_assert(!cut.complete, "the last line has no end");
		buf_free(&cut.texts);
	}
}

Test(frame, sizes_are_bounded)
{
	size_t len = KUBE_OBJECT_MAX + 64;
	char *text = mem_calloc(len + 1, 1);
	struct frame frame;
	struct cut cut;
	const char *at = text;

	memset(text, 'x', len);
	memcpy(text, "{\"items\":[\"", 11);
	memcpy(text + len - 16, "\",{\"ok\":1}]    }", 16);
	cut_text(FRAME_LIST, text, len, 65536, &cut);
	cr_assert_eq(cut.oversized, 1);
	cr_assert_eq(cut.count, 1);
	cr_assert(cut.complete);
	cr_assert_str_eq(cut.texts.data, "{\"ok\":1}\n");
	buf_free(&cut.texts);
	/* a line without an end is refused before the end comes */
	frame_init(&frame, FRAME_LINES);
	cr_assert_eq(frame_next(&frame, &at, &len), FRAME_OVERSIZED);
	cr_assert_eq(len, 0);
	frame_free(&frame);
	free(text);
}

Test(frame, recorded_list)
{
	char *body = recorded_body("047-pods-list-json.http");
	struct cut whole, bytes;

	cut_text(FRAME_LIST, body, strlen(body), strlen(body), &whole);
	cut_text(FRAME_LIST, body, strlen(body), 1, &bytes);
	cr_assert(whole.complete && bytes.complete);
	cr_assert_eq(whole.count, 3);
	cr_assert_str_eq(whole.texts.data, bytes.texts.data);
	cr_assert_not_null(strstr(whole.members, "kind=\"PodList\";"));
	buf_free(&whole.texts);
	buf_free(&bytes.texts);
	free(body);
}
