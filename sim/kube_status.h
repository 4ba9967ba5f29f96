/* Answers: objects, and refusals as Status bodies in the server's own words. After a
 * refusal the functions return -ECANCELED, "the reply is filled in", for the caller to
 * return at once. */
#ifndef IPW_SIM_KUBE_STATUS_H
#define IPW_SIM_KUBE_STATUS_H

#include "buf.h"
#include "kube_world.h"

/* Complaints about one object that are told; the rest is dropped. */
#define KUBE_CAUSES_MAX 32u

struct kube_cause {
	const char *reason; /* constant: "FieldValueRequired" */
	char *field;
	char *message;
};

struct kube_causes {
	struct kube_cause items[KUBE_CAUSES_MAX];
	size_t len;
};

void kube_causes_add(struct kube_causes *causes, const char *reason, const char *field,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
void kube_causes_free(struct kube_causes *causes);

/* Takes over `json`. */
void kube_reply_json(struct kube_call *call, int code, struct json_object *json);
/* Plain text with the headers that the server gives it. */
void kube_reply_text(struct kube_call *call, int code, const char *text);
/* Takes over what is in `body`. */
void kube_reply_body(struct kube_call *call, struct buf *body);

/* A failure without details, or with `details` (taken over, may be NULL). */
int kube_fail(struct kube_call *call, int code, const char *reason,
    struct json_object *details, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
int kube_fail_not_found(struct kube_call *call, const char *name);
int kube_fail_exists(struct kube_call *call, const char *name);
/* `why` NULL: "the object has been modified; …". */
int kube_fail_conflict(struct kube_call *call, const char *name, const char *why);
/* 422 with all causes. */
int kube_fail_invalid(
    struct kube_call *call, const char *name, const struct kube_causes *causes);
int kube_fail_forbidden(struct kube_call *call);
/* 404 in plain text, as for a path that nobody serves. */
int kube_fail_unknown_path(struct kube_call *call);

/* "nodes", "leases.coordination.k8s.io" */
void kube_status_resource(const struct kube_view *view, struct buf *out);

#endif
