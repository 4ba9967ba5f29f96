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

/* It locks, tells at most four settings and four files, and is ready. */
#define CONFIG_RECORDS_MAX 10

/* What every memfd of its must have, so that nobody changes it under its reader. */
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* What is known of the conversation with it. */
struct talk {
	const struct supervisor *sup;
	struct identity *identity;
	const char *path; /* of the kubeconfig */
	int control_fd;
	pid_t pid;
	bool locked;
	unsigned int records;
};

static int
take_setting(struct identity *identity, const struct control_record *record)
{
	char value[SETTING_VALUE_MAX + 1];
	unsigned int key = record->payload[0];

	if (record->len < 1 || record->len > sizeof value ||
	    (key != SETTING_KUBE_HOST && key != SETTING_KUBE_PORT &&
		key != SETTING_KUBE_TLS_NAME && key != SETTING_KUBE_INSECURE))
		return -EPROTO;
	memcpy(value, record->payload + 1, record->len - 1);
	value[record->len - 1] = '\0';
	return settings_set(&identity->settings, key, value);
}

static int
take_file(struct identity *identity, const struct control_record *record)
{
	unsigned int kind = record->payload[0];

	/* F_GET_SEALS fails on what is no memfd: a pipe, a socket, another file */
	if (record->len != 1 || kind > FILE_KUBE_CLIENT_KEY ||
	    identity->files[kind].memfd >= 0 || fcntl(record->fd, F_GET_SEALS) < 0 ||
	    (fcntl(record->fd, F_GET_SEALS) & SEALS) != SEALS) {
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
take_record(struct talk *talk, const struct control_record *record)
{
	if (++talk->records > CONFIG_RECORDS_MAX ||
	    (record->type == CONTROL_LOCKED) == talk->locked) {
		if (record->fd >= 0)
			close(record->fd);
		return -EPROTO;
	}
	switch ((int)record->type) {
	case CONTROL_LOCKED:
		talk->locked = verify_confined(talk->sup, ROLE_COUNT, talk->pid);
		return talk->locked
			   ? control_send(talk->control_fd, CONTROL_START, NULL, 0, -1)
			   : -EPERM;
	case CONTROL_SETTING:
		return take_setting(talk->identity, record);
	case CONTROL_FILE:
		return take_file(talk->identity, record);
	case CONTROL_PATH:
		return take_path(talk->identity, talk->path, record);
	case CONTROL_READY:
		return 1;
	default:
		return -EPROTO;
	}
}

/* What there is. Returns 1 when it said ready, 0 when more is to come, -EPIPE at the
 * end, or why it broke the rules. */
static int
listen_to(struct talk *talk)
{
	struct control_record record;
	int rc;

	while ((rc = control_receive(talk->control_fd, &record)) == 1) {
		rc = take_record(talk, &record);
		if (rc != 0)
			return rc;
	}
	return rc;
}

/* Until it has said ready and ended: 1. Ended without that: 0. Broke the rules or takes
 * too long: negative. */
static int
converse(struct talk *talk, struct child *log_reader)
{
	int64_t deadline_ms = clock_mono().ms + CONFIG_TIMEOUT_MS;
	bool ready = false;

	for (;;) {
		struct pollfd fds[2] = {{.fd = talk->control_fd, .events = POLLIN},
		    {.fd = log_reader->log_fd, .events = POLLIN}};
		int64_t left_ms = deadline_ms - clock_mono().ms;
		int rc;

		if (left_ms <= 0)
			return -ETIMEDOUT;
		if (poll(fds, 2, (int)left_ms) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents != 0 && !forward_log(log_reader, "config"))
			log_reader->log_fd = -1;
		rc = listen_to(talk);
		if (rc == -EPIPE)
			return ready ? 1 : 0;
		if (rc < 0 || (rc == 1 && ready))
			return rc < 0 ? rc : -EPROTO;
		ready = ready || rc == 1;
	}
}

static int
run_config(
    struct supervisor *sup, const char *path, int file_fd, struct identity *identity)
{
	static struct child log_reader; /* for its line buffer */
	struct talk talk = {
	    .sup = sup, .identity = identity, .path = path, .control_fd = -1};
	int fds[FD_FIXED_END];
	int control[2], log_pipe[2];
	int status = 0, rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0 ||
	    pipe2(log_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	for (int i = 0; i < FD_FIXED_END; i++)
		fds[i] = -1;
	fds[FD_CONTROL] = control[1];
	talk.control_fd = control[0];
	fds[FD_LOG] = log_pipe[1];
	fds[FD_KUBECONFIG] = file_fd;
	talk.pid = spawn_program(sup, ROLE_COUNT, "ipwarden-config", fds);
	close(control[1]);
	close(log_pipe[1]);
	log_reader.log_fd = log_pipe[0];
	rc = talk.pid < 0 ? (int)talk.pid : converse(&talk, &log_reader);
	if (talk.pid > 0) {
		/* its control descriptor has closed, so it is at its end or lingers:
		 * its exit code is set before its descriptors go */
		kill(talk.pid, SIGKILL);
		waitpid(talk.pid, &status, 0);
		if (log_reader.log_fd >= 0)
			forward_log(&log_reader, "config");
	}
	close(control[0]);
	close(log_pipe[0]);
	/* a refusal was said on its own log line */
	if (rc == 1 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_OK)
		return 0;
	return rc < 0 ? rc : -EINVAL;
}

/* Both have to say so, the file and whoever starts us. */
static int
check_insecure(
    const struct supervisor *sup, const char *path, const struct identity *identity)
{
	if (settings_get(&identity->settings, SETTING_KUBE_INSECURE, NULL) == NULL)
		return 0;
	if (!sup->options.insecure_skip_tls_verify) {
		log_error("kubeconfig_refused", LOG_S("path", path),
		    LOG_S("error", "insecure-skip-tls-verify: true takes effect only "
				   "with the option --insecure-skip-tls-verify"));
		return -EACCES;
	}
	log_warn("api_server_not_verified", LOG_S("path", path),
	    LOG_S("why", "INSECURE: whoever stands between us and the API server "
			 "can take our token, and tell and change what it likes "
			 "(--insecure-skip-tls-verify)"));
	return 0;
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
	return rc < 0 ? rc : check_insecure(sup, path, identity);
}
