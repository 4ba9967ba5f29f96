/* nanomsg over descriptors that the supervisor hands out. The program defines socket,
 * bind, listen, connect, accept4, accept, recvmsg, unlink and close; the dynamic linker
 * prefers them over libc's for libnanomsg, libcurl and libmicrohttpd (ordinary ELF
 * symbol preemption, no LD_PRELOAD). For descriptors that are no links each passes
 * through to the kernel, but socket(), which makes none, and connect(), which only says
 * "done" for a TCP descriptor that is connected already (Debian 12's libcurl ignores
 * CURL_SOCKOPT_ALREADY_CONNECTED: curl issue 10626).
 *
 * An endpoint "ipc://fd:N" is the link control descriptor N (SEQPACKET): each packet on
 * it carries one end of a fresh socketpair. Frames are checked before nanomsg sees
 * them, because libnanomsg 1.1.5 aborts on a wrong frame type: a bad frame ends that
 * pair and is counted. Descriptors that a peer sends along are refused. */
#ifndef IPW_SHIM_H
#define IPW_SHIM_H

#define SHIM_ADDRESS "ipc://fd:"

/* Bad frames seen on the link of control descriptor `control_fd` since the start. Any
 * thread. */
unsigned int shim_bad_frames(int control_fd);

#endif
