/* Requests to the API server by a command that waits for each answer. */
#ifndef IPW_CTL_ASK_H
#define IPW_CTL_ASK_H

#include <stddef.h>
#include <stdint.h>

struct ask;
struct json_object;

/* As client_new. NULL (said in the log) when there are no credentials. */
struct ask *ask_new(const char *kubeconfig);
void ask_free(struct ask *ask);

/* Each returns the HTTP status, 200 when all went well, 0 when the server did not
 * answer. */

/* One object; the caller's; NULL unless the status is 200. */
int ask_get(struct ask *ask, const char *path, struct json_object **ret_json);

struct ask_list_handlers {
	/* It begins; again, when it had to be begun anew: forget what came. */
	void (*begin)(void *arg);
	/* One object's JSON text, as of kube_informer_handlers. Returns 0, or -EBADMSG
	 * when it is none. */
	int (*object)(void *arg, const char *json, size_t len);
};

/* A collection, page by page and object by object, so that no more than one object of
 * it is held. `path` and `query` as of kube_informer_new. */
int ask_list(struct ask *ask, const char *path, const char *query,
    const struct ask_list_handlers *handlers, void *arg);

/* Of the last request: objects of the list that were none, and what went wrong when the
 * status is not 200, in words, not escaped. */
uint64_t ask_refused(const struct ask *ask);
const char *ask_message(const struct ask *ask);
/* "ipwardenctl: WHAT: MESSAGE" on standard error. */
void ask_tell(const struct ask *ask, const char *what);

#endif
