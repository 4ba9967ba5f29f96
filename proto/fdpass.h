/* One packet, and at most one descriptor with it. Raw system calls: in programs that
 * carry the nanomsg shim, recvmsg(2) by name would lose control data. */
#ifndef IPW_FDPASS_H
#define IPW_FDPASS_H

#include <stddef.h>
#include <sys/types.h>

/* Returns 0 or a negative errno; never blocks, no SIGPIPE. fd -1: none. */
int fdpass_send(int socket_fd, const void *data, size_t len, int fd);

/* Returns the packet's length; 0 at the end of the stream; a negative errno (-EAGAIN:
 * nothing there; -EMSGSIZE: larger than `size`, dropped). *ret_fd is the descriptor
 * that came along (close-on-exec), or -1; more than one are closed and the packet is
 * -EPROTO. */
ssize_t fdpass_receive(int socket_fd, void *data, size_t size, int *ret_fd);

/* The same without a descriptor, by system calls that cannot carry one: a filter that
 * allows only these keeps descriptors out of a process. */
int fdpass_send_plain(int socket_fd, const void *data, size_t len);
/* As fdpass_receive; a packet larger than `size` gives its whole length. */
ssize_t fdpass_receive_plain(int socket_fd, void *data, size_t size);

#endif
