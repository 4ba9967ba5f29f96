#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exits.h"
#include "log.h"
#include "supervisor.h"

/* Connections that wait to be accepted. */
#define LISTEN_BACKLOG 64

static void __attribute__((noreturn))
listen_fail(const char *name, uint16_t port, const char *step)
{
	log_error("listen_failed", LOG_S("name", name), LOG_N("port", port),
	    LOG_S("step", step), LOG_S("error", strerror(errno)));
	exit(EXIT_CONFIG);
}

/* IPv6 sockets take IPv4 as well; a kernel without IPv6 gets an IPv4 one. */
static int
bind_any(const char *name, uint16_t port)
{
	static const int on = 1, off = 0;
	struct sockaddr_in6 any6 = {.sin6_family = AF_INET6,
	    .sin6_port = htons(port),
	    .sin6_addr = in6addr_any};
	struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
		if (bind(fd, (struct sockaddr *)&any6, sizeof any6) == 0)
			return fd;
		if (errno != EADDRNOTAVAIL && errno != EAFNOSUPPORT)
			listen_fail(name, port, "bind");
		close(fd);
	}
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		listen_fail(name, port, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&any4, sizeof any4) < 0)
		listen_fail(name, port, "bind");
	return fd;
}

int
listen_open(const char *name, uint16_t port)
{
	int fd = bind_any(name, port);
	struct sockaddr_in6 bound = {0}; /* its port stands where IPv4's does */
	socklen_t len = sizeof bound;

	if (listen(fd, LISTEN_BACKLOG) < 0)
		listen_fail(name, port, "listen");
	if (getsockname(fd, (struct sockaddr *)&bound, &len) < 0)
		listen_fail(name, port, "getsockname");
	log_info(
	    "listening", LOG_S("name", name), LOG_N("port", ntohs(bound.sin6_port)));
	return fd;
}
