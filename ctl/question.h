/* What `ipwardenctl who` is asked: about what, and of which time. Pure. */
#ifndef IPW_CTL_QUESTION_H
#define IPW_CTL_QUESTION_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bounds.h"

enum question_kind { QUESTION_ADDRESS, QUESTION_NODE, QUESTION_POD };

struct question {
	enum question_kind kind;
	char address[INET6_ADDRSTRLEN]; /* in its usual form (RFC 5952) */
	char node[NAME_MAX_LEN + 1];
	char namespace[NAME_MAX_LEN + 1];
	char pod[NAME_MAX_LEN + 1];
};

/* ADDRESS, node/NAME or pod/NAMESPACE/NAME. Returns 0, or -EINVAL and what is wrong
 * with it, in words. */
int question_read(
    const char *text, struct question *ret_question, const char **ret_why);

/* An address in its usual form. Returns 0 or -EINVAL. */
int question_address(const char *text, char out[INET6_ADDRSTRLEN]);

/* As much of an RFC 1123 subdomain as matters here: the first `len` bytes are nothing
 * that a path, a field selector or a terminal would take for more than a name. */
bool question_is_name(const char *text, size_t len);

/* RFC 3339; "YYYY-MM-DD HH:MM" with ":SS" or not, in the local zone (TZ), also with "T"
 * in between; or how long ago, as "2h30m". Returns 0 or -EINVAL. */
int question_time(const char *text, int64_t now_ms, int64_t *ret_ms);

#endif
