/* What the metadata server's answer must look like: {access_token, expires_in
 * (seconds), token_type "Bearer"}. */
#ifndef IPW_TOKEN_TEXT_H
#define IPW_TOKEN_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* *ret_text is the caller's, to be wiped and freed. Returns 0, or -EPROTO. */
int token_text_parse(
    const char *body, size_t len, char **ret_text, int64_t *ret_life_ms);

#endif
