#include "connections.h"

#include <stdlib.h>

#include "mem.h"

void
connections_init(struct connections *connections, void (*end)(int fd))
{
	*connections = (struct connections){.end = end};
	TAILQ_INIT(&connections->waiting);
	TAILQ_INIT(&connections->answering);
}

static void
put(struct connections *connections, struct connection *connection,
    struct mono_time now)
{
	connection->since = now;
	if (connection->answering) {
		TAILQ_INSERT_TAIL(&connections->answering, connection, link);
		connections->answering_len++;
	} else {
		TAILQ_INSERT_TAIL(&connections->waiting, connection, link);
		connections->waiting_len++;
	}
}

static void
take(struct connections *connections, struct connection *connection)
{
	if (connection->answering) {
		TAILQ_REMOVE(&connections->answering, connection, link);
		connections->answering_len--;
	} else {
		TAILQ_REMOVE(&connections->waiting, connection, link);
		connections->waiting_len--;
	}
}

static void
end(struct connections *connections, struct connection *connection)
{
	take(connections, connection);
	connection->ended = true;
	connections->ended++;
	connections->end(connection->fd);
}

struct connection *
connections_add(struct connections *connections, int fd, struct mono_time now)
{
	struct connection *connection = mem_calloc(1, sizeof *connection);

	if (connections->waiting_len >= CONNECTIONS_WAITING_MAX)
		end(connections, TAILQ_FIRST(&connections->waiting));
	connection->fd = fd;
	put(connections, connection, now);
	return connection;
}

static void
move(struct connections *connections, struct connection *connection, bool answering,
    struct mono_time now)
{
	if (connection->ended)
		return;
	take(connections, connection);
	connection->answering = answering;
	put(connections, connection, now);
}

void
connections_answer(struct connections *connections, struct connection *connection,
    struct mono_time now)
{
	if (connections->answering_len >= CONNECTIONS_ANSWERING_MAX)
		connections_end_answering(connections);
	move(connections, connection, true, now);
}

void
connections_answered(struct connections *connections, struct connection *connection,
    struct mono_time now)
{
	move(connections, connection, false, now);
}

void
connections_remove(struct connections *connections, struct connection *connection)
{
	if (!connection->ended)
		take(connections, connection);
	free(connection);
}

void
connections_expire(struct connections *connections, struct mono_time now)
{
	struct connection *connection;

	while ((connection = TAILQ_FIRST(&connections->waiting)) != NULL &&
	       now.ms - connection->since.ms >= CONNECTIONS_WAITING_MS)
		end(connections, connection);
	while ((connection = TAILQ_FIRST(&connections->answering)) != NULL &&
	       now.ms - connection->since.ms >= CONNECTIONS_ANSWERING_MS)
		end(connections, connection);
}

void
connections_end_answering(struct connections *connections)
{
	if (!TAILQ_EMPTY(&connections->answering))
		end(connections, TAILQ_FIRST(&connections->answering));
}
