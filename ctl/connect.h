/* http/dial.h for a program that may open connections itself: there is no dialer, and
 * `dial_fd` of dial_new is not used. Every entry is the host and port given here. Names
 * are resolved by libc, which may block for as long as resolv.conf(5) says. */
#ifndef IPW_CTL_CONNECT_H
#define IPW_CTL_CONNECT_H

struct dial;

/* Both borrowed; before the first dial_ask. */
void connect_set_server(struct dial *dial, const char *host, const char *port);

#endif
