#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exits.h"
#include "log.h"
#include "sandbox.h"
#include "supervisor.h"

/* Role n has the uid and the gid ID_FIRST + n, config the one behind the last. Debian
 * keeps these numbers free (policy 9.2.2), systemd has no use for them
 * (https://systemd.io/UIDS-GIDS), they are below the image's own (65532), and a pod
 * with a user namespace of its own has them (0 to 65535). */
#define ID_FIRST 65520
_Static_assert(ID_FIRST + ROLE_COUNT < 65532, "the image's uid is nobody's else");

/* Beside the programs; nothing is in it, and nobody but root could change that. */
#define ROOT_FORMAT   "%s/empty"
#define ROOT_PATH_MAX (PATH_MAX + 64)

/* What getdents64(2) says of such a folder: . and .., each a number, an offset, a
 * length and a kind in 19 bytes, and the name, on a multiple of 8. */
#define EMPTY_ENTRIES_SIZE (2 * 24)

static void __attribute__((noreturn)) refuse(const char *step, const char *error)
{
	log_error("separate_uids_refused", LOG_S("step", step), LOG_S("error", error));
	_exit(EXIT_CONFIG);
}

static void
must(const char *step, int rc)
{
	if (rc < 0)
		refuse(step, strerror(errno));
}

uid_t
separate_id(enum role role)
{
	return ID_FIRST + (uid_t)role;
}

static bool
has_network(enum role role)
{
	return role < ROLE_COUNT && role_specs[role].network;
}

uint32_t
separate_layers_wanted(const struct supervisor *sup, enum role role)
{
	uint32_t layers = SANDBOX_OWN_UID | SANDBOX_EMPTY_ROOT;

	if (!sup->options.separate_uids)
		return 0;
	return sup->network_meant && !has_network(role) ? layers | SANDBOX_NO_NETWORK
							: layers;
}

uint32_t
separate_layers(const struct supervisor *sup, enum role role)
{
	uint32_t layers = separate_layers_wanted(sup, role);

	return sup->network_left ? layers : layers & ~(uint32_t)SANDBOX_NO_NETWORK;
}

void
separate_enter(const struct supervisor *sup, enum role role)
{
	char root[ROOT_PATH_MAX];
	gid_t id = separate_id(role);

	snprintf(root, sizeof root, ROOT_FORMAT, sup->libexec_dir);
	must(root, chdir(root));
	if (sup->network_left && !has_network(role))
		must("network namespace", unshare(CLONE_NEWNET));
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		must("bounding set", prctl(PR_CAPBSET_DROP, cap, 0, 0, 0));
	must("setgroups", setgroups(0, NULL));
	must("setresgid", setresgid(id, id, id));
	/* of what it has permitted exec leaves it the ambient set alone */
	must("keep capabilities", prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	must("setresuid", setresuid(id, id, id));
	must("ambient set",
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_CHROOT, 0, 0));
}

static bool
has_capability(cap_value_t cap)
{
	cap_t now = cap_get_proc();
	cap_flag_value_t has = CAP_CLEAR;

	must("capabilities", now != NULL ? 0 : -1);
	must("capabilities", cap_get_flag(now, cap, CAP_EFFECTIVE, &has));
	cap_free(now);
	return has == CAP_SET;
}

static void
check_capabilities(void)
{
	static const struct {
		cap_value_t cap;
		const char *name;
	} needed[] = {{CAP_SETUID, "CAP_SETUID"}, {CAP_SETGID, "CAP_SETGID"},
	    {CAP_SETPCAP, "CAP_SETPCAP"}, {CAP_SYS_CHROOT, "CAP_SYS_CHROOT"},
	    {CAP_KILL, "CAP_KILL"}};

	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
		if (!has_capability(needed[i].cap))
			refuse(needed[i].name, "not given");
}

static void
check_root(const struct supervisor *sup)
{
	_Alignas(uint64_t) char entries[256];
	char root[ROOT_PATH_MAX];
	struct stat info;
	int fd;

	snprintf(root, sizeof root, ROOT_FORMAT, sup->libexec_dir);
	fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(root, fd);
	must(root, fstat(fd, &info));
	if (syscall(SYS_getdents64, fd, entries, sizeof entries) != EMPTY_ENTRIES_SIZE)
		refuse(root, "not empty");
	close(fd);
	if (info.st_uid != 0 || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		refuse(root, "others than root may write to it");
}

/* Runs `attempt` in a child; whether it got through. */
static bool
gets_through(const struct supervisor *sup, void (*attempt)(const struct supervisor *))
{
	pid_t pid = fork();
	int status = 0;

	must("fork", pid);
	if (pid == 0) {
		attempt(sup);
		_exit(EXIT_OK);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == EXIT_OK;
}

static void
leave_network(const struct supervisor *sup)
{
	(void)sup;
	if (unshare(CLONE_NEWNET) < 0)
		_exit(EXIT_SANDBOX);
}

/* What each process will do. The root that we have already, in the place of the empty
 * one, tells whether chroot is to be had. */
static void
enter_as_config(const struct supervisor *sup)
{
	char program[ROOT_PATH_MAX];

	must("chroot", chroot("/"));
	separate_enter(sup, ROLE_COUNT);
	snprintf(program, sizeof program, "%s/ipwarden-config", sup->libexec_dir);
	must(program, access(program, X_OK));
}

void
separate_prepare(struct supervisor *sup)
{
	if (!sup->options.separate_uids)
		return;
	check_capabilities();
	check_root(sup);
	sup->network_meant = has_capability(CAP_SYS_ADMIN);
	sup->network_left = sup->network_meant && gets_through(sup, leave_network);
	if (sup->network_left != sup->network_meant)
		log_warn("network_namespace_refused",
		    LOG_S("message", "CAP_SYS_ADMIN is given, and unshare(2) fails"));
	if (!gets_through(sup, enter_as_config)) /* which has said why */
		exit(EXIT_CONFIG);
	log_info("separate_uids", LOG_N("first", separate_id(0)),
	    LOG_N("last", separate_id(ROLE_COUNT)));
}
