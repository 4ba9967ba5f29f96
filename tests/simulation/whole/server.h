/* The API server: objects with resourceVersions, their history for watches, and the
 * requests that the reconciler makes (kube/kube.h). An object's JSON never changes:
 * each write makes a new one, so answers and watches share it. */
#ifndef IPW_SERVER_H
#define IPW_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kube.h"

struct json_object;
struct loop;

#define NODES	    "/api/v1/nodes/"
#define PODS	    "/api/v1/namespaces/default/pods/"
#define CONTROLLERS "/api/v1/namespaces/kube-system/pods/"
#define DEPLOYMENTS "/apis/apps/v1/namespaces/default/deployments/"
#define ALLOCATIONS "/apis/netinfra.darkbrains.com/v1alpha1/netipallocations/"
#define TRACKERS    "/apis/networking.learntosolveit.com/v1/podtrackers/"
#define SLICES	    "/apis/tracking.ipwarden.dev/v1alpha1/podtrackerslices/"
#define CONFIGMAPS  "/api/v1/namespaces/default/configmaps/"
#define LEASES	    "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/"
#define LEASE	    LEASES "ip-address-controller-leader"
#define DEFINITION                                                                     \
	"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"                     \
	"netipallocations.netinfra.darkbrains.com"

/* What can be watched, and the rest. */
enum kind {
	KIND_NODE,
	KIND_POD,
	KIND_ALLOCATION,
	KIND_LEASE,
	KIND_TRACKER,
	KIND_SLICE,
	KIND_WATCHED,
	KIND_OTHER = KIND_WATCHED,
	KIND_CONFIGMAP,
};
enum kind server_kind(const char *path);

struct object {
	char *path;
	enum kind kind;
	struct json_object *json;
	size_t last; /* its latest change, in the history */
};

/* One write of something that can be watched. */
struct change {
	uint64_t version;
	enum kind kind;
	char *path;
	bool added, deleted;
	struct json_object *json; /* the last one, when deleted */
	size_t next; /* the next change of the same object; SIZE_MAX: none */
};

/* Chances in a thousand, per request or answer. */
struct server_faults {
	unsigned lost_before; /* it never arrives */
	unsigned lost_after;  /* its answer is lost */
	unsigned refused;     /* 429, 500 or 503, without effect */
	unsigned slow;
	unsigned watch_cut;  /* per change: the watch goes on from its position later */
	unsigned watch_gone; /* and it finds that too old: it lists anew */
	unsigned watch_late;
	unsigned stale_list; /* as it was a while ago */
	unsigned definition; /* it cannot, or may not be read */
	unsigned unserved;   /* of PodTracker: a list or watch finds none, for once */
};

struct server {
	struct object *objects;
	size_t objects_len;
	struct change *changes;
	size_t changes_len;
	uint64_t version;
	struct server_faults faults;
	bool down;
	bool no_trackers; /* their definitions are not there */
	/* of the replicas: writes and reads aside from the lease and ConfigMaps */
	unsigned long writes, reads, events, evictions;
};
extern struct server server;

void server_open(void);
void server_close(void);

/* What users do. JSON texts have neither uid nor resourceVersion; a patch is a merge
 * patch. */
void server_put(const char *path, const char *json);
void server_patch(const char *path, const char *patch);
void server_delete(const char *path);
/* Borrowed; NULL: there is none. */
struct json_object *server_get(const char *path);
/* A member by its path ("metadata/uid"), and its text ("" none). */
struct json_object *server_at(struct json_object *json, const char *where);
const char *server_text(struct json_object *json, const char *where);

/* server_object.c, for server.c: a new state of an object (takes the reference), or its
 * end. */
struct object *server_find(const char *path);
void server_store(struct object *object, struct json_object *json);
void server_add(const char *path, struct json_object *json);
void server_drop(struct object *object);
/* RFC 7396. */
void server_merge(struct json_object *target, struct json_object *patch);

/* watches.c: something that can be watched has changed. */
void watches_changed(enum kind kind);
/* Its informers end with a process. */
void watches_gone(const struct loop *process);
void watches_open(void);
void watches_close(void);

#endif
