/* What the cloud was last seen to hold: one scope for each zone (its instances) and
 * each region (its addresses). A scope is either fresh or says nothing at all. */
#ifndef IPW_VIEW_H
#define IPW_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "effects.h"
#include "map.h"

/* Things one scope may hold; more is refused and leaves the scope Unknown. */
#define VIEW_THINGS_MAX 100000u
/* Places observed: less than the cloudworker takes at a time. Those that only a spec
 * names leave room for those that nodes are in. */
#define VIEW_SCOPES_MAX	     240u
#define VIEW_SPEC_SCOPES_MAX 120u
/* A round that did not end by then is given up and asked again. */
#define VIEW_ROUND_MS 60000
/* An observation older than so many intervals counts as Unknown. */
#define VIEW_INTERVALS_MAX 3
#define VIEW_INTERVAL_MS   30000
/* A failed round is repeated after this, then after twice that, and so on up to the
 * interval: a place that does not exist costs no more calls than one that does. Once
 * one of them ends well again, the others that failed are repeated at once. */
#define VIEW_RETRY_MS	   1000
#define VIEW_DOUBLINGS_MAX 16u
/* A round that a predecessor of this process asked for may still come in until then
 * after the link came up. */
#define VIEW_LEFTOVER_MS 60000

/* The reason why a scope says nothing, when there is no more to it than that it was not
 * looked at (again) yet. */
#define VIEW_NOT_OBSERVED "NotObserved"

struct view_address {
	char address[ADDRESS_MAX + 1];
	enum address_status status;
	enum address_flaw flaw;
	char user[512];
};

struct view_instance {
	char name[PLACE_MAX + 1];
	char id[128];
	enum instance_state state;
	char address[ADDRESS_MAX + 1]; /* "" none */
	char fence[FENCE_MAX + 1];
	struct mono_time asked; /* it is as told at that time, or later */
};

struct view_scope {
	char key[2 * PLACE_MAX + 16];
	enum scope_kind kind;
	char project[PLACE_MAX + 1];
	char place[PLACE_MAX + 1];
	struct map
	    *things; /* by address (region) or instance name (zone); NULL none yet */
	struct map *holding; /* zone: external address → instance (of things) */
	uint64_t round;	     /* that `things` came from */
	struct mono_time at; /* when that was asked */
	bool ok;	     /* how the latest round ended */
	unsigned failures;   /* rounds in a row that ended badly */
	char reason[REASON_MAX + 1];
	char message[TEXT_MAX + 1];
	uint64_t open; /* the round under way, 0 none */
	struct mono_time asked;
	struct map *incoming;
	bool due;    /* to be asked as soon as possible */
	bool wanted; /* someone names that place */
};

struct view {
	struct map *scopes;
	struct map *floors; /* address → struct view_floor */
	uint64_t floor;	    /* rounds up to this one count for nothing */
	uint64_t epoch;	    /* upper half of our rounds */
	uint64_t last;	    /* the last round asked, lower half */
	int64_t interval_ms;
	struct mono_time leftovers_until;
	struct mono_time failing_since; /* the cloud has not answered since; 0 it has */
	bool reached;			/* it has answered in this term */
};

struct view *view_new(uint32_t epoch);
void view_free(struct view *view);

/* Names all places of interest anew: begin, one call for each, end (others go). */
void view_want_begin(struct view *view);
/* A zone with its region. */
void view_want_zone(struct view *view, const char *project, const char *zone);
/* A region that only a spec names, or PLACE_GLOBAL. */
void view_want_spec_region(struct view *view, const char *project, const char *region);
/* Nothing depends on what it says: it names what no region has. */
bool view_is_extra(const struct view_scope *scope);
void view_want_end(struct view *view);

/* To be observed at once: a zone and its region; everything. */
void view_touch(struct view *view, const char *project, const char *zone);
void view_touch_all(struct view *view);
/* A region with all its zones: where an address may be. */
void view_touch_region(struct view *view, const char *project, const char *zone);
/* Only rounds asked from now on count for this address (or for any). */
void view_require(struct view *view, const char *address);
void view_require_all(struct view *view);
/* We lead (again): nothing is known of the cloud. */
void view_lead(struct view *view);

/* Asks what is due; returns when something is due next (mono ms). */
int64_t view_ask(
    struct view *view, const struct effects *effects, struct mono_time now);
/* The cloudworker is gone: rounds under way will not end. */
void view_link_down(struct view *view, struct mono_time now);

/* observed_begin … observed_end. 0 or -EPROTO; *ret_news: a round ended. */
int view_message(struct view *view, const struct message *message, struct mono_time now,
    bool *ret_news);

const struct view_scope *view_scope(const struct view *view, enum scope_kind kind,
    const char *project, const char *place);
/* Whether what the scope says counts for that address now ("" for none in particular).
 * Else the reason and message, borrowed. */
bool view_fresh(const struct view *view, const struct view_scope *scope,
    const char *address, struct mono_time now, const char **ret_reason,
    const char **ret_message);
const struct view_instance *view_instance(
    const struct view_scope *zone, const char *name);
const struct view_instance *view_instance_by_id(
    const struct view_scope *zone, const char *id);
/* True when any region lists it, fresh or not. */
bool view_reserved(const struct view *view, const char *address);

#endif
