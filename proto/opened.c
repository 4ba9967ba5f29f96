#include "opened.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "log.h"

void
opened_fill(void)
{
	int fd;

	do
		fd = fcntl(FD_NULL, F_DUPFD_CLOEXEC, 0);
	while (fd >= 0 && fd < FD_OPENED_FIRST);
	if (fd < 0) {
		log_error("descriptors_refused", LOG_S("error", strerror(errno)));
		_exit(EXIT_SANDBOX);
	}
	close(fd);
}
