#include "memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAME  "ipwarden-credential"
#define FLAGS (MFD_CLOEXEC | MFD_ALLOW_SEALING)
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

/* pwrite leaves the offset, which travels with the descriptor, at 0. */
static int
write_all(int fd, const char *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t written = pwrite(fd, data + done, len - done, (off_t)done);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		done += (size_t)written;
	}
	return 0;
}

int
memfd_make_sealed(const void *data, size_t len)
{
	int fd = memfd_create(NAME, FLAGS | MEMFD_NOEXEC_SEAL);
	int rc;

	/* a kernel before 6.3 does not know the flag */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(NAME, FLAGS);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, data, len);
	if (rc == 0 && fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}
