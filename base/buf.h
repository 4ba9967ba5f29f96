/* A growing byte buffer with a limit of its own. Overrunning the limit makes the
 * buffer refuse everything from then on (`refused`), so that a caller may check once
 * at the end. The contents are always followed by a NUL that does not count. */
#ifndef IPW_BUF_H
#define IPW_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data; /* NULL until the first byte */
	size_t len;
	size_t cap;
	size_t len_max;
	bool refused;
};

void buf_init(struct buf *buf, size_t len_max);
/* Gives back the memory; the buffer can be used again. */
void buf_free(struct buf *buf);
/* Forgets contents and refusal, keeps the memory. */
void buf_reset(struct buf *buf);

/* Each returns 0, or -E2BIG when the limit would be passed (nothing is added). */
int buf_put(struct buf *buf, const void *data, size_t len);
int buf_puts(struct buf *buf, const char *text);
int buf_putc(struct buf *buf, char c);
int buf_printf(struct buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Drops the first `len` bytes (at most all). */
void buf_consume(struct buf *buf, size_t len);

/* Length of the well-formed UTF-8 sequence at `bytes` (RFC 3629 §4), or 0. */
size_t buf_utf8_len(const char *bytes, size_t len);

/* `text` as the inside of a JSON string: quotes, backslashes, control characters
 * escaped; bytes that are not UTF-8 become U+FFFD. */
int buf_put_json(struct buf *buf, const char *text, size_t len);

#endif
