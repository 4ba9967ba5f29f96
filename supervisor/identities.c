#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "log.h"
#include "supervisor.h"

static void __attribute__((noreturn)) no_identity(const char *why)
{
	log_error("no_credentials", LOG_S("error", why));
	exit(EXIT_CONFIG);
}

static void
set_path(struct identity *identity, enum file_kind kind, const char *path)
{
	struct credential *credential = &identity->files[kind];
	int len = snprintf(credential->path, sizeof credential->path, "%s", path);

	if (len >= (int)sizeof credential->path)
		no_identity("a path is too long");
}

static void
set_or_die(struct identity *identity, enum setting key, const char *value)
{
	if (settings_set(&identity->settings, key, value) < 0)
		no_identity(setting_name(key));
}

/* What every pod has:
 * https://kubernetes.io/docs/tasks/run-application/access-api-from-pod */
static void
load_in_cluster(struct identity *identity)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");

	if (host == NULL || port == NULL)
		no_identity(
		    "neither --kubeconfig nor KUBERNETES_SERVICE_HOST and _PORT");
	if (access(SERVICE_ACCOUNT_DIR "/token", R_OK) < 0 ||
	    access(SERVICE_ACCOUNT_DIR "/ca.crt", R_OK) < 0)
		no_identity("no readable token and ca.crt in " SERVICE_ACCOUNT_DIR);
	set_or_die(identity, SETTING_KUBE_HOST, host);
	set_or_die(identity, SETTING_KUBE_PORT, port);
	set_path(identity, FILE_KUBE_CA, SERVICE_ACCOUNT_DIR "/ca.crt");
	set_path(identity, FILE_KUBE_TOKEN, SERVICE_ACCOUNT_DIR "/token");
}

static void
set_dial(struct identity *identity)
{
	char entry[SETTING_VALUE_MAX];

	snprintf(entry, sizeof entry, "%s %s",
	    settings_get(&identity->settings, SETTING_KUBE_HOST, ""),
	    settings_get(&identity->settings, SETTING_KUBE_PORT, "443"));
	set_or_die(identity, SETTING_DIAL_KUBE, entry);
}

/* The same server; the token is yet to come. */
static void
await_token(struct supervisor *sup)
{
	struct identity *to = &sup->identities[IDENTITY_WATCHER];
	const struct identity *from = &sup->identities[IDENTITY_RECONCILER];

	for (unsigned int key = 0; key < SETTING_COUNT; key++)
		if (from->settings.values[key] != NULL)
			set_or_die(to, key, from->settings.values[key]);
	to->files[FILE_KUBE_CA] = from->files[FILE_KUBE_CA];
	sup->watcher_source = WATCHER_AWAITED;
}

/* Later a file may be between two versions; at the start it has to be there. */
static void
check_files(struct supervisor *sup, enum identity_id id)
{
	for (int kind = 0; kind < FILE_COUNT; kind++) {
		struct credential *credential = &sup->identities[id].files[kind];
		int fd;

		if (credential->path[0] == '\0')
			continue;
		fd = credential_open(credential);
		if (fd < 0)
			exit(EXIT_CONFIG);
		close(fd);
	}
}

void
identities_load(struct supervisor *sup)
{
	struct identity *own = &sup->identities[IDENTITY_RECONCILER];
	struct identity *watcher = &sup->identities[IDENTITY_WATCHER];
	const struct options *options = &sup->options;

	for (int id = 0; id < IDENTITY_COUNT; id++)
		for (int kind = 0; kind < FILE_COUNT; kind++)
			sup->identities[id].files[kind].memfd = -1;
	if (options->kubeconfig == NULL)
		load_in_cluster(own);
	else if (kubeconfig_load(sup, options->kubeconfig, own) < 0)
		exit(EXIT_CONFIG);
	set_dial(own);
	if (options->watcher_kubeconfig == NULL)
		await_token(sup);
	else if (kubeconfig_load(sup, options->watcher_kubeconfig, watcher) < 0)
		exit(EXIT_CONFIG);
	set_dial(watcher);
	if (!options->agent)
		set_path(
		    &sup->identities[IDENTITY_CLOUD], FILE_CLOUD_CA, options->cloud_ca);
	set_path(&sup->identities[IDENTITY_DNS], FILE_RESOLV_CONF, "/etc/resolv.conf");
	check_files(sup, IDENTITY_RECONCILER);
	check_files(sup, IDENTITY_WATCHER);
	check_files(sup, IDENTITY_CLOUD);
}
