#include "token.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "breaker.h"
#include "log.h"
#include "mem.h"
#include "token_text.h"

#define TOKEN_PATH "/computeMetadata/v1/instance/service-accounts/default/token"

/* Its reply; a token has one to a few KiB. */
#define TOKEN_BODY_MAX 32768u

struct token {
	struct loop *loop;
	struct http_target *metadata;
	struct http_target *compute;
	token_fn *ended;
	token_breaker_fn *broken;
	void *arg;
	struct http_exchange *exchange; /* the open request, or NULL */
	struct loop_timer *timer;	/* the next try or refresh */
	struct breaker breaker;		/* of the metadata server */
	bool refreshing;
	bool valid;
	struct mono_time expires;
	uint64_t generation;
};

static void token_ask(struct token *token);

static void
token_due(void *arg)
{
	struct token *token = arg;

	if (token->refreshing)
		token_ask(token);
	else
		token_refresh(token);
}

struct token *
token_new(struct loop *loop, struct http_target *metadata, struct http_target *compute,
    token_fn *ended, token_breaker_fn *broken, void *arg)
{
	struct token *token = mem_calloc(1, sizeof *token);

	token->loop = loop;
	token->metadata = metadata;
	token->compute = compute;
	token->ended = ended;
	token->broken = broken;
	token->arg = arg;
	token->timer = loop_timer_new(loop, token_due, token);
	return token;
}

void
token_free(struct token *token)
{
	if (token == NULL)
		return;
	if (token->exchange != NULL)
		http_cancel(token->exchange);
	loop_timer_free(token->timer);
	http_target_set_bearer(token->compute, NULL, 0);
	free(token);
}

bool
token_valid(const struct token *token)
{
	return token->valid && clock_mono().ms < token->expires.ms;
}

uint64_t
token_generation(const struct token *token)
{
	return token->generation;
}

void
token_invalidate(struct token *token, uint64_t generation)
{
	if (generation != token->generation || !token->valid)
		return;
	log_warn("token_refused", LOG_N("generation", generation));
	token->valid = false;
	http_target_set_bearer(token->compute, NULL, 0);
}

void
token_refresh(struct token *token)
{
	if (token->refreshing)
		return;
	token->refreshing = true;
	loop_timer_disarm(token->timer);
	token_ask(token);
}

/* --- tries --------------------------------------------------------------------- */

static void
token_judge(struct token *token, enum breaker_mark mark, const char *why)
{
	struct breaker *breaker = &token->breaker;
	unsigned int failures = breaker->failures;
	enum breaker_news news =
	    breaker_judge(breaker, clock_mono(), mark, 0, breaker_random());

	if (news != BREAKER_SAME)
		token->broken(token->arg, breaker->open,
		    breaker->open ? breaker->failures : failures, why);
}

static void
token_failed(struct token *token, const char *why)
{
	token_judge(token, BREAKER_OUTAGE, why);
	loop_timer_arm(token->timer, breaker_wait_ms(&token->breaker, clock_mono()));
	if (token->breaker.open)
		token->ended(token->arg, why);
}

static int
token_take(struct token *token, const struct http_reply *reply)
{
	int64_t life_ms, refresh_ms;
	char *text;
	int rc;

	rc = token_text_parse(reply->body, reply->body_len, &text, &life_ms);
	if (rc != 0)
		return rc;
	rc = http_target_set_bearer(token->compute, text, strlen(text));
	explicit_bzero(text, strlen(text));
	free(text);
	if (rc != 0)
		return rc;
	refresh_ms = life_ms - TOKEN_REFRESH_MS;
	if (refresh_ms < life_ms / 2)
		refresh_ms = life_ms / 2;
	token->valid = true;
	token->generation++;
	token->expires.ms = clock_mono().ms + life_ms;
	token->refreshing = false;
	loop_timer_arm(token->timer, refresh_ms);
	token_judge(token, BREAKER_GOOD, NULL);
	log_info("token_refreshed", LOG_N("generation", token->generation),
	    LOG_N("life_s", life_ms / 1000));
	return 0;
}

static void
token_answered(void *arg, const struct http_reply *reply)
{
	struct token *token = arg;
	char why[256];

	token->exchange = NULL;
	if (reply->error != 0) {
		snprintf(why, sizeof why, "metadata server: %s", reply->detail);
	} else if (reply->status != 200) {
		snprintf(
		    why, sizeof why, "metadata server: HTTP status %d", reply->status);
	} else if (token_take(token, reply) != 0) {
		snprintf(why, sizeof why, "metadata server: its reply holds no token");
	} else {
		token->ended(token->arg, NULL);
		return;
	}
	token_failed(token, why);
}

static void
token_ask(struct token *token)
{
	static const char *const headers[] = {"Metadata-Flavor: Google", NULL};
	struct http_request request = {
	    .method = "GET",
	    .path = TOKEN_PATH,
	    .headers = headers,
	    .timeout_ms = TOKEN_TIMEOUT_MS,
	    .size_max = TOKEN_BODY_MAX,
	    .done = token_answered,
	    .arg = token,
	};

	token->exchange = http_start(token->metadata, &request);
}
