/* ipwarden-sim as a child of the cloud test. The test program carries the shim, which
 * makes no sockets: here they are made by system calls. */
#ifndef IPW_TESTS_CLOUD_WORLD_H
#define IPW_TESTS_CLOUD_WORLD_H

#include <stdbool.h>
#include <stddef.h>

enum world_end { WORLD_COMPUTE, WORLD_METADATA, WORLD_CONTROL };

/* Starts $IPW_SIM (or ./ipwarden-sim) in a directory of its own and waits for it. */
void world_open(void);
void world_close(void);
/* What `ipwarden-sim check` says of the attachments so far. */
bool world_is_clean(void);

/* The endpoint's URL; of WORLD_METADATA its HOST:PORT. */
const char *world_text(enum world_end end);
/* A connected descriptor, or a negative errno. */
int world_connect(enum world_end end);
/* The world's CA, open for reading. */
int world_ca(void);

/* A request to the world's control endpoint. Returns the HTTP status; the body is put
 * into `out` when it is not NULL. */
int world_request(
    const char *method, const char *path, const char *body, char *out, size_t out_size);
/* How often `needle` stands in the world's log of attachments. */
size_t world_count(const char *needle);

#endif
