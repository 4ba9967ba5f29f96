/* The metricsd test plays the supervisor, the three producers and the HTTP clients for
 * one ipwarden-metricsd under its real filter. Its control, log and links are served
 * whenever something is waited for. */
#ifndef IPW_TESTS_METRICSD_RIG_H
#define IPW_TESTS_METRICSD_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "edge.h"
#include "messages.h"
#include "metrics.h"
#include "session.h"

#define RIG_LINKS 3

/* What the process has said since its start. */
struct rig {
	struct child child;
	int links[RIG_LINKS]; /* the supervisor's ends of the link controls */
	/* reports; and how many there were when the last one was logged */
	unsigned int violations[RIG_LINKS];
	unsigned long violation_count;
	unsigned int relinks[RIG_LINKS];
	unsigned int ticks;
	unsigned int strange;	/* records that it must not send */
	unsigned int bad_lines; /* of its log: not as base/log.h makes them */
};
extern struct rig rig;

/* --- metricsd_rig.c ------------------------------------------------------------------
 */

enum rig_listener { RIG_METRICS, RIG_HEALTH };

/* Opens the two listeners, once for all processes. */
void rig_listen(void);
unsigned int rig_port(enum rig_listener listener);

/* Starts a process, up to LOCKED; rig_start adds settings, START and READY. */
void rig_open(void);
void rig_start(const char *cluster);
/* Ends it with that signal (0: the STOP record). Returns the exit code, or 1000 + the
 * signal that ended it. */
int rig_end(int signal);
/* Takes what is left of it when it has ended by itself; the same result. */
int rig_wait(void);

/* Serves control and log until `fd` is readable (true) or the time is over. */
bool rig_pump(int fd, int64_t wait_ms);
/* Serves until the counter has reached `wanted`. */
bool rig_until(const unsigned int *counter, unsigned int wanted);
void rig_tell_process(enum role role, bool ready, bool wedged);
/* All of them are there and ready. */
void rig_tell_all(void);
/* Descriptors that it has open; -1 when the kernel does not say. */
int rig_count_fds(void);

/* --- metricsd_peer.c -----------------------------------------------------------------
 */

/* The other end of a link: nanomsg's wire format written out, with a real session. */
struct peer {
	int slot;
	int fd; /* -1: none */
	struct session *session;
	bool up;
	bool gone; /* the process has closed its end */
	bool greeted;
	uint64_t met; /* the epoch of the process */
	uint8_t in[2 * LINK_FRAME_MAX];
	size_t in_len;
};

struct peer *peer_new(int slot);
void peer_free(struct peer *peer);
/* A fresh end for the process and one for us. With `greet` the greeting is sent. */
void peer_connect(struct peer *peer, bool greet);
void peer_disconnect(struct peer *peer);
/* One round: what is due goes out, what comes is taken. */
void peer_turn(struct peer *peer);
/* Until the session is up; until all that was sent is acknowledged; until the process
 * has closed its end. */
bool peer_wait_up(struct peer *peer);
bool peer_wait_taken(struct peer *peer);
bool peer_wait_gone(struct peer *peer);

/* Bytes as they are; a frame of nanomsg's with that content. */
void peer_send_raw(struct peer *peer, const void *bytes, size_t len);
void peer_send_frame(struct peer *peer, const void *bytes, size_t len);
/* A payload of the session, whatever it is. */
void peer_send_payload(struct peer *peer, const void *bytes, size_t len);
void peer_send_message(struct peer *peer, enum message_type type, const void *msg);
/* Label values follow, ended by NULL. */
void peer_sample(
    struct peer *peer, enum metric metric, unsigned int part, double value, ...);
void peer_drop(struct peer *peer, enum metric metric, ...);
void peer_readiness(struct peer *peer, const char *reason);

/* --- metricsd_http.c -----------------------------------------------------------------
 */

struct reply {
	struct buf text; /* the whole of it */
	int status;	 /* of the first; 0: none came */
};

void reply_free(struct reply *reply);
const char *reply_body(const struct reply *reply);
bool reply_has_header(const struct reply *reply, const char *line);

int http_connect(enum rig_listener listener);
void http_send(int fd, const char *text, size_t len);
/* Reads until the other end closes, and closes; false when that takes too long. */
bool http_read(int fd, struct reply *ret_reply);
void http_ask(enum rig_listener listener, const char *method, const char *target,
    struct reply *ret_reply);
/* Whether GET of that target holds that text in its body. */
bool http_has(enum rig_listener listener, const char *target, const char *text);
bool http_is(
    enum rig_listener listener, const char *target, int status, const char *body);
/* The same, for what the process may still be about to hear. */
bool http_becomes(
    enum rig_listener listener, const char *target, int status, const char *body);

/* --- the parts -----------------------------------------------------------------------
 */

void test_http(void);
void test_crowds(void);
void test_samples(void);
void test_hostile(void);

#endif
