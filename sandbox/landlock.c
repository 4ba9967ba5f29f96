#include "landlock.h"

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LANDLOCK_CREATE_RULESET_NR 444
#define LANDLOCK_RESTRICT_SELF_NR  446
#define LANDLOCK_VERSION	   1u

#define NET_BIND_TCP	(1ull << 0)
#define NET_CONNECT_TCP (1ull << 1)
#define SCOPE_ALL	3ull /* abstract unix sockets, signals */

struct ruleset {
	uint64_t fs;
	uint64_t net;	 /* ABI 4 */
	uint64_t scoped; /* ABI 6 */
};

/* All file-system rights that the ABI knows. */
static uint64_t
fs_rights(long abi)
{
	if (abi >= 5)
		return 0xffff;
	if (abi >= 3)
		return 0x7fff;
	return abi == 2 ? 0x3fff : 0x1fff;
}

bool
landlock_restrict(bool connect_open)
{
	long abi = syscall(LANDLOCK_CREATE_RULESET_NR, NULL, 0, LANDLOCK_VERSION);
	struct ruleset rules = {0};
	size_t size = sizeof rules.fs;
	long fd, rc;

	if (abi < 1)
		return false;
	rules.fs = fs_rights(abi);
	if (abi >= 4) {
		rules.net = NET_BIND_TCP | (connect_open ? 0 : NET_CONNECT_TCP);
		size = 2 * sizeof rules.fs;
	}
	if (abi >= 6) {
		rules.scoped = SCOPE_ALL;
		size = sizeof rules;
	}
	fd = syscall(LANDLOCK_CREATE_RULESET_NR, &rules, size, 0);
	if (fd < 0)
		return false;
	rc = syscall(LANDLOCK_RESTRICT_SELF_NR, (int)fd, 0);
	close((int)fd);
	return rc == 0;
}
