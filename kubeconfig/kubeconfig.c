#include "kubeconfig.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "mem.h"
#include "server.h"
#include "tree.h"

_Static_assert(FILE_KUBE_CA == 0 && FILE_KUBE_CLIENT_KEY == KUBECONFIG_FILES - 1,
    "the files of a kubeconfig come first");

/* One reading: the parts of the context, and how the log calls them. */
struct reading {
	struct kubeconfig config;
	char *reason;
	const struct tree *root;
	const char *context_name, *cluster_name, *user_name;
	const struct tree *context, *cluster, *user;
};

static int pick_context(struct reading *reading);
static int pick_parts(struct reading *reading);
static int read_cluster(struct reading *reading);
static int read_user(struct reading *reading);

static int __attribute__((format(printf, 2, 3)))
refuse(struct reading *reading, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reading->reason, KUBECONFIG_REASON_SIZE, format, args);
	va_end(args);
	return -EINVAL;
}

int
kubeconfig_read(
    const char *text, size_t len, struct kubeconfig *ret_config, char *reason)
{
	struct reading reading = {.reason = reason};
	struct tree *root = NULL;
	int rc = -EINVAL;

	if (len > KUBECONFIG_SIZE_MAX) {
		rc = refuse(
		    &reading, "the file is larger than %u bytes", KUBECONFIG_SIZE_MAX);
		goto out;
	}
	root = tree_read(text, len, reason, KUBECONFIG_REASON_SIZE);
	if (root == NULL)
		goto out;
	reading.root = root;
	rc = root->kind == TREE_MAP ? 0 : refuse(&reading, "the file holds no map");
	rc = rc == 0 ? pick_context(&reading) : rc;
	rc = rc == 0 ? pick_parts(&reading) : rc;
	rc = rc == 0 ? read_cluster(&reading) : rc;
	rc = rc == 0 ? read_user(&reading) : rc;
out:
	tree_free(root);
	if (rc == 0)
		*ret_config = reading.config;
	else
		kubeconfig_free(&reading.config);
	return rc;
}

void
kubeconfig_free(struct kubeconfig *config)
{
	for (size_t i = 0; i < KUBECONFIG_FILES; i++) {
		struct kubeconfig_file *file = &config->files[i];

		if (file->data != NULL)
			explicit_bzero(file->data, file->data_len);
		free(file->data);
		free(file->path);
	}
	free(config->host);
	free(config->tls_name);
	*config = (struct kubeconfig){0};
}

/* A text under `key` of `map`; *ret_text is NULL when it is not set (Go's empty string
 * is as good as none) and borrowed from the tree otherwise. */
static int
get_text(struct reading *reading, const struct tree *map, const char *key,
    const char **ret_text)
{
	const struct tree *value = tree_get(map, key);

	if (value != NULL && value->kind != TREE_TEXT)
		return refuse(reading, "line %zu: %s is no text", value->line, key);
	*ret_text = value != NULL && value->text[0] != '\0' ? value->text : NULL;
	return 0;
}

/* The element of `list` ("contexts") that is called `name` (NULL: the only one), and
 * what it holds under `key` ("context"). A name that stands twice is refused, as
 * kubectl does. */
static int
find_named(struct reading *reading, const char *list, const char *key,
    const char **name, const struct tree **ret_value)
{
	const struct tree *all = tree_get(reading->root, list);
	const struct tree *found = NULL;

	if (all != NULL && all->kind != TREE_LIST)
		return refuse(reading, "line %zu: %s is no list", all->line, list);
	for (const struct tree *one = all != NULL ? all->first : NULL; one != NULL;
	     one = one->next) {
		const char *its_name = NULL;

		if (one->kind != TREE_MAP)
			return refuse(reading, "line %zu: an element of %s is no map",
			    one->line, list);
		if (get_text(reading, one, "name", &its_name) < 0)
			return -EINVAL;
		if (its_name == NULL)
			return refuse(reading, "line %zu: an element of %s has no name",
			    one->line, list);
		if (*name != NULL && strcmp(*name, its_name) != 0)
			continue;
		if (found != NULL)
			return refuse(reading, "%s has more than one %s \"%s\"", list,
			    key, its_name);
		*name = its_name;
		found = one;
	}
	if (found == NULL)
		return 0;
	*ret_value = tree_get(found, key);
	if (*ret_value == NULL || (*ret_value)->kind != TREE_MAP)
		return refuse(reading, "%s \"%s\" is no map", key, *name);
	return 0;
}

static int
pick_context(struct reading *reading)
{
	const struct tree *contexts = tree_get(reading->root, "contexts");

	if (get_text(
		reading, reading->root, "current-context", &reading->context_name) < 0)
		return -EINVAL;
	if (reading->context_name == NULL && contexts != NULL &&
	    contexts->children_len > 1)
		return refuse(reading,
		    "there is no current-context, and more than one context to choose");
	if (find_named(reading, "contexts", "context", &reading->context_name,
		&reading->context) < 0)
		return -EINVAL;
	if (reading->context == NULL && reading->context_name == NULL)
		return refuse(reading, "there is no context");
	if (reading->context == NULL)
		return refuse(
		    reading, "there is no context \"%s\"", reading->context_name);
	return 0;
}

/* The cluster or user that the context names. */
static int
pick_part(struct reading *reading, const char *list, const char *key, const char **name,
    const struct tree **ret_part)
{
	if (get_text(reading, reading->context, key, name) < 0)
		return -EINVAL;
	if (*name == NULL)
		return refuse(
		    reading, "context \"%s\" names no %s", reading->context_name, key);
	if (find_named(reading, list, key, name, ret_part) < 0)
		return -EINVAL;
	if (*ret_part == NULL)
		return refuse(reading, "there is no %s \"%s\" (context \"%s\")", key,
		    *name, reading->context_name);
	return 0;
}

static int
pick_parts(struct reading *reading)
{
	int rc = pick_part(
	    reading, "clusters", "cluster", &reading->cluster_name, &reading->cluster);

	if (rc < 0)
		return rc;
	return pick_part(reading, "users", "user", &reading->user_name, &reading->user);
}

static bool
has_control_character(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

/* A credential: inline under `data_key` (NULL: never), else a file under `path_key`. As
 * in client-go the inline one wins. `part` and `name` are for the refusal. */
static int
read_file(struct reading *reading, const struct tree *map, const char *data_key,
    const char *path_key, enum file_kind kind)
{
	struct kubeconfig_file *file = &reading->config.files[kind];
	bool cluster = map == reading->cluster;
	const char *part = cluster ? "cluster" : "user";
	const char *name = cluster ? reading->cluster_name : reading->user_name;
	const char *data = NULL, *path = NULL;

	if (data_key != NULL && get_text(reading, map, data_key, &data) < 0)
		return -EINVAL;
	if (get_text(reading, map, path_key, &path) < 0)
		return -EINVAL;
	if (data != NULL) {
		if (base64_decode(data, &file->data, &file->data_len) < 0)
			return refuse(reading, "%s of %s \"%s\" is not base64",
			    data_key, part, name);
		if (file->data_len == 0)
			return refuse(
			    reading, "%s of %s \"%s\" is empty", data_key, part, name);
		return 0;
	}
	if (path == NULL)
		return 0;
	if (strlen(path) > KUBECONFIG_PATH_MAX || has_control_character(path))
		return refuse(
		    reading, "%s of %s \"%s\" is no path", path_key, part, name);
	file->path = mem_strdup(path);
	return 0;
}

static bool
file_is_set(const struct reading *reading, enum file_kind kind)
{
	const struct kubeconfig_file *file = &reading->config.files[kind];

	return file->path != NULL || file->data != NULL;
}

static bool
is_plainly(const struct tree *value, const char *const *words)
{
	if (value->kind != TREE_TEXT || !value->plain)
		return false;
	for (; *words != NULL; words++)
		if (strcmp(value->text, *words) == 0)
			return true;
	return false;
}

/* A "true" or "false" in quotes is neither. As in client-go a CA beside it is refused:
 * nothing would be verified with it. */
static int
read_insecure(struct reading *reading)
{
	static const char *const no[] = {"false", "False", "FALSE", "no", "No", "NO",
	    "off", "Off", "OFF", "n", "N", NULL};
	static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes", "YES",
	    "on", "On", "ON", "y", "Y", NULL};
	const struct tree *value =
	    tree_get(reading->cluster, "insecure-skip-tls-verify");

	if (value == NULL || is_plainly(value, no))
		return 0;
	if (!is_plainly(value, yes))
		return refuse(reading,
		    "cluster \"%s\": insecure-skip-tls-verify is neither true nor "
		    "false",
		    reading->cluster_name);
	if (file_is_set(reading, FILE_KUBE_CA))
		return refuse(reading,
		    "cluster \"%s\" has a certificate-authority and "
		    "insecure-skip-tls-verify",
		    reading->cluster_name);
	reading->config.insecure = true;
	return 0;
}

static int
read_tls_name(struct reading *reading)
{
	const char *name = NULL;

	if (get_text(reading, reading->cluster, "tls-server-name", &name) < 0)
		return -EINVAL;
	if (name == NULL)
		name = reading->config.host;
	if (!server_host_is_valid(name))
		return refuse(reading,
		    "tls-server-name of cluster \"%s\" is no host name",
		    reading->cluster_name);
	reading->config.tls_name = mem_strdup(name);
	return 0;
}

static int
read_cluster(struct reading *reading)
{
	const char *name = reading->cluster_name;
	const char *server = NULL, *proxy = NULL, *why;

	if (get_text(reading, reading->cluster, "server", &server) < 0 ||
	    get_text(reading, reading->cluster, "proxy-url", &proxy) < 0)
		return -EINVAL;
	if (server == NULL)
		return refuse(reading, "cluster \"%s\" has no server", name);
	if (proxy != NULL)
		return refuse(
		    reading, "cluster \"%s\": proxy-url is not supported", name);
	why = server_parse(server, &reading->config.host, reading->config.port);
	if (why != NULL)
		return refuse(reading, "server of cluster \"%s\": %s", name, why);
	if (read_tls_name(reading) < 0 ||
	    read_file(reading, reading->cluster, "certificate-authority-data",
		"certificate-authority", FILE_KUBE_CA) < 0)
		return -EINVAL;
	return read_insecure(reading);
}

/* Passing these over would act as somebody else than the user says. */
static int
refuse_unsupported(struct reading *reading)
{
	static const char *const keys[] = {"exec", "auth-provider", "username",
	    "password", "as", "as-uid", "as-groups", "as-user-extra"};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		const struct tree *value = tree_get(reading->user, keys[i]);

		if (value == NULL)
			continue;
		if (value->kind == TREE_TEXT ? value->text[0] == '\0'
					     : value->children_len == 0)
			continue;
		return refuse(reading, "user \"%s\": %s is not supported",
		    reading->user_name, keys[i]);
	}
	return 0;
}

/* A file wins over the token beside it, as in client-go: it is the one that rotates. */
static int
read_token(struct reading *reading)
{
	struct kubeconfig_file *file = &reading->config.files[FILE_KUBE_TOKEN];
	const char *token = NULL;

	if (read_file(reading, reading->user, NULL, "tokenFile", FILE_KUBE_TOKEN) < 0 ||
	    get_text(reading, reading->user, "token", &token) < 0)
		return -EINVAL;
	if (token == NULL || file->path != NULL)
		return 0;
	file->data_len = strlen(token);
	while (
	    file->data_len > 0 && strchr(" \t\r\n", token[file->data_len - 1]) != NULL)
		file->data_len--;
	file->data = mem_strndup(token, file->data_len);
	if (file->data_len == 0 || has_control_character(file->data))
		return refuse(
		    reading, "token of user \"%s\" is malformed", reading->user_name);
	return 0;
}

static int
read_user(struct reading *reading)
{
	const char *name = reading->user_name;
	bool cert, key;

	if (refuse_unsupported(reading) < 0 || read_token(reading) < 0 ||
	    read_file(reading, reading->user, "client-certificate-data",
		"client-certificate", FILE_KUBE_CLIENT_CERT) < 0 ||
	    read_file(reading, reading->user, "client-key-data", "client-key",
		FILE_KUBE_CLIENT_KEY) < 0)
		return -EINVAL;
	cert = file_is_set(reading, FILE_KUBE_CLIENT_CERT);
	key = file_is_set(reading, FILE_KUBE_CLIENT_KEY);
	if (cert && !key)
		return refuse(
		    reading, "user \"%s\" has a client certificate and no key", name);
	if (key && !cert)
		return refuse(
		    reading, "user \"%s\" has a client key and no certificate", name);
	if (!cert && !file_is_set(reading, FILE_KUBE_TOKEN))
		return refuse(reading, "user \"%s\" has no credentials", name);
	return 0;
}
