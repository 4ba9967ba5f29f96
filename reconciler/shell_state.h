/* What the parts of the shell share. Private to shell*.c. */
#ifndef IPW_SHELL_STATE_H
#define IPW_SHELL_STATE_H

#include <stdbool.h>
#include <sys/queue.h>

#include "core.h"
#include "elect.h"
#include "kube.h"
#include "mint.h"
#include "review.h"
#include "round.h"
#include "shell.h"

#define LEASE_NAME_DEFAULT	"ip-address-controller-leader"
#define LEASE_NAMESPACE_DEFAULT "kube-system"

struct footprints;
struct history;

struct shell_call {
	struct shell *shell;
	uint64_t ticket;
	LIST_ENTRY(shell_call) link;
};

/* The earliest time that core, elect or mint has asked to be woken at. */
struct wake {
	struct loop_timer *timer;
	struct mono_time due;
	bool armed;
};

struct shell {
	struct worker *worker;
	struct shell_parts parts;
	char *identity;
	struct kube *kube;
	struct elect *elect; /* NULL: a node's agent elects nobody */
	struct core *core;
	struct mint *mint; /* NULL: the watcher was given credentials */
	struct kube_review *review;
	struct footprints *footprints;	   /* NULL: none are kept */
	struct history *history;	   /* NULL: it is not kept */
	struct kube_informer *lease_watch; /* NULL: we lead, or stop */
	bool lease_listed;		   /* the present list has it */
	bool lease_watch_failed;	   /* and that has been told */
	struct effects core_effects;
	struct effects elect_effects;
	struct effects mint_effects;
	struct elect_times times;
	struct wake core_wake;
	struct wake elect_wake;
	struct wake mint_wake;
	struct loop_timer *tick;
	struct loop_timer *stop_deadline;
	/* one time for everything that one event brings about */
	struct core_time now;
	LIST_HEAD(shell_calls, shell_call) calls;
	int files[FILE_COUNT]; /* that came before the API client; -1 none */
	/* "" = nothing against being ready */
	char core_reason[TEXT_MAX + 1];
	char audit_reason[TEXT_MAX + 1];
	char lease_reason[TEXT_MAX + 1];
	char token_reason[TEXT_MAX + 1];
	char token_trouble[TEXT_MAX + 1]; /* the last that was logged */
	bool token_bound;		  /* to the node */
	bool node_seen;			  /* its uid, as last seen: */
	char node_uid[UID_MAX_LEN + 1];	  /* "" it is not there */
	bool token_may_share;
	bool token_minted; /* at least once: ours are not shared any more */
	bool token_shared; /* the watcher has our credentials */
	bool stopping;
	bool releasing;
};

/* At the start of each event. */
void shell_look_at_clocks(struct shell *shell);
/* At the end of each event: whether the lease is to be given away, or a stop can go on.
 */
void shell_stop_step(struct shell *shell);
/* After any of the reasons has changed. */
void shell_put_readiness(struct shell *shell);

/* Makes the timers and the effects of core and elect. */
void shell_open_effects(struct shell *shell);
void shell_close_effects(struct shell *shell);
void shell_wake_in(struct wake *wake, int64_t delay_ms);

/* A follower watches the Lease; to be called when we begin to follow, and when we lead
 * or stop. Both may be repeated. */
void shell_watch_lease(struct shell *shell);
void shell_leave_lease(struct shell *shell);

/* After the API client: mints the watcher's token, reviews our rights. */
void shell_start_identity(struct shell *shell);
/* Now and then: a token that is bound to a Node that is gone is asked for again. */
void shell_look_at_node(struct shell *shell);
/* Right before kube_free. */
void shell_close_identity(struct shell *shell);

/* What ConfigMaps are kept in asks through the core: one request at a time. */
struct shell_asks {
	struct shell *shell;
	const char *namespace; /* of the ConfigMaps; of the settings */
	const char *written;   /* words for the audit stream */
	const char *deleted;
	/* Who waits for the answer to the request that is open; NULL: nobody. */
	kube_done_fn *done;
	void *done_arg;
};
/* `arg` is a struct shell_asks. */
store_call_fn shell_ask;

/* Where they are wanted, after the core. */
void shell_start_footprints(struct shell *shell);
/* With each pod's fact, and each second; whether they are wanted or not. */
/* Before what happens in a new hour. */
void shell_footprints_hour(struct shell *shell);
void shell_footprints_pod(struct shell *shell, const struct msg_fact_pod *pod);
void shell_footprints_tick(struct shell *shell);
/* A stop has begun: who leads writes what is not written yet, as long as core_ask lets
 * it. */
void shell_end_footprints(struct shell *shell);
/* The lease is lost: what is being written is given up. */
void shell_abort_footprints(struct shell *shell);
/* After kube_free. */
void shell_close_footprints(struct shell *shell);

/* The same of the history of addresses. */
void shell_start_history(struct shell *shell);
void shell_history_tick(struct shell *shell);
void shell_end_history(struct shell *shell);
void shell_abort_history(struct shell *shell);
void shell_close_history(struct shell *shell);

#endif
