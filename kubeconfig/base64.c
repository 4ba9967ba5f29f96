#include "base64.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* The six bits of a letter, or -1. */
static int
letter_bits(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Letters and padding seen so far; the last of 4 letters empties `bits`. */
struct decoder {
	uint32_t bits;
	size_t letters;
	size_t padding;
	char *out;
	size_t len;
};

static int
take_letter(struct decoder *decoder, char c)
{
	int value = letter_bits(c);

	if (c == '=') {
		decoder->padding++;
		return 0;
	}
	if (value < 0 || decoder->padding > 0)
		return -EINVAL;
	decoder->bits = decoder->bits << 6 | (uint32_t)value;
	if (++decoder->letters % 4 != 0)
		return 0;
	for (int shift = 16; shift >= 0; shift -= 8)
		decoder->out[decoder->len++] = (char)(decoder->bits >> shift);
	decoder->bits = 0;
	return 0;
}

/* Two letters and "==" are one byte more, three and "=" are two. */
static int
finish(struct decoder *decoder)
{
	size_t rest = decoder->letters % 4;

	if (rest == 0)
		return decoder->padding == 0 ? 0 : -EINVAL;
	if (rest == 1 || decoder->padding != 4 - rest)
		return -EINVAL;
	decoder->bits <<= 6 * decoder->padding;
	if ((decoder->bits & (rest == 2 ? 0xffffu : 0xffu)) != 0)
		return -EINVAL;
	decoder->out[decoder->len++] = (char)(decoder->bits >> 16);
	if (rest == 3)
		decoder->out[decoder->len++] = (char)(decoder->bits >> 8);
	return 0;
}

int
base64_decode(const char *text, char **ret_data, size_t *ret_len)
{
	size_t cap = strlen(text) / 4 * 3 + 4;
	struct decoder decoder = {.out = mem_calloc(cap, 1)};
	int rc = 0;

	for (; *text != '\0' && rc == 0; text++)
		if (*text != '\n' && *text != '\r')
			rc = take_letter(&decoder, *text);
	if (rc == 0)
		rc = finish(&decoder);
	if (rc < 0) {
		explicit_bzero(decoder.out, cap);
		free(decoder.out);
		return rc;
	}
	decoder.out[decoder.len] = '\0';
	*ret_data = decoder.out;
	*ret_len = decoder.len;
	return 0;
}
