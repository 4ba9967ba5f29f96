/* One JSON line per event on descriptor 2:
 *   {"ts":"…","level":"info","msg":"node cordoned","event":"node_cordoned","node":"n1"}
 * Flat, printable ASCII only (the rest is \u-escaped), at most LOG_LINE_MAX bytes. The
 * supervisor puts `"process"` in front of a worker's lines, so no key may be named so.
 * An event name is snake_case and constant; what varies goes into fields. What a field
 * speaks of has one name everywhere: allocation, address, node, zone, leader (the
 * identity that leads), error (why something failed, in words). Never log a secret. */
#ifndef IPW_LOG_H
#define IPW_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
	const char *key;
	const char *text; /* NULL is written as "" */
	int64_t number;	  /* counts where `is_number` */
	bool is_number;
};

/* LOG_S("node", name), LOG_N("pods", 3) */
#define LOG_S(k, v) ((struct log_field){.key = (k), .text = (v)})
#define LOG_N(k, v)                                                                    \
	((struct log_field){.key = (k), .number = (int64_t)(v), .is_number = true})

/* Lines below `level` are not written. Default: LOG_INFO. */
void log_set_level(enum log_level level);

/* Puts `"process":"NAME"` into each line: for the supervisor and the tools, whose
 * lines nobody forwards. */
void log_set_process(const char *name);

/* What is written: JSON, or the same fields as logfmt: ts=… level=info msg="node
 * cordoned" …, a value that is more than a word in quotes. */
void log_set_logfmt(bool logfmt);

/* Writes one line of the form that log_write makes, with a process in front or not, its
 * newline included. */
void log_emit(const char *line, size_t len);

void log_write(enum log_level level, const char *event, const struct log_field *fields,
    size_t count);

#define log_event(level, event, ...)                                                   \
	log_write(level, event, (const struct log_field[]){__VA_ARGS__},               \
	    sizeof((const struct log_field[]){__VA_ARGS__}) /                          \
		sizeof(struct log_field))

/* log_info("listening", LOG_N("port", 9999)); at least one field each. */
#define log_debug(event, ...) log_event(LOG_DEBUG, event, __VA_ARGS__)
#define log_info(event, ...)  log_event(LOG_INFO, event, __VA_ARGS__)
#define log_warn(event, ...)  log_event(LOG_WARN, event, __VA_ARGS__)
#define log_error(event, ...) log_event(LOG_ERROR, event, __VA_ARGS__)

/* True when `line` (without its newline) is exactly of the form that log_write makes
 * and names no process: flat, ASCII, first keys ts, level, msg, event. The supervisor's
 * one fixed check. */
bool log_line_is_ours(const char *line, size_t len);

#endif
