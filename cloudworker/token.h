/* The access token of the machine's service account, from the metadata server (on GKE
 * also Workload Identity): fetched when it is wanted, refreshed well before it ends,
 * one request at a time. It is handed to the compute target and kept nowhere else.
 * Source: google-auth, compute_engine/_metadata.py; CLOUDS §1.5. */
#ifndef IPW_TOKEN_H
#define IPW_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "http.h"
#include "loop.h"

/* Refreshed this long before its end, or after half its life if that is later. */
#define TOKEN_REFRESH_MS 225000

#define TOKEN_TIMEOUT_MS 3000

struct token;

/* There is a new token (`why` NULL); or a probe has failed while the metadata server's
 * breaker was open, which is tried again without being asked (why: for people;
 * borrowed). An older token may still be good: token_valid. */
typedef void token_fn(void *arg, const char *why);
/* That breaker opened (why: for people; borrowed), or closed (NULL), after so many
 * failures in a row. */
typedef void token_breaker_fn(
    void *arg, bool open, unsigned int failures, const char *why);

/* Both targets must outlive it. */
struct token *token_new(struct loop *loop, struct http_target *metadata,
    struct http_target *compute, token_fn *ended, token_breaker_fn *broken, void *arg);
void token_free(struct token *token);

/* Starts a refresh if none is under way; `ended` follows, never from within. */
void token_refresh(struct token *token);

bool token_valid(const struct token *token);

/* Changes with each new token. */
uint64_t token_generation(const struct token *token);

/* Compute refused the token of that generation: it is not used again. Nothing happens
 * when there is a newer one. */
void token_invalidate(struct token *token, uint64_t generation);

#endif
