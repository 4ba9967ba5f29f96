/* The resolver's side of its three dialers. */
#ifndef IPW_RESOLVER_CLIENTS_H
#define IPW_RESOLVER_CLIENTS_H

#include "conf.h"
#include "loop.h"

struct clients;

/* `conf` is borrowed as long as the clients live. NULL when a dialer's descriptor
 * cannot be heard (it was logged). */
struct clients *clients_new(struct loop *loop, const struct conf *conf);
void clients_free(struct clients *clients);

/* The configuration has changed. */
void clients_forget(struct clients *clients);

#endif
