/* How a process of ipwarden ends, and what the supervisor makes of it. */
#ifndef IPW_EXITS_H
#define IPW_EXITS_H

enum exit_code {
	EXIT_OK = 0,	 /* asked to stop, and did */
	EXIT_FATAL = 1,	 /* cannot go on; the log says why */
	EXIT_CONFIG = 2, /* a bad option, variable or file: starting again is useless */
	EXIT_PROTOCOL = 3, /* a peer broke the protocol */
	EXIT_SANDBOX = 4,  /* no sandbox, no start */
	EXIT_UPSTREAM = 5, /* the API server or the cloud refused us for good */
	EXIT_BUG = 6,	   /* our own mistake */
	EXIT_MEMORY = 7,   /* out of memory */
	EXIT_ORPHAN = 90,  /* the supervisor is gone */
};

#endif
