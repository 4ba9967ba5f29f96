#include "mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"

static void
out_of_memory(void)
{
	static const char line[] =
	    "{\"level\":\"error\",\"event\":\"out_of_memory\"}\n";
	ssize_t written = write(STDERR_FILENO, line, sizeof line - 1);

	(void)written;
	_exit(EXIT_MEMORY);
}

void *
mem_calloc(size_t count, size_t size)
{
	void *block = calloc(count > 0 ? count : 1, size > 0 ? size : 1);

	if (block == NULL)
		out_of_memory();
	return block;
}

void *
mem_realloc(void *old, size_t count, size_t size)
{
	void *block = reallocarray(old, count > 0 ? count : 1, size > 0 ? size : 1);

	if (block == NULL)
		out_of_memory();
	return block;
}

char *
mem_strdup(const char *text)
{
	return mem_strndup(text, SIZE_MAX - 1);
}

char *
mem_strndup(const char *text, size_t len_max)
{
	size_t len = strnlen(text, len_max);
	char *copy = mem_calloc(len + 1, 1);

	memcpy(copy, text, len);
	return copy;
}

const char *
mem_keep(char **at, const char *text, size_t len)
{
	char *kept = *at;

	memcpy(kept, text, len);
	kept[len] = '\0';
	*at += len + 1;
	return kept;
}

char *
mem_printf(const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		out_of_memory();
	return text;
}
