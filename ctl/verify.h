/* Follows the hash chains of an audit stream (proto/chain.h). Runs may come one after
 * the other or mixed. */
#ifndef IPW_CTL_VERIFY_H
#define IPW_CTL_VERIFY_H

#include <stddef.h>
#include <stdio.h>

struct verify;

/* Faults are written to `out` as they are found, one line each. */
struct verify *verify_new(FILE *out);
void verify_free(struct verify *verify);

/* The next line, without its newline. */
void verify_line(struct verify *verify, const char *line, size_t len);

/* Writes what there was of each run, and the verdict. Returns how many faults there
 * were. */
unsigned long verify_end(struct verify *verify);

#endif
