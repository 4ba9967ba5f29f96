/* Dialer, resolver and ipwarden-config under their real filters. Speaks TAP; programs
 * are found in $IPW_PROGRAMS, or here. */
#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edge.h"

static bool
interface_add(int fd, const char *name, const char *address)
{
	struct ifreq request = {0};
	struct sockaddr_in ipv4 = {.sin_family = AF_INET};

	strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
	inet_pton(AF_INET, address, &ipv4.sin_addr);
	memcpy(&request.ifr_addr, &ipv4, sizeof ipv4);
	if (ioctl(fd, SIOCSIFADDR, &request) < 0)
		return false;
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	return ioctl(fd, SIOCSIFFLAGS, &request) == 0;
}

/* A network of our own, with nothing but the loopback interface: whatever a program
 * under test tries, nothing leaves. Where the kernel does not allow it, tests that need
 * an address of their own are skipped. */
static bool
network_enter(void)
{
	bool good;
	int fd;

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	good = fd >= 0 && interface_add(fd, "lo", "127.0.0.1") &&
	       interface_add(fd, "lo:1", EDGE_OWN_ADDRESS) &&
	       interface_add(fd, "lo:2", EDGE_SILENT_ADDRESS);
	if (fd >= 0)
		close(fd);
	if (!good)
		end_test("the network namespace cannot be set up");
	return true;
}

int
main(void)
{
	bool own_network = network_enter();

	test_dialer();
	test_dialer_names(own_network);
	test_resolver(own_network);
	test_config();
	return tap_end();
}
