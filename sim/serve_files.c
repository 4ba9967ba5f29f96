#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "log.h"
#include "mem.h"
#include "serve.h"

/* Largest file of ours (bytes): a kubeconfig with three certificates. */
#define FILE_SIZE_MAX 65536u

int
serve_files_prepare(const char *dir, char **ret_dir)
{
	char *absolute;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
		int rc = -errno;

		log_error("directory_failed", LOG_S("path", dir),
		    LOG_S("reason", strerror(-rc)));
		return rc;
	}
	absolute = realpath(dir, NULL);
	if (absolute == NULL) {
		int rc = -errno;

		log_error("directory_failed", LOG_S("path", dir),
		    LOG_S("reason", strerror(-rc)));
		return rc;
	}
	serve_files_end(absolute);
	*ret_dir = absolute;
	return 0;
}

void
serve_files_end(const char *dir)
{
	char *path = mem_printf("%s/world.env", dir);

	unlink(path);
	free(path);
}

static int
write_all(int fd, const struct buf *contents)
{
	for (size_t done = 0; done < contents->len;) {
		ssize_t len = write(fd, contents->data + done, contents->len - done);

		if (len < 0 && errno != EINTR)
			return -errno;
		done += len > 0 ? (size_t)len : 0;
	}
	return 0;
}

static int
write_and_rename(const char *draft, const char *path, const struct buf *contents)
{
	int fd, rc;

	/* a draft of somebody who was killed would keep its own mode */
	if (unlink(draft) < 0 && errno != ENOENT)
		return -errno;
	fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, contents);
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(draft, path) < 0)
		rc = -errno;
	if (rc < 0)
		unlink(draft);
	return rc;
}

/* Empties `contents` and wipes what it held. */
static int
write_file(const char *dir, const char *name, struct buf *contents)
{
	char *draft = mem_printf("%s/.%s.draft", dir, name);
	char *path = mem_printf("%s/%s", dir, name);
	int rc = contents->refused ? -E2BIG : write_and_rename(draft, path, contents);

	if (rc < 0)
		log_error("file_write_failed", LOG_S("path", path),
		    LOG_S("reason", strerror(-rc)));
	if (contents->data != NULL)
		explicit_bzero(contents->data, contents->cap);
	buf_reset(contents);
	free(draft);
	free(path);
	return rc;
}

static void
put_base64(struct buf *buf, const char *text)
{
	size_t len = strlen(text);
	unsigned char *encoded = mem_calloc(len / 3 * 4 + 5, 1);
	int encoded_len =
	    EVP_EncodeBlock(encoded, (const unsigned char *)text, (int)len);

	buf_put(buf, encoded, (size_t)encoded_len);
	explicit_bzero(encoded, (size_t)encoded_len);
	free(encoded);
}

/* A user with a token, or else with a certificate. */
struct user {
	const char *name;
	const char *token;
	const struct pki_pair *pair;
};

static void
put_kubeconfig(
    struct buf *buf, uint16_t port, const char *ca_pem, const struct user *user)
{
	buf_printf(buf,
	    "apiVersion: v1\n"
	    "kind: Config\n"
	    "clusters:\n"
	    "- name: sim\n"
	    "  cluster:\n"
	    "    server: https://127.0.0.1:%u\n"
	    "    certificate-authority-data: ",
	    port);
	put_base64(buf, ca_pem);
	buf_printf(buf,
	    "\n"
	    "contexts:\n"
	    "- name: sim\n"
	    "  context:\n"
	    "    cluster: sim\n"
	    "    user: %s\n"
	    "current-context: sim\n"
	    "users:\n"
	    "- name: %s\n"
	    "  user:\n",
	    user->name, user->name);
	if (user->token != NULL) {
		buf_printf(buf, "    token: %s\n", user->token);
		return;
	}
	assert(user->pair != NULL);
	buf_puts(buf, "    client-certificate-data: ");
	put_base64(buf, user->pair->cert_pem);
	buf_puts(buf, "\n    client-key-data: ");
	put_base64(buf, user->pair->key_pem);
	buf_puts(buf, "\n");
}

/* NAME='DIR/FILE', for the shell. */
static void
put_path(struct buf *buf, const char *name, const char *dir, const char *file)
{
	buf_printf(buf, "%s='", name);
	for (const char *c = dir; *c != '\0'; c++) {
		if (*c == '\'')
			buf_puts(buf, "'\\''");
		else
			buf_putc(buf, *c);
	}
	buf_printf(buf, "/%s'\n", file);
}

static void
put_world(struct buf *buf, const char *dir, const struct serve_ports *ports)
{
	put_path(buf, "KUBECONFIG", dir, "kubeconfig");
	put_path(buf, "CONTROLLER_KUBECONFIG", dir, "controller.kubeconfig");
	put_path(buf, "WATCHER_KUBECONFIG", dir, "watcher.kubeconfig");
	buf_printf(buf, "GCP_ENDPOINT=http://127.0.0.1:%u/compute/v1\n", ports->gce);
	buf_printf(
	    buf, "GCP_ENDPOINT_TLS=https://127.0.0.1:%u/compute/v1\n", ports->gce_tls);
	buf_printf(buf, "GCE_METADATA_HOST=127.0.0.1:%u\n", ports->metadata);
	buf_printf(buf, "CONTROL_URL=http://127.0.0.1:%u\n", ports->control);
	put_path(buf, "SIM_CA", dir, "ca.crt");
	put_path(buf, "ATTACHMENTS_LOG", dir, "attachments.log");
	buf_printf(buf, "SIM_PID=%d\n", (int)getpid());
}

int
serve_files_write(const char *dir, const struct serve_ports *ports,
    const struct serve_secrets *secrets, const char *ca_pem)
{
	const struct {
		const char *file;
		struct user user;
	} configs[] = {
	    {"kubeconfig", {"admin", secrets->admin, NULL}},
	    {"controller.kubeconfig", {"controller", secrets->controller, NULL}},
	    {"watcher.kubeconfig", {"watcher", secrets->watcher, NULL}},
	    {"cert.kubeconfig", {"admin", NULL, &secrets->admin_cert}},
	};
	struct buf buf;
	int rc;

	buf_init(&buf, FILE_SIZE_MAX);
	buf_puts(&buf, ca_pem);
	rc = write_file(dir, "ca.crt", &buf);
	for (size_t i = 0; i < sizeof configs / sizeof configs[0] && rc == 0; i++) {
		put_kubeconfig(&buf, ports->kube, ca_pem, &configs[i].user);
		rc = write_file(dir, configs[i].file, &buf);
	}
	if (rc == 0) {
		put_world(&buf, dir, ports);
		rc = write_file(dir, "world.env", &buf);
	}
	buf_free(&buf);
	return rc;
}
