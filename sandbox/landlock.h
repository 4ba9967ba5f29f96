/* Landlock, where the kernel has it: nothing depends on it. Debian 12's headers know
 * only its second ABI, so the newer constants stand in landlock.c
 * (linux/landlock.h, 6.12). */
#ifndef IPW_LANDLOCK_H
#define IPW_LANDLOCK_H

#include <stdbool.h>

/* Forbids this thread, and those it makes later, every file-system access, TCP bind,
 * TCP connect unless `connect` is left open, and abstract sockets and signals outside
 * its domain, as far as the kernel's ABI goes. Returns true when in force. */
bool landlock_restrict(bool connect_open);

#endif
