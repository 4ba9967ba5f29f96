/* Compiled without _GNU_SOURCE: with it, glibc's declarations of these functions have
 * transparent-union arguments that ISO C definitions cannot match. */
#define _DEFAULT_SOURCE 1

#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

#include "bounds.h"
#include "exits.h"
#include "fds.h"

#define EXPORT __attribute__((visibility("default")))

/* Descriptor numbers that can be links or link ends; RLIMIT_NOFILE is below it. */
#define TABLE_SIZE 1024

/* An SP connection starts with an 8 byte greeting; then each message has a header of a
 * type byte (1) and a 64-bit big-endian length (nanomsg rfc/sp-ipc-mapping-01). */
#define GREETING_LEN 8u
#define HEADER_LEN   9u
#define FRAME_NORMAL 1u

enum entry_kind { ENTRY_NONE, ENTRY_LISTENER, ENTRY_END };

struct entry {
	atomic_int kind;
	int control_fd;	       /* the descriptor N that it came from */
	unsigned int greeting; /* bytes seen */
	unsigned int header;   /* bytes seen of the present header */
	uint64_t length;       /* of the present message */
	uint64_t left;
	bool broken;
};

/* Entries of link ends are used by nanomsg's one thread only; kind by both. */
static struct entry table[TABLE_SIZE];
static atomic_uint bad_frames[FD_FIXED_END];

int accept4(int fd, struct sockaddr *address, socklen_t *len, int flags);

static struct entry *
entry_of(int fd, enum entry_kind kind)
{
	if (fd < 0 || fd >= TABLE_SIZE || atomic_load(&table[fd].kind) != (int)kind)
		return NULL;
	return &table[fd];
}

unsigned int
shim_bad_frames(int control_fd)
{
	return control_fd >= 0 && control_fd < FD_FIXED_END
		   ? atomic_load(&bad_frames[control_fd])
		   : 0;
}

/* nanomsg asks for a socket before it binds it; it gets a copy of the control
 * descriptor as a place to be replaced. Before the filter only. */
EXPORT int
socket(int domain, int type, int protocol)
{
	(void)type;
	(void)protocol;
	if (domain != AF_UNIX) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	return fcntl(FD_CONTROL, F_DUPFD_CLOEXEC, FD_FIXED_END);
}

static int
control_fd_of(const struct sockaddr *address, socklen_t len)
{
	struct sockaddr_un name;
	int fd;

	if (len < offsetof(struct sockaddr_un, sun_path) + 5 || len > sizeof name)
		return -1;
	memset(&name, 0, sizeof name);
	memcpy(&name, address, len);
	if (name.sun_family != AF_UNIX || strncmp(name.sun_path, "fd:", 3) != 0 ||
	    name.sun_path[4] != '\0')
		return -1;
	fd = name.sun_path[3] - '0';
	return fd >= FD_LINK_0 && fd <= FD_LINK_2 ? fd : -1;
}

EXPORT int
bind(int fd, const struct sockaddr *address, socklen_t len)
{
	int control_fd = control_fd_of(address, len);

	if (control_fd < 0 || fd < FD_FIXED_END || fd >= TABLE_SIZE) {
		errno = EACCES;
		return -1;
	}
	if (dup2(control_fd, fd) < 0)
		return -1;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -1;
	table[fd].control_fd = control_fd;
	atomic_store(&table[fd].kind, ENTRY_LISTENER);
	return 0;
}

EXPORT int
listen(int fd, int backlog)
{
	if (entry_of(fd, ENTRY_LISTENER) != NULL)
		return 0;
	return (int)syscall(SYS_listen, fd, backlog);
}

EXPORT int
connect(int fd, const struct sockaddr *address, socklen_t len)
{
	struct sockaddr_storage peer;
	socklen_t peer_len = sizeof peer;

	(void)len;
	if (address != NULL &&
	    (address->sa_family == AF_INET || address->sa_family == AF_INET6) &&
	    getpeername(fd, (struct sockaddr *)&peer, &peer_len) == 0)
		return 0;
	errno = ECONNREFUSED;
	return -1;
}

EXPORT int
unlink(const char *path)
{
	(void)path;
	return 0;
}

EXPORT int
close(int fd)
{
	if (fd >= 0 && fd < TABLE_SIZE)
		atomic_store(&table[fd].kind, ENTRY_NONE);
	return (int)syscall(SYS_close, fd);
}

/* One end of a fresh socketpair, or -1 with errno. */
static int
take_end(int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec part = {&byte, 1};
	struct msghdr packet = {
	    .msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof control.bytes,
	};
	struct cmsghdr *header;
	int end = -1;
	long len = syscall(SYS_recvmsg, fd, &packet, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (len == 0)
		_exit(EXIT_ORPHAN); /* the supervisor is gone: so are we */
	if (len < 0) {
		errno = EAGAIN;
		return -1;
	}
	header = CMSG_FIRSTHDR(&packet);
	if (header != NULL && header->cmsg_level == SOL_SOCKET &&
	    header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof end))
		memcpy(&end, CMSG_DATA(header), sizeof end);
	if (end < 0 || end >= TABLE_SIZE) {
		if (end >= 0)
			close(end);
		errno = ECONNABORTED;
		return -1;
	}
	return end;
}

EXPORT int
accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
	const struct entry *listener = entry_of(fd, ENTRY_LISTENER);
	int end;

	if (listener == NULL)
		return (int)syscall(SYS_accept4, fd, address, len, flags);
	end = take_end(fd);
	if (end < 0)
		return -1;
	table[end].control_fd = listener->control_fd;
	table[end].greeting = 0;
	table[end].header = 0;
	table[end].left = 0;
	table[end].broken = false;
	atomic_store(&table[end].kind, ENTRY_END);
	return end;
}

EXPORT int
accept(int fd, struct sockaddr *address, socklen_t *len)
{
	return accept4(fd, address, len, 0);
}

/* Takes a header byte; false when the frame is one that nanomsg would choke on. */
static bool
take_header(struct entry *end, uint8_t byte)
{
	if (end->header == 0) {
		end->length = 0;
		if (byte != FRAME_NORMAL)
			return false;
	} else {
		end->length = end->length << 8 | byte;
	}
	if (++end->header < HEADER_LEN)
		return true;
	end->header = 0;
	end->left = end->length;
	return end->length <= LINK_FRAME_MAX;
}

static size_t
least(uint64_t a, size_t b)
{
	return a < b ? (size_t)a : b;
}

static bool
check_bytes(struct entry *end, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		size_t step = 1;

		if (end->greeting < GREETING_LEN) {
			step = least(GREETING_LEN - end->greeting, len);
			end->greeting += (unsigned int)step;
		} else if (end->left > 0) {
			step = least(end->left, len);
			end->left -= step;
		} else if (!take_header(end, *bytes)) {
			return false;
		}
		bytes += step;
		len -= step;
	}
	return true;
}

static bool
check_frames(struct entry *end, const struct msghdr *packet, size_t len)
{
	for (size_t i = 0; i < packet->msg_iovlen && len > 0; i++) {
		size_t step = least(packet->msg_iov[i].iov_len, len);

		if (!check_bytes(end, packet->msg_iov[i].iov_base, step))
			return false;
		len -= step;
	}
	return true;
}

EXPORT ssize_t
recvmsg(int fd, struct msghdr *packet, int flags)
{
	struct entry *end = entry_of(fd, ENTRY_END);
	long len;

	if (end == NULL)
		return syscall(SYS_recvmsg, fd, packet, flags);
	if (end->broken)
		return 0;
	/* libnanomsg keeps descriptors that a peer sends along: the kernel drops them
	 */
	packet->msg_control = NULL;
	packet->msg_controllen = 0;
	len = syscall(SYS_recvmsg, fd, packet, flags);
	if (len > 0 && !check_frames(end, packet, (size_t)len)) {
		end->broken = true;
		atomic_fetch_add(&bad_frames[end->control_fd], 1);
		return 0; /* nanomsg sees a peer that left */
	}
	return len;
}
