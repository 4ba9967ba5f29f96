/* ipwarden-config: reads a kubeconfig, tells the supervisor what stands in it, and
 * ends. It opens nothing: files that the kubeconfig names are told by their paths. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "exits.h"
#include "fds.h"
#include "filter.h"
#include "kubeconfig.h"
#include "log.h"
#include "mem.h"
#include "memfd.h"
#include "opened.h"

/* The kubeconfig, with one byte more than it may have. Returns its length or a negative
 * errno. */
static ssize_t
read_kubeconfig(char *text, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t got = read(FD_KUBECONFIG, text + len, size - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

static int
send_path(enum file_kind kind, const char *path)
{
	uint8_t payload[1 + KUBECONFIG_PATH_MAX];
	size_t len = strnlen(path, KUBECONFIG_PATH_MAX);

	payload[0] = (uint8_t)kind;
	memcpy(payload + 1, path, len);
	return control_send(FD_CONTROL, CONTROL_PATH, payload, len + 1, -1);
}

static int
send_data(enum file_kind kind, const char *data, size_t len)
{
	int fd = memfd_make_sealed(data, len);
	int rc;

	if (fd < 0)
		return fd;
	rc = control_send_file(FD_CONTROL, kind, fd);
	close(fd);
	return rc;
}

static int
send_config(const struct kubeconfig *config)
{
	int rc = control_send_setting(FD_CONTROL, SETTING_KUBE_HOST, config->host);

	rc = rc == 0 ? control_send_setting(FD_CONTROL, SETTING_KUBE_PORT, config->port)
		     : rc;
	rc = rc == 0 ? control_send_setting(
			   FD_CONTROL, SETTING_KUBE_TLS_NAME, config->tls_name)
		     : rc;
	if (rc == 0 && config->insecure)
		rc = control_send_setting(FD_CONTROL, SETTING_KUBE_INSECURE, "yes");
	for (size_t i = 0; i < KUBECONFIG_FILES && rc == 0; i++) {
		const struct kubeconfig_file *file = &config->files[i];

		if (file->path != NULL)
			rc = send_path((enum file_kind)i, file->path);
		else if (file->data != NULL)
			rc = send_data((enum file_kind)i, file->data, file->data_len);
	}
	return rc == 0 ? control_send(FD_CONTROL, CONTROL_READY, NULL, 0, -1) : rc;
}

/* What is in force, so that the supervisor sees it before anything else. */
static int
send_locked(uint32_t layers)
{
	uint8_t bytes[4] = {(uint8_t)layers, (uint8_t)(layers >> 8),
	    (uint8_t)(layers >> 16), (uint8_t)(layers >> 24)};

	return control_send(FD_CONTROL, CONTROL_LOCKED, bytes, sizeof bytes, -1);
}

/* The supervisor looks at what is in force before it lets us go on: by then we must not
 * have ended, since of a process that has ended there is nothing to see. */
static bool
await_start(void)
{
	uint8_t type = 0;
	ssize_t len;

	do
		len = read(FD_CONTROL, &type, sizeof type);
	while (len < 0 && errno == EINTR);
	return len == 1 && type == CONTROL_START;
}

static int
run(char *text, size_t size)
{
	char reason[KUBECONFIG_REASON_SIZE];
	struct kubeconfig config;
	ssize_t len = read_kubeconfig(text, size);
	int rc;

	if (len < 0) {
		log_error("kubeconfig_refused", LOG_S("error", strerror((int)-len)));
		return EXIT_CONFIG;
	}
	if (kubeconfig_read(text, (size_t)len, &config, reason) < 0) {
		log_error("kubeconfig_refused", LOG_S("error", reason));
		return EXIT_CONFIG;
	}
	rc = send_config(&config);
	kubeconfig_free(&config);
	if (rc == 0)
		return EXIT_OK;
	if (rc == -EPIPE || rc == -ECONNRESET)
		return EXIT_ORPHAN;
	log_error("kubeconfig_unsent", LOG_S("error", strerror(-rc)));
	return EXIT_FATAL;
}

int
main(void)
{
	size_t size = KUBECONFIG_SIZE_MAX + 1;
	char *text;
	int code;

	sandbox_limit(&config_sandbox);
	opened_fill();
	if (send_locked(sandbox_lock(&config_sandbox)) < 0 || !await_start())
		return EXIT_ORPHAN;
	text = mem_calloc(size, 1);
	code = run(text, size);
	explicit_bzero(text, size);
	free(text);
	return code;
}
