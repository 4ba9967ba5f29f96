/* Who holds an address; SEMANTICS.md "Observation". Pure. */
#ifndef IPW_HOLDER_H
#define IPW_HOLDER_H

#include "allocation.h"
#include "view.h"
#include "world.h"

enum holder_kind {
	HOLDER_UNKNOWN,	  /* reason, text: why */
	HOLDER_ABSENT,	  /* reserved, and on nothing */
	HOLDER_OURS,	  /* on an instance that is a node of ours, or was one */
	HOLDER_ELSEWHERE, /* text: on what */
	HOLDER_NOT_FOUND, /* not reserved; text: where was searched */
	HOLDER_UNFIT,	  /* global or internal; reason says which */
};

struct holder {
	enum holder_kind kind;
	const char *reason;
	char text[TEXT_MAX + 1];
	const struct view_address *record;    /* NULL: none found */
	struct place place;		      /* ours: of the instance; else region */
	const struct view_instance *instance; /* ours */
	const struct world_node *node;	      /* ours: NULL when the node is gone */
};

/* Whether our CustomResourceDefinition is being deleted, and all objects with it. */
enum definition_state {
	DEFINITION_NOT_READ, /* since an object was last found to be deleted */
	DEFINITION_UNKNOWN,  /* the API server does not say */
	DEFINITION_DENIED,   /* we may not read it */
	DEFINITION_STAYS,
	DEFINITION_GOING,
};

/* All that decisions look at. */
struct scene {
	const struct world *world;
	const struct view *view;
	struct allocation *const *allocations; /* oldest first, then by uid */
	size_t allocations_len;
	struct core_time now;
	enum definition_state definition;
};

void holder_find(const struct scene *scene, const struct allocation_address *address,
    struct holder *ret_holder);

/* Calls `each` for the projects that the nodes name. */
void holder_each_project(
    const struct world *world, void (*each)(void *arg, const char *project), void *arg);

#endif
