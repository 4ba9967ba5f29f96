/* What `ipwardenctl who` found out, and how it is shown. docs/ipwardenctl.1 has the
 * forms. Pure. */
#ifndef IPW_CTL_ANSWER_H
#define IPW_CTL_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "history.h"
#include "kubelets.h"
#include "question.h"

/* Longest text that says why something is not known, or where from it is (bytes). */
#define ANSWER_TEXT_MAX 1024u

/* What tells since when an address is where it is. */
enum answer_since {
	SINCE_UNKNOWN,
	SINCE_OPERATION, /* ipwarden moved it then */
	SINCE_OBSERVED,	 /* first seen so then; it may have been so before */
	SINCE_STATUS,	 /* the state in the allocation's status is as old */
};

struct answer_address {
	char address[INET6_ADDRSTRLEN];
	bool known;
	struct stay stay; /* where; `until` 0: until now. Not known: only allocation */
	enum answer_since since;
	char state[64];		   /* as the allocation's status has it, of now; "" */
	char why[ANSWER_TEXT_MAX]; /* it is not known */
	char source[ANSWER_TEXT_MAX];
	bool has_before, has_after;
	struct stay before, after;
};

/* Of a pod that was on a node in one hour: what those beside it say more. */
enum answer_presence {
	PRESENCE_NOW,	     /* there is no hour: it is there */
	PRESENCE_UNKNOWN,    /* they do not say enough */
	PRESENCE_STILL,	     /* it was there at the time, and is */
	PRESENCE_THROUGHOUT, /* it was there before, and afterwards */
	PRESENCE_CAME,	     /* not before */
	PRESENCE_LEFT,	     /* not afterwards, or it moved */
	PRESENCE_PASSED,     /* neither */
};

struct answer_pod {
	char *namespace;
	char *name;
	enum answer_presence presence;
};

/* One part of the answer: known, and where from; or not, and why. */
struct answer_part {
	bool asked; /* it belongs to the answer */
	bool known;
	char why[ANSWER_TEXT_MAX];
	char source[ANSWER_TEXT_MAX];
};

struct answer {
	struct question question;
	int64_t at_ms;
	bool is_now;
	/* The ConfigMaps of an hour say where a pod was last in it: that hour, 0 for
	 * now. */
	int64_t hour_from_ms, hour_until_ms;

	struct answer_part node_part; /* of the pod in question */
	enum answer_presence presence;
	char node[NAME_MAX_LEN + 1]; /* in question, or of what is; "" none */

	struct answer_part address_part;
	struct answer_address *addresses;
	size_t addresses_len, addresses_cap;
	size_t elsewhere; /* more of which it is not known where they were */

	struct answer_part pod_part; /* on that node */
	/* Now, where there is a node: whether its kubelet is heard, when it was last
	 * (KUBELET_SILENT), and why that is not known. */
	enum kubelet kubelet;
	int64_t heard_ms;
	char kubelet_why[ANSWER_TEXT_MAX];
	struct answer_pod *pods;
	size_t pods_len, pods_cap;
};

void answer_free(struct answer *answer);

/* Valid until the next one is added. */
struct answer_address *answer_add_address(struct answer *answer, const char *address);
/* What the history says of it. */
void answer_take_history(struct answer_address *address,
    const struct history_answer *found, const char *namespace);
void answer_add_pod(struct answer *answer, const char *namespace, const char *name,
    enum answer_presence presence);
void answer_forget_pods(struct answer *answer);
/* The last pod and address were added. */
void answer_sort(struct answer *answer);

/* Nothing of it is not known. */
bool answer_is_whole(const struct answer *answer);

void answer_print(const struct answer *answer, FILE *out);
/* Returns 0, or -E2BIG (nothing is printed). */
int answer_print_json(const struct answer *answer, FILE *out);

#endif
