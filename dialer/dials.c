#include "dials.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#include "dial.h"
#include "fdpass.h"
#include "fds.h"
#include "log.h"
#include "mem.h"

/* A peer that vanished is noticed after idle + count × interval. */
#define KEEP_IDLE_S	10
#define KEEP_INTERVAL_S 5
#define KEEP_COUNT	3
#define USER_TIMEOUT_MS ((KEEP_IDLE_S + KEEP_COUNT * KEEP_INTERVAL_S) * 1000)

/* Answers of the resolver taken in one round of the loop. */
#define ROUND_ANSWERS_MAX 8

enum slot_state { SLOT_FREE, SLOT_NAMING, SLOT_CONNECTING };

struct slot {
	struct dials *dials;
	enum slot_state state;
	uint64_t id;
	const struct entry *entry;
	struct mono_time give_up;
	struct resolve_address addresses[RESOLVE_ADDRESSES_MAX];
	size_t addresses_len;
	size_t next;  /* the address after the one that is tried */
	int fd;	      /* the connection being opened, or -1 */
	int error;    /* why the latest address failed; 0: none was tried */
	bool special; /* one was passed over */
	struct loop_timer *timer;
};

struct dials {
	struct loop *loop;
	const struct entries *entries;
	dials_done_fn *done;
	void *arg;
	uint64_t asks;		    /* id of the latest question */
	uint64_t asked[DIAL_COUNT]; /* question open for that entry's name; 0: none */
	struct slot slots[DIALS_MAX];
};

static void slot_on_timer(void *arg);
static void slot_connect_next(struct slot *slot);

struct dials *
dials_new(
    struct loop *loop, const struct entries *entries, dials_done_fn *done, void *arg)
{
	struct dials *dials = mem_calloc(1, sizeof *dials);
	ssize_t got;

	*dials =
	    (struct dials){.loop = loop, .entries = entries, .done = done, .arg = arg};
	got = getrandom(&dials->asks, sizeof dials->asks, 0);
	assert(got == (ssize_t)sizeof dials->asks);
	for (size_t i = 0; i < DIALS_MAX; i++) {
		struct slot *slot = &dials->slots[i];

		slot->dials = dials;
		slot->fd = -1;
		slot->timer = loop_timer_new(loop, slot_on_timer, slot);
	}
	return dials;
}

static void
slot_close(struct slot *slot)
{
	if (slot->fd < 0)
		return;
	loop_remove_fd(slot->dials->loop, slot->fd);
	close(slot->fd);
	slot->fd = -1;
}

void
dials_free(struct dials *dials)
{
	if (dials == NULL)
		return;
	for (size_t i = 0; i < DIALS_MAX; i++) {
		slot_close(&dials->slots[i]);
		loop_timer_free(dials->slots[i].timer);
	}
	free(dials);
}

/* A new question takes the place of the one before: the resolver answers the latest. */
static void
ask_name(struct dials *dials, const struct entry *entry)
{
	struct resolve_request request = {.id = ++dials->asks};
	size_t index = (size_t)(entry - dials->entries->list);
	int rc;

	if (request.id == 0)
		request.id = ++dials->asks;
	memcpy(request.name, entry->host, sizeof request.name);
	dials->asked[index] = request.id;
	rc = fdpass_send_plain(FD_RESOLVE, &request, sizeof request);
	/* the dial times out, or is asked again when the resolver has started anew */
	if (rc < 0)
		log_warn("resolver_unreachable", LOG_S("error", strerror(-rc)));
}

int
dials_begin(struct dials *dials, uint64_t id, uint32_t entry)
{
	struct slot *slot = NULL;

	if (entry >= DIAL_COUNT || !dials->entries->list[entry].allowed)
		return -EACCES;
	for (size_t i = 0; i < DIALS_MAX && slot == NULL; i++)
		if (dials->slots[i].state == SLOT_FREE)
			slot = &dials->slots[i];
	if (slot == NULL)
		return -EAGAIN;
	slot->id = id;
	slot->entry = &dials->entries->list[entry];
	slot->give_up.ms = clock_mono().ms + DIAL_TIMEOUT_MS;
	slot->next = 0;
	slot->error = 0;
	slot->special = false;
	if (slot->entry->literal) {
		slot->addresses[0] = slot->entry->address;
		slot->addresses_len = 1;
		slot_connect_next(slot);
		return 0;
	}
	slot->state = SLOT_NAMING;
	loop_timer_arm(slot->timer, DIAL_TIMEOUT_MS);
	ask_name(dials, slot->entry);
	return 0;
}

/* Hands the connection or the error over; the slot is free before the answer goes out,
 * so that it may lead to the next dial. */
static void
slot_end(struct slot *slot, int error)
{
	int fd = slot->fd;

	if (error == EPERM && slot->special)
		log_warn("address_refused", LOG_S("host", slot->entry->host),
		    LOG_S("error", "the name has only special addresses"));
	if (fd >= 0)
		loop_remove_fd(slot->dials->loop, fd);
	loop_timer_disarm(slot->timer);
	slot->fd = -1;
	slot->state = SLOT_FREE;
	if (fd >= 0 && error != 0)
		close(fd);
	slot->dials->done(slot->dials->arg, slot->id, error == 0 ? fd : -1, error);
}

static int
socket_set_up(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
	    {SOL_SOCKET, SO_KEEPALIVE, 1},
	    {IPPROTO_TCP, TCP_NODELAY, 1},
	    {IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S},
	    {IPPROTO_TCP, TCP_KEEPINTVL, KEEP_INTERVAL_S},
	    {IPPROTO_TCP, TCP_KEEPCNT, KEEP_COUNT},
	    {IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS},
	};

	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (setsockopt(fd, options[i].level, options[i].name, &options[i].value,
			sizeof options[i].value) < 0)
			return -errno;
	return 0;
}

/* Called once to begin, and again when the kernel reports the end of the handshake:
 * only a connection that this call confirms is handed out. One that was still in
 * SYN_SENT could be redirected by its receiver. Returns 0, -EINPROGRESS, or why it
 * failed. */
static int
slot_try_connect(struct slot *slot)
{
	struct sockaddr_storage address;
	socklen_t len = address_to_socket(
	    &slot->addresses[slot->next - 1], slot->entry->port, &address);

	if (connect(slot->fd, (const struct sockaddr *)&address, len) == 0)
		return 0;
	if (errno == EISCONN)
		return 0;
	return errno == EALREADY ? -EINPROGRESS : -errno;
}

static void
slot_on_writable(void *arg, int fd, uint32_t events)
{
	struct slot *slot = arg;
	int rc = slot_try_connect(slot);

	(void)fd;
	(void)events;
	if (rc == -EINPROGRESS)
		return;
	if (rc == 0) {
		slot_end(slot, 0);
		return;
	}
	slot->error = -rc;
	slot_close(slot);
	slot_connect_next(slot);
}

/* Opens a socket to the next address. Returns 0 when it is connected, -EINPROGRESS, or
 * why this address cannot be reached. */
static int
slot_open_next(struct slot *slot)
{
	const struct resolve_address *address = &slot->addresses[slot->next++];
	int rc;

	if (!slot->entry->literal && address_is_special(address)) {
		slot->special = true;
		return -EPERM;
	}
	slot->fd =
	    socket((int)address->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (slot->fd < 0)
		return -errno;
	rc = socket_set_up(slot->fd);
	if (rc == 0)
		rc = slot_try_connect(slot);
	if (rc == -EINPROGRESS) {
		int watched = loop_set_fd(
		    slot->dials->loop, slot->fd, EPOLLOUT, slot_on_writable, slot);

		rc = watched < 0 ? watched : rc;
	}
	if (rc != 0 && rc != -EINPROGRESS)
		slot_close(slot);
	return rc;
}

/* Addresses in their order; each gets its share of the time that is left, so that one
 * that is silent does not use up the time of the others. */
static void
slot_connect_next(struct slot *slot)
{
	slot->state = SLOT_CONNECTING;
	while (slot->next < slot->addresses_len) {
		int64_t left_ms = slot->give_up.ms - clock_mono().ms;
		int64_t addresses = (int64_t)(slot->addresses_len - slot->next);
		int rc;

		if (left_ms <= 0) {
			slot->error = ETIMEDOUT;
			break;
		}
		rc = slot_open_next(slot);
		if (rc == 0) {
			slot_end(slot, 0);
			return;
		}
		if (rc == -EINPROGRESS) {
			loop_timer_arm(
			    slot->timer, (left_ms + addresses - 1) / addresses);
			return;
		}
		/* a real failure says more than an address that was not tried */
		if (rc != -EPERM || slot->error == 0)
			slot->error = -rc;
	}
	slot_end(slot, slot->error != 0 ? slot->error : EHOSTUNREACH);
}

static void
slot_on_timer(void *arg)
{
	struct slot *slot = arg;

	slot->error = ETIMEDOUT;
	if (slot->state == SLOT_NAMING) {
		slot_end(slot, ETIMEDOUT);
		return;
	}
	slot_close(slot);
	slot_connect_next(slot);
}

/* Returns the entry whose name was asked under that id, or NULL. */
static const struct entry *
take_answer(struct dials *dials, const struct resolve_reply *reply)
{
	for (size_t i = 0; i < DIAL_COUNT; i++) {
		if (reply->id == 0 || dials->asked[i] != reply->id)
			continue;
		dials->asked[i] = 0;
		return &dials->entries->list[i];
	}
	return NULL;
}

/* Entries may share a name, and the resolver answers only the latest question for it.
 */
static void
answer_names(
    struct dials *dials, const struct entry *entry, const struct resolve_reply *reply)
{
	for (size_t i = 0; i < DIALS_MAX; i++) {
		struct slot *slot = &dials->slots[i];

		if (slot->state != SLOT_NAMING ||
		    strcmp(slot->entry->host, entry->host) != 0)
			continue;
		if (reply->error != 0) {
			slot_end(slot, reply->error);
			continue;
		}
		memcpy(slot->addresses, reply->addresses, sizeof slot->addresses);
		slot->addresses_len = reply->count;
		slot_connect_next(slot);
	}
}

static bool
reply_is_sound(const struct resolve_reply *reply)
{
	if (reply->error < 0 || reply->error > 4095)
		return false;
	if (reply->error != 0)
		return true;
	return reply->count >= 1 && reply->count <= RESOLVE_ADDRESSES_MAX;
}

static void
on_resolve(void *arg, int fd, uint32_t events)
{
	struct dials *dials = arg;

	for (size_t i = 0; i < ROUND_ANSWERS_MAX; i++) {
		struct resolve_reply reply = {0};
		const struct entry *entry;
		ssize_t len = fdpass_receive_plain(fd, &reply, sizeof reply);

		if (len == -EAGAIN)
			return;
		if (len == 0 && (events & (EPOLLHUP | EPOLLRDHUP)) != 0) {
			loop_remove_fd(dials->loop, fd);
			return;
		}
		if (len != (ssize_t)sizeof reply || !reply_is_sound(&reply))
			continue;
		entry = take_answer(dials, &reply);
		if (entry != NULL)
			answer_names(dials, entry, &reply);
	}
}

int
dials_hear(struct dials *dials)
{
	return loop_set_fd(
	    dials->loop, FD_RESOLVE, EPOLLIN | EPOLLRDHUP, on_resolve, dials);
}

void
dials_again(struct dials *dials)
{
	for (size_t i = 0; i < DIALS_MAX; i++)
		if (dials->slots[i].state == SLOT_NAMING)
			ask_name(dials, dials->slots[i].entry);
}
