/* Ends well when this kernel takes system calls by the way of i386 programs, which it
 * may have been built or started without. */
#include <unistd.h>

int
main(void)
{
	long pid;

	__asm__ volatile("int $0x80" : "=a"(pid) : "a"(20L) : "memory");
	return pid == getpid() ? 0 : 1;
}
