/* The allowlist of a dialer, and its judgement of the addresses that names have. */
#ifndef IPW_DIALER_ENTRIES_H
#define IPW_DIALER_ENTRIES_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "resolve.h"
#include "roles.h"
#include "settings.h"

struct entry {
	bool allowed;
	bool literal; /* the user named an address: it is used as it is */
	char host[RESOLVE_NAME_SIZE];
	uint16_t port;
	struct resolve_address address; /* of a literal */
};

struct entries {
	struct entry list[DIAL_COUNT]; /* by enum dial_entry */
};

/* "HOST PORT": a host name or a literal address, one blank, a port. Returns 0, or
 * -EINVAL with *ret_entry untouched. */
int entry_parse(const char *value, struct entry *ret_entry);

/* The entries that are set; without one, nothing is allowed (it is logged). Returns 0,
 * or -EINVAL for a bad one (it was logged). */
int entries_read(const struct settings *settings, struct entries *ret_entries);

/* What a name must not have: addresses of this machine, of its link (metadata servers
 * among them), of no one, of groups, ULA, and IPv6 forms that embed an IPv4 address.
 * RFC 1918 is fine: private endpoints use it, and TLS verifies the name. */
bool address_is_special(const struct resolve_address *address);

/* The socket address of a family this program knows; returns its length, or 0. */
socklen_t address_to_socket(const struct resolve_address *address, uint16_t port,
    struct sockaddr_storage *ret_socket);

#endif
