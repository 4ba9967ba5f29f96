/* The dialer's side of FD_DIAL: takes requests, within a rate, and sends the answers.
 */
#ifndef IPW_DIALER_CLIENT_H
#define IPW_DIALER_CLIENT_H

#include "entries.h"
#include "loop.h"

struct client;

/* `entries` is borrowed as long as the client lives. NULL when FD_DIAL or FD_RESOLVE
 * cannot be heard (it was logged). */
struct client *client_new(struct loop *loop, const struct entries *entries);
void client_free(struct client *client);

/* The resolver started anew. */
void client_again(struct client *client);

#endif
