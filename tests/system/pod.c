/* What a container runtime does last, for tests/system/rootfs.sh: takes a folder as the
 * root, gives up everything that a restricted pod has not (pod security "restricted":
 * uid 65532, no capabilities, no_new_privs), closes the filter of RuntimeDefault, and
 * becomes the program. With POD_AS_ROOT in the environment it is the pod of
 * deploy/components/separate-uids: root with five capabilities, and chroot(2) as the
 * runtime then allows it.
 *
 *   pod ROOT PROGRAM [ARGUMENT...]
 *
 * It is root, in user, mount and process namespaces of its own; ROOT is a mount point
 * with /proc in it. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define POD_ID 65532

#define NEW_NAMESPACES                                                                 \
	(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |    \
	    CLONE_NEWNET | CLONE_NEWCGROUP)

/* What containerd's default profile does not allow to a container without capabilities
 * (contrib/seccomp/seccomp_default.go, 2.2), said the other way round; ptrace and
 * process_vm_*, which it allows on newer kernels, as well. */
/* clang-format off */
static const int refused[] = {
    SCMP_SYS(acct), SCMP_SYS(add_key), SCMP_SYS(bpf), SCMP_SYS(chroot),
    SCMP_SYS(clock_adjtime), SCMP_SYS(clock_settime), SCMP_SYS(delete_module),
    SCMP_SYS(fanotify_init), SCMP_SYS(finit_module), SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount), SCMP_SYS(fsopen), SCMP_SYS(fspick), SCMP_SYS(get_mempolicy),
    SCMP_SYS(init_module), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register),
    SCMP_SYS(io_uring_setup), SCMP_SYS(ioperm), SCMP_SYS(iopl), SCMP_SYS(kcmp),
    SCMP_SYS(kexec_file_load), SCMP_SYS(kexec_load), SCMP_SYS(keyctl),
    SCMP_SYS(lookup_dcookie), SCMP_SYS(mbind), SCMP_SYS(migrate_pages),
    SCMP_SYS(mount), SCMP_SYS(mount_setattr), SCMP_SYS(move_mount),
    SCMP_SYS(move_pages), SCMP_SYS(open_by_handle_at), SCMP_SYS(open_tree),
    SCMP_SYS(perf_event_open), SCMP_SYS(personality), SCMP_SYS(pidfd_getfd),
    SCMP_SYS(pivot_root), SCMP_SYS(process_madvise), SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev), SCMP_SYS(ptrace), SCMP_SYS(quotactl),
    SCMP_SYS(quotactl_fd), SCMP_SYS(reboot), SCMP_SYS(request_key),
    SCMP_SYS(set_mempolicy), SCMP_SYS(setdomainname), SCMP_SYS(sethostname),
    SCMP_SYS(setns), SCMP_SYS(settimeofday), SCMP_SYS(swapoff), SCMP_SYS(swapon),
    SCMP_SYS(syslog), SCMP_SYS(umount2), SCMP_SYS(unshare), SCMP_SYS(uselib),
    SCMP_SYS(userfaultfd), SCMP_SYS(vhangup),
};
/* clang-format on */

static void __attribute__((noreturn)) fail(const char *what)
{
	perror(what);
	exit(125);
}

/* pivot_root(2) says why both are ".": nothing of the old root stays within reach. */
static void
enter_root(const char *root)
{
	if (chdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		fail(root);
}

static void
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail(path);
	close(fd);
}

static const cap_value_t given[] = {
    CAP_KILL, CAP_SETGID, CAP_SETPCAP, CAP_SETUID, CAP_SYS_CHROOT};
static size_t given_len; /* 0, or all of them */

static bool
is_given(cap_value_t cap)
{
	for (size_t i = 0; i < given_len; i++)
		if (given[i] == cap)
			return true;
	return false;
}

static void
drop_bounding_set(void)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!is_given(cap) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			fail("bounding set");
}

/* Where this user namespace knows nobody but root, one more calls him 65532. */
static void
take_id(void)
{
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		fail("setgroups");
	if (given_len > 0)
		return;
	if (setresgid(POD_ID, POD_ID, POD_ID) == 0 &&
	    setresuid(POD_ID, POD_ID, POD_ID) == 0)
		return;
	if (errno != EINVAL || unshare(CLONE_NEWUSER) < 0)
		fail("uid 65532");
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/gid_map", "65532 0 1");
	write_file("/proc/self/uid_map", "65532 0 1");
	drop_bounding_set(); /* a new namespace has all again */
}

static void
drop_capabilities(void)
{
	cap_t left = cap_init();

	if (left == NULL)
		fail("capabilities");
	for (size_t i = 0; i < given_len; i++)
		if (cap_set_flag(left, CAP_PERMITTED, 1, &given[i], CAP_SET) < 0 ||
		    cap_set_flag(left, CAP_EFFECTIVE, 1, &given[i], CAP_SET) < 0)
			fail("capabilities");
	if (cap_set_proc(left) < 0)
		fail("capabilities");
	cap_free(left);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fail("no_new_privs");
}

static int
refuse_if(scmp_filter_ctx filter, int call, enum scmp_compare how, scmp_datum_t a,
    scmp_datum_t b)
{
	const struct scmp_arg_cmp first = {.op = how, .datum_a = a, .datum_b = b};

	return seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), call, 1, &first);
}

static void
close_filter(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int rc = filter != NULL ? 0 : -ENOMEM;

	for (size_t i = 0; rc == 0 && i < sizeof refused / sizeof *refused; i++)
		if (refused[i] != SCMP_SYS(chroot) || given_len == 0)
			rc = seccomp_rule_add(
			    filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
	for (unsigned int bit = CLONE_NEWNS; rc == 0 && bit <= CLONE_NEWNET; bit <<= 1)
		if ((bit & NEW_NAMESPACES) != 0)
			rc = refuse_if(
			    filter, SCMP_SYS(clone), SCMP_CMP_MASKED_EQ, bit, bit);
	if (rc == 0)
		rc = refuse_if(filter, SCMP_SYS(socket), SCMP_CMP_EQ, AF_ALG, 0);
	if (rc == 0)
		rc = refuse_if(filter, SCMP_SYS(socket), SCMP_CMP_EQ, AF_VSOCK, 0);
	if (rc == 0)
		rc = seccomp_rule_add(
		    filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (rc == 0)
		rc = seccomp_load(filter);
	if (rc < 0) {
		errno = -rc;
		fail("seccomp");
	}
	seccomp_release(filter);
}

/* Each of these would succeed without the filter. */
static void
try_filter(void)
{
	if (syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1) >=
		0 ||
	    syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0) >= 0 ||
	    unshare(CLONE_NEWUSER) == 0 ||
	    (syscall(SYS_clone3, NULL, 0), errno) != ENOSYS)
		fail("the filter is open");
}

int
main(int argc, char **argv)
{
	if (argc < 3) {
		fputs("usage: pod ROOT PROGRAM [ARGUMENT...]\n", stderr);
		return 125;
	}
	if (getenv("POD_AS_ROOT") != NULL)
		given_len = sizeof given / sizeof *given;
	enter_root(argv[1]);
	drop_bounding_set();
	take_id();
	drop_capabilities();
	close_filter();
	try_filter();
	execv(argv[2], argv + 2);
	fail(argv[2]);
}
