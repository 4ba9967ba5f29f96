#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "connect.h"
#include "kubeconfig.h"
#include "log.h"
#include "mem.h"
#include "memfd.h"
#include "worker.h"

/* How often files with credentials are looked at: a pod's token lives an hour or more,
 * and is renewed at four fifths of that. */
#define FILES_EVERY_MS 60000

#define ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

struct file {
	char *path; /* NULL: not a file */
	struct timespec changed;
};

struct client {
	struct loop *loop;
	struct loop_timer *timer;
	struct settings settings;
	struct dial *dial;
	struct http *http;
	struct kube *kube;
	struct file files[KUBECONFIG_FILES];
};

/* --- files with credentials ---------------------------------------------------------
 */

static int
read_file(struct client *client, size_t kind)
{
	struct file *file = &client->files[kind];
	int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat status;
	int rc;

	if (fd < 0 || fstat(fd, &status) < 0) {
		rc = -errno;
		log_error("credential_unreadable", LOG_S("path", file->path),
		    LOG_S("error", strerror(errno)));
		if (fd >= 0)
			close(fd);
		return rc;
	}
	file->changed = status.st_mtim;
	return kube_set_file(client->kube, (enum file_kind)kind, fd);
}

static void
on_files(void *arg)
{
	struct client *client = arg;

	for (size_t kind = 0; kind < KUBECONFIG_FILES; kind++) {
		const struct file *file = &client->files[kind];
		struct stat status;

		if (file->path != NULL && stat(file->path, &status) == 0 &&
		    (status.st_mtim.tv_sec != file->changed.tv_sec ||
			status.st_mtim.tv_nsec != file->changed.tv_nsec))
			read_file(client, kind);
	}
	loop_timer_arm(client->timer, FILES_EVERY_MS);
}

static int
set_data(struct client *client, size_t kind, const struct kubeconfig_file *file)
{
	int fd = memfd_make_sealed(file->data, file->data_len);

	return fd < 0 ? fd : kube_set_file(client->kube, (enum file_kind)kind, fd);
}

/* A relative path starts at the kubeconfig's folder. */
static char *
beside(const char *kubeconfig, const char *path)
{
	char folder[PATH_MAX];

	if (path[0] == '/')
		return mem_strdup(path);
	snprintf(folder, sizeof folder, "%s", kubeconfig);
	return mem_printf("%s/%s", dirname(folder), path);
}

/* --- the server ---------------------------------------------------------------------
 */

static int
connect_to(struct client *client, const char *host, const char *port)
{
	if (settings_set(&client->settings, SETTING_KUBE_HOST, host) < 0 ||
	    settings_set(&client->settings, SETTING_KUBE_PORT, port) < 0 ||
	    settings_set(&client->settings, SETTING_VERSION, PACKAGE_VERSION) < 0)
		return -EINVAL;
	client->dial = dial_new(client->loop, -1);
	connect_set_server(client->dial,
	    settings_get(&client->settings, SETTING_KUBE_HOST, ""),
	    settings_get(&client->settings, SETTING_KUBE_PORT, ""));
	client->http = http_new(client->loop, client->dial);
	client->kube = kube_new(client->loop, client->http, &client->settings, "ctl");
	return client->kube != NULL ? 0 : -EINVAL;
}

static int
use_kubeconfig(struct client *client, const char *path, const struct kubeconfig *config)
{
	int rc =
	    settings_set(&client->settings, SETTING_KUBE_TLS_NAME, config->tls_name);

	if (rc == 0 && config->insecure) {
		rc = settings_set(&client->settings, SETTING_KUBE_INSECURE, "yes");
		log_warn("api_server_not_verified", LOG_S("path", path));
	}
	rc = rc == 0 ? connect_to(client, config->host, config->port) : rc;
	for (size_t kind = 0; kind < KUBECONFIG_FILES && rc == 0; kind++) {
		const struct kubeconfig_file *file = &config->files[kind];

		if (file->path != NULL) {
			client->files[kind].path = beside(path, file->path);
			rc = read_file(client, kind);
		} else if (file->data != NULL) {
			rc = set_data(client, kind, file);
		}
	}
	return rc;
}

static int
load_kubeconfig(struct client *client, const char *path)
{
	char reason[KUBECONFIG_REASON_SIZE];
	struct kubeconfig config;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char *text = NULL;
	size_t len = 0;
	int rc =
	    fd < 0 ? -errno : worker_read_file(fd, KUBECONFIG_SIZE_MAX, &text, &len);

	if (rc < 0) {
		log_error("kubeconfig_unreadable", LOG_S("path", path),
		    LOG_S("error", strerror(-rc)));
		return rc;
	}
	rc = kubeconfig_read(text != NULL ? text : "", len, &config, reason);
	if (text != NULL)
		explicit_bzero(text, len);
	free(text);
	if (rc < 0) {
		log_error(
		    "kubeconfig_refused", LOG_S("path", path), LOG_S("error", reason));
		return rc;
	}
	rc = use_kubeconfig(client, path, &config);
	kubeconfig_free(&config);
	return rc;
}

/* What every pod has:
 * https://kubernetes.io/docs/tasks/run-application/access-api-from-pod */
static int
load_pod(struct client *client, const char *host)
{
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	int rc = connect_to(client, host, port != NULL ? port : "443");

	client->files[FILE_KUBE_CA].path = mem_strdup(ACCOUNT "/ca.crt");
	client->files[FILE_KUBE_TOKEN].path = mem_strdup(ACCOUNT "/token");
	rc = rc == 0 ? read_file(client, FILE_KUBE_CA) : rc;
	return rc == 0 ? read_file(client, FILE_KUBE_TOKEN) : rc;
}

static int
load_usual(struct client *client)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *home = getenv("HOME");
	const char *list = getenv("KUBECONFIG");
	char *path;
	int rc;

	if (list != NULL && list[0] != '\0')
		path = mem_strndup(list, strcspn(list, ":"));
	else if (host != NULL && access(ACCOUNT "/token", R_OK) == 0)
		return load_pod(client, host);
	else if (home != NULL)
		path = mem_printf("%s/.kube/config", home);
	else
		path = mem_strdup("");
	rc = load_kubeconfig(client, path);
	free(path);
	return rc;
}

struct client *
client_new(struct loop *loop, const char *kubeconfig)
{
	struct client *client = mem_calloc(1, sizeof *client);
	bool given = kubeconfig != NULL && kubeconfig[0] != '\0';

	client->loop = loop;
	client->timer = loop_timer_new(loop, on_files, client);
	if ((given ? load_kubeconfig(client, kubeconfig) : load_usual(client)) < 0) {
		client_free(client);
		return NULL;
	}
	loop_timer_arm(client->timer, FILES_EVERY_MS);
	return client;
}

void
client_free(struct client *client)
{
	if (client == NULL)
		return;
	kube_free(client->kube);
	if (client->http != NULL)
		http_free(client->http);
	dial_free(client->dial);
	loop_timer_free(client->timer);
	settings_free(&client->settings);
	for (size_t kind = 0; kind < KUBECONFIG_FILES; kind++)
		free(client->files[kind].path);
	free(client);
}

struct kube *
client_kube(struct client *client)
{
	return client->kube;
}
