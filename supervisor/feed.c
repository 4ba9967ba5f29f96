#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "sandbox.h"
#include "supervisor.h"

static int
feed_settings(int control_fd, const struct settings *settings, uint64_t wanted)
{
	for (unsigned int key = 0; key < SETTING_COUNT; key++) {
		int rc;

		if ((wanted & UINT64_C(1) << key) == 0 || settings->values[key] == NULL)
			continue;
		rc = control_send_setting(control_fd, key, settings->values[key]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* A fresh descriptor each time: one that is shared would share its offset, too. */
int
credential_open(struct credential *credential)
{
	struct stat info;
	char path[64];
	int fd;

	if (credential->path[0] == '\0') {
		if (credential->memfd < 0)
			return -1;
		/* opening it anew gives a descriptor that can only read */
		snprintf(path, sizeof path, "/proc/self/fd/%d", credential->memfd);
		return open(path, O_RDONLY | O_CLOEXEC);
	}
	fd = open(credential->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &info) < 0 || !S_ISREG(info.st_mode)) {
		log_error("file_refused", LOG_S("path", credential->path),
		    LOG_S("error", fd < 0 ? strerror(errno) : "not a regular file"));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	credential->device = info.st_dev;
	credential->inode = info.st_ino;
	credential->modified = info.st_mtim;
	credential->size = info.st_size;
	return fd;
}

static int
feed_file(int control_fd, struct credential *credential, enum file_kind kind)
{
	int fd = credential_open(credential);
	int rc;

	if (fd < 0)
		return 0;
	rc = control_send_file(control_fd, kind, fd);
	close(fd);
	return rc;
}

static struct identity *
identity_of(struct supervisor *sup, enum role role)
{
	enum identity_id id = role_specs[role].identity;

	return id == IDENTITY_NONE ? NULL : &sup->identities[id];
}

int
feed_child(struct supervisor *sup, enum role role)
{
	const struct role_spec *spec = &role_specs[role];
	struct identity *identity = identity_of(sup, role);
	int control_fd = sup->children[role].control_fd;
	int rc = feed_settings(control_fd, &sup->options.settings, spec->settings);

	if (rc == 0 && identity != NULL)
		rc = feed_settings(control_fd, &identity->settings, spec->settings);
	for (unsigned int kind = 0; rc == 0 && identity != NULL && kind < FILE_COUNT;
	     kind++)
		if ((spec->files & 1u << kind) != 0)
			rc = feed_file(control_fd, &identity->files[kind], kind);
	return rc == 0 ? control_send(control_fd, CONTROL_START, NULL, 0, -1) : rc;
}

static void
send_process(struct supervisor *sup, const struct control_process *process)
{
	if (control_send(sup->children[ROLE_METRICSD].control_fd, CONTROL_PROCESS,
		process, sizeof *process, -1) < 0)
		sup->processes_owed = true;
}

static void
feed_one_process(struct supervisor *sup, enum role role)
{
	const struct child *child = &sup->children[role];
	struct control_process process = {
	    .role = (uint8_t)role,
	    .absent = !role_runs(sup, role),
	    .ready = child->state == CHILD_READY,
	    .wedged = child->wedged,
	    .spent = child_is_spent(child),
	    .layers = child->state >= CHILD_FED ? child->layers : 0,
	    .layers_wanted =
		separate_layers_wanted(sup, role) | (uint32_t)~SANDBOX_SEPARATE,
	    .violations = child->violations,
	};

	memcpy(process.restarts, child->restarts, sizeof process.restarts);
	if (child->pid != 0)
		usage_read(child->pid, child->began, &process.usage);
	send_process(sup, &process);
}

static void
feed_self(struct supervisor *sup)
{
	struct control_process process = {.role = ROLE_COUNT, .ready = 1};

	usage_read(getpid(), sup->began, &process.usage);
	send_process(sup, &process);
}

void
feed_process(struct supervisor *sup, enum role role)
{
	if (sup->children[ROLE_METRICSD].state != CHILD_READY)
		return; /* it hears of all when it is ready */
	for (enum role each = 0; each < ROLE_COUNT; each++)
		if (role == ROLE_COUNT || role == each)
			feed_one_process(sup, each);
	if (role == ROLE_COUNT)
		feed_self(sup);
}

void
feed_metrics(struct supervisor *sup)
{
	struct mono_time now = clock_mono();

	if (!sup->processes_owed && now.ms - sup->processes_fed.ms < CONTROL_PROCESS_MS)
		return;
	sup->processes_owed = false;
	sup->processes_fed = now;
	feed_process(sup, ROLE_COUNT);
}

/* How often files are looked at; the kubelet renews tokens minutes before they end. */
#define FILES_CHECK_MS 2000

static bool
has_changed(const struct credential *credential)
{
	struct stat info;

	/* what was never handed out cannot have changed */
	if (credential->inode == 0 || stat(credential->path, &info) < 0)
		return false;
	return info.st_dev != credential->device || info.st_ino != credential->inode ||
	       info.st_size != credential->size ||
	       info.st_mtim.tv_sec != credential->modified.tv_sec ||
	       info.st_mtim.tv_nsec != credential->modified.tv_nsec;
}

void
feed_again(struct supervisor *sup, enum identity_id id, enum file_kind kind)
{
	struct credential *credential = &sup->identities[id].files[kind];

	for (enum role role = 0; role < ROLE_COUNT; role++)
		if (role_specs[role].identity == id &&
		    (role_specs[role].files & 1u << kind) != 0 &&
		    sup->children[role].state >= CHILD_FED &&
		    feed_file(sup->children[role].control_fd, credential, kind) < 0)
			child_kill(
			    sup, role, RESTART_UNFED, "does not take what it is fed");
}

void
feed_rotated(struct supervisor *sup)
{
	struct mono_time now = clock_mono();

	if (now.ms - sup->files_checked.ms < FILES_CHECK_MS)
		return;
	sup->files_checked = now;
	for (enum identity_id id = 0; id < IDENTITY_COUNT; id++)
		for (enum file_kind kind = 0; kind < FILE_COUNT; kind++) {
			const struct credential *credential =
			    &sup->identities[id].files[kind];

			if (!has_changed(credential))
				continue;
			log_info("file_changed", LOG_S("path", credential->path));
			feed_again(sup, id, kind);
		}
}
