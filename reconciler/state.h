/* What core.c, act.c and their helpers share: the state of one core. Private to them.
 */
#ifndef IPW_STATE_H
#define IPW_STATE_H

#include "allocation.h"
#include "core.h"
#include "map.h"
#include "plan.h"
#include "rate.h"
#include "view.h"
#include "world.h"

/* Orders open at a time, over all allocations. */
#define ORDERS_OPEN_MAX 8u
/* Orders remembered, ended ones included; the oldest ended one goes first. Only what
 * ended since its intent was last carried on is asked for. */
#define ORDERS_KEPT_MAX 32u
/* A request id is not used again later than that after its intent was written: clouds
 * forget it (CLOUDS.md §1.1). */
#define REQUEST_AGE_MAX_MS 3600000
/* Refusals in a row after which an order counts as failed. */
#define REFUSALS_MAX 3u
/* Backoff of an address, an object, a node's labels. */
#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS	 60000
/* resourceVersions remembered, so that a late hint does not cause a read. */
#define HELD_MAX 8u
/* Pods may come by the hundred: after a burst the plan is made at most so often. The
 * burst is for what one move needs, an answer after the other, while little else
 * happens. */
#define PASS_BURST  20
#define PASS_GAP_MS 50

struct backoff {
	int64_t not_before_ms; /* mono */
	int64_t delay_ms;
	bool outage; /* the server is why, not what it waits for */
};

/* The fresh reads before something is taken away. */
enum check_purpose { CHECK_MOVE, CHECK_RELEASE };
enum check_state { CHECK_NONE, CHECK_RUNNING, CHECK_PASSED, CHECK_FAILED };

/* What is remembered of one address of one allocation; never needed to be right. */
struct slot {
	char address[ADDRESS_MAX + 1];
	struct backoff backoff;
	unsigned refusals;
	enum check_state check;
	enum check_purpose check_purpose; /* what the reads were for, */
	char check_instance[128];	  /* and about */
	struct mono_time checked_at;
	char give_request[ID_MAX + 1];
	unsigned give_tries;
	bool unsent; /* its intent is this leader's, and nothing was ordered for it */
	unsigned returns; /* moves in a row that ended where they had begun */
	struct mono_time stays_until;	     /* after these: no further one before */
	char failure_reason[REASON_MAX + 1]; /* of the last attempt; "" none */
	char failure[TEXT_MAX + 1];
	char shown_node[NAME_MAX_LEN + 1]; /* in netipallocation_ip_attached */
	struct mono_time needed_at;	   /* since when a change is needed; 0 not */
	struct mono_time nowhere_since;	   /* when our detach ended; 0 not known */
	struct mono_time event_at;	   /* that made a change needed; 0 none is */
};

struct item {
	char name[NAME_MAX_LEN + 1];
	struct allocation *allocation; /* as the API last said (or being written) */
	bool reading, writing;
	bool stale; /* to be read */
	struct backoff backoff;
	char held[HELD_MAX][UID_MAX_LEN + 1];
	size_t held_next;
	struct map *slots;   /* by address */
	struct check *check; /* at most one at a time */
	struct evict *evict; /* so is this */
	struct backoff evict_backoff;
	struct backoff finalizer_backoff;
	char finalizer_refusal[TEXT_MAX + 1]; /* "" it was not refused */
	char workload_uid[UID_MAX_LEN + 1];   /* as last read; "" not yet */
	bool shown;
};

struct order {
	char request_id[ID_MAX + 1];
	char id[ID_MAX + 1];
	enum order_kind kind;
	bool open;
	enum order_outcome outcome; /* once it is not open */
	char address[ADDRESS_MAX + 1];
	char instance[128];
	char project[PLACE_MAX + 1]; /* "" when it was told at link-up */
	char zone[PLACE_MAX + 1];
	char reason[REASON_MAX + 1];
	char message[TEXT_MAX + 1];
	char owner[NAME_MAX_LEN + 1]; /* the allocation; "" not known */
	char about[ADDRESS_MAX + 1];  /* the allocation's address it is for */
	char why[TEXT_MAX + 1];
	struct mono_time sent;
	struct mono_time ended; /* 0: not known */
};

/* What the watcher last told of an allocation. */
struct hint {
	char name[NAME_MAX_LEN + 1];
	char resource_version[UID_MAX_LEN + 1];
	uint64_t seen;
};

struct agent;
struct handover;
struct moves;
struct peers;
struct slices;
struct trackers;

struct core {
	char identity[NAME_MAX_LEN + 1];
	char namespace[LABEL_MAX_LEN + 1];
	char lease[LABEL_MAX_LEN + NAME_MAX_LEN + 2];
	enum allocation_policy policy; /* of objects that name none */
	bool dry_run;
	struct effects effects;
	struct core_time now; /* of the event being handled */

	struct world *world;
	struct view *view;
	struct map *items; /* by name */
	struct map
	    *hints; /* allocation name → struct hint: what the watcher last told */
	struct map *orders; /* by request id */
	struct map *labels; /* node name → struct label_job */
	struct map *events; /* told lately, or still to be told */
	struct map *event_budgets;
	struct map *losses;	/* nodes that have lost an address */
	struct rate evict_rate; /* of all evictions */
	struct rate event_rate; /* of all of them */
	bool events_dropping;
	struct map *cordoned; /* nodes shown in netipallocation_node_cordoned */
	struct peers *peers;
	struct handover *handover;
	struct moves *moves;
	struct trackers *trackers;
	struct slices *slices;
	struct agent *agent; /* of one node, and nothing but that; NULL: none */
	struct map *denied;  /* rights that were refused, told lately */
	struct {
		enum definition_state state;
		bool reading;
		bool stale; /* what is being read came too early */
		struct mono_time read;
		struct backoff backoff;
	} definition;

	bool leads, listed, listing, stopping;
	struct mono_time led; /* since when */
	struct mono_time stopped;
	struct backoff list_backoff;
	uint64_t term;
	uint64_t epoch; /* of leading; answers to older calls do not count */
	struct boot_time until;
	int64_t call_timeout_ms, margin_ms;
	bool watcher_up, cloud_up, orders_told;

	struct call *calls;
	size_t calls_open;
	bool api_failing; /* it did not take the latest call */
	uint64_t next_ticket;

	bool dirty;
	struct mono_time event_at;	/* the first that no pass has seen yet */
	struct mono_time pass_event_at; /* the first that this pass sees */
	struct rate pass_rate;
	int64_t wake_ms; /* mono, when something is due; INT64_MAX never */
	char readiness[TEXT_MAX + 1];
	bool readiness_told;
};

/* --- core.c
 * --------------------------------------------------------------------------- */

/* As core_may_start, and for CORE_LAST_MS after core_stop, too. */
bool core_may_ask(const struct core *core);
/* Something may be decided differently now. */
void core_touch(struct core *core);
/* Something is due then (mono ms). */
void core_wake_at(struct core *core, int64_t mono_ms);
/* The cloudworker is told anew what it may do. */
void core_regrant(struct core *core);

void backoff_fail(struct backoff *backoff, struct mono_time now);
/* The same after a call that failed, perhaps through no fault of its object. */
void backoff_fail_call(
    struct backoff *backoff, struct mono_time now, const struct kube_reply *reply);
/* The server is there again: what waits because of it waits as after one failure. */
void backoff_recover(struct backoff *backoff);
/* As backoff_fail; not before the server wants it (retry_after_ms, -1: it did not say),
 * yet within BACKOFF_MAX_MS. */
void backoff_fail_after(
    struct backoff *backoff, struct mono_time now, int64_t retry_after_ms);
void backoff_clear(struct backoff *backoff);
/* True: not yet; the core will be woken in time. */
bool backoff_waits(struct core *core, const struct backoff *backoff);

#endif
