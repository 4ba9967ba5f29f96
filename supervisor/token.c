#include <string.h>
#include <unistd.h>

#include "log.h"
#include "memfd.h"
#include "supervisor.h"

/* Refused a token, the watcher stays where it is: not started, or with the token that
 * it has, which may still be good. What was its own never becomes the one that can
 * write. */
static void
take_refusal(struct supervisor *sup)
{
	struct identity *watcher = &sup->identities[IDENTITY_WATCHER];
	const struct identity *own = &sup->identities[IDENTITY_RECONCILER];

	if (sup->watcher_source != WATCHER_AWAITED || !sup->options.allow_shared_token)
		return;
	memcpy(watcher->files, own->files, sizeof watcher->files);
	sup->watcher_source = WATCHER_SHARED;
	log_warn("watcher_shares_identity",
	    LOG_S("error", "no token could be minted for it: the watcher can write to "
			   "the API server, not only read"));
}

/* Takes back what it shared. Its CA stays: it is the same server. */
static void
unshare_files(struct identity *watcher)
{
	for (enum file_kind kind = 0; kind < FILE_COUNT; kind++)
		if (kind != FILE_KUBE_CA)
			watcher->files[kind] = (struct credential){.memfd = -1};
}

void
token_take(struct supervisor *sup, const struct control_record *record)
{
	struct identity *watcher = &sup->identities[IDENTITY_WATCHER];
	enum watcher_source before = sup->watcher_source;
	struct credential *token = &watcher->files[FILE_KUBE_TOKEN];
	int fd;

	if (record->len == 0) {
		take_refusal(sup);
		return;
	}
	fd = memfd_make_sealed(record->payload, record->len);
	if (fd < 0) {
		log_error("token_not_kept", LOG_S("error", strerror(-fd)));
		return;
	}
	if (before == WATCHER_SHARED)
		unshare_files(watcher);
	if (token->memfd >= 0)
		close(token->memfd);
	token->memfd = fd;
	sup->watcher_source = WATCHER_MINTED;
	if (before == WATCHER_SHARED) /* it must not keep what it knew */
		child_kill(
		    sup, ROLE_WATCHER, RESTART_IDENTITY, "has a token of its own now");
	else
		feed_again(sup, IDENTITY_WATCHER, FILE_KUBE_TOKEN);
}
