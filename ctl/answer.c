#include "answer.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

void
answer_forget_pods(struct answer *answer)
{
	for (size_t i = 0; i < answer->pods_len; i++) {
		free(answer->pods[i].namespace);
		free(answer->pods[i].name);
	}
	answer->pods_len = 0;
}

void
answer_free(struct answer *answer)
{
	answer_forget_pods(answer);
	free(answer->pods);
	free(answer->addresses);
}

struct answer_address *
answer_add_address(struct answer *answer, const char *address)
{
	struct answer_address *added;

	if (answer->addresses_len == answer->addresses_cap) {
		answer->addresses_cap =
		    answer->addresses_cap > 0 ? 2 * answer->addresses_cap : 4;
		answer->addresses = mem_realloc(
		    answer->addresses, answer->addresses_cap, sizeof *added);
	}
	added = &answer->addresses[answer->addresses_len++];
	*added = (struct answer_address){0};
	snprintf(added->address, sizeof added->address, "%s", address);
	return added;
}

void
answer_take_history(struct answer_address *address, const struct history_answer *found,
    const char *namespace)
{
	address->known = found->known;
	address->has_before = found->has_before;
	address->has_after = found->has_after;
	address->before = found->before;
	address->after = found->after;
	if (!found->known) {
		snprintf(address->why, sizeof address->why,
		    "no ConfigMap of that day in namespace %s says where it was then",
		    namespace);
		return;
	}
	address->stay = found->stay;
	address->since = found->stay.operation ? SINCE_OPERATION : SINCE_OBSERVED;
	snprintf(address->source, sizeof address->source, "ConfigMap %s/%s%s",
	    namespace, found->source,
	    found->stay.until.ms == 0 ? ", and its NetIPAllocation now" : "");
}

void
answer_add_pod(struct answer *answer, const char *namespace, const char *name,
    enum answer_presence presence)
{
	if (answer->pods_len == answer->pods_cap) {
		answer->pods_cap = answer->pods_cap > 0 ? 2 * answer->pods_cap : 64;
		answer->pods =
		    mem_realloc(answer->pods, answer->pods_cap, sizeof *answer->pods);
	}
	answer->pods[answer->pods_len++] =
	    (struct answer_pod){mem_strdup(namespace), mem_strdup(name), presence};
}

static int
compare_pods(const void *a, const void *b)
{
	const struct answer_pod *one = a, *other = b;
	int order = strcmp(one->namespace, other->namespace);

	return order != 0 ? order : strcmp(one->name, other->name);
}

static int
compare_addresses(const void *a, const void *b)
{
	const struct answer_address *one = a, *other = b;

	return strcmp(one->address, other->address);
}

void
answer_sort(struct answer *answer)
{
	if (answer->pods_len > 0)
		qsort(
		    answer->pods, answer->pods_len, sizeof *answer->pods, compare_pods);
	if (answer->addresses_len > 0)
		qsort(answer->addresses, answer->addresses_len,
		    sizeof *answer->addresses, compare_addresses);
}

static bool
is_open(const struct answer_part *part)
{
	return part->asked && !part->known;
}

bool
answer_is_whole(const struct answer *answer)
{
	for (size_t i = 0; i < answer->addresses_len; i++)
		if (!answer->addresses[i].known)
			return false;
	return !is_open(&answer->node_part) && !is_open(&answer->address_part) &&
	       !is_open(&answer->pod_part) && answer->elsewhere == 0;
}
