/* GET of one object and of lists, and how objects are shown. */
#ifndef IPW_SIM_KUBE_READ_H
#define IPW_SIM_KUBE_READ_H

#include "kube_selector.h"
#include "kube_world.h"

/* Longest continue token and what is in it. */
#define KUBE_CONTINUE_MAX 2048u

void kube_read_get(struct kube_call *call);
/* Lists, or starts a watch when the call's verb is that. */
void kube_read_list(struct kube_call *call);

/* As the two above, not a watch: what they would have answered at the version that the
 * call's fault names. */
void kube_read_stale(struct kube_call *call);

/* Answers with an object in its stored form, converted to the view and to the format
 * that the client asked for. */
void kube_read_show(struct kube_call *call, int code, struct json_object *stored);
/* The object of the call by its name and namespace, or NULL. */
struct kube_object *kube_read_find(const struct kube_call *call);
/* Half-open range of indexes that a namespace ("" = all) takes in a resource. */
void kube_read_range(const struct kube_resource *resource, const char *space,
    size_t *ret_first, size_t *ret_end);
/* Reads both selectors of the query; the namespace is the call's. Returns 0 or
 * -ECANCELED; to be freed in either case. */
int kube_read_selector(struct kube_call *call, struct kube_selector *ret_selector);

/* The token of a list that stopped after `key`. */
void kube_continue_write(uint64_t version, const char *key, char *out, size_t out_size);
/* Returns 0, or -EINVAL with the server's words in `error`. */
int kube_continue_read(const char *token, uint64_t *ret_version, char *ret_key,
    size_t key_size, char *error, size_t error_size);

#endif
