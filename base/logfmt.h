/* A log line (log.h) in the shape in which the IP Address Controller writes its own, so
 * that queries of its log go on:
 *   ts=… level=INFO msg="node cordoned" process=reconciler event=node_cordoned node=n1
 * allocation, address and error have its names, crd, ip and trace, and the levels those
 * of Python's logging. A value that is more than a word stands in quotes, with JSON's
 * escapes: readers of the format take them for what they are in JSON (go-logfmt's
 * jsonstring.go). */
#ifndef IPW_LOGFMT_H
#define IPW_LOGFMT_H

#include <stddef.h>

/* `line`: as log_write makes it, a process in front or not, its newline included.
 * Writes the same fields to `out`, at least `len` bytes, which may not overlap it;
 * returns how many, newline included, never more than `len`. */
size_t logfmt_from_line(const char *line, size_t len, char *out);

#endif
