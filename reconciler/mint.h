/* The watcher's token: asked for by TokenRequest (authentication.k8s.io/v1), and again
 * in time. Its audience is left to the server, its life is what the server says. Every
 * replica mints for its own watcher, leader or not. Pure; time comes in. */
#ifndef IPW_MINT_H
#define IPW_MINT_H

#include <stdbool.h>
#include <stddef.h>

#include "effects.h"

struct mint;

struct mint_options {
	const char *namespace; /* of the account */
	const char *account;
	/* The Node that it is bound to: it dies with it. NULL: to none. A server that
	 * refuses (400, 422: before 1.31 it cannot) is asked again without. */
	const char *node;
};

struct mint_trouble {
	const char *message; /* for people */
	bool refused;	     /* the server will not, until somebody changes something */
	bool valid;	     /* the last token still is */
};

struct mint_handlers {
	/* `token` is not NUL-terminated, and wiped afterwards. 0, or a negative errno:
	 * it could not be handed over, and another one is asked for. */
	int (*token)(void *arg, const char *token, size_t len);
	/* It cannot be bound to the node, why. */
	void (*unbound)(void *arg, const char *message);
	/* After each attempt that failed. */
	void (*trouble)(void *arg, const struct mint_trouble *trouble);
};

/* What is asked for (seconds); the least that an API server takes. */
#define MINT_LIFE_S 600

/* Texts are copied; `effects` lives longer. */
struct mint *mint_new(const struct mint_options *options, const struct effects *effects,
    const struct mint_handlers *handlers, void *arg);
void mint_free(struct mint *mint);

/* Starts at the first wake; may be woken as often as one likes, and is due by boot
 * time. Tickets of its calls have MINT_TICKET_BIT set. */
#define MINT_TICKET_BIT (1ull << 62)
void mint_wake(struct mint *mint, struct core_time now);
/* The Node is another one, or gone: what it was bound to is no more, and another token
 * is asked for. Not more often than every MINT_RENEW_MS, however often that is said,
 * nor before a server that failed, or wants a wait, is to be asked again. */
#define MINT_RENEW_MS 5000
void mint_renew(struct mint *mint, struct core_time now);
void mint_answer(struct mint *mint, struct core_time now, uint64_t ticket,
    const struct kube_reply *reply);

#endif
