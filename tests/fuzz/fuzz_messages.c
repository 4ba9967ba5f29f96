/* Any bytes as a message. What decodes is the one encoding of what it says. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each U8 within its range, each text terminated, each block whole. */
#define CHECK_U8(name, most)  assert(msg->name <= (most));
#define CHECK_NUMBER(name)    (void)msg->name;
#define CHECK_STR(name, most) assert(strnlen(msg->name, (most) + 1) <= (most));
#define CHECK_PACK(name)                                                               \
	assert(msg->name.len <= PACK_MAX);                                             \
	assert(pack_valid(msg->name.data, msg->name.len));
#define CHECK_MESSAGE(constant, name, number, from, to)                                \
	static void check_##name(const struct msg_##name *msg)                         \
	{                                                                              \
		FIELDS_##name(CHECK_U8, CHECK_NUMBER, CHECK_NUMBER, CHECK_NUMBER,      \
		    CHECK_STR, CHECK_PACK)                                             \
	}
MESSAGE_LIST(CHECK_MESSAGE)

static void
check_fields(const struct message *message)
{
	switch (message->type) {
#define CHECK_CASE(constant, name, number, from, to)                                   \
	case constant:                                                                 \
		check_##name(&message->u.name);                                        \
		break;
		MESSAGE_LIST(CHECK_CASE)
	default:
		assert(!"a type that exists");
	}
}

/* Who may send it: somebody, and never to itself. */
static void
check_roles(enum message_type type)
{
	int count = 0;

	for (enum role from = 0; from < ROLE_COUNT; from++) {
		for (enum role to = 0; to < ROLE_COUNT; to++) {
			if (!message_permitted(type, from, to))
				continue;
			assert(from != to);
			count++;
		}
	}
	assert(count > 0);
	assert(strcmp(message_name(type), "unknown") != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct message message;
	static uint8_t again[LINK_FRAME_MAX];
	int rc = message_decode(data, size, &message);
	int len;

	assert(rc == 0 || rc == -EPROTO);
	if (rc < 0)
		return 0;
	check_fields(&message);
	check_roles(message.type);
	len = message_encode(message.type, &message.u, again, sizeof again);
	assert(len >= 0 && (size_t)len == size && memcmp(again, data, size) == 0);
	return 0;
}

#ifdef FUZZ_STANDALONE
/* Largest corpus file (bytes). */
#define FILE_MAX (1u << 20)

int
main(int argc, char **argv)
{
	static uint8_t data[FILE_MAX];

	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		uint8_t *exact;
		size_t size;

		if (file == NULL) {
			perror(argv[i]);
			return 1;
		}
		size = fread(data, 1, sizeof data, file);
		fclose(file);
		/* a block of exactly that size, so that a read past it is seen */
		exact = malloc(size > 0 ? size : 1);
		assert(exact != NULL);
		memcpy(exact, data, size);
		LLVMFuzzerTestOneInput(exact, size);
		free(exact);
	}
	printf("%d inputs\n", argc - 1);
	return argc > 1 ? 0 : 1;
}
#endif
