/* A watcher that somebody else has taken over: stands in its place and attacks the
 * supervisor and its neighbours with the descriptors and messages that a watcher has.
 * What it does is the word in the file beside it, named like the program and "-mode".
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bounds.h"
#include "clock.h"
#include "control.h"
#include "dial.h"
#include "fdpass.h"
#include "fds.h"
#include "log.h"
#include "roles.h"
#include "sandbox.h"
#include "session.h"
#include "worker.h"

#define LINK_FACTS_FD FD_LINK_0
#define SLOT_FACTS    0
#define SLOT_METRICS  1

/* More than a worker may have open, in one packet (the kernel's limit is 253). */
#define RIGHTS_MAX 250

/* More than may be in flight for a dialer to pass one on; it allows 10 a second. */
#define DIALS 100

/* More than its RLIMIT_DATA and than a container of this size has. */
#define MEMORY_BYTES ((size_t)512 << 20)

static const struct sandbox evil_sandbox = {
    .role = "watcher",
    .groups = {&sandbox_process, &sandbox_wait, &sandbox_base, &sandbox_control,
	&sandbox_nanomsg, &sandbox_https, &sandbox_files},
    .data_max = 96u << 20,
    .files_max = 128,
};

static void __attribute__((noreturn)) wait_for_end(void)
{
	for (;;) {
		struct pollfd control = {.fd = FD_CONTROL, .events = POLLIN};
		char record[4096];
		int fd = -1;

		if (poll(&control, 1, 500) > 0 &&
		    (fdpass_receive(FD_CONTROL, record, sizeof record, &fd) <= 0 ||
			record[0] == CONTROL_STOP))
			_exit(0);
		control_send(FD_CONTROL, CONTROL_TICK, NULL, 0, -1);
	}
}

/* Says what it did: the tests wait for it. */
static void
tell(const char *what, long long count)
{
	log_info("evil", LOG_S("did", what), LOG_N("count", count));
}

static void
flood_control(enum control_type type, const void *payload, size_t len)
{
	int rc = 0;

	while (rc == 0 || rc == -EAGAIN)
		rc = control_send(FD_CONTROL, type, payload, len, -1);
	_exit(0);
}

/* Descriptors on a socket that nobody reads stay in flight, and the kernel counts those
 * for all processes of a user together. */
static void
attach_rights(int socket_fd)
{
	union {
		char bytes[CMSG_SPACE(RIGHTS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	char byte = 'x';
	struct iovec part = {&byte, 1};
	struct msghdr packet = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof control.bytes};
	struct cmsghdr *header = CMSG_FIRSTHDR(&packet);
	long sent;
	long long count = 0;

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(RIGHTS_MAX * sizeof(int));
	while ((sent = syscall(
		    SYS_sendmsg, socket_fd, &packet, MSG_DONTWAIT | MSG_NOSIGNAL)) >= 0)
		count += RIGHTS_MAX;
	log_info("evil", LOG_S("did", "rights"), LOG_N("count", count),
	    LOG_S("error", strerror(errno)));
}

/* Asks for connections and takes none. */
static void
hoard_dials(void)
{
	struct dial_request request = {.id = 1, .entry = DIAL_KUBE};

	for (int i = 0; i < DIALS; i++) {
		request.id++;
		while (fdpass_send(FD_DIAL, &request, sizeof request, -1) == -EAGAIN)
			poll(NULL, 0, 10);
		poll(NULL, 0, i < 20 ? 0 : 100);
		control_send(FD_CONTROL, CONTROL_TICK, NULL, 0, -1);
	}
	tell("dials", DIALS);
}

static int
take_link(void)
{
	char byte;
	int fd = -1;

	while (fd < 0) {
		struct pollfd link = {.fd = LINK_FACTS_FD, .events = POLLIN};

		poll(&link, 1, 500);
		fdpass_receive(LINK_FACTS_FD, &byte, 1, &fd);
		control_send(FD_CONTROL, CONTROL_TICK, NULL, 0, -1);
	}
	return fd;
}

static void
link_write(int fd, const void *data, size_t len)
{
	while (len > 0) {
		ssize_t sent = sendto(fd, data, len, MSG_NOSIGNAL, NULL, 0);

		if (sent < 0 && errno != EAGAIN) {
			tell("link ended", errno);
			wait_for_end();
		}
		if (sent > 0) {
			data = (const char *)data + sent;
			len -= (size_t)sent;
		}
	}
}

static void
send_frame(int fd, const uint8_t *frame, size_t len)
{
	uint8_t header[9] = {1};

	for (int i = 0; i < 8; i++)
		header[8 - i] = (uint8_t)(len >> (8 * i));
	link_write(fd, header, sizeof header);
	link_write(fd, frame, len);
}

/* A new session with each frame. */
static void
flood_hellos(int fd)
{
	static const uint8_t greeting[8] = {0, 'S', 'P', 0, 0, 16, 0, 0};
	uint8_t frame[SESSION_HEADER] = {1, 1};
	uint8_t peer[4096];
	uint8_t epoch[8];
	size_t got = 0;
	long long count = 0;

	link_write(fd, greeting, sizeof greeting);
	/* its hello: greeting, header, then version, kind, epoch */
	while (got < 8 + 9 + 2 + sizeof epoch) {
		ssize_t len = recv(fd, peer + got, sizeof peer - got, 0);

		if (len <= 0)
			_exit(0);
		got += (size_t)len;
	}
	memcpy(epoch, peer + 8 + 9 + 2, sizeof epoch);
	memcpy(frame + 10, epoch, sizeof epoch);
	for (;;) {
		if (getrandom(frame + 2, 8, 0) != 8)
			_exit(0);
		frame[2] |= 1;
		send_frame(fd, frame, sizeof frame);
		if (++count % 500 == 0)
			control_send(FD_CONTROL, CONTROL_TICK, NULL, 0, -1);
		if (count % 2000 == 0)
			tell("hellos", count);
	}
}

static void
flood_lines(void)
{
	static const char posing[] =
	    "{\"ts\":\"\",\"level\":\"info\",\"msg\":\"\",\"event\":\"stopped\","
	    "\"process\":\"reconciler\"}\n\x1b[2J\xff\n";
	static char line[2048];
	struct mono_time ticked = clock_mono();

	memset(line, 'x', sizeof line - 1);
	line[sizeof line - 1] = '\n';
	if (write(FD_LOG, posing, sizeof posing - 1) < 0)
		_exit(0);
	for (;;) {
		struct mono_time now = clock_mono();

		if (write(FD_LOG, line, sizeof line) < 0)
			_exit(0);
		if (now.ms - ticked.ms < CONTROL_TICK_MS)
			continue;
		ticked = now;
		control_send(FD_CONTROL, CONTROL_TICK, NULL, 0, -1);
	}
}

static void
take_memory(int flags)
{
	char *memory = mmap(
	    NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);

	if (memory == MAP_FAILED) {
		tell("no memory", errno);
		return;
	}
	for (size_t at = 0; at < MEMORY_BYTES; at += 4096)
		memory[at] = 1;
	tell("memory", (long long)MEMORY_BYTES);
}

/* A mapping that counts as a stack is not data, however it grows. */
static void
grow_stack(void)
{
	/* its pages are moved away, so nothing may stand on them */
	char room[256 << 10];
	char *at = (char *)(((uintptr_t)room + 4095) & ~(uintptr_t)4095);
	char *memory;

	memset(room, 1, sizeof room);
	memory = mremap(at, 4096, MEMORY_BYTES, MREMAP_MAYMOVE);
	if (memory == MAP_FAILED) {
		tell("no memory", errno);
		return;
	}
	for (size_t touched = 0; touched < MEMORY_BYTES; touched += 4096)
		memory[touched] = 1;
	tell("memory", (long long)MEMORY_BYTES);
}

static void
read_mode(char *out, size_t size)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof path - 8);
	int fd;

	if (len < 0)
		_exit(1);
	memcpy(path + len, "-mode", sizeof "-mode");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, out, size - 1);
	if (len < 0)
		_exit(1);
	out[len] = '\0';
	out[strcspn(out, "\n")] = '\0';
	close(fd);
}

static void
accuse(void)
{
	static const uint8_t metrics = SLOT_METRICS;

	for (;;) {
		control_send(FD_CONTROL, CONTROL_VIOLATION, &metrics, 1, -1);
		control_send(FD_CONTROL, CONTROL_TICK, NULL, 0, -1);
		poll(NULL, 0, 200);
	}
}

static void
relink(void)
{
	static const uint8_t facts = SLOT_FACTS;

	flood_control(CONTROL_RELINK, &facts, sizeof facts);
}

static void
tick(void)
{
	flood_control(CONTROL_TICK, NULL, 0);
}

static void
attach_to_link(void)
{
	attach_rights(LINK_FACTS_FD);
}

static void
attach_to_control(void)
{
	attach_rights(FD_CONTROL);
}

static void
say_hello(void)
{
	flood_hellos(take_link());
}

static void
take_shared(void)
{
	take_memory(MAP_SHARED);
}

static void
take_stack(void)
{
	take_memory(MAP_PRIVATE | MAP_GROWSDOWN);
}

static void
say_unknown(void)
{
	control_send(FD_CONTROL, (enum control_type)'z', "zz", 2, -1);
}

static void
hand_over_token(void)
{
	control_send(FD_CONTROL, CONTROL_TOKEN, "evil", 4, -1);
}

/* No attack: says what a watcher is given. */
static void
tell_file(void *arg, enum file_kind kind, int fd)
{
	char *text;
	size_t len;

	(void)arg;
	if (worker_read_file(fd, CREDENTIAL_MAX, &text, &len) < 0)
		_exit(1);
	log_info("handed", LOG_N("kind", kind), LOG_S("text", text));
	free(text);
}

/* Ready for longer than an ordinary failure is remembered. */
static void
forbidden_call(void)
{
	for (int i = 0; i < 6; i++) {
		poll(NULL, 0, 500);
		control_send(FD_CONTROL, CONTROL_TICK, NULL, 0, -1);
	}
	syscall(SYS_getuid);
}

static const struct {
	const char *mode;
	void (*attack)(void);
} attacks[] = {
    {"violations", accuse},
    {"relinks", relink},
    {"ticks", tick},
    {"rights", attach_to_link},
    {"rights-control", attach_to_control},
    {"dials", hoard_dials},
    {"hellos", say_hello},
    {"lines", flood_lines},
    {"shared", take_shared},
    {"stack", take_stack},
    {"mremap", grow_stack},
    {"unknown", say_unknown},
    {"token", hand_over_token},
    {"sigsys", forbidden_call},
};

/* Says that it is locked, and is not. */
static void __attribute__((noreturn)) pretend_locked(void)
{
	control_send(FD_CONTROL, CONTROL_LOCKED, "\x7f\0\0", 4, -1);
	wait_for_end();
}

/* Says that it is locked when it has been told to stop, and is gone at once: the test
 * holds the supervisor still and then writes another mode. */
static void __attribute__((noreturn)) lock_late(void)
{
	char mode[64], record[4096];

	if (recv(FD_CONTROL, record, sizeof record, 0) < 0)
		_exit(1);
	do {
		poll(NULL, 0, 10);
		read_mode(mode, sizeof mode);
	} while (strcmp(mode, "late") == 0);
	control_send(FD_CONTROL, CONTROL_LOCKED, "\x7f\0\0", 4, -1);
	_exit(0);
}

int
main(void)
{
	static const struct worker_hooks hooks = {0};
	static const struct worker_hooks telling = {.file = tell_file};
	static struct worker worker;
	char mode[64];

	read_mode(mode, sizeof mode);
	if (strcmp(mode, "unlocked") == 0)
		pretend_locked();
	if (strcmp(mode, "late") == 0)
		lock_late();
	worker_open(&worker, &evil_sandbox,
	    strcmp(mode, "tell") == 0 ? &telling : &hooks, NULL);
	worker_lock(&worker);
	control_send(FD_CONTROL, CONTROL_READY, NULL, 0, -1);
	for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++)
		if (strcmp(mode, attacks[i].mode) == 0)
			attacks[i].attack();
	wait_for_end();
}
