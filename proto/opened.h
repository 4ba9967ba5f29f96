/* For filters that tell by its number whether a descriptor was inherited or opened by
 * the role itself: what is opened has a number from FD_OPENED_FIRST to 63. */
#ifndef IPW_OPENED_H
#define IPW_OPENED_H

#include "fds.h"
#include "sandbox.h"

/* Two aligned blocks: 16..31 and 32..63. */
#define OPENED_LOW(i) SANDBOX_ARG_BITS(i, ~UINT64_C(0x0f), UINT64_C(0x10))
#define OPENED_TOP(i) SANDBOX_ARG_BITS(i, ~UINT64_C(0x1f), UINT64_C(0x20))
_Static_assert(FD_OPENED_FIRST == 16, "the masks say so");

/* MSG_FASTOPEN makes a connection of a send. Users include <sys/socket.h>. */
#define NO_FASTOPEN(i) SANDBOX_ARG_BITS(i, MSG_FASTOPEN, 0)

/* Fills the numbers below FD_OPENED_FIRST with copies of FD_NULL. Before sandbox_lock;
 * ends the process when it cannot. */
void opened_fill(void);

#endif
