/* Runs a command under a filter such as a container runtime would put around it: the
 * calls that a file names, one a line, and EPERM for the others.
 *
 *   outer CALLS COMMAND [ARGUMENT...] */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int
allow(scmp_filter_ctx filter, const char *name)
{
	int call = seccomp_syscall_resolve_name(name);

	if (call == __NR_SCMP_ERROR) {
		fprintf(stderr, "outer: %s is no system call\n", name);
		return -EINVAL;
	}
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
}

static int
allow_all(scmp_filter_ctx filter, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[64];
	int rc = file != NULL ? 0 : -errno;

	while (rc == 0 && fgets(line, sizeof line, file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		rc = allow(filter, line);
	}
	if (file != NULL)
		fclose(file);
	return rc;
}

int
main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int rc = argc > 2 && filter != NULL ? allow_all(filter, argv[1]) : -EINVAL;

	/* glibc then falls back to clone */
	if (rc == 0)
		rc = seccomp_rule_add(
		    filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (rc == 0)
		rc = seccomp_load(filter);
	if (rc < 0) {
		fprintf(stderr, "outer: %s\n", strerror(-rc));
		return 1;
	}
	execvp(argv[2], argv + 2);
	return 127;
}
