/* What the parts of the simulated API server share: its state, and one request on its
 * way through them. */
#ifndef IPW_SIM_KUBE_WORLD_H
#define IPW_SIM_KUBE_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "kube_auth.h"
#include "kube_kubelet.h"
#include "kube_store.h"
#include "loop.h"
#include "sim.h"

/* Largest reply (bytes): 5000 pods of 12 KiB each. */
#define KUBE_REPLY_MAX (64u * 1024u * 1024u)
/* Requests that a fault holds back at a time. */
#define KUBE_HELD_MAX 256u

/* Identities that a reset gives their roles again. */
#define KUBE_GIVEN_MAX 16u

/* A request that waits for its fault's delay to pass, or is held. */
struct kube_held {
	void *connection; /* NULL: free */
	struct sim_fault fault;
	struct mono_time begun;
	uint64_t hold; /* sim/hold.h; 0: none */
	bool ready;    /* `reply` is the answer */
	struct sim_reply reply;
};

struct sim_kube {
	struct loop *loop;
	struct sim_faults *faults;
	struct sim_http *http; /* NULL until it stands */
	struct kube_store *store;
	struct kube_auth *auth;
	struct kube_kubelet *kubelet;
	int64_t bookmark_ms;  /* between two bookmarks of a watch */
	int64_t token_life_s; /* no minted token lives longer; 0: as was asked for */
	bool no_node_binding; /* as servers before 1.31: no token for a Node */
	bool managed_fields;  /* ConfigMaps have them */
	int record_fd;	      /* of the log of requests; -1: none */
	struct kube_held held[KUBE_HELD_MAX];
	struct {
		char user[KUBE_USER_MAX];
		enum sim_role role;
	} given[KUBE_GIVEN_MAX];
	size_t given_len;
};

enum kube_format {
	KUBE_JSON,
	KUBE_TABLE,
	KUBE_METADATA,	/* PartialObjectMetadata */
	KUBE_DISCOVERY, /* aggregated discovery, /api and /apis only */
};

struct kube_call {
	struct sim_kube *kube;
	const struct sim_request *request;
	struct sim_reply *reply;
	struct kube_caller caller;
	bool unauthorized; /* a token that nobody has */
	const char *verb;  /* get, list, watch, create, …; NULL: not one of them */
	struct kube_view *view; /* NULL: no resource, a path of its own */
	char space[254];	/* "" = none, or all */
	char name[254];		/* "" = the collection */
	char subresource[32];	/* "" = the object itself */
	enum kube_format format;
	const char *table_version; /* "v1" or "v1beta1" */
	bool dry_run;
	struct sim_fault fault; /* that the request meets; all 0: none */
	struct mono_time begun; /* when the request came */
};

/* How often a watch that asked for bookmarks gets one; default 10 s. */
void sim_kube_set_bookmark_interval(struct sim_kube *kube, int64_t interval_ms);
/* How long a terminating pod stays at most; default 1 s, stands in for the kubelet. */
void sim_kube_set_termination(struct sim_kube *kube, int64_t delay_ms);

#endif
