#include "control.h"

#include <errno.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "fdpass.h"

int
control_send(
    int control_fd, enum control_type type, const void *payload, size_t len, int fd)
{
	uint8_t packet[1 + sizeof((struct control_record *)NULL)->payload];
	int rc;

	if (len > sizeof packet - 1)
		return -EMSGSIZE;
	packet[0] = (uint8_t)type;
	if (len > 0)
		memcpy(packet + 1, payload, len);
	rc = fdpass_send(control_fd, packet, len + 1, fd);
	explicit_bzero(packet, len + 1);
	return rc;
}

int
control_send_setting(int control_fd, enum setting key, const char *value)
{
	uint8_t payload[1 + SETTING_VALUE_MAX];
	size_t len = strnlen(value, SETTING_VALUE_MAX + 1);

	if (len > SETTING_VALUE_MAX)
		return -EMSGSIZE;
	payload[0] = (uint8_t)key;
	memcpy(payload + 1, value, len);
	return control_send(control_fd, CONTROL_SETTING, payload, len + 1, -1);
}

int
control_send_file(int control_fd, enum file_kind kind, int fd)
{
	uint8_t payload = (uint8_t)kind;

	return control_send(control_fd, CONTROL_FILE, &payload, 1, fd);
}

int
control_receive(int control_fd, struct control_record *ret_record)
{
	uint8_t packet[1 + sizeof ret_record->payload];
	int fd = -1;
	ssize_t len = fdpass_receive(control_fd, packet, sizeof packet, &fd);

	if (len == -EAGAIN)
		return 0;
	if (len == 0 || len == -ECONNRESET || len == -EPIPE)
		return -EPIPE;
	if (len < 0)
		return -EPROTO;
	/* exactly the files carry a descriptor */
	if ((packet[0] == CONTROL_FILE) != (fd >= 0)) {
		if (fd >= 0)
			close(fd);
		return -EPROTO;
	}
	ret_record->type = (enum control_type)packet[0];
	ret_record->len = (size_t)len - 1;
	memcpy(ret_record->payload, packet + 1, ret_record->len);
	explicit_bzero(packet, (size_t)len);
	ret_record->fd = fd;
	return 1;
}
