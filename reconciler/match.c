#include "match.h"

#include <string.h>

/* Labels of nodes that an empty selector leaves out. */
static const char *const match_special[] = {
    "node-role.kubernetes.io/control-plane",
    "node-role.kubernetes.io/master",
};

static bool
match_is_selected(const struct world_node *node, const struct allocation *allocation)
{
	size_t cursor = 0;
	const char *key;

	while ((key = texts_next(&allocation->node_selector, &cursor)) != NULL) {
		const char *wanted = texts_next(&allocation->node_selector, &cursor);
		const char *value = texts_value(&node->labels, key);

		if (wanted == NULL || value == NULL || strcmp(value, wanted) != 0)
			return false;
	}
	return true;
}

static bool
match_is_special(const struct world_node *node)
{
	const char *type = texts_value(&node->labels, "type");

	for (size_t i = 0; i < sizeof match_special / sizeof *match_special; i++)
		if (texts_value(&node->labels, match_special[i]) != NULL)
			return true;
	return type != NULL && strcmp(type, "virtual-kubelet") == 0;
}

static bool
match_is_placed(const struct world_node *node, const struct allocation *allocation)
{
	size_t cursor = 0;
	const char *zone;

	if (allocation->region[0] != '\0' &&
	    strcmp(node->place.region, allocation->region) != 0)
		return false;
	if (allocation->zones.len == 0)
		return true;
	while ((zone = texts_next(&allocation->zones, &cursor)) != NULL)
		if (strcmp(zone, node->place.zone) == 0)
			return true;
	return false;
}

enum match
match_node(const struct world_node *node, const struct allocation *allocation)
{
	if (!match_is_selected(node, allocation))
		return MATCH_NOT_SELECTED;
	if (allocation->node_selector.len == 0 && match_is_special(node))
		return MATCH_SPECIAL;
	return match_is_placed(node, allocation) ? MATCH_YES : MATCH_PLACE;
}
