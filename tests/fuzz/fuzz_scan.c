/* Any bytes as JSON. What scan_skip accepts, a walk over every member accepts too, and
 * the other way round; and a list or stream is cut the same however it is divided. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "frame.h"
#include "mem.h"
#include "scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All that a reader can do with one value; the depth is bounded by the scanner. */
static void
walk(struct scan *scan)
{
	struct scan look = *scan;
	const char *key;
	size_t len;
	char text[64];

	while (look.at < look.end && strchr(" \t\r\n", *look.at) != NULL &&
	       *look.at != '\0')
		look.at++;
	if (look.at < look.end && *look.at == '{') {
		if (scan_enter_object(scan))
			while (scan_next_key(scan, &key, &len))
				walk(scan);
	} else if (look.at < look.end && *look.at == '[') {
		if (scan_enter_array(scan))
			while (scan_next_element(scan))
				walk(scan);
	} else {
		/* these may refuse what is sound JSON, so they work on a copy */
		struct scan copy = *scan;
		int64_t number;
		bool flag;

		scan_string(&copy, text, sizeof text);
		assert(strlen(text) < sizeof text);
		copy = *scan;
		scan_integer(&copy, &number);
		copy = *scan;
		scan_bool(&copy, &flag);
		scan_skip(scan);
	}
}

static void
check_scan(const char *text, size_t size)
{
	struct scan skipped, walked, raw;
	const char *start = NULL;
	size_t len = 0;

	scan_init(&skipped, text, size);
	scan_skip(&skipped);
	scan_init(&walked, text, size);
	walk(&walked);
	scan_init(&raw, text, size);
	scan_raw(&raw, &start, &len);
	assert(skipped.error == raw.error);
	assert(skipped.error != 0 || (start >= text && start + len == skipped.at));
	assert(scan_finish(&skipped) == scan_finish(&walked));
}

/* Cuts the text in pieces of `step` bytes into `out`. */
static void
cut(enum frame_form form, const char *text, size_t size, size_t step, struct buf *out)
{
	struct frame frame;
	bool malformed = false;

	frame_init(&frame, form);
	for (size_t at = 0; at < size && !malformed; at += step) {
		const char *piece = text + at;
		size_t len = step < size - at ? step : size - at;
		enum frame_result result;

		while (!malformed &&
		       (result = frame_next(&frame, &piece, &len)) != FRAME_MORE) {
			malformed = result == FRAME_MALFORMED;
			buf_printf(out, "%d %zu:", (int)result, frame.text.len);
			if (!malformed && frame.text.data != NULL)
				buf_put(out, frame.text.data, frame.text.len);
		}
	}
	buf_putc(out, frame_is_complete(&frame) ? '1' : '0');
	frame_free(&frame);
}

static void
check_frame(enum frame_form form, const char *text, size_t size)
{
	struct buf whole, pieces;

	if (size == 0)
		return;
	buf_init(&whole, SIZE_MAX / 4);
	buf_init(&pieces, SIZE_MAX / 4);
	cut(form, text, size, size, &whole);
	cut(form, text, size, 1 + (unsigned char)text[0] % 7, &pieces);
	assert(
	    whole.len == pieces.len && memcmp(whole.data, pieces.data, whole.len) == 0);
	buf_free(&whole);
	buf_free(&pieces);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* a copy of its own, so that a read beyond it is seen */
	char *text = mem_calloc(size, 1);

	if (size > 0)
		memcpy(text, data, size);
	check_scan(text, size);
	check_frame(FRAME_LIST, text, size);
	check_frame(FRAME_LINES, text, size);
	free(text);
	return 0;
}

#ifdef FUZZ_STANDALONE
/* Largest corpus file (bytes). */
#define FILE_MAX (1024u * 1024u)

int
main(int argc, char **argv)
{
	uint8_t *data = mem_calloc(FILE_MAX, 1);

	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		size_t size;

		if (file == NULL) {
			perror(argv[i]);
			free(data);
			return 1;
		}
		size = fread(data, 1, FILE_MAX, file);
		fclose(file);
		LLVMFuzzerTestOneInput(data, size);
	}
	printf("%d inputs\n", argc - 1);
	free(data);
	return argc > 1 ? 0 : 1;
}
#endif
