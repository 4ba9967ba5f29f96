/* Who we are to the API server, and what of it the watcher gets: its token is minted
 * and handed to the supervisor, and our own rights are reviewed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "control.h"
#include "fds.h"
#include "log.h"
#include "shell_state.h"

static void
put_reason(struct shell *shell, const char *reason)
{
	MESSAGE_TEXT(shell->token_reason, reason);
	shell_put_readiness(shell);
}

/* --- the watcher's token --- */

static int
on_token(void *arg, const char *token, size_t len)
{
	struct shell *shell = arg;
	int rc;

	log_info("watcher_token_minted",
	    LOG_S("bound_to", shell->token_bound ? "node" : "nothing"));
	rc = control_send(FD_CONTROL, CONTROL_TOKEN, token, len, -1);
	if (rc < 0)
		return rc;
	shell->token_minted = true;
	shell->token_shared = false;
	shell->token_trouble[0] = '\0';
	put_reason(shell, "");
	return 0;
}

static void
on_unbound(void *arg, const char *message)
{
	struct shell *shell = arg;

	shell->token_bound = false;
	log_warn("watcher_token_unbound", LOG_S("error", message));
}

/* Said once, and again when it is another trouble. */
static void
on_trouble(void *arg, const struct mint_trouble *trouble)
{
	struct shell *shell = arg;
	char text[TEXT_MAX + 1];

	if (trouble->refused && !shell->token_minted) {
		/* the supervisor decides; what does not arrive is said again */
		control_send(FD_CONTROL, CONTROL_TOKEN, NULL, 0, -1);
		shell->token_shared = shell->token_may_share;
	}
	MESSAGE_TEXT(text, trouble->message);
	if (strcmp(shell->token_trouble, text) != 0)
		log_warn("watcher_token_failed", LOG_S("error", text),
		    LOG_S("refused", trouble->refused ? "yes" : "no"));
	MESSAGE_TEXT(shell->token_trouble, text);
	if (trouble->valid || shell->token_shared)
		text[0] = '\0';
	else
		snprintf(
		    text, sizeof text, "watcher: no token: %.450s", trouble->message);
	put_reason(shell, text);
}

static const struct mint_handlers mint_handlers = {
    .token = on_token,
    .unbound = on_unbound,
    .trouble = on_trouble,
};

static void
effect_mint_wake_in(void *arg, int64_t delay_ms)
{
	struct shell *shell = arg;

	shell_wake_in(&shell->mint_wake, delay_ms);
}

static void
on_mint_wake(void *arg)
{
	struct shell *shell = arg;

	shell->mint_wake.armed = false;
	shell_look_at_clocks(shell);
	mint_wake(shell->mint, shell->now);
}

static void
start_mint(struct shell *shell, const char *account)
{
	const struct settings *settings = &shell->worker->settings;
	struct mint_options options = {
	    .namespace = settings_get(settings, SETTING_POD_NAMESPACE, "kube-system"),
	    .account = account,
	    .node = settings_get(settings, SETTING_NODE_NAME, NULL),
	};

	shell->token_bound = options.node != NULL;
	shell->token_may_share =
	    settings_get(settings, SETTING_ALLOW_SHARED_TOKEN, NULL) != NULL;
	shell->mint_effects = shell->core_effects;
	shell->mint_effects.wake_in = effect_mint_wake_in;
	shell->mint = mint_new(&options, &shell->mint_effects, &mint_handlers, shell);
	shell->mint_wake.timer =
	    loop_timer_new(shell->worker->loop, on_mint_wake, shell);
	shell_wake_in(&shell->mint_wake, 0);
}

void
shell_look_at_node(struct shell *shell)
{
	const char *name =
	    settings_get(&shell->worker->settings, SETTING_NODE_NAME, NULL);
	const struct world *world = core_world(shell->core);
	const struct world_node *node;
	const char *uid;

	if (name == NULL || !world->sync[FACT_KIND_NODE].complete)
		return;
	node = world_node(world, name);
	uid = node != NULL ? node->uid : "";
	if (shell->node_seen && strcmp(shell->node_uid, uid) != 0)
		mint_renew(shell->mint, shell->now);
	shell->node_seen = true;
	MESSAGE_TEXT(shell->node_uid, uid);
}

/* --- our rights --- */

static void
on_finding(void *arg, const struct kube_finding *finding)
{
	struct shell *shell = arg;
	enum metric metric =
	    finding->excess ? METRIC_ACCESS_EXCESS : METRIC_ACCESS_MISSING;

	meter_set(shell->parts.meter, metric, finding->wrong ? 1 : 0, "reconciler",
	    finding->verb, finding->resource, finding->namespace);
}

void
shell_start_identity(struct shell *shell)
{
	const struct settings *settings = &shell->worker->settings;
	const char *account = settings_get(settings, SETTING_WATCHER_ACCOUNT, NULL);
	const struct kube_right *rights;
	size_t rights_len;

	if (account != NULL)
		start_mint(shell, account);
	rights = access_rights(
	    settings_get(settings, SETTING_AGENT_NODE, NULL) != NULL, &rights_len);
	shell->review = kube_review_new(
	    shell->kube, settings, rights, rights_len, on_finding, shell);
}

void
shell_close_identity(struct shell *shell)
{
	kube_review_free(shell->review);
	mint_free(shell->mint);
	loop_timer_free(shell->mint_wake.timer);
}
