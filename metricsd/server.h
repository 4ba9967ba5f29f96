/* The HTTP side: libmicrohttpd on the two inherited listeners, driven by base/loop. */
#ifndef IPW_METRICSD_SERVER_H
#define IPW_METRICSD_SERVER_H

#include "health.h"
#include "loop.h"
#include "registry.h"

struct server;

/* Before sandbox_lock. Nothing is answered before server_start. */
struct server *server_open(
    struct loop *loop, const struct registry *registry, const struct health *health);
/* `cluster` (borrowed, may be NULL) goes in front of each series. */
void server_start(struct server *server, const char *cluster);

/* Connections that were ended because nothing came of them, of the listener for metrics
 * or of the one for health. */
unsigned long server_ended(const struct server *server, bool metrics);

#endif
