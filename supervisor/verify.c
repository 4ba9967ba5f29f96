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

/* /proc/PID/status is some 1.5 KiB. */
#define STATUS_MAX 4096

static bool
verify_thread(int tasks_fd, const char *tid, const char *name)
{
	char path[64], status[STATUS_MAX];
	ssize_t len;
	int fd;

	snprintf(path, sizeof path, "%.32s/status", tid);
	fd = openat(tasks_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT; /* that thread has ended */
	len = read(fd, status, sizeof status - 1);
	close(fd);
	if (len < 0)
		return errno == ESRCH;
	status[len] = '\0';
	for (size_t i = 0; i < sizeof confined_lines / sizeof *confined_lines; i++)
		if (strstr(status, confined_lines[i]) == NULL) {
			log_error("not_confined", LOG_S("role", name),
			    LOG_S("thread", tid),
			    LOG_S("missing", confined_lines[i] + 1));
			return false;
		}
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

bool
verify_confined(pid_t pid, const char *name)
{
	_Alignas(struct directory_entry) char entries[4096];
	char path[64];
	bool good = true;
	long len;
	int fd;

	snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		log_error("not_confined", LOG_S("role", name),
		    LOG_S("missing", "its threads cannot be listed"));
		return false;
	}
	while (good && (len = syscall(SYS_getdents64, fd, entries, sizeof entries)) > 0)
		for (long at = 0; good && at < len;) {
			unsigned short size;
			const char *entry_name =
			    entries + at + offsetof(struct directory_entry, name);

			memcpy(&size,
			    entries + at + offsetof(struct directory_entry, size),
			    sizeof size);
			if (entry_name[0] != '.')
				good = verify_thread(fd, entry_name, name);
			at += size;
		}
	close(fd);
	return good;
}
