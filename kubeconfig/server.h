/* The address in a cluster's `server`: https://HOST[:PORT][/]. */
#ifndef IPW_CONFIG_SERVER_H
#define IPW_CONFIG_SERVER_H

#include <stdbool.h>

/* *ret_host is the caller's: a lower-case name or a literal address without brackets.
 * Returns NULL, or what is wrong with the URL (a constant sentence). */
const char *server_parse(const char *url, char **ret_host, char ret_port[6]);

/* A DNS name or a literal address. */
bool server_host_is_valid(const char *host);

#endif
