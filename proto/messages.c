#include "messages.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* Integers travel little-endian; texts as u16 length and bytes; blocks as u32 length
 * and bytes. Nothing is aligned, nothing optional. */

struct writer {
	uint8_t *data;
	size_t size;
	size_t len;
	bool full;
};

static void
write_bytes(struct writer *writer, const void *bytes, size_t len)
{
	if (writer->full || len > writer->size - writer->len) {
		writer->full = true;
		return;
	}
	if (len > 0)
		memcpy(writer->data + writer->len, bytes, len);
	writer->len += len;
}

static void
write_number(struct writer *writer, uint64_t number, size_t width)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < width; i++)
		bytes[i] = (uint8_t)(number >> (8 * i));
	write_bytes(writer, bytes, width);
}

static void
write_text(struct writer *writer, const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	assert(len < size); /* a field that is not terminated is our own bug */
	write_number(writer, len, 2);
	write_bytes(writer, text, len);
}

static void
write_pack(struct writer *writer, const struct pack *pack)
{
	assert(pack->len <= sizeof pack->data && pack_valid(pack->data, pack->len));
	write_number(writer, pack->len, 4);
	write_bytes(writer, pack->data, pack->len);
}

struct reader {
	const uint8_t *data;
	size_t len;
	bool bad;
};

static bool
read_bytes(struct reader *reader, void *out, size_t len)
{
	if (reader->bad || len > reader->len) {
		reader->bad = true;
		return false;
	}
	if (len > 0)
		memcpy(out, reader->data, len);
	reader->data += len;
	reader->len -= len;
	return true;
}

static uint64_t
read_number(struct reader *reader, size_t width)
{
	uint8_t bytes[8] = {0};
	uint64_t number = 0;

	if (!read_bytes(reader, bytes, width))
		return 0;
	for (size_t i = 0; i < width; i++)
		number |= (uint64_t)bytes[i] << (8 * i);
	return number;
}

static uint8_t
read_u8(struct reader *reader, unsigned int most)
{
	uint64_t number = read_number(reader, 1);

	if (number > most)
		reader->bad = true;
	return (uint8_t)number;
}

static void
read_text(struct reader *reader, char *out, size_t most)
{
	size_t len = (size_t)read_number(reader, 2);

	if (len > most) {
		reader->bad = true;
		return;
	}
	if (!read_bytes(reader, out, len))
		return;
	if (memchr(out, '\0', len) != NULL)
		reader->bad = true;
	out[len] = '\0';
}

static void
read_pack(struct reader *reader, struct pack *pack)
{
	size_t len = (size_t)read_number(reader, 4);

	pack->len = 0;
	if (len > sizeof pack->data) {
		reader->bad = true;
		return;
	}
	if (!read_bytes(reader, pack->data, len))
		return;
	if (!pack_valid(pack->data, len))
		reader->bad = true;
	else
		pack->len = (uint32_t)len;
}

#define WRITE_U8(name, most)  write_number(writer, msg->name, 1);
#define WRITE_U32(name)	      write_number(writer, msg->name, 4);
#define WRITE_U64(name)	      write_number(writer, msg->name, 8);
#define WRITE_I64(name)	      write_number(writer, (uint64_t)msg->name, 8);
#define WRITE_STR(name, most) write_text(writer, msg->name, sizeof msg->name);
#define WRITE_PACK(name)      write_pack(writer, &msg->name);

#define READ_U8(name, most)  msg->name = read_u8(reader, (most));
#define READ_U32(name)	     msg->name = (uint32_t)read_number(reader, 4);
#define READ_U64(name)	     msg->name = read_number(reader, 8);
#define READ_I64(name)	     msg->name = (int64_t)read_number(reader, 8);
#define READ_STR(name, most) read_text(reader, msg->name, (most));
#define READ_PACK(name)	     read_pack(reader, &msg->name);

#define MESSAGE_CODEC(constant, name, number, from, to)                                \
	static void write_##name(struct writer *writer, const struct msg_##name *msg)  \
	{                                                                              \
		FIELDS_##name(                                                         \
		    WRITE_U8, WRITE_U32, WRITE_U64, WRITE_I64, WRITE_STR, WRITE_PACK)  \
	}                                                                              \
	static void read_##name(struct reader *reader, struct msg_##name *msg)         \
	{                                                                              \
		FIELDS_##name(                                                         \
		    READ_U8, READ_U32, READ_U64, READ_I64, READ_STR, READ_PACK)        \
	}
MESSAGE_LIST(MESSAGE_CODEC)

int
message_encode(enum message_type type, const void *msg, uint8_t *out, size_t size)
{
	struct writer writer = {.data = out, .size = size};

	write_number(&writer, (uint64_t)type, 2);
	switch (type) {
#define MESSAGE_WRITE(constant, name, number, from, to)                                \
	case constant:                                                                 \
		write_##name(&writer, msg);                                            \
		break;
		MESSAGE_LIST(MESSAGE_WRITE)
	default:
		return -EINVAL;
	}
	return writer.full ? -EMSGSIZE : (int)writer.len;
}

int
message_decode(const uint8_t *data, size_t len, struct message *ret_message)
{
	struct reader reader = {.data = data, .len = len};

	ret_message->type = (enum message_type)read_number(&reader, 2);
	switch (ret_message->type) {
#define MESSAGE_READ(constant, name, number, from, to)                                 \
	case constant:                                                                 \
		read_##name(&reader, &ret_message->u.name);                            \
		break;
		MESSAGE_LIST(MESSAGE_READ)
	default:
		return -EPROTO;
	}
	return reader.bad || reader.len > 0 ? -EPROTO : 0;
}

int
message_permitted(enum message_type type, enum role from, enum role to)
{
	enum role may_send = ROLE_COUNT, may_receive = ROLE_COUNT;

	switch (type) {
#define MESSAGE_ROLES(constant, name, number, from_role, to_role)                      \
	case constant:                                                                 \
		may_send = from_role;                                                  \
		may_receive = to_role;                                                 \
		break;
		MESSAGE_LIST(MESSAGE_ROLES)
	default:
		return false;
	}
	if (may_send == ROLE_COUNT && from == ROLE_METRICSD)
		return false;
	return to == may_receive && (from == may_send || may_send == ROLE_COUNT);
}

const char *
message_name(enum message_type type)
{
	switch (type) {
#define MESSAGE_CASE(constant, name, number, from, to)                                 \
	case constant:                                                                 \
		return #name;
		MESSAGE_LIST(MESSAGE_CASE)
	default:
		return "unknown";
	}
}

void
message_text(char *field, size_t size, const char *text)
{
	size_t len;

	assert(size > 0);
	if (text == NULL)
		text = "";
	len = strlen(text);
	if (len >= size) {
		len = size - 1;
		/* not in the middle of a UTF-8 sequence */
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(field, text, len);
	field[len] = '\0';
}
