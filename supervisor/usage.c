#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor.h"

/* /proc/PID/stat and /proc/PID/limits are well below that. */
#define TEXT_SIZE 4096

/* What stands behind the name in /proc/PID/stat, counted from the state (proc(5)). */
#define STAT_UTIME  11
#define STAT_STIME  12
#define STAT_VSIZE  20
#define STAT_RSS    21
#define STAT_FIELDS 22

/* False: there is none such, any more. */
static bool
read_text(pid_t pid, const char *name, char text[TEXT_SIZE])
{
	char path[64];
	ssize_t len;
	int fd;

	snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, text, TEXT_SIZE - 1);
	close(fd);
	text[len > 0 ? len : 0] = '\0';
	return len > 0;
}

static void
read_stat(pid_t pid, struct control_usage *usage)
{
	uint64_t fields[STAT_FIELDS] = {0};
	uint64_t tick_ms = 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
	char text[TEXT_SIZE];
	const char *at;

	if (!read_text(pid, "stat", text) || (at = strrchr(text, ')')) == NULL)
		return;
	at += strspn(at, ") ");
	for (int i = 0; i < STAT_FIELDS && *at != '\0'; i++) {
		fields[i] = strtoull(at, NULL, 10);
		at += strcspn(at, " ");
		at += strspn(at, " ");
	}
	usage->cpu_ms = (fields[STAT_UTIME] + fields[STAT_STIME]) * tick_ms;
	usage->virtual_bytes = fields[STAT_VSIZE];
	usage->resident_bytes = fields[STAT_RSS] * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* The folder's size is how many there are, since Linux 6.2 (fs/proc/fd.c); before it
 * was 0, and listing it is not for us. */
static void
read_fds(pid_t pid, struct control_usage *usage)
{
	static const char key[] = "\nMax open files";
	char path[64], text[TEXT_SIZE];
	const char *line;
	struct stat info;

	snprintf(path, sizeof path, "/proc/%ld/fd", (long)pid);
	if (stat(path, &info) == 0 && info.st_size > 0)
		usage->open_fds = (uint32_t)info.st_size;
	if (read_text(pid, "limits", text) && (line = strstr(text, key)) != NULL)
		usage->max_fds = (uint32_t)strtoul(line + sizeof key - 1, NULL, 10);
}

void
usage_read(pid_t pid, struct wall_time began, struct control_usage *ret_usage)
{
	struct control_usage usage = {.began_ms = (uint64_t)began.ms};

	read_stat(pid, &usage);
	read_fds(pid, &usage);
	*ret_usage = usage;
}
