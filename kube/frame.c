#include "frame.h"

#include <string.h>

#include "bounds.h"

/* Where in the list the next byte belongs. */
enum state {
	STATE_START,	 /* before the list's brace */
	STATE_FIRST_KEY, /* behind the brace: a key, or the end */
	STATE_KEY,	 /* behind a comma: a key */
	STATE_IN_KEY,
	STATE_COLON,
	STATE_VALUE, /* a member's value begins */
	STATE_IN_VALUE,
	STATE_NEXT,	  /* behind a member: a comma, or the end */
	STATE_FIRST_ITEM, /* behind the bracket of items: an item, or the end */
	STATE_ITEM,
	STATE_IN_ITEM,
	STATE_NEXT_ITEM,
	STATE_END, /* only white space follows */
	STATE_BROKEN,
};

void
frame_init(struct frame *frame, enum frame_form form)
{
	*frame = (struct frame){.form = form, .state = STATE_START};
	buf_init(&frame->text, KUBE_OBJECT_MAX);
}

void
frame_free(struct frame *frame)
{
	buf_free(&frame->text);
}

/* The text is read before the next call, which begins with an empty one (STATE_START).
 * A line without an end is refused as soon as it is too long. */
static enum frame_result
next_line(struct frame *frame, const char **piece, size_t *len)
{
	if (frame->state == STATE_END)
		buf_reset(&frame->text);
	frame->state = STATE_START;
	while (*len > 0) {
		const char *end = memchr(*piece, '\n', *len);
		size_t used = end != NULL ? (size_t)(end - *piece) : *len;
		size_t step = end != NULL ? used + 1 : used;

		buf_put(&frame->text, *piece, used);
		*piece += step;
		*len -= step;
		if (!frame->text.refused && (end == NULL || frame->text.len == 0))
			continue;
		frame->state = STATE_END;
		return frame->text.refused ? FRAME_OVERSIZED : FRAME_TEXT;
	}
	return FRAME_MORE;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Begins to gather a value at its first byte, which is not used up. */
static void
begin_value(struct frame *frame, char first)
{
	buf_reset(&frame->text);
	frame->depth = 0;
	frame->in_string = false;
	frame->escaped = false;
	frame->scalar = first != '{' && first != '[' && first != '"';
}

/* Behind the string's end, or at the end of the piece. */
static const char *
pass_string(struct frame *frame, const char *at, const char *end)
{
	if (frame->escaped && at < end) {
		frame->escaped = false;
		at++;
	}
	while (at < end) {
		char c = *at++;

		if (c == '"') {
			frame->in_string = false;
			break;
		}
		if (c == '\\' && at == end)
			frame->escaped = true;
		else if (c == '\\')
			at++;
	}
	return at;
}

/* Behind the value's end (*ret_complete), or at the end of the piece. Every container
 * that is open was opened here, so depth cannot run below nothing. */
static const char *
pass_value(struct frame *frame, const char *at, const char *end, bool *ret_complete)
{
	while (at < end) {
		char c;

		if (frame->in_string) {
			at = pass_string(frame, at, end);
			if (!frame->in_string && frame->depth == 0)
				break;
			continue;
		}
		c = *at++;
		if (c == '"')
			frame->in_string = true;
		else if (c == '{' || c == '[')
			frame->depth++;
		else if ((c == '}' || c == ']') && --frame->depth == 0)
			break;
	}
	*ret_complete = !frame->in_string && frame->depth == 0;
	return at;
}

/* The same for a number or a word, which ends before the byte that follows it. */
static const char *
pass_scalar(const char *at, const char *end, bool *ret_complete)
{
	while (at < end && !is_space(*at) && strchr(",]}", *at) == NULL)
		at++;
	*ret_complete = at < end;
	return at;
}

/* Gathers a value from the piece; true when it is complete. */
static bool
take_value(struct frame *frame, const char **piece, size_t *len)
{
	const char *end = *piece + *len;
	bool complete = false;
	const char *at = frame->scalar ? pass_scalar(*piece, end, &complete)
				       : pass_value(frame, *piece, end, &complete);

	buf_put(&frame->text, *piece, (size_t)(at - *piece));
	*len -= (size_t)(at - *piece);
	*piece = at;
	return complete;
}

static void
take_key(struct frame *frame, char c)
{
	if (c == '"' && !frame->escaped) {
		frame->state = STATE_COLON;
		return;
	}
	frame->escaped = c == '\\' && !frame->escaped;
	if (frame->key_len < sizeof frame->key - 1)
		frame->key[frame->key_len++] = c;
	frame->key[frame->key_len] = '\0';
}

/* One byte between the values. */
static void
take_glue(struct frame *frame, char c)
{
	int state = frame->state;

	if (is_space(c))
		return;
	frame->state = STATE_BROKEN;
	if (state == STATE_START && c == '{') {
		frame->state = STATE_FIRST_KEY;
	} else if ((state == STATE_FIRST_KEY || state == STATE_KEY) && c == '"') {
		frame->state = STATE_IN_KEY;
		frame->key_len = 0;
		frame->key[0] = '\0';
		frame->escaped = false;
	} else if ((state == STATE_FIRST_KEY || state == STATE_NEXT) && c == '}') {
		frame->state = STATE_END;
	} else if (state == STATE_COLON && c == ':') {
		frame->state = STATE_VALUE;
	} else if (state == STATE_VALUE && c == '[' &&
		   strcmp(frame->key, "items") == 0) {
		frame->state = STATE_FIRST_ITEM;
	} else if (state == STATE_NEXT && c == ',') {
		frame->state = STATE_KEY;
	} else if ((state == STATE_FIRST_ITEM || state == STATE_NEXT_ITEM) &&
		   c == ']') {
		frame->state = STATE_NEXT;
	} else if (state == STATE_NEXT_ITEM && c == ',') {
		frame->state = STATE_ITEM;
	}
}

/* True when a value begins at this byte. */
static bool
is_value_start(const struct frame *frame, char c)
{
	if (is_space(c) || strchr(",:]}", c) != NULL)
		return false;
	if (frame->state == STATE_VALUE)
		return c != '[' || strcmp(frame->key, "items") != 0;
	return frame->state == STATE_FIRST_ITEM || frame->state == STATE_ITEM;
}

static enum frame_result
next_of_list(struct frame *frame, const char **piece, size_t *len)
{
	while (*len > 0 && frame->state != STATE_BROKEN) {
		if (frame->state == STATE_IN_VALUE || frame->state == STATE_IN_ITEM) {
			bool item = frame->state == STATE_IN_ITEM;

			if (!take_value(frame, piece, len))
				continue;
			frame->state = item ? STATE_NEXT_ITEM : STATE_NEXT;
			if (frame->text.refused)
				return FRAME_OVERSIZED;
			return item ? FRAME_TEXT : FRAME_MEMBER;
		}
		if (is_value_start(frame, **piece)) {
			begin_value(frame, **piece);
			frame->state = frame->state == STATE_VALUE ? STATE_IN_VALUE
								   : STATE_IN_ITEM;
			continue;
		}
		if (frame->state == STATE_IN_KEY)
			take_key(frame, **piece);
		else
			take_glue(frame, **piece);
		*piece += 1;
		*len -= 1;
	}
	return frame->state == STATE_BROKEN ? FRAME_MALFORMED : FRAME_MORE;
}

enum frame_result
frame_next(struct frame *frame, const char **piece, size_t *len)
{
	return frame->form == FRAME_LIST ? next_of_list(frame, piece, len)
					 : next_line(frame, piece, len);
}

bool
frame_is_complete(const struct frame *frame)
{
	if (frame->form == FRAME_LIST)
		return frame->state == STATE_END;
	return frame->state == STATE_END || frame->text.len == 0;
}
