#include "scan.h"

#include <errno.h>
#include <string.h>

/* One bit a level while a value is skipped. */
_Static_assert(SCAN_DEPTH_MAX <= 64, "the levels of scan_skip are bits of a uint64_t");

void
scan_init(struct scan *scan, const char *json, size_t len)
{
	*scan = (struct scan){.at = json, .end = json + len};
}

/* Standing at the end makes every later call see the end of the text, and fail. */
static void
scan_fail(struct scan *scan)
{
	scan->error = -EBADMSG;
	scan->at = scan->end;
}

static void
take_space(struct scan *scan)
{
	while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\n' ||
					   *scan->at == '\r' || *scan->at == '\t'))
		scan->at++;
}

/* The next byte that is not white space; NUL (never valid there) at the end. */
static char
peek(struct scan *scan)
{
	take_space(scan);
	return scan->at < scan->end ? *scan->at : '\0';
}

static bool
take_char(struct scan *scan, char c)
{
	if (peek(scan) != c)
		return false;
	scan->at++;
	return true;
}

static bool
take_word(struct scan *scan, const char *word, size_t len)
{
	if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, word, len) != 0)
		return false;
	scan->at += len;
	return true;
}

static bool
take_null(struct scan *scan)
{
	take_space(scan);
	return take_word(scan, "null", 4);
}

/* Bytes of the UTF-8 sequence that starts with a byte >= 0x80, or 0 (RFC 3629 §4). */
static size_t
utf8_length(const unsigned char *at, size_t left)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t len;

	if (at[0] >= 0xc2 && at[0] <= 0xdf)
		len = 2;
	else if (at[0] >= 0xe0 && at[0] <= 0xef)
		len = 3;
	else if (at[0] >= 0xf0 && at[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (at[0] == 0xe0)
		low = 0xa0;
	else if (at[0] == 0xed)
		high = 0x9f;
	else if (at[0] == 0xf0)
		low = 0x90;
	else if (at[0] == 0xf4)
		high = 0x8f;
	if (left < len || at[1] < low || at[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if (at[i] < 0x80 || at[i] > 0xbf)
			return 0;
	return len;
}

/* True when one of the eight bytes is no plain character of a string: a quote, a
 * backslash, a control character, or beyond ASCII. Most bytes of an object are inside
 * strings, so this test is what the speed of a skip depends on. */
static bool
has_special(const char *at)
{
	const uint64_t ones = 0x0101010101010101u;
	const uint64_t tops = 0x8080808080808080u;
	uint64_t word, quote, backslash;

	memcpy(&word, at, sizeof word);
	quote = word ^ ones * '"';
	backslash = word ^ ones * '\\';
	return ((word | (word - ones * 0x20) | (quote - ones) | (backslash - ones)) &
		   tops) != 0;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Length of the escape at a backslash, or 0. */
static size_t
escape_length(const char *at, size_t left)
{
	if (left < 2)
		return 0;
	if (at[1] != 'u')
		return at[1] != '\0' && strchr("\"\\/bfnrt", at[1]) != NULL ? 2 : 0;
	if (left < 6)
		return 0;
	for (size_t i = 2; i < 6; i++)
		if (hex_value(at[i]) < 0)
			return 0;
	return 6;
}

/* A string, checked; what is between the quotes. */
static bool
take_string(struct scan *scan, const char **ret_start, size_t *ret_len)
{
	const char *end = scan->end;
	const char *at;

	if (peek(scan) != '"') {
		scan_fail(scan);
		return false;
	}
	for (at = scan->at + 1; at < end && *at != '"';) {
		unsigned char c = (unsigned char)*at;
		size_t len = 1;

		if (end - at >= 8 && !has_special(at)) {
			at += 8;
			continue;
		}
		if (c == '\\')
			len = escape_length(at, (size_t)(end - at));
		else if (c >= 0x80)
			len =
			    utf8_length((const unsigned char *)at, (size_t)(end - at));
		else if (c < 0x20)
			len = 0;
		if (len == 0)
			break;
		at += len;
	}
	if (at >= end || *at != '"') {
		scan_fail(scan);
		return false;
	}
	*ret_start = scan->at + 1;
	*ret_len = (size_t)(at - *ret_start);
	scan->at = at + 1;
	return true;
}

static bool
take_digits(struct scan *scan)
{
	const char *start = scan->at;

	while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
		scan->at++;
	return scan->at > start;
}

/* The part of a number that an integer has: "-", and digits without a leading zero. */
static bool
take_integer_part(struct scan *scan)
{
	if (scan->at < scan->end && *scan->at == '-')
		scan->at++;
	if (scan->at < scan->end && *scan->at == '0') {
		scan->at++;
		return scan->at == scan->end || *scan->at < '0' || *scan->at > '9';
	}
	return take_digits(scan);
}

static bool
take_number(struct scan *scan)
{
	if (!take_integer_part(scan))
		return false;
	if (scan->at < scan->end && *scan->at == '.') {
		scan->at++;
		if (!take_digits(scan))
			return false;
	}
	if (scan->at < scan->end && (*scan->at == 'e' || *scan->at == 'E')) {
		scan->at++;
		if (scan->at < scan->end && (*scan->at == '+' || *scan->at == '-'))
			scan->at++;
		return take_digits(scan);
	}
	return true;
}

/* Anything but an object or an array. */
static bool
take_scalar(struct scan *scan)
{
	const char *start;
	size_t len;

	switch (peek(scan)) {
	case '"':
		return take_string(scan, &start, &len);
	case 't':
		return take_word(scan, "true", 4);
	case 'f':
		return take_word(scan, "false", 5);
	case 'n':
		return take_word(scan, "null", 4);
	default:
		return take_number(scan);
	}
}

static bool
enter(struct scan *scan, char open)
{
	if (scan->error != 0 || take_null(scan))
		return false;
	if (scan->depth == SCAN_DEPTH_MAX || !take_char(scan, open)) {
		scan_fail(scan);
		return false;
	}
	scan->depth++;
	scan->fresh = true;
	return true;
}

/* Leaves the container at `close` (false), or stands behind the comma that must be
 * between two of its members (true). */
static bool
next(struct scan *scan, char close)
{
	if (scan->error != 0)
		return false;
	if (take_char(scan, close)) {
		scan->depth--;
		scan->fresh = false;
		return false;
	}
	if (!scan->fresh && !take_char(scan, ',')) {
		scan_fail(scan);
		return false;
	}
	scan->fresh = false;
	return true;
}

bool
scan_enter_object(struct scan *scan)
{
	return enter(scan, '{');
}

static bool
take_key(struct scan *scan, const char **ret_key, size_t *ret_len)
{
	if (!take_string(scan, ret_key, ret_len))
		return false;
	if (!take_char(scan, ':')) {
		scan_fail(scan);
		return false;
	}
	return true;
}

bool
scan_next_key(struct scan *scan, const char **ret_key, size_t *ret_len)
{
	return next(scan, '}') && take_key(scan, ret_key, ret_len);
}

bool
scan_key_is(const char *key, size_t len, const char *name)
{
	return strlen(name) == len && memcmp(key, name, len) == 0;
}

bool
scan_enter_array(struct scan *scan)
{
	return enter(scan, '[');
}

bool
scan_next_element(struct scan *scan)
{
	return next(scan, ']');
}

/* What is being skipped: the containers that are open, innermost first. */
struct skip {
	uint64_t objects; /* bit 0: the innermost is an object */
	unsigned int depth;
};

enum step {
	STEP_VALUE,  /* a value begins here */
	STEP_BEHIND, /* a value ended here */
	STEP_DONE,
	STEP_BAD,
};

/* Goes behind the value that begins here, or to the first value inside it. */
static enum step
skip_begin(struct scan *scan, struct skip *skip)
{
	const char *key;
	size_t len;
	char open = peek(scan);

	if (open != '{' && open != '[')
		return take_scalar(scan) ? STEP_BEHIND : STEP_BAD;
	if (scan->depth + skip->depth >= SCAN_DEPTH_MAX)
		return STEP_BAD;
	scan->at++;
	if (take_char(scan, open == '{' ? '}' : ']'))
		return STEP_BEHIND;
	skip->objects = skip->objects << 1 | (open == '{');
	skip->depth++;
	return open == '[' || take_key(scan, &key, &len) ? STEP_VALUE : STEP_BAD;
}

/* Behind a value: closes what ends here, or goes to the next value. */
static enum step
skip_advance(struct scan *scan, struct skip *skip)
{
	const char *key;
	size_t len;
	bool object = (skip->objects & 1) != 0;

	if (skip->depth == 0)
		return STEP_DONE;
	if (take_char(scan, object ? '}' : ']')) {
		skip->objects >>= 1;
		skip->depth--;
		return STEP_BEHIND;
	}
	if (!take_char(scan, ',') || (object && !take_key(scan, &key, &len)))
		return STEP_BAD;
	return STEP_VALUE;
}

void
scan_skip(struct scan *scan)
{
	struct skip skip = {0};
	enum step step = STEP_VALUE;

	if (scan->error != 0)
		return;
	while (step == STEP_VALUE || step == STEP_BEHIND)
		step = step == STEP_VALUE ? skip_begin(scan, &skip)
					  : skip_advance(scan, &skip);
	if (step == STEP_BAD)
		scan_fail(scan);
}

void
scan_raw(struct scan *scan, const char **ret_start, size_t *ret_len)
{
	const char *start;

	take_space(scan);
	start = scan->at;
	scan_skip(scan);
	if (scan->error != 0)
		return;
	*ret_start = start;
	*ret_len = (size_t)(scan->at - start);
}

/* A code point as UTF-8; *ret_len bytes. */
static void
utf8_encode(uint32_t point, char out[4], size_t *ret_len)
{
	if (point < 0x80) {
		out[0] = (char)point;
		*ret_len = 1;
	} else if (point < 0x800) {
		out[0] = (char)(0xc0 | point >> 6);
		out[1] = (char)(0x80 | (point & 0x3f));
		*ret_len = 2;
	} else if (point < 0x10000) {
		out[0] = (char)(0xe0 | point >> 12);
		out[1] = (char)(0x80 | (point >> 6 & 0x3f));
		out[2] = (char)(0x80 | (point & 0x3f));
		*ret_len = 3;
	} else {
		out[0] = (char)(0xf0 | point >> 18);
		out[1] = (char)(0x80 | (point >> 12 & 0x3f));
		out[2] = (char)(0x80 | (point >> 6 & 0x3f));
		out[3] = (char)(0x80 | (point & 0x3f));
		*ret_len = 4;
	}
}

static uint32_t
hex4(const char *at)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++)
		value = value << 4 | (uint32_t)hex_value(at[i]);
	return value;
}

/* The escape at *at, whose form was checked before; moves *at behind it. */
static bool
unescape(const char **at, const char *end, char out[4], size_t *ret_len)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";
	uint32_t point, low;

	*ret_len = 1;
	if ((*at)[1] != 'u') {
		out[0] = to[strchr(from, (*at)[1]) - from];
		*at += 2;
		return true;
	}
	point = hex4(*at + 2);
	*at += 6;
	if (point >= 0xd800 && point <= 0xdbff) {
		if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
			return false;
		low = hex4(*at + 2);
		if (low < 0xdc00 || low > 0xdfff)
			return false;
		point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
		*at += 6;
	} else if (point == 0 || (point >= 0xdc00 && point <= 0xdfff)) {
		return false;
	}
	utf8_encode(point, out, ret_len);
	return true;
}

void
scan_string(struct scan *scan, char *out, size_t size)
{
	const char *at, *end;
	size_t len, used = 0;
	bool ok = true;

	out[0] = '\0';
	if (scan->error != 0 || take_null(scan) || !take_string(scan, &at, &len))
		return;
	for (end = at + len; at < end && ok;) {
		char piece[4];
		size_t piece_len = 1;

		if (*at == '\\')
			ok = unescape(&at, end, piece, &piece_len);
		else
			piece[0] = *at++;
		ok = ok && piece_len < size - used;
		if (!ok)
			break;
		memcpy(out + used, piece, piece_len);
		used += piece_len;
	}
	if (!ok) {
		out[0] = '\0';
		scan_fail(scan);
		return;
	}
	out[used] = '\0';
}

void
scan_bool(struct scan *scan, bool *ret_value)
{
	if (scan->error != 0)
		return;
	take_space(scan);
	if (take_word(scan, "true", 4))
		*ret_value = true;
	else if (take_word(scan, "false", 5) || take_word(scan, "null", 4))
		*ret_value = false;
	else
		scan_fail(scan);
}

void
scan_integer(struct scan *scan, int64_t *ret_value)
{
	const char *start;
	int64_t value = 0;
	bool negative;

	if (scan->error != 0)
		return;
	if (take_null(scan)) {
		*ret_value = 0;
		return;
	}
	start = scan->at;
	negative = start < scan->end && *start == '-';
	if (!take_integer_part(scan) || (scan->at < scan->end && *scan->at != '\0' &&
					    strchr(".eE", *scan->at) != NULL)) {
		scan_fail(scan);
		return;
	}
	for (const char *at = start + negative; at < scan->at; at++) {
		int digit = *at - '0';

		/* counted downwards: the least number has no positive twin */
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, digit, &value)) {
			scan_fail(scan);
			return;
		}
	}
	if (!negative && value == INT64_MIN) {
		scan_fail(scan);
		return;
	}
	*ret_value = negative ? value : -value;
}

int
scan_finish(struct scan *scan)
{
	take_space(scan);
	if (scan->error == 0 && (scan->at != scan->end || scan->depth > 0))
		scan_fail(scan);
	return scan->error;
}
