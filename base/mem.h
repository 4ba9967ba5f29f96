/* Memory that never fails: a process that runs out of it says so and ends with
 * EXIT_MEMORY; the supervisor starts it again. The caller owns what is returned and
 * gives it back with free(). */
#ifndef IPW_MEM_H
#define IPW_MEM_H

#include <stddef.h>

void *mem_calloc(size_t count, size_t size);
void *mem_realloc(void *old, size_t count, size_t size);
char *mem_strdup(const char *text);
char *mem_strndup(const char *text, size_t len_max);
/* Copies a text and its NUL to *at, which then stands behind it: for who packs texts
 * into memory that has room for them. Returns the copy. */
const char *mem_keep(char **at, const char *text, size_t len);
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
