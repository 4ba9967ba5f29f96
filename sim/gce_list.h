/* Lists of resources as the compute API gives them: filtered, ordered, in pages, plain
 * or by scope (aggregated). */
#ifndef IPW_SIM_GCE_LIST_H
#define IPW_SIM_GCE_LIST_H

#include <json-c/json.h>

#include "gce_world.h"

/* Items on a page when none or 0 is asked for; more is refused [discovery document]. */
#define GCE_PAGE_MAX 500

struct gce_list_item {
	char *key; /* by which it is ordered; also the page token's content */
	char scope[GCE_NAME_MAX + 16];
	struct json_object *object;
};

/* A list under construction. */
struct gce_list {
	const char *kind; /* "compute#instanceList" */
	const char
	    *member;	/* aggregated: name of the scopes' lists; NULL = plain list */
	char path[256]; /* after the project's URL: "zones/us-west1-a/instances" */
	const char *filter; /* NULL = none */
	const char *token;
	const char *fields;
	int page_size;
	bool newest_first;
	struct gce_list_item *items;
	size_t len;
	size_t cap;
	struct json_object *scopes; /* aggregated: every scope there is */
};

/* Reads the query. Returns 0, or -EINVAL when the reply says what is wrong with it. */
int gce_list_begin(
    struct gce_list *list, const struct sim_request *request, struct sim_reply *reply);
/* Aggregated: the scope exists ("zones/us-west1-a"), though it may hold nothing. */
void gce_list_add_scope(struct gce_list *list, const char *scope);
/* Takes the object over. `scope` NULL: a plain list. */
void gce_list_add(struct gce_list *list, const char *scope, const char *name,
    uint64_t id, struct json_object *object);
/* Answers with the page, and gives back what the list took. */
void gce_list_end(
    struct gce_list *list, const struct sim_gce *gce, struct sim_reply *reply);

#endif
