#include "buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

void
buf_init(struct buf *buf, size_t len_max)
{
	*buf = (struct buf){.len_max = len_max};
}

void
buf_free(struct buf *buf)
{
	size_t len_max = buf->len_max;

	free(buf->data);
	buf_init(buf, len_max);
}

void
buf_reset(struct buf *buf)
{
	buf->len = 0;
	buf->refused = false;
	if (buf->data != NULL)
		buf->data[0] = '\0';
}

/* Room for `len` more bytes and the NUL. */
static int
buf_reserve(struct buf *buf, size_t len)
{
	size_t cap = buf->cap > 0 ? buf->cap : 64;

	if (buf->refused || len > buf->len_max || buf->len > buf->len_max - len) {
		buf->refused = true;
		return -E2BIG;
	}
	while (cap < buf->len + len + 1)
		cap *= 2;
	if (cap > buf->cap) {
		buf->data = mem_realloc(buf->data, cap, 1);
		buf->cap = cap;
	}
	return 0;
}

int
buf_put(struct buf *buf, const void *data, size_t len)
{
	int rc = buf_reserve(buf, len);

	if (rc < 0)
		return rc;
	if (len > 0)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
	return 0;
}

int
buf_puts(struct buf *buf, const char *text)
{
	return buf_put(buf, text, strlen(text));
}

int
buf_putc(struct buf *buf, char c)
{
	return buf_put(buf, &c, 1);
}

int
buf_printf(struct buf *buf, const char *format, ...)
{
	char small[256];
	char *large = NULL;
	va_list args;
	int len, rc;

	va_start(args, format);
	len = vsnprintf(small, sizeof small, format, args);
	va_end(args);
	if (len < 0)
		return -EINVAL;
	if ((size_t)len < sizeof small)
		return buf_put(buf, small, (size_t)len);
	rc = buf_reserve(buf, (size_t)len);
	if (rc < 0)
		return rc;
	large = mem_calloc((size_t)len + 1, 1);
	va_start(args, format);
	vsnprintf(large, (size_t)len + 1, format, args);
	va_end(args);
	rc = buf_put(buf, large, (size_t)len);
	free(large);
	return rc;
}

void
buf_consume(struct buf *buf, size_t len)
{
	if (len > buf->len)
		len = buf->len;
	if (len == 0)
		return;
	memmove(buf->data, buf->data + len, buf->len - len);
	buf->len -= len;
	buf->data[buf->len] = '\0';
}

size_t
buf_utf8_len(const char *bytes, size_t len)
{
	const unsigned char *text = (const unsigned char *)bytes;
	size_t count;
	unsigned char low = 0x80, high = 0xbf;

	if (text[0] < 0x80)
		return 1;
	if (text[0] >= 0xc2 && text[0] <= 0xdf)
		count = 2;
	else if (text[0] >= 0xe0 && text[0] <= 0xef)
		count = 3;
	else if (text[0] >= 0xf0 && text[0] <= 0xf4)
		count = 4;
	else
		return 0;
	if (len < count)
		return 0;
	if (text[0] == 0xe0)
		low = 0xa0;
	else if (text[0] == 0xed)
		high = 0x9f;
	else if (text[0] == 0xf0)
		low = 0x90;
	else if (text[0] == 0xf4)
		high = 0x8f;
	if (text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < count; i++)
		if (text[i] < 0x80 || text[i] > 0xbf)
			return 0;
	return count;
}

/* How many of the bytes stand for themselves in a JSON string. */
static size_t
buf_plain_len(const char *bytes, size_t len)
{
	size_t plain = 0;

	while (plain < len) {
		unsigned char c = (unsigned char)bytes[plain];
		size_t count = 1;

		if (c >= 0x80)
			count = buf_utf8_len(bytes + plain, len - plain);
		else if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
			break;
		if (count == 0)
			break;
		plain += count;
	}
	return plain;
}

int
buf_put_json(struct buf *buf, const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t plain = buf_plain_len(text + i, len - i);
		unsigned char c;

		buf_put(buf, text + i, plain);
		i += plain;
		if (i == len)
			break;
		c = (unsigned char)text[i++];
		if (c == '"' || c == '\\')
			buf_printf(buf, "\\%c", c);
		else if (c < 0x80)
			buf_printf(buf, "\\u%04x", c);
		else
			buf_puts(buf, "\\ufffd");
	}
	return buf->refused ? -E2BIG : 0;
}
