#include "mint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "json_read.h"
#include "mem.h"

/* A life that a server grants is believed in these bounds (seconds): a shorter one
 * would keep both of us busy, a longer one is renewed daily all the same. */
#define LIFE_LEAST_S 2
#define LIFE_MOST_S  86400

/* Renewed when this much of its life has passed, less a random part of it, so that
 * replicas do not come in step (percent). */
#define RENEW_PERCENT  80
#define JITTER_PERCENT 5

/* Waits after failures: at first, and at most (milliseconds). The true wait is a random
 * one between half of it and the whole. */
#define RETRY_LEAST_MS 1000
#define RETRY_MOST_MS  60000

struct mint {
	char *path;
	char *node; /* NULL: not bound */
	const struct effects *effects;
	struct mint_handlers handlers;
	void *arg;

	uint64_t ticket;
	bool asked; /* the call is open */
	bool anew;  /* its answer is no longer what is wanted */
	struct boot_time sent;
	struct boot_time due;	/* the next call */
	struct boot_time until; /* the last token ends */
	unsigned int failures;	/* in a row */
	bool held; /* after a failure of which another node changes nothing */
};

struct grant {
	const char *token; /* borrowed */
	size_t len;
	int64_t life_s;
};

struct mint *
mint_new(const struct mint_options *options, const struct effects *effects,
    const struct mint_handlers *handlers, void *arg)
{
	struct mint *mint = mem_calloc(1, sizeof *mint);

	mint->path = mem_printf("/api/v1/namespaces/%s/serviceaccounts/%s/token",
	    options->namespace, options->account);
	mint->node = options->node != NULL ? mem_strdup(options->node) : NULL;
	mint->effects = effects;
	mint->handlers = *handlers;
	mint->arg = arg;
	mint->ticket = MINT_TICKET_BIT;
	return mint;
}

void
mint_free(struct mint *mint)
{
	if (mint == NULL)
		return;
	free(mint->path);
	free(mint->node);
	free(mint);
}

/* Namespaces, accounts and nodes have names that need no escaping (RFC 1123). */
static char *
make_body(const struct mint *mint)
{
	char *bound = mint->node == NULL
			  ? mem_strdup("")
			  : mem_printf(",\"boundObjectRef\":{\"apiVersion\":\"v1\","
				       "\"kind\":\"Node\",\"name\":\"%s\"}",
				mint->node);
	char *body = mem_printf("{\"apiVersion\":\"authentication.k8s.io/v1\","
				"\"kind\":\"TokenRequest\",\"spec\":{"
				"\"expirationSeconds\":%d%s}}",
	    MINT_LIFE_S, bound);

	free(bound);
	return body;
}

static void
ask(struct mint *mint, struct core_time now)
{
	char *body = make_body(mint);
	struct kube_call call = {
	    .method = "POST",
	    .path = mint->path,
	    .body_kind = KUBE_BODY_JSON,
	    .body = body,
	};

	mint->asked = true;
	mint->sent = now.boot;
	mint->ticket++;
	mint->effects->call(mint->effects->arg, mint->ticket, &call);
	free(body);
}

void
mint_wake(struct mint *mint, struct core_time now)
{
	if (mint->asked)
		return;
	if (now.boot.ms >= mint->due.ms)
		ask(mint, now);
	else
		mint->effects->wake_in(mint->effects->arg, mint->due.ms - now.boot.ms);
}

/* From 0 to `most`, both included. */
static int64_t
random_up_to(const struct mint *mint, int64_t most)
{
	uint32_t number;

	mint->effects->random(mint->effects->arg, &number, sizeof number);
	return number % (most + 1);
}

static void
wait_until(struct mint *mint, struct core_time now, int64_t due_ms)
{
	mint->due.ms = due_ms;
	mint_wake(mint, now);
}

static void
retry(struct mint *mint, struct core_time now, int64_t retry_after_ms)
{
	int64_t wait_ms = RETRY_LEAST_MS;

	for (unsigned int i = 0; i < mint->failures && wait_ms < RETRY_MOST_MS; i++)
		wait_ms *= 2;
	if (wait_ms > RETRY_MOST_MS)
		wait_ms = RETRY_MOST_MS;
	mint->failures++;
	wait_ms = wait_ms / 2 + random_up_to(mint, wait_ms / 2);
	if (wait_ms < retry_after_ms)
		wait_ms =
		    retry_after_ms < RETRY_MOST_MS ? retry_after_ms : RETRY_MOST_MS;
	wait_until(mint, now, now.boot.ms + wait_ms);
}

/* An answer that does not change by being asked again. That our own token is not known
 * (401) does not count: it may be about to be rotated. */
static bool
is_refusal(const struct kube_reply *reply)
{
	return reply->error == 0 && reply->status >= 400 && reply->status <= 499 &&
	       reply->status != 401 && reply->status != 408 && reply->status != 429;
}

static void
fail(struct mint *mint, struct core_time now, const struct kube_reply *reply,
    const char *message)
{
	struct mint_trouble trouble = {
	    .message = message,
	    .refused = is_refusal(reply),
	    .valid = now.boot.ms < mint->until.ms,
	};

	mint->handlers.trouble(mint->arg, &trouble);
	mint->held = !trouble.refused || reply->retry_after_ms > 0;
	retry(mint, now, reply->retry_after_ms);
}

static int
read_grant(struct json_object *json, struct grant *ret_grant)
{
	struct json_object *status = json_read_member(json, "status");
	struct json_object *spec = json_read_member(json, "spec");
	struct grant grant = {.life_s = MINT_LIFE_S};

	grant.token = json_read_string(json_read_member(status, "token"));
	if (grant.token == NULL)
		return -EINVAL;
	grant.len = strlen(grant.token);
	if (grant.len == 0 || grant.len > CONTROL_TOKEN_MAX)
		return -EINVAL;
	/* not expirationTimestamp: the server's clock may be another */
	if (json_read_number(spec, "expirationSeconds", &grant.life_s) < 0)
		return -EINVAL;
	if (grant.life_s < LIFE_LEAST_S)
		grant.life_s = LIFE_LEAST_S;
	if (grant.life_s > LIFE_MOST_S)
		grant.life_s = LIFE_MOST_S;
	*ret_grant = grant;
	return 0;
}

static void
wipe(const struct grant *grant)
{
	char *token;

	memcpy(&token, &grant->token, sizeof token); /* it stands in our own memory */
	explicit_bzero(token, grant->len);
}

static void
take(struct mint *mint, struct core_time now, const struct kube_reply *reply)
{
	struct grant grant;
	int64_t life_ms, jitter_ms;
	int rc;

	if (read_grant(reply->json, &grant) < 0) {
		fail(mint, now, reply, "the answer to a TokenRequest has no token");
		return;
	}
	rc = mint->handlers.token(mint->arg, grant.token, grant.len);
	wipe(&grant);
	if (rc < 0) {
		fail(mint, now, reply, "the token could not be handed over");
		return;
	}
	mint->failures = 0;
	mint->held = false;
	life_ms = grant.life_s * 1000;
	jitter_ms = random_up_to(mint, life_ms * JITTER_PERCENT / 100);
	mint->until.ms = mint->sent.ms + life_ms;
	wait_until(
	    mint, now, mint->sent.ms + life_ms * RENEW_PERCENT / 100 - jitter_ms);
}

void
mint_renew(struct mint *mint, struct core_time now)
{
	int64_t due_ms = mint->sent.ms + MINT_RENEW_MS;

	mint->anew = mint->asked;
	if (mint->asked || mint->node == NULL)
		return;
	if (!mint->held)
		mint->failures = 0;
	else if (due_ms < mint->due.ms)
		due_ms = mint->due.ms;
	wait_until(mint, now, due_ms > now.boot.ms ? due_ms : now.boot.ms);
}

void
mint_answer(struct mint *mint, struct core_time now, uint64_t ticket,
    const struct kube_reply *reply)
{
	if (!mint->asked || ticket != mint->ticket)
		return;
	mint->asked = false;
	if (reply->error == 0 && reply->status >= 200 && reply->status <= 299) {
		take(mint, now, reply);
	} else if (mint->node != NULL &&
		   (reply->status == 400 || reply->status == 422)) {
		mint->handlers.unbound(mint->arg, reply->message);
		free(mint->node);
		mint->node = NULL;
		ask(mint, now);
	} else {
		fail(mint, now, reply, reply->message);
	}
	if (mint->anew)
		mint_renew(mint, now);
}
