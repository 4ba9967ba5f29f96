/* relay PORT: forwards what comes to a port of its own (printed) to PORT, on loopback.
 * SIGUSR1 partitions: connections stay open, and nothing goes through any more. SIGHUP
 * cuts: all connections are reset, and so are new ones. SIGUSR2 mends: what is left of
 * before is reset, and new connections go through. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connections at a time. */
#define PAIRS_MAX 64u
/* Bytes of one read. */
#define CHUNK 65536u

enum state { STATE_OPEN, STATE_HANGING, STATE_CUT };

/* One connection: the client's end and ours to the server; -1: free. */
struct pair {
	int fd[2];
};

struct relay {
	struct sockaddr_in server;
	int listener, signals;
	enum state state;
	struct pair pairs[PAIRS_MAX];
};

static void __attribute__((noreturn)) die(const char *what)
{
	perror(what);
	exit(1);
}

/* With a reset, as when a host is gone. */
static void
close_hard(int fd)
{
	struct linger linger = {.l_onoff = 1};

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	close(fd);
}

static void
pair_close(struct pair *pair)
{
	close_hard(pair->fd[0]);
	close_hard(pair->fd[1]);
	pair->fd[0] = pair->fd[1] = -1;
}

static void
pairs_close(struct relay *relay)
{
	for (size_t i = 0; i < PAIRS_MAX; i++)
		pair_close(&relay->pairs[i]);
}

static struct pair *
pair_free(struct relay *relay)
{
	for (size_t i = 0; i < PAIRS_MAX; i++)
		if (relay->pairs[i].fd[0] < 0)
			return &relay->pairs[i];
	return NULL;
}

static void
relay_accept(struct relay *relay)
{
	struct pair *pair = pair_free(relay);
	int client = accept(relay->listener, NULL, NULL);
	int server = socket(AF_INET, SOCK_STREAM, 0);

	if (client < 0 || server < 0 || pair == NULL || relay->state == STATE_CUT ||
	    connect(server, (const struct sockaddr *)&relay->server,
		sizeof relay->server) < 0) {
		close_hard(client);
		close_hard(server);
		return;
	}
	pair->fd[0] = client;
	pair->fd[1] = server;
}

/* The little that there is fits into a socket's buffer, or its reader comes round. */
static bool
forward(int from, int to)
{
	static char chunk[CHUNK];
	ssize_t len = read(from, chunk, sizeof chunk);

	for (ssize_t done = 0; done < len;) {
		ssize_t sent =
		    send(to, chunk + done, (size_t)(len - done), MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		done += sent;
	}
	return len > 0;
}

static void
relay_signal(struct relay *relay)
{
	struct signalfd_siginfo info;

	if (read(relay->signals, &info, sizeof info) != (ssize_t)sizeof info)
		die("signalfd");
	if (info.ssi_signo == SIGTERM)
		exit(0);
	if (info.ssi_signo == SIGUSR1) {
		relay->state = STATE_HANGING;
		return;
	}
	relay->state = info.ssi_signo == SIGHUP ? STATE_CUT : STATE_OPEN;
	pairs_close(relay);
}

/* What there is to be heard of: the signals, the listener, both ends of each pair. */
static void
relay_step(struct relay *relay)
{
	struct pollfd fds[2 + 2 * PAIRS_MAX] = {
	    {.fd = relay->signals, .events = POLLIN},
	    {.fd = relay->listener, .events = POLLIN},
	};
	struct pollfd *ends = fds + 2;

	for (size_t i = 0; i < 2 * PAIRS_MAX; i++) {
		int fd = relay->pairs[i / 2].fd[i % 2];

		ends[i].fd = relay->state == STATE_OPEN ? fd : -1;
		ends[i].events = POLLIN;
	}
	if (poll(fds, sizeof fds / sizeof fds[0], -1) < 0)
		die("poll");
	if (fds[0].revents != 0) {
		relay_signal(relay);
		return;
	}
	for (size_t i = 0; i < 2 * PAIRS_MAX; i++) {
		struct pair *pair = &relay->pairs[i / 2];

		if (ends[i].revents != 0 && pair->fd[0] >= 0 &&
		    !forward(pair->fd[i % 2], pair->fd[1 - i % 2]))
			pair_close(pair);
	}
	if (fds[1].revents != 0)
		relay_accept(relay);
}

static void
relay_listen(struct relay *relay, uint16_t server_port)
{
	struct sockaddr_in own = {
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof own;

	relay->server = own;
	relay->server.sin_port = htons(server_port);
	relay->listener = socket(AF_INET, SOCK_STREAM, 0);
	if (relay->listener < 0 ||
	    bind(relay->listener, (const struct sockaddr *)&own, sizeof own) < 0 ||
	    listen(relay->listener, SOMAXCONN) < 0 ||
	    getsockname(relay->listener, (struct sockaddr *)&own, &len) < 0)
		die("listen");
	printf("%u\n", ntohs(own.sin_port));
	fflush(stdout);
}

static int
catch_signals(void)
{
	static const int caught[] = {SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++)
		sigaddset(&set, caught[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		die("sigprocmask");
	return signalfd(-1, &set, SFD_CLOEXEC);
}

int
main(int argc, char **argv)
{
	struct relay relay = {.state = STATE_OPEN};
	unsigned long port = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;

	if (port == 0 || port > UINT16_MAX) {
		fputs("usage: relay PORT\n", stderr);
		return 2;
	}
	memset(relay.pairs, -1, sizeof relay.pairs);
	relay.signals = catch_signals();
	if (relay.signals < 0)
		die("signalfd");
	relay_listen(&relay, (uint16_t)port);
	for (;;)
		relay_step(&relay);
}
