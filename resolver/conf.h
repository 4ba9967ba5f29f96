/* resolv.conf(5), as far as a client of plain DNS needs it; what is not known is left
 * out, as the C library does. */
#ifndef IPW_RESOLVER_CONF_H
#define IPW_RESOLVER_CONF_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "resolve.h"

/* Largest file that is read (bytes). */
#define CONF_FILE_MAX 65536u

/* resolv.conf(5) takes three servers. A pod's search list has at most 32 domains. */
#define CONF_SERVERS_MAX 3u
#define CONF_SEARCH_MAX	 32u

/* The C library's own bounds on the options. */
#define CONF_NDOTS_MAX	  15u
#define CONF_TIMEOUT_MAX  30u
#define CONF_ATTEMPTS_MAX 5u

struct conf_server {
	struct sockaddr_storage address; /* with the port */
	socklen_t address_len;
};

struct conf {
	struct conf_server servers[CONF_SERVERS_MAX];
	size_t servers_len; /* at least 1 */
	char search[CONF_SEARCH_MAX]
		   [RESOLVE_NAME_SIZE]; /* valid names, no dot at the end */
	size_t search_len;
	unsigned int ndots;
	unsigned int timeout_s;
	unsigned int attempts;
};

/* Never fails: without a usable server it is 127.0.0.1, as resolv.conf(5) has it. `len`
 * bytes of text; `port` of every server. */
void conf_read(const char *text, size_t len, uint16_t port, struct conf *ret_conf);

/* The `index`th name to ask for when `name` (valid; a dot at the end makes it absolute)
 * is wanted: itself and itself in each search domain, in the order that ndots gives.
 * Returns 1; 0 when this one is not valid, go on; -ENOENT after the last. */
int conf_candidate(const struct conf *conf, const char *name, size_t index,
    char ret_candidate[RESOLVE_NAME_SIZE]);

#endif
