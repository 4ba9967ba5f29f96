/* A finished text as a descriptor: a sealed memfd that can be read from its beginning
 * and never be changed. */
#ifndef IPW_MEMFD_H
#define IPW_MEMFD_H

#include <stddef.h>

/* Linux 6.3; the headers of Debian 12 are older. */
#define MEMFD_NOEXEC_SEAL 8u

/* Returns the descriptor, the caller's, or a negative errno. */
int memfd_make_sealed(const void *data, size_t len);

#endif
