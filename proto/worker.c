#include "worker.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "control.h"
#include "exits.h"
#include "fds.h"
#include "log.h"
#include "mem.h"

/* Pages in the midst of the heap that a busy moment has left free are given back this
 * often; a tick is due anyway. */
#define TRIM_TICKS 10

static void
orphan_exit(void)
{
	_exit(EXIT_ORPHAN);
}

static void
refuse_record(const char *why)
{
	log_error("control_refused", LOG_S("error", why));
	_exit(EXIT_PROTOCOL);
}

static void
take_setting(struct worker *worker, const struct control_record *record)
{
	char value[SETTING_VALUE_MAX + 1];

	if (record->len < 1 || record->len > sizeof value ||
	    memchr(record->payload + 1, '\0', record->len - 1) != NULL)
		refuse_record("malformed setting");
	memcpy(value, record->payload + 1, record->len - 1);
	value[record->len - 1] = '\0';
	if (settings_set(&worker->settings, record->payload[0], value) < 0)
		refuse_record("unknown setting");
	if (record->payload[0] == SETTING_LOG_LEVEL && strcmp(value, "debug") == 0)
		log_set_level(LOG_DEBUG);
}

static void
take_file(struct worker *worker, const struct control_record *record)
{
	if (record->len != 1 || record->payload[0] >= FILE_COUNT)
		refuse_record("unknown file");
	if (worker->hooks->file == NULL) {
		close(record->fd);
		return;
	}
	worker->hooks->file(
	    worker->arg, (enum file_kind)record->payload[0], record->fd);
}

static void
take_process(struct worker *worker, const struct control_record *record)
{
	struct control_process process;

	if (record->len != sizeof process || worker->hooks->process == NULL)
		refuse_record("process record");
	memcpy(&process, record->payload, sizeof process);
	worker->hooks->process(worker->arg, &process);
}

/* The supervisor is trusted, but a record that we do not know is a bug of ours. */
static void
take_record(struct worker *worker, const struct control_record *record)
{
	switch ((int)record->type) {
	case CONTROL_SETTING:
		take_setting(worker, record);
		break;
	case CONTROL_FILE:
		take_file(worker, record);
		break;
	case CONTROL_START:
		worker->started = true;
		break;
	case CONTROL_STOP:
		if (worker->hooks->stop != NULL && worker->started)
			worker->hooks->stop(worker->arg);
		else
			worker_stop(worker, EXIT_OK);
		break;
	case CONTROL_AGAIN:
		if (worker->hooks->again != NULL && worker->started)
			worker->hooks->again(worker->arg);
		break;
	case CONTROL_PROCESS:
		take_process(worker, record);
		break;
	default:
		refuse_record("unknown record");
	}
}

static void
on_control(void *arg, int fd, uint32_t events)
{
	struct worker *worker = arg;
	struct control_record record;
	bool started = worker->started;
	int rc = 0;

	(void)events;
	/* what comes after START waits until worker_run: the hooks need what the
	 * process sets up in between */
	while (worker->started == started && (rc = control_receive(fd, &record)) == 1)
		take_record(worker, &record);
	if (rc == -EPIPE)
		orphan_exit();
	if (rc < 0)
		refuse_record("malformed packet");
}

/* A tick that cannot be sent (the supervisor is stopped, its buffer full) is left out:
 * it only says that we are alive. */
static void
on_tick(void *arg)
{
	struct worker *worker = arg;

	if (++worker->ticks % TRIM_TICKS == 0)
		malloc_trim(0);
	control_send(FD_CONTROL, CONTROL_TICK, NULL, 0, -1);
	loop_timer_arm(worker->tick, CONTROL_TICK_MS);
}

void
worker_open(struct worker *worker, const struct sandbox *sandbox,
    const struct worker_hooks *hooks, void *arg)
{
	*worker = (struct worker){.sandbox = sandbox, .hooks = hooks, .arg = arg};
	sandbox_limit(sandbox);
	worker->loop = loop_new();
	worker->tick = loop_timer_new(worker->loop, on_tick, worker);
}

static void
send_or_exit(enum control_type type, const void *payload, size_t len)
{
	if (control_send(FD_CONTROL, type, payload, len, -1) < 0)
		orphan_exit();
}

void
worker_lock(struct worker *worker)
{
	uint32_t layers = sandbox_lock(worker->sandbox);
	uint8_t bytes[4] = {(uint8_t)layers, (uint8_t)(layers >> 8),
	    (uint8_t)(layers >> 16), (uint8_t)(layers >> 24)};

	send_or_exit(CONTROL_LOCKED, bytes, sizeof bytes);
	if (loop_set_fd(worker->loop, FD_CONTROL, EPOLLIN, on_control, worker) < 0)
		assert(!"the control descriptor can be watched");
	/* only the control descriptor until START: nothing else is to be heard before
	 */
	while (!worker->started) {
		struct pollfd control = {.fd = FD_CONTROL, .events = POLLIN};

		if (poll(&control, 1, -1) < 0 && errno != EINTR)
			orphan_exit();
		on_control(worker, FD_CONTROL, EPOLLIN);
	}
}

void
worker_ready(struct worker *worker)
{
	send_or_exit(CONTROL_READY, NULL, 0);
	loop_timer_arm(worker->tick, CONTROL_TICK_MS);
}

int
worker_run(struct worker *worker)
{
	loop_run(worker->loop);
	return worker->exit_code;
}

void
worker_stop(struct worker *worker, int exit_code)
{
	worker->exit_code = exit_code;
	if (!worker->started)
		_exit(exit_code);
	loop_stop(worker->loop);
}

int
worker_read_file(int fd, size_t size_max, char **ret_data, size_t *ret_len)
{
	size_t cap = 4096, len = 0;
	char *data = mem_calloc(cap, 1);
	ssize_t got;
	int rc = 0;

	while ((got = pread(fd, data + len, cap - len - 1, (off_t)len)) != 0) {
		char *larger;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			rc = -errno;
			goto out;
		}
		len += (size_t)got;
		if (len < cap - 1)
			continue;
		if (len > size_max) {
			rc = -E2BIG;
			goto out;
		}
		/* not realloc: it would leave a copy of a secret behind */
		larger = mem_calloc(cap * 2, 1);
		memcpy(larger, data, len);
		explicit_bzero(data, cap);
		free(data);
		data = larger;
		cap *= 2;
	}
	data[len] = '\0';
	*ret_data = data;
	*ret_len = len;
	data = NULL;
out:
	if (data != NULL)
		explicit_bzero(data, cap);
	free(data);
	close(fd);
	return rc;
}
