#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "supervisor.h"

/* What proc(5) shows of a confined thread. */
static const char *const confined_lines[] = {
    "\nNoNewPrivs:\t1\n",
    "\nSeccomp:\t2\n",
    "\nCapPrm:\t0000000000000000\n",
    "\nCapEff:\t0000000000000000\n",
};

/* And of one that is separate from the others, beside its ids. */
static const char *const separate_lines[] = {
    "\nGroups:\t \n",
    "\nCapBnd:\t0000000000000000\n",
    "\nCapAmb:\t0000000000000000\n",
};

/* /proc/PID/status is some 1.5 KiB. */
#define STATUS_MAX 4096

/* The filters of this process; -1: a kernel before 5.9 does not say. */
static long own_filters = -1;

/* Returns the length, or a negative errno. */
static ssize_t
read_status(int directory_fd, const char *path, char status[STATUS_MAX])
{
	int fd = openat(directory_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, status, STATUS_MAX - 1);
	if (len < 0)
		len = -errno;
	else
		status[len] = '\0';
	close(fd);
	return len;
}

static long
count_filters(const char *status)
{
	static const char key[] = "\nSeccomp_filters:\t";
	const char *found = strstr(status, key);

	return found != NULL ? strtol(found + sizeof key - 1, NULL, 10) : -1;
}

void
verify_prepare(void)
{
	char status[STATUS_MAX];

	if (read_status(AT_FDCWD, "/proc/self/status", status) > 0)
		own_filters = count_filters(status);
}

static bool
not_confined(const char *name, const char *missing)
{
	log_error("not_confined", LOG_S("role", name), LOG_S("missing", missing));
	return false;
}

static bool
has_lines(
    const char *status, const char *const *lines, size_t len, const char **ret_missing)
{
	for (size_t i = 0; i < len; i++)
		if (strstr(status, lines[i]) == NULL) {
			*ret_missing = lines[i] + 1;
			return false;
		}
	return true;
}

/* `ids` are the lines of its uid and gid; NULL: it is not separate. */
static bool
verify_thread(int tasks_fd, const char *tid, const char *name, const char *ids)
{
	char path[64], status[STATUS_MAX];
	const char *missing = NULL;
	ssize_t len;

	snprintf(path, sizeof path, "%.32s/status", tid);
	len = read_status(tasks_fd, path, status);
	if (len < 0)
		return len == -ENOENT || len == -ESRCH; /* that thread has ended */
	/* "Seccomp: 2" alone is what our own filter, which it inherits, brings about */
	if (own_filters >= 0 && count_filters(status) <= own_filters)
		return not_confined(name, "a filter of its own");
	if (!has_lines(status, confined_lines,
		sizeof confined_lines / sizeof *confined_lines, &missing) ||
	    (ids != NULL &&
		(!has_lines(status, &ids, 1, &missing) ||
		    !has_lines(status, separate_lines,
			sizeof separate_lines / sizeof *separate_lines, &missing))))
		return not_confined(name, missing);
	return true;
}

/* getdents64(2) rather than opendir(3), which takes memory. */
struct directory_entry {
	uint64_t inode;
	int64_t offset;
	unsigned short size;
	unsigned char type;
	char name[];
};

static bool
verify_threads(pid_t pid, const char *name, const char *ids)
{
	_Alignas(struct directory_entry) char entries[4096];
	char path[64];
	bool good = true;
	long len = 0;
	int fd;

	snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return not_confined(name, "its threads cannot be listed");
	while (good && (len = syscall(SYS_getdents64, fd, entries, sizeof entries)) > 0)
		for (long at = 0; good && at < len;) {
			unsigned short size;
			const char *entry_name =
			    entries + at + offsetof(struct directory_entry, name);

			memcpy(&size,
			    entries + at + offsetof(struct directory_entry, size),
			    sizeof size);
			if (entry_name[0] != '.')
				good = verify_thread(fd, entry_name, name, ids);
			at += size;
		}
	if (good && len < 0)
		good = not_confined(name, "its threads cannot be listed");
	close(fd);
	return good;
}

/* Of what is mounted mountinfo shows what lies at or below the process's root: for
 * whose root is a plain folder, nothing. */
static bool
has_own_root(pid_t pid)
{
	char path[64], byte[1];
	ssize_t len = -1;
	int fd;

	snprintf(path, sizeof path, "/proc/%ld/mountinfo", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, byte, sizeof byte);
	close(fd);
	return len == 0;
}

bool
verify_confined(const struct supervisor *sup, enum role role, pid_t pid)
{
	const char *name = role < ROLE_COUNT ? role_specs[role].name : "config";
	unsigned int id = separate_id(role);
	char ids[128];

	if (!sup->options.separate_uids)
		return verify_threads(pid, name, NULL);
	snprintf(ids, sizeof ids, "\nUid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", id,
	    id, id, id, id, id, id, id);
	if (!has_own_root(pid))
		return not_confined(name, "a root of its own");
	return verify_threads(pid, name, ids);
}
