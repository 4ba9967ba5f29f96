/* Base64 of RFC 4648 §4, strict: the padded alphabet, no bits left over. */
#ifndef IPW_CONFIG_BASE64_H
#define IPW_CONFIG_BASE64_H

#include <stddef.h>

/* Decodes `text`; line breaks are passed over, as Go's decoder does (YAML block texts
 * have them). *ret_data is the caller's and followed by a NUL. Returns 0 or -EINVAL. */
int base64_decode(const char *text, char **ret_data, size_t *ret_len);

#endif
