#include "cloud_world.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "cloud_rig.h"

/* Largest file or reply of the world that is read (bytes). */
#define TEXT_SIZE_MAX (4u * 1024u * 1024u)

static struct {
	const char *program;
	char dir[64];
	pid_t pid;
	char texts[3][128]; /* by enum world_end */
} world;

const char *
world_text(enum world_end end)
{
	return world.texts[end];
}

static void
world_path(char *path, const char *name)
{
	snprintf(path, PATH_MAX, "%s/%s", world.dir, name);
}

int
world_ca(void)
{
	char path[PATH_MAX];
	int fd;

	world_path(path, "ca.crt");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		rig_die("the world has no CA");
	return fd;
}

static void
read_fd(int fd, struct buf *text)
{
	char piece[4096];
	ssize_t len;

	while ((len = read(fd, piece, sizeof piece)) > 0)
		if (buf_put(text, piece, (size_t)len) != 0)
			rig_die("the world says too much");
}

/* --- its start ----------------------------------------------------------------- */

static void
read_variable(const char *text, const char *name, char *out, size_t size)
{
	const char *at = strstr(text, name);
	size_t len;

	if (at == NULL)
		rig_die("world.env lacks a variable");
	at += strlen(name);
	len = strcspn(at, "\n");
	if (len >= size)
		rig_die("world.env has an overlong value");
	memcpy(out, at, len);
	out[len] = '\0';
}

static void
read_world(void)
{
	struct buf text;
	char path[PATH_MAX];
	int fd;

	buf_init(&text, TEXT_SIZE_MAX);
	world_path(path, "world.env");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		rig_die("no world.env");
	read_fd(fd, &text);
	close(fd);
	read_variable(text.data, "GCP_ENDPOINT_TLS=", world.texts[WORLD_COMPUTE],
	    sizeof world.texts[0]);
	read_variable(text.data, "GCE_METADATA_HOST=", world.texts[WORLD_METADATA],
	    sizeof world.texts[0]);
	read_variable(text.data, "CONTROL_URL=", world.texts[WORLD_CONTROL],
	    sizeof world.texts[0]);
	buf_free(&text);
}

/* world.env is renamed into place last of all. */
static void
await_world(int notify)
{
	struct pollfd wait = {.fd = notify, .events = POLLIN};
	char path[PATH_MAX];
	char events[4096];

	world_path(path, "world.env");
	while (access(path, F_OK) != 0) {
		if (poll(&wait, 1, RIG_WAIT_MS) <= 0)
			rig_die("the world does not come up");
		if (read(notify, events, sizeof events) < 0)
			rig_die("inotify");
	}
}

void
world_open(void)
{
	int notify = inotify_init1(IN_CLOEXEC);

	snprintf(world.dir, sizeof world.dir, "/tmp/cloud_test.XXXXXX");
	if (mkdtemp(world.dir) == NULL || notify < 0 ||
	    inotify_add_watch(notify, world.dir, IN_MOVED_TO) < 0)
		rig_die("no directory for the world");
	world.program = getenv("IPW_SIM");
	if (world.program == NULL)
		world.program = "./ipwarden-sim";
	world.pid = fork();
	if (world.pid == 0) {
		execl(world.program, world.program, "serve", "--dir", world.dir,
		    (char *)NULL);
		_exit(127);
	}
	await_world(notify);
	close(notify);
	read_world();
}

/* True when the judge finds nothing in the log of attachments. */
bool
world_is_clean(void)
{
	char path[PATH_MAX];
	int status = -1;
	pid_t pid;

	world_path(path, "attachments.log");
	pid = fork();
	if (pid == 0) {
		execl(world.program, world.program, "check", path, (char *)NULL);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

/* Removes what the world left in its directory. */
static void
remove_dir(void)
{
	DIR *dir = opendir(world.dir);
	struct dirent *entry;

	if (dir == NULL)
		rig_die("the world's directory is gone");
	while ((entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	rmdir(world.dir);
}

void
world_close(void)
{
	int status;

	kill(world.pid, SIGTERM);
	if (waitpid(world.pid, &status, 0) != world.pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 0)
		rig_die("the world did not end well");
	remove_dir();
}

/* --- talking to it ------------------------------------------------------------- */

static unsigned int
port_of(const char *text)
{
	const char *colon = strrchr(text, ':');

	return colon != NULL ? (unsigned int)strtoul(colon + 1, NULL, 10) : 0;
}

int
world_connect(enum world_end end)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port_of(world.texts[end])),
	    .sin_addr = {htonl(INADDR_LOOPBACK)},
	};
	int fd = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (syscall(SYS_connect, fd, &address, sizeof address) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

int
world_request(
    const char *method, const char *path, const char *body, char *out, size_t out_size)
{
	int fd = world_connect(WORLD_CONTROL);
	const char *body_at;
	struct buf text;
	int status = 0;

	if (fd < 0)
		rig_die("the world's control endpoint refuses");
	dprintf(fd,
	    "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
	    "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
	    method, path, strlen(body), body);
	buf_init(&text, TEXT_SIZE_MAX);
	read_fd(fd, &text);
	close(fd);
	if (text.len == 0 || sscanf(text.data, "HTTP/1.%*c %d", &status) != 1)
		rig_die("the world's control endpoint does not answer");
	body_at = strstr(text.data, "\r\n\r\n");
	if (out != NULL)
		snprintf(out, out_size, "%s", body_at != NULL ? body_at + 4 : "");
	buf_free(&text);
	return status;
}

size_t
world_count(const char *needle)
{
	struct buf text;
	char path[PATH_MAX];
	size_t count = 0;
	int fd;

	buf_init(&text, TEXT_SIZE_MAX);
	world_path(path, "attachments.log");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		rig_die("no log of attachments");
	read_fd(fd, &text);
	close(fd);
	for (const char *at = text.data; at != NULL && (at = strstr(at, needle)); at++)
		count++;
	buf_free(&text);
	return count;
}
