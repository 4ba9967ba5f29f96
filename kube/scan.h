/* A projection scanner: walks JSON text once, without a tree and without recursion, and
 * hands over only what it is asked for. Depth, lengths and UTF-8 are checked; what is
 * malformed (RFC 8259) is refused as a whole. tests/unit/test_scan_json.c holds it to
 * json-c, and says where the two differ. */
#ifndef IPW_SCAN_H
#define IPW_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Deepest nesting of objects and arrays that is accepted. */
#define SCAN_DEPTH_MAX 64

struct scan {
	const char *at;
	const char *end;
	int error;	    /* 0 or -EBADMSG; sticky */
	unsigned int depth; /* containers that were entered and not yet left */
	bool fresh; /* just entered a container: no comma before what comes next */
};

void scan_init(struct scan *scan, const char *json, size_t len);

/* For walking an object: call after scan_enter_object; gives each key in turn (still
 * escaped bytes, without quotes; keys with escapes never match a plain name) and stands
 * at its value, which must be consumed by one of the functions below. False at the end
 * of the object or on error. */
bool scan_enter_object(struct scan *scan); /* false: the value is null (consumed) */
bool scan_next_key(struct scan *scan, const char **ret_key, size_t *ret_len);
bool scan_key_is(const char *key, size_t len, const char *name);

bool scan_enter_array(struct scan *scan); /* false: null (consumed) */
/* Stands at the next element; false at the end of the array or on error. */
bool scan_next_element(struct scan *scan);

/* Consume one value. */
void scan_skip(struct scan *scan);
/* The raw text of the value, whatever it is. */
void scan_raw(struct scan *scan, const char **ret_start, size_t *ret_len);
/* A string, unescaped into out, NUL-terminated; null gives "". A string that does not
 * fit, holds a NUL or half a surrogate pair is refused. Other types are refused. */
void scan_string(struct scan *scan, char *out, size_t size);
void scan_bool(struct scan *scan, bool *ret_value);	  /* null gives false */
void scan_integer(struct scan *scan, int64_t *ret_value); /* null gives 0 */

/* After the last value: only white space may follow. Returns 0 or -EBADMSG. */
int scan_finish(struct scan *scan);

#endif
