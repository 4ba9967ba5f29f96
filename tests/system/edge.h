/* The edge test plays the supervisor, the clients and the DNS servers for the dialer,
 * the resolver and ipwarden-config, each under its real filter. */
#ifndef IPW_TESTS_EDGE_H
#define IPW_TESTS_EDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "control.h"
#include "dial.h"
#include "fds.h"
#include "resolve.h"

/* Nothing that is waited for takes longer, on a busy machine. */
#define EDGE_WAIT_MS 15000

/* An address of this machine that is not special; only in a network namespace of the
 * test's own. A second one has no listener. */
#define EDGE_OWN_ADDRESS    "10.99.0.1"
#define EDGE_SILENT_ADDRESS "10.99.0.2"

/* --- edge_child.c --------------------------------------------------------------------
 */

/* One line of TAP. */
void tap_check(bool good, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void tap_skip(const char *why, const char *what);
/* The plan, and the exit code of the test. */
int tap_end(void);

struct child {
	pid_t pid;
	int control;	 /* the supervisor's end */
	int log;	 /* what it writes to FD_LOG */
	char text[8192]; /* what it has written so far */
	size_t text_len;
};

/* Starts a program; fds[FD_FIXED_END], -1 for none, stay the caller's. Ends the test
 * when it cannot. */
void child_open(struct child *child, const char *program, const int *fds);
/* Takes records until one of that type; false when the child ends or does not answer.
 */
bool child_expect(
    struct child *child, enum control_type type, struct control_record *ret_record);
/* Takes LOCKED and looks at the layers. */
bool child_expect_locked(struct child *child);
void child_set(struct child *child, enum setting key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* START, and READY back. */
bool child_start(struct child *child);
/* Reads until the log holds `text`. */
bool child_expect_log(struct child *child, const char *text);
/* Waits for its end: the exit code, or 1000 + the signal that ended it. */
int child_wait(struct child *child);
/* Asks it to stop and waits. */
int child_stop(struct child *child);

/* A SEQPACKET pair. */
void pair_open(int pair[2]);
/* A sealed file with that text. */
int file_make(const char *text, size_t len);

/* Waits until `fd` is readable and serves the fake DNS meanwhile. */
bool wait_readable(int fd, int64_t wait_ms);
/* A listener on a port that the kernel chose; -1 when the address is not ours. */
int listen_on(const char *address, int backlog, unsigned int *ret_port);
_Noreturn void end_test(const char *why);

/* --- edge_dns.c ----------------------------------------------------------------------
 */

/* Two servers, 127.0.0.1 and 127.0.0.2, on one port; see the zone in edge_dns.c. */
void dns_open(void);
void dns_close(void);
unsigned int dns_port(void);
/* -1 when not open. */
int dns_fd(int server);
void dns_serve(int server);

struct dns_counts {
	unsigned int queries; /* both servers */
	unsigned int ids;     /* different ids among the queries */
	unsigned int ports;   /* different source ports */
};
struct dns_counts dns_counts(void);

/* --- the three parts
 * ------------------------------------------------------------------ */

/* `own_network`: the test has a network namespace of its own. */
void test_dialer(void);
void test_dialer_names(bool own_network);
void test_resolver(bool own_network);
void test_config(void);

/* A client's request; sends it as it is. */
void dial_send(int fd, uint64_t id, uint32_t entry);
/* The answer; *ret_fd -1 when none came with it. */
bool dial_take(int fd, struct dial_reply *ret_reply, int *ret_fd);
/* Asks and takes: the error, 0 with a descriptor, or -1 for no or a wrong answer. */
int dial_once(int fd, uint64_t id, uint32_t entry, int *ret_fd);

#endif
