/* A peer that sends what it likes, a transport that takes or does not, and time that
 * passes: a script of steps. The session's promises to its own side hold all the same.
 */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EPOCH 0x1122334455667788u

/* A step is a byte that says which, and a byte for it. */
enum step {
	STEP_RAW,   /* that many bytes of the script are a frame */
	STEP_FRAME, /* a sound frame: kind, epoch, number and acknowledgement follow */
	STEP_TIME,  /* that many times 10 ms pass */
	STEP_SEND,  /* we send a message of that length */
	STEP_LOST,  /* the transport has no peer */
	STEP_TRANSPORT, /* it takes nothing (odd) or everything (even) */
	STEP_COUNT
};

struct script {
	const uint8_t *at;
	size_t left;
};

struct world {
	uint64_t epoch; /* of our side: the next one after a loss */
	bool up;
	bool blocked;
	unsigned long delivered;
};

static uint8_t
take_byte(struct script *script)
{
	if (script->left == 0)
		return 0;
	script->left--;
	return *script->at++;
}

static uint64_t
get_u64(const uint8_t *in)
{
	uint64_t number = 0;

	for (int i = 7; i >= 0; i--)
		number = number << 8 | in[i];
	return number;
}

static void
put_u64(uint8_t *out, uint64_t number)
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(number >> (8 * i));
}

static int
on_transmit(void *arg, const uint8_t *frame, size_t len)
{
	struct world *world = arg;

	assert(len >= SESSION_HEADER && len <= LINK_FRAME_MAX);
	assert(frame[0] == 1 && frame[1] >= 1 && frame[1] <= 3);
	assert(get_u64(frame + 2) == world->epoch);
	assert((frame[1] == 2) == (len > SESSION_HEADER));
	assert(frame[1] == 1 || world->up);
	return world->blocked ? -EAGAIN : 0;
}

static void
on_up(void *arg)
{
	struct world *world = arg;

	assert(!world->up);
	world->up = true;
}

static void
on_down(void *arg)
{
	struct world *world = arg;

	assert(world->up);
	world->up = false;
}

static void
on_deliver(void *arg, const uint8_t *payload, size_t len)
{
	struct world *world = arg;

	assert(world->up && payload != NULL);
	assert(len > 0 && len <= SESSION_PAYLOAD_MAX);
	world->delivered++;
}

static const struct session_io io = {on_transmit, on_up, on_down, on_deliver};

static void
give_raw(
    struct session *session, struct mono_time now, struct script *script, size_t len)
{
	uint8_t *exact;
	int rc;

	if (len > script->left)
		len = script->left;
	exact = malloc(len > 0 ? len : 1);
	assert(exact != NULL);
	memcpy(exact, script->at, len);
	script->at += len;
	script->left -= len;
	rc = session_receive(session, now, exact, len);
	assert(rc == 0 || rc == -EPROTO);
	assert(rc == -EPROTO || len >= SESSION_HEADER);
	free(exact);
}

static void
give_frame(struct session *session, const struct world *world, struct mono_time now,
    struct script *script, uint8_t choice)
{
	uint8_t frame[SESSION_HEADER + 4] = {1, (uint8_t)(1 + choice % 3)};
	size_t len = frame[1] == 2 ? sizeof frame : SESSION_HEADER;

	put_u64(frame + 2, 1u + take_byte(script) % 4);
	put_u64(frame + 10, world->epoch + ((choice & 0x80) != 0));
	put_u64(frame + 18, take_byte(script));
	put_u64(frame + 26, take_byte(script));
	assert(session_receive(session, now, frame, len) == 0);
}

static void
lose(struct session *session, struct world *world)
{
	world->epoch += world->up;
	session_lost(session);
}

static void
send_one(struct session *session, struct mono_time now, size_t len)
{
	static const uint8_t payload[UINT8_MAX] = {0};
	bool up = session_is_up(session), room = session_has_room(session);
	int rc = session_send(session, now, payload, len);

	if (!up)
		assert(rc == -ENOTCONN);
	else if (len == 0)
		assert(rc == -EMSGSIZE);
	else
		assert(rc == (room ? 0 : -EAGAIN));
}

static void
check(struct session *session, const struct world *world)
{
	struct session_counts counts;

	session_counts(session, &counts);
	assert(counts.backlog <= SESSION_QUEUE_MAX);
	assert(counts.received == world->delivered);
	assert(session_is_up(session) == world->up);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script script = {data, size};
	struct world world = {.epoch = EPOCH};
	struct session *session = session_new(EPOCH, &io, &world);
	struct mono_time now = {1000};

	while (script.left > 0) {
		uint8_t step = take_byte(&script) % STEP_COUNT;
		uint8_t choice = take_byte(&script);
		int64_t delay_ms;

		if (step == STEP_RAW)
			give_raw(session, now, &script, choice);
		else if (step == STEP_FRAME)
			give_frame(session, &world, now, &script, choice);
		else if (step == STEP_TIME)
			now.ms += (int64_t)choice * 10;
		else if (step == STEP_SEND)
			send_one(session, now, choice);
		else if (step == STEP_LOST)
			lose(session, &world);
		else
			world.blocked = (choice & 1) != 0;
		delay_ms = session_tick(session, now);
		assert(delay_ms > 0 && delay_ms <= 1000);
		check(session, &world);
	}
	session_free(session);
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
