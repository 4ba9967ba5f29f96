/* A small world around reconciler/core: an API server, a watcher, a cloudworker with
 * its cloud, clocks, and what can go wrong with each. Everything happens in one queue
 * of timed events, so that a seed replays exactly. */
#ifndef IPW_FAKE_H
#define IPW_FAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "core.h"
#include "map.h"

struct json_object;

#define FAKE_PROJECT	   "demo"
#define FAKE_INSTANCES_MAX 32
#define FAKE_ADDRESSES_MAX 16
#define FAKE_GRANT_MS	   60000
#define FAKE_RENEW_MS	   10000

struct fake_instance {
	char name[64];
	char id[32];
	char zone[64];
	char address[46];
	char fence[128];
	bool exists, stopped, foreign;
	bool had_ephemeral;
	int64_t seen_ms; /* when it was last told of */
	int64_t
	    absent_since_ms; /* since when as one without a reserved address; 0 not */
	int64_t steady_since_ms; /* since when nothing speaks for taking its address */
};

struct fake_address {
	char address[46];
	char region[64];
	char foreign_user[128]; /* held by that; "" not */
};

/* An order as the cloudworker remembers it, across deaths of the core. */
struct fake_order {
	struct msg_order order;
	enum order_outcome outcome; /* RUNNING until it ended */
	char reason[64];
	unsigned cloud; /* the cloudworker that had it */
};

/* Chances in a thousand. */
struct fake_faults {
	unsigned lost_before;  /* a call never reaches the server */
	unsigned lost_after;   /* its answer is lost */
	unsigned observe_fail; /* a round ends with ok 0 */
	unsigned order_fail;   /* an order fails for good */
	unsigned order_unknown;
	unsigned result_twice;
	unsigned crash;	      /* the core dies after an effect */
	unsigned cloud_crash; /* the cloudworker dies after an order */
	unsigned slow;	      /* a step takes seconds */
};

struct fake_event;

struct fake {
	uint64_t rng;
	int64_t now_ms;
	struct core *core;
	unsigned incarnation;
	uint64_t term;
	struct fake_event *events;
	uint64_t sequence;
	int64_t wake_ms; /* INT64_MAX: none */
	bool dying;	 /* the core dies once it returns */
	bool watcher_up;
	int64_t watcher_since_ms; /* 0: it is not there */
	bool cloud_up;
	unsigned cloud_incarnation;
	int64_t grant_until_ms;

	struct map *objects; /* path → struct fake_object */
	uint64_t version;
	struct fake_instance instances[FAKE_INSTANCES_MAX];
	size_t instances_len;
	struct fake_address addresses[FAKE_ADDRESSES_MAX];
	size_t addresses_len;
	struct map *orders; /* order id → struct fake_order */
	unsigned ephemerals;

	struct fake_faults faults;
	long crash_at;	   /* die at that effect; -1 never */
	bool crash_before; /* the effect itself is lost too */
	long effects;
	bool cloud_down;  /* every round fails */
	const char *dark; /* a place that the cloud does not know; NULL none */
	bool blind;	  /* a core that starts gets no watcher */
	bool undo_attach; /* somebody undoes the next attach before it is observed */
	char undone[ID_MAX + 1]; /* its request id: the cloud knows it again */
	const char *refused;	 /* orders about this address are refused; NULL none */
	const char *barren;	 /* attaches to this node fail; NULL none */
	bool no_restore;	 /* no spec wants an ephemeral address given back */
	bool stuck;		 /* what is ordered now does not end */
	bool no_gifts;		 /* the link takes no order for an ephemeral address */
	const char *pruned;    /* member of a status that the server drops; NULL none */
	bool no_finalizers;    /* a webhook takes them out of what is written */
	const char *mute;      /* the watcher says nothing of this path; NULL none */
	unsigned refuse_posts; /* so many POSTs are answered with 503 */
	unsigned lose_answers; /* of so many POSTs that arrive */
	struct {
		const char *method, *part; /* of the path */
		const char *spare;	   /* not with that in it; NULL none */
		int status;
		const char *message;
		unsigned count;
	} refuse;	      /* so many such requests */
	int64_t old_since_ms; /* a pod of the old controller runs since then; 0 none */

	unsigned blocked_evictions; /* so many are refused for a budget */
	int64_t retry_after_ms; /* which the server then wants; 0: it does not say */
	unsigned long dropped;	/* events, by the metric */
	double gauges[METRIC_COUNT]; /* as last set, whatever the labels */
	/* core_options of the next core */
	enum allocation_policy policy;
	bool dry_run;

	struct map *posted;    /* the events that arrived, by name */
	unsigned long posts;   /* tries included */
	unsigned long patches; /* of events */
	unsigned long evicted;
	char readiness[TEXT_MAX + 1]; /* "" ready */
	/* told of each change of a metric; NULL nobody */
	void (*on_metric)(enum gauge_op op, enum metric metric, double value,
	    const char *const *labels);
	unsigned long slice_writes;  /* tries; `writes` has none of them */
	unsigned long patched_bytes; /* of the patches among `writes` */
	unsigned long reads, writes, observes, ordered, lists, audits;
	char violation[512];			     /* "" none */
	void (*on_violation)(const char *violation); /* told of it; NULL nobody */
	bool verbose;
};

struct fake *fake_new(uint64_t seed);
void fake_free(struct fake *fake);

/* The core starts (again): facts, orders and the lease come by themselves. */
void fake_start(struct fake *fake);
void fake_kill(struct fake *fake);
/* Lets time pass. */
void fake_run(struct fake *fake, int64_t ms);
/* Lets time pass until `done`, at most `ms`. */
bool fake_until(struct fake *fake, bool (*done)(struct fake *fake), int64_t ms);

uint64_t fake_random(struct fake *fake);
bool fake_chance(struct fake *fake, unsigned per_mille);
void fake_later(struct fake *fake, int64_t delay_ms,
    void (*run)(struct fake *fake, void *data), void *data);
struct core_time fake_time(const struct fake *fake);
/* An effect happens: counted; true: it is lost because the core dies before it. */
bool fake_effect(struct fake *fake);
/* Something is changed in cloud or cluster: not so while the old controller runs. */
void fake_acts(struct fake *fake, const char *what);
void fake_violate(struct fake *fake, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void fake_message(struct fake *fake, const struct message *message);

/* --- fake_facts.c -------------------------------------------------------------------
 */

/* The fact that a watcher sends for an object of that kind. */
void fake_fact(struct json_object *json, enum fact_kind kind, struct message *message);

/* --- fake_api.c ---------------------------------------------------------------------
 */

void fake_call(void *arg, uint64_t ticket, const struct kube_call *call);
/* Puts or replaces an object; the JSON text has no metadata.uid or resourceVersion. */
void fake_put(struct fake *fake, const char *path, const char *json);
/* Merge-patches one, as a user with kubectl would. */
void fake_patch(struct fake *fake, const char *path, const char *json);
void fake_delete(struct fake *fake, const char *path);
/* As a user with kubectl would: what finalizers hold is marked, and goes with them. */
void fake_ask_delete(struct fake *fake, const char *path);
struct json_object *fake_get(struct fake *fake, const char *path);
void fake_watch_start(struct fake *fake);

/* A node and its instance, with an ephemeral address unless `bare`. */
void fake_node(struct fake *fake, const char *name, const char *zone, bool bare);
void fake_pod(
    struct fake *fake, const char *name, const char *node, const char *deployment);
/* One of Deployment sip that goes only where ip.ready is. */
void fake_picky_pod(struct fake *fake, const char *name, const char *node);
void fake_cordon(struct fake *fake, const char *node, bool cordoned);
void fake_ready(struct fake *fake, const char *node, bool ready);
/* A pod in namespace kube-system: a replica of ours, or one of the old controller. */
void fake_controller(struct fake *fake, const char *name, bool ours);
void fake_end_controller(struct fake *fake, const char *name);
/* Its annotation controller-leader; "" none. */
const char *fake_mark(struct fake *fake, const char *name);
/* NetIPAllocation for Deployment sip; `addresses` as a JSON list. */
void fake_allocation(
    struct fake *fake, const char *name, const char *addresses, const char *more_spec);
const char *fake_label(struct fake *fake, const char *node, const char *key);
/* A condition's status and reason, as "True/AllAttached"; static. */
const char *fake_condition(struct fake *fake, const char *name, const char *type);
/* Whether an event with that reason has arrived. */
bool fake_told(struct fake *fake, const char *reason);
/* How many of them, about whatever. */
size_t fake_count_told(struct fake *fake, const char *reason);
/* status.addresses[] of that address: a member's text ("" none). */
const char *fake_entry(
    struct fake *fake, const char *name, const char *address, const char *key);
bool fake_has_intent(struct fake *fake, const char *name);
/* Whether a status at the server has that request id in its journal. */
bool fake_is_journaled(struct fake *fake, const char *request_id);

/* A member's text, "" when it is absent. */
const char *fake_text(struct json_object *object, const char *key);

#define FAKE_NODES	 "/api/v1/nodes/"
#define FAKE_PODS	 "/api/v1/namespaces/default/pods/"
#define FAKE_CONTROLLERS "/api/v1/namespaces/kube-system/pods/"
#define FAKE_DEPLOYMENTS "/apis/apps/v1/namespaces/default/deployments/"
#define FAKE_ALLOCATIONS "/apis/netinfra.darkbrains.com/v1alpha1/netipallocations"
#define FAKE_TRACKERS	 "/apis/networking.learntosolveit.com/v1/podtrackers/"
#define FAKE_SLICES	 "/apis/tracking.ipwarden.dev/v1alpha1/podtrackerslices/"
#define FAKE_DEFINITION                                                                \
	"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"                     \
	"netipallocations.netinfra.darkbrains.com"

/* --- fake_judge.c -------------------------------------------------------------------
 */

/* What is true of each entry of a status that the server has. `seen`: addresses and
 * nodes of the intents so far. */
void fake_judge_entry(struct fake *fake, struct json_object *entry, struct map *seen);
/* When nothing happens any more: the status of that allocation says what is so. */
void fake_judge_rest(struct fake *fake, const char *name);

/* --- fake_trail.c -------------------------------------------------------------------
 */

/* These answer with an HTTP status. */
int fake_event_post(struct fake *fake, const char *body);
int fake_event_patch(struct fake *fake, const char *path, const char *body);
int fake_evict(struct fake *fake, const char *path, const char *body,
    struct json_object **ret_answer);
bool fake_is_eviction(const char *path);
/* Right when it is sent. */
void fake_judge_eviction(struct fake *fake, const char *path, const char *body);
/* An audit line has all that is promised of it. */
void fake_judge_audit(struct fake *fake, const char *line);
/* The server forgets its events. */
void fake_forget_events(struct fake *fake);
/* The first event about such an object with that reason and these words in its note. */
struct json_object *fake_event(
    struct fake *fake, const char *kind, const char *reason, const char *words);
/* Of a value of fake->posted. */
void fake_told_free(void *told);

/* --- fake_slice.c -------------------------------------------------------------------
 */

/* A slice is made or taken away: an HTTP status; 0: neither is it. */
int fake_slice(
    struct fake *fake, const char *method, const char *path, const char *body);

/* --- fake_cloud.c -------------------------------------------------------------------
 */

int fake_cloud(void *arg, enum message_type type, const void *msg);
void fake_reserve(struct fake *fake, const char *address, const char *region);
struct fake_instance *fake_instance(struct fake *fake, const char *name);
struct fake_instance *fake_add_instance(
    struct fake *fake, const char *name, const char *zone);
bool fake_is_reserved(const struct fake *fake, const char *address);
/* The instance that has the address, or NULL. */
struct fake_instance *fake_where(struct fake *fake, const char *address);
/* The cloudworker comes up (again); what it had under way may or may not happen. */
void fake_cloud_start(struct fake *fake);
void fake_cloud_kill(struct fake *fake);

#endif
