/* The metadata server of a VM, as far as a client of the compute API asks it: the token
 * of the default service account, and where it runs. A token is new with each request,
 * and good until its expiry. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "gce_api.h"
#include "gce_gate.h"
#include "gce_json.h"
#include "gce_reply.h"
#include "log.h"

#define METADATA_PREFIX "/computeMetadata/v1/"

/* A request that came through a proxy is refused, as the real server does. */
#define METADATA_PROXY_HEADER "X-Forwarded-For"

#define TOKEN_PREFIX	   "ya29."
#define TOKEN_RANDOM_BYTES 24

#define ACCOUNT "instance/service-accounts/default/"
#define EMAIL	GCE_PROJECT_NUMBER "-compute@developer.gserviceaccount.com"
#define SCOPES	"https://www.googleapis.com/auth/cloud-platform\n"

static gce_answer_fn metadata_answer;

/* What is asked for, after the prefix; NULL: something else altogether. */
static const char *
metadata_key(const struct sim_request *request)
{
	size_t len = strlen(METADATA_PREFIX);

	return strncmp(request->path, METADATA_PREFIX, len) == 0 ? request->path + len
								 : NULL;
}

void
sim_metadata_handle(
    void *arg, const struct sim_request *request, struct sim_reply *reply)
{
	struct sim_gce *gce = arg;
	const char *key = metadata_key(request);
	bool token = key != NULL && strcmp(key, ACCOUNT "token") == 0;

	if (!request->again)
		gce->calls[token ? GCE_CALL_METADATA_TOKEN : GCE_CALL_METADATA_OTHER]++;
	gce_gate_pass(gce, "metadata", metadata_answer, request, reply);
}

static void
answer_text(struct sim_reply *reply, int status, const char *text)
{
	reply->status = status;
	reply->content_type = status == 200 ? "application/text" : "text/plain";
	buf_puts(&reply->body, text);
}

/* Forgets the tokens whose time is over. */
static void
tokens_expire(struct sim_gce *gce)
{
	int64_t now_ms = clock_mono().ms;
	size_t kept = 0;

	for (size_t i = 0; i < gce->tokens_len; i++)
		if (gce->tokens[i].expires.ms > now_ms)
			gce->tokens[kept++] = gce->tokens[i];
	gce->tokens_len = kept;
}

/* NULL: too many are valid, or there is no randomness. */
static const struct gce_token *
token_new(struct sim_gce *gce)
{
	unsigned char random[TOKEN_RANDOM_BYTES];
	struct gce_token *token;

	tokens_expire(gce);
	if (gce->tokens_len == GCE_TOKENS_MAX)
		return NULL;
	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
		log_error("getrandom_failed", LOG_S("error", strerror(errno)));
		return NULL;
	}
	token = &gce->tokens[gce->tokens_len++];
	sim_text_copy(token->text, sizeof token->text, TOKEN_PREFIX);
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(
		    token->text + strlen(TOKEN_PREFIX) + 2 * i, 3, "%02x", random[i]);
	token->expires.ms = clock_mono().ms + gce->settings.token_ttl_s * 1000;
	return token;
}

static void
answer_token(struct sim_gce *gce, struct sim_reply *reply)
{
	const struct gce_token *token = token_new(gce);
	struct json_object *object;

	if (token == NULL) {
		answer_text(reply, 503, "no token can be made now\n");
		return;
	}
	object = json_object_new_object();
	gce_json_add_text(object, "access_token", token->text);
	json_object_object_add(
	    object, "expires_in", json_object_new_int64(gce->settings.token_ttl_s));
	gce_json_add_text(object, "token_type", "Bearer");
	gce_reply_json(reply, object, NULL);
}

bool
metadata_token_is_valid(const struct sim_gce *gce, const char *token)
{
	int64_t now_ms = clock_mono().ms;

	for (size_t i = 0; i < gce->tokens_len; i++)
		if (strcmp(gce->tokens[i].text, token) == 0)
			return gce->tokens[i].expires.ms > now_ms;
	return false;
}

/* The texts there are, by what follows the prefix. NULL: there is none of that name. */
static const char *
metadata_text(const struct sim_gce *gce, const char *key)
{
	const struct {
		const char *key;
		const char *text;
	} texts[] = {
	    {ACCOUNT "email", EMAIL},
	    {ACCOUNT "scopes", SCOPES},
	    {"project/project-id", gce->project},
	    {"project/numeric-project-id", GCE_PROJECT_NUMBER},
	    {"instance/attributes/cluster-location",
		gce->location[0] != '\0' ? gce->location : NULL},
	};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (strcmp(key, texts[i].key) == 0)
			return texts[i].text;
	return NULL;
}

static void
metadata_answer(struct sim_gce *gce, const struct sim_request *request,
    struct sim_reply *reply, const struct gce_held *held)
{
	const char *key = metadata_key(request);
	const char *flavor = sim_request_header(request, "Metadata-Flavor");
	const char *text;

	(void)held;
	sim_reply_header(reply, "Metadata-Flavor", "Google");
	sim_reply_header(reply, "Server", "Metadata Server for VM");
	if (strcmp(request->path, "/") == 0) {
		/* how clients find out whether they are on a VM */
		answer_text(reply, 200, "computeMetadata/\n");
		return;
	}
	if (flavor == NULL || strcmp(flavor, "Google") != 0 ||
	    sim_request_header(request, METADATA_PROXY_HEADER) != NULL) {
		answer_text(
		    reply, 403, "the header Metadata-Flavor: Google is missing\n");
		return;
	}
	if (strcmp(request->method, "GET") != 0) {
		answer_text(reply, 405, "only GET is served\n");
		return;
	}
	if (key != NULL && strcmp(key, ACCOUNT "token") == 0) {
		answer_token(gce, reply);
		return;
	}
	text = key != NULL ? metadata_text(gce, key) : NULL;
	if (text == NULL)
		answer_text(reply, 404, "not found\n");
	else
		answer_text(reply, 200, text);
}
