#include "fdpass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Room for one descriptor more than is accepted, so that a second one is seen and
 * closed rather than cut off. What does not fit the kernel closes itself. */
#define RECEIVED_FDS_MAX 2

union control_buffer {
	char bytes[CMSG_SPACE(RECEIVED_FDS_MAX * sizeof(int))];
	struct cmsghdr align;
};

int
fdpass_send(int socket_fd, const void *data, size_t len, int fd)
{
	union control_buffer control;
	struct iovec part = {.iov_len = len};
	struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
	long sent;

	memcpy(&part.iov_base, &data, sizeof data); /* sendmsg does not write to it */
	if (fd >= 0) {
		struct cmsghdr *header;

		memset(&control, 0, sizeof control);
		packet.msg_control = control.bytes;
		packet.msg_controllen = CMSG_SPACE(sizeof fd);
		header = CMSG_FIRSTHDR(&packet);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(header), &fd, sizeof fd);
	}
	do
		sent = syscall(
		    SYS_sendmsg, socket_fd, &packet, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* Closes all descriptors that came along but the first; returns how many there were. */
static size_t
take_descriptors(struct msghdr *packet, int *ret_fd)
{
	size_t count = 0;

	for (struct cmsghdr *header = CMSG_FIRSTHDR(packet); header != NULL;
	     header = CMSG_NXTHDR(packet, header)) {
		size_t bytes;

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		bytes = header->cmsg_len - CMSG_LEN(0);
		for (size_t i = 0; i + sizeof(int) <= bytes; i += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(header) + i, sizeof fd);
			if (count++ == 0)
				*ret_fd = fd;
			else
				close(fd);
		}
	}
	return count;
}

ssize_t
fdpass_receive(int socket_fd, void *data, size_t size, int *ret_fd)
{
	union control_buffer control;
	struct iovec part = {data, size};
	struct msghdr packet = {
	    .msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof control.bytes,
	};
	int fd = -1;
	int error = 0;
	long len;

	do
		len = syscall(
		    SYS_recvmsg, socket_fd, &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return -errno;
	if (take_descriptors(&packet, &fd) > 1 || (packet.msg_flags & MSG_CTRUNC) != 0)
		error = -EPROTO;
	else if ((packet.msg_flags & MSG_TRUNC) != 0)
		error = -EMSGSIZE;
	if (error != 0) {
		if (fd >= 0)
			close(fd);
		return error;
	}
	*ret_fd = fd;
	return len;
}

int
fdpass_send_plain(int socket_fd, const void *data, size_t len)
{
	ssize_t sent;

	do
		sent = send(socket_fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

ssize_t
fdpass_receive_plain(int socket_fd, void *data, size_t size)
{
	ssize_t len;

	do
		len = recv(socket_fd, data, size, MSG_DONTWAIT | MSG_TRUNC);
	while (len < 0 && errno == EINTR);
	return len < 0 ? -errno : len;
}
