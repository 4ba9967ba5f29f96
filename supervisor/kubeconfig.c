#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exits.h"
#include "fds.h"
#include "log.h"
#include "supervisor.h"

/* A kubeconfig is parsed by ipwarden-config, which is locked down, holds nothing but
 * the open file, and ends. Nothing runs yet that it could disturb. */

/* Reading and answering takes milliseconds. */
#define CONFIG_TIMEOUT_MS 10000

static int
take_setting(struct identity *identity, const struct control_record *record)
{
	char value[SETTING_VALUE_MAX + 1];
	unsigned int key = record->payload[0];

	if (record->len < 1 || record->len > sizeof value ||
	    (key != SETTING_KUBE_HOST && key != SETTING_KUBE_PORT &&
		key != SETTING_KUBE_TLS_NAME))
		return -EPROTO;
	memcpy(value, record->payload + 1, record->len - 1);
	value[record->len - 1] = '\0';
	return settings_set(&identity->settings, key, value);
}

static int
take_file(struct identity *identity, const struct control_record *record)
{
	unsigned int kind = record->payload[0];

	if (record->len != 1 || kind > FILE_KUBE_CLIENT_KEY) {
		close(record->fd);
		return -EPROTO;
	}
	identity->files[kind].memfd = record->fd;
	return 0;
}

/* A relative path starts at the kubeconfig's folder, as kubectl has it. */
static int
take_path(struct identity *identity, const char *kubeconfig,
    const struct control_record *record)
{
	unsigned int kind = record->payload[0];
	int path_len = (int)record->len - 1;
	const char *path = (const char *)record->payload + 1;
	char folder[PATH_MAX];
	struct credential *credential;
	int len;

	if (path_len < 1 || kind > FILE_KUBE_CLIENT_KEY)
		return -EPROTO;
	credential = &identity->files[kind];
	snprintf(folder, sizeof folder, "%s", kubeconfig);
	if (path[0] == '/')
		len = snprintf(
		    credential->path, sizeof credential->path, "%.*s", path_len, path);
	else
		len = snprintf(credential->path, sizeof credential->path, "%s/%.*s",
		    dirname(folder), path_len, path);
	return len < (int)sizeof credential->path ? 0 : -ENAMETOOLONG;
}

static int
take_record(struct identity *identity, const char *kubeconfig, pid_t pid,
    const struct control_record *record)
{
	switch ((int)record->type) {
	case CONTROL_LOCKED:
		return verify_confined(pid, "config") ? 0 : -EPERM;
	case CONTROL_SETTING:
		return take_setting(identity, record);
	case CONTROL_FILE:
		return take_file(identity, record);
	case CONTROL_PATH:
		return take_path(identity, kubeconfig, record);
	case CONTROL_READY:
		return 1;
	default:
		return -EPROTO;
	}
}

/* Until it says ready (1), ends (0) or breaks the rules (negative). */
static int
converse(struct identity *identity, const char *kubeconfig, pid_t pid, int control_fd,
    struct child *log_reader)
{
	int64_t deadline_ms = clock_mono().ms + CONFIG_TIMEOUT_MS;
	struct control_record record;
	int rc = 0;

	while (rc == 0) {
		struct pollfd fds[2] = {{.fd = control_fd, .events = POLLIN},
		    {.fd = log_reader->log_fd, .events = POLLIN}};
		int64_t left_ms = deadline_ms - clock_mono().ms;

		if (left_ms <= 0)
			return -ETIMEDOUT;
		if (poll(fds, 2, (int)left_ms) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents != 0)
			forward_log(log_reader, "config");
		while (rc == 0 && (rc = control_receive(control_fd, &record)) == 1)
			rc = take_record(identity, kubeconfig, pid, &record);
	}
	return rc == -EPIPE ? 0 : rc;
}

static int
run_config(
    struct supervisor *sup, const char *path, int file_fd, struct identity *identity)
{
	static struct child log_reader; /* for its line buffer */
	int fds[FD_FIXED_END];
	int control[2], log_pipe[2];
	int status = 0, rc;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0 ||
	    pipe2(log_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	for (int i = 0; i < FD_FIXED_END; i++)
		fds[i] = -1;
	fds[FD_CONTROL] = control[1];
	fds[FD_LOG] = log_pipe[1];
	fds[FD_KUBECONFIG] = file_fd;
	pid = spawn_program(sup, "ipwarden-config", fds);
	close(control[1]);
	close(log_pipe[1]);
	log_reader.log_fd = log_pipe[0];
	rc =
	    pid < 0 ? (int)pid : converse(identity, path, pid, control[0], &log_reader);
	if (pid > 0) {
		if (rc < 0)
			kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		forward_log(&log_reader, "config");
	}
	close(control[0]);
	close(log_pipe[0]);
	/* a refusal was said on its own log line */
	return rc == 1 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_OK ? 0
	       : rc < 0							      ? rc
									      : -EINVAL;
}

int
kubeconfig_load(struct supervisor *sup, const char *path, struct identity *identity)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int rc;

	if (fd < 0) {
		rc = -errno;
		log_error("kubeconfig_unreadable", LOG_S("path", path),
		    LOG_S("error", strerror(-rc)));
		return rc;
	}
	rc = run_config(sup, path, fd, identity);
	close(fd);
	if (rc < 0)
		log_error("kubeconfig_refused", LOG_S("path", path),
		    LOG_S("error", strerror(-rc)));
	return rc;
}
