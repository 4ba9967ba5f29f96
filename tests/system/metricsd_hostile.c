/* Producers that do not keep to the protocol: metricsd survives each, says so to the
 * supervisor, and keeps nothing of what they send. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "fdpass.h"
#include "metricsd_rig.h"

#define SLOT 0

/* Frame kinds of a session, and where its fields stand; see proto/session.h. */
enum { HELLO = 1, DATA = 2, ACK = 3 };
enum { AT_KIND = 1, AT_FROM = 2, AT_TO = 10, AT_NUMBER = 18 };

static void
put_u64(uint8_t *out, uint64_t number)
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(number >> (8 * i));
}

static bool
is_alive(void)
{
	return http_is(RIG_HEALTH, "/healthz", 200, "ok");
}

/* What nanomsg itself would choke on. The link ends, is asked for anew, and works. */
static void
test_bad_frames(void)
{
	static const struct {
		const char *name;
		uint8_t bytes[18];
		size_t len;
		bool greet;
		bool violation;
	} cases[] = {
	    {"frame type 0", {0, 0, 0, 0, 0, 0, 0, 0, 1, 'x'}, 10, true, true},
	    {"frame type 2", {2, 0, 0, 0, 0, 0, 0, 0, 1, 'x'}, 10, true, true},
	    {"frame type 255", {255}, 1, true, true},
	    {"a length beyond the limit", {1, 0, 0, 0, 0, 0, 1, 0, 1}, 9, true, true},
	    {"a length of 2^63", {1, 0x80}, 9, true, true},
	    {"a good frame, then a bad one",
		{1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}, 18, true, true},
	    {"a greeting of another protocol", {0, 'S', 'P', 0, 0, 48, 0, 0}, 8, false,
		false},
	    {"no greeting", {'G', 'E', 'T', ' ', '/', 'x', 'y', 'z'}, 8, false, false},
	};
	struct peer *peer = peer_new(SLOT);

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		unsigned int before = rig.violations[SLOT];
		unsigned int relinks = rig.relinks[SLOT];
		bool bad = cases[i].violation;

		peer_connect(peer, cases[i].greet);
		peer_send_raw(peer, cases[i].bytes, cases[i].len);
		if (i == 5)
			peer_send_raw(peer, "\7", 1);
		tap_check(
		    peer_wait_gone(peer), "hostile: %s ends the link", cases[i].name);
		tap_check(!bad || rig_until(&rig.violations[SLOT], before + 1),
		    "hostile: %s is reported as it should", cases[i].name);
		tap_check(rig_until(&rig.relinks[SLOT], relinks + 1) &&
			      (bad || rig.violations[SLOT] == before),
		    "hostile: the link is asked for anew");
	}
	peer_connect(peer, true);
	tap_check(peer_wait_up(peer) && is_alive(), "hostile: a sound link after all");
	peer_free(peer);
}

/* Ends in the middle of a greeting, a header, a frame: no offence, only an end. */
static void
test_cut_off(void)
{
	static const uint8_t whole[] = {
	    0, 'S', 'P', 0, 0, 16, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 40, 1, 2, 3};
	unsigned int before = rig.violations[SLOT];
	struct peer *peer = peer_new(SLOT);
	bool good = true;

	for (size_t len = 0; len < sizeof whole; len++) {
		peer_connect(peer, false);
		peer_send_raw(peer, whole, len);
	}
	peer_connect(peer, true);
	/* with so many ends at once, one that works may have to be asked for */
	for (int i = 0; i < 3 && !peer->up; i++) {
		unsigned int relinks = rig.relinks[SLOT];
		int64_t until_ms = clock_mono().ms + EDGE_WAIT_MS;

		while (!peer->up && rig.relinks[SLOT] == relinks &&
		       clock_mono().ms < until_ms)
			peer_turn(peer);
		if (!peer->up)
			peer_connect(peer, true);
	}
	good = peer_wait_up(peer);
	tap_check(good && rig.violations[SLOT] == before && is_alive(),
	    "hostile: links that are cut off at every byte");
	peer_free(peer);
}

/* A frame as it should be, but for what is changed in it. */
static void
make_frame(const struct peer *peer, uint8_t frame[SESSION_HEADER])
{
	memset(frame, 0, SESSION_HEADER);
	frame[0] = 1;
	frame[AT_KIND] = ACK;
	put_u64(frame + AT_FROM, 77);
	put_u64(frame + AT_TO, peer->met);
}

/* Whether exactly so many violations have come. One more, an empty frame, follows them:
 * the report that has it has all of them. */
static bool
counts_violations(struct peer *peer, unsigned long wanted)
{
	int64_t until_ms = clock_mono().ms + EDGE_WAIT_MS;

	if (!peer_wait_taken(peer))
		return false;
	peer_send_frame(peer, "", 0);
	while (rig.violation_count <= wanted && clock_mono().ms < until_ms)
		rig_pump(-1, until_ms - clock_mono().ms);
	return rig.violation_count == wanted + 1;
}

static void
test_bad_sessions(void)
{
	struct peer *peer = peer_new(SLOT);
	unsigned long before = rig.violation_count, bad = 0;
	uint8_t frame[SESSION_HEADER];

	peer_connect(peer, true);
	tap_check(peer_wait_up(peer), "hostile: a session");
	make_frame(peer, frame);
	for (size_t len = 0; len < SESSION_HEADER; len++, bad++)
		peer_send_frame(peer, frame, len);
	for (int i = 0; i < 4; i++, bad++) {
		make_frame(peer, frame);
		if (i == 0)
			frame[0] = 2; /* another version */
		else if (i == 1)
			frame[AT_KIND] = 0;
		else if (i == 2)
			frame[AT_KIND] = ACK + 1;
		else
			put_u64(frame + AT_FROM, 0);
		peer_send_frame(peer, frame, sizeof frame);
	}
	make_frame(peer, frame);
	frame[AT_KIND] = DATA; /* without a payload */
	peer_send_frame(peer, frame, sizeof frame);
	bad++;
	tap_check(counts_violations(peer, before + bad),
	    "hostile: %lu malformed session frames are counted", bad);
	peer_sample(peer, METRIC_WATCH_SYNCED, SAMPLE_VALUE, 1, "pods", NULL);
	tap_check(
	    peer_wait_taken(peer) && http_has(RIG_METRICS, "/metrics", "kind=\"pods\""),
	    "hostile: the session goes on");
	peer_free(peer);
}

/* A sample with everything wrong that can be. */
static void
send_bad_samples(struct peer *peer)
{
	peer_sample(peer, METRIC_COUNT, SAMPLE_VALUE, 1, "x", NULL);
	peer_sample(peer, (enum metric)0xffffffff, SAMPLE_VALUE, 1, "x", NULL);
	peer_sample(peer, METRIC_WATCH_SYNCED, SAMPLE_VALUE, 1, NULL);
	peer_sample(peer, METRIC_WATCH_SYNCED, SAMPLE_VALUE, 1, "x", "y", NULL);
	peer_sample(peer, METRIC_WATCH_SYNCED, SAMPLE_SUM, 1, "wrong-part", NULL);
	peer_sample(peer, METRIC_GCP_SECONDS, SAMPLE_VALUE, 1, "wrong-part", NULL);
	peer_sample(peer, METRIC_GCP_SECONDS, SAMPLE_PART_MAX, 1, "wrong-part", NULL);
	peer_drop(peer, METRIC_COUNT, NULL);
	peer_drop(peer, METRIC_WATCH_SYNCED, "x", "y", NULL);
}

#define BAD_SAMPLES 9

static void
test_bad_messages(void)
{
	static struct msg_sample sample = {.metric = METRIC_WATCH_SYNCED};
	static struct msg_fact_node node;
	static struct msg_grant grant;
	static uint8_t bytes[LINK_FRAME_MAX];
	struct peer *peer = peer_new(SLOT);
	unsigned long before = rig.violation_count, bad = 0;
	int len;

	peer_connect(peer, true);
	peer_wait_up(peer);
	pack_add(&sample.labels, "cut");
	len = message_encode(MSG_SAMPLE, &sample, bytes, sizeof bytes);
	for (int cut = 1; cut < len; cut++, bad++)
		peer_send_payload(peer, bytes, (size_t)cut);
	peer_send_payload(peer, bytes, (size_t)len + 1); /* a byte too many */
	memset(bytes, 0xff, 64);			 /* no such message */
	peer_send_payload(peer, bytes, 64);
	peer_send_message(peer, MSG_FACT_NODE, &node);
	peer_send_message(peer, MSG_GRANT, &grant);
	send_bad_samples(peer);
	bad += 4 + BAD_SAMPLES;
	tap_check(counts_violations(peer, before + bad),
	    "hostile: %lu messages that are none or not for it are counted", bad);
	tap_check(!http_has(RIG_METRICS, "/metrics", "wrong-part") &&
		      !http_has(RIG_METRICS, "/metrics", "\"cut\""),
	    "hostile: nothing of them is kept");
	peer_free(peer);
}

/* What metricsd has from the supervisor is nothing that a producer may say. */
static void
test_foreign_series(void)
{
	struct peer *peer = peer_new(SLOT);

	rig_tell_process(ROLE_WATCHER, true, false);
	peer_connect(peer, true);
	peer_wait_up(peer);
	peer_sample(peer, METRIC_PROCESS_VIOLATIONS, SAMPLE_VALUE, 0, "watcher", NULL);
	peer_sample(
	    peer, METRIC_SANDBOX_LAYER, SAMPLE_VALUE, 77, "watcher", "seccomp", NULL);
	peer_drop(peer, METRIC_PROCESS_READY, NULL);
	peer_wait_taken(peer);
	tap_check(http_has(RIG_METRICS, "/metrics",
		      "ipwarden_protocol_violations_total{cluster=\"c\\\"1\","
		      "process=\"watcher\"} 4\n") &&
		      http_has(RIG_METRICS, "/metrics",
			  "process=\"watcher\",layer=\"seccomp\"} 1\n") &&
		      http_has(RIG_METRICS, "/metrics",
			  "ipwarden_process_ready{cluster=\"c\\\"1\","
			  "process=\"watcher\"} 1\n"),
	    "hostile: the supervisor's word is not replaced");
	peer_free(peer);
}

/* A descriptor inside a frame: the process must not keep it. A pipe shows who still
 * holds its other end. */
static void
send_descriptor(struct peer *peer, const uint8_t *bytes, size_t len, int *ret_watch)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		end_test("pipe2");
	if (fdpass_send(peer->fd, bytes, len, ends[1]) < 0)
		end_test("fdpass_send");
	close(ends[1]);
	*ret_watch = ends[0];
}

#define DESCRIPTORS 64

static void
test_descriptors(void)
{
	static const uint8_t empty[9] = {1};
	struct peer *peer = peer_new(SLOT);
	int watches[DESCRIPTORS];
	int fds_before;
	bool free_all = true;

	peer_connect(peer, true);
	peer_wait_up(peer);
	fds_before = rig_count_fds();
	for (int i = 0; i < DESCRIPTORS; i++)
		send_descriptor(peer, empty, sizeof empty, &watches[i]);
	peer_readiness(peer, "");
	tap_check(peer_wait_taken(peer), "hostile: frames with descriptors are read");
	for (int i = 0; i < DESCRIPTORS; i++) {
		struct pollfd watch = {.fd = watches[i]};

		free_all = free_all && poll(&watch, 1, EDGE_WAIT_MS) == 1 &&
			   (watch.revents & POLLHUP) != 0;
		close(watches[i]);
	}
	tap_check(free_all, "hostile: none of the descriptors is kept");
	if (fds_before < 0)
		tap_skip("the kernel does not tell", "hostile: count of descriptors");
	else
		tap_check(rig_count_fds() == fds_before,
		    "hostile: count of descriptors (%d)", fds_before);
	peer_free(peer);
}

/* A new life with each frame. */
static void
test_many_lives(void)
{
	struct peer *peer = peer_new(SLOT);
	uint8_t frame[SESSION_HEADER];

	peer_connect(peer, true);
	peer_wait_up(peer);
	for (uint64_t life = 1; life <= 500; life++) {
		make_frame(peer, frame);
		frame[AT_KIND] = HELLO;
		put_u64(frame + AT_FROM, life);
		peer_send_frame(peer, frame, sizeof frame);
		rig_pump(-1, 0);
	}
	tap_check(is_alive(), "hostile: 500 lives of a producer");
	peer_free(peer);
}

/* Series as large as they can be, far more than there is room for. The next life of
 * that producer starts with nothing. */
static void
test_flood(void)
{
	static char text[8192];
	struct peer *peer = peer_new(SLOT);
	bool alive, afresh;

	peer_connect(peer, true);
	peer_wait_up(peer);
	memset(text, 'x', sizeof text - 1);
	for (unsigned int i = 0; i < 16000; i++) {
		int len = snprintf(text, 16, "%08u", i);

		text[len] = 'x';
		peer_sample(peer, METRIC_WATCH_SYNCED, SAMPLE_VALUE, 1, text, NULL);
	}
	alive = peer_wait_taken(peer) && is_alive();
	tap_check(alive, "hostile: 125 MiB of labels");
	peer_free(peer);
	peer = peer_new(SLOT);
	peer_connect(peer, true);
	peer_wait_up(peer);
	peer_sample(peer, METRIC_WATCH_SYNCED, SAMPLE_VALUE, 1, "afresh", NULL);
	afresh = peer_wait_taken(peer) &&
		 http_has(RIG_METRICS, "/metrics", "kind=\"afresh\"") &&
		 !http_has(RIG_METRICS, "/metrics", "xxx");
	tap_check(afresh, "hostile: room again for its next life");
	peer_free(peer);
}

void
test_hostile(void)
{
	test_bad_frames();
	test_cut_off();
	test_bad_sessions();
	test_bad_messages();
	test_foreign_series();
	test_descriptors();
	test_many_lives();
	test_flood();
}
