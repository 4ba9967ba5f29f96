/* The control descriptor between the supervisor and a process: SEQPACKET, one record a
 * packet: one byte of type, then the payload.
 *
 * supervisor → process           payload
 *   SETTING                      u8 key, value bytes
 *   FILE                         u8 kind, and a descriptor
 *   START                        -   (all settings and files were given; to
 *                                ipwarden-config: it is seen to be confined)
 *   STOP                         -
 *   AGAIN                        -   (the dialer or resolver started anew: ask again)
 *   PROCESS (metricsd only)      struct control_process
 * process → supervisor
 *   LOCKED                       u32 layers (enum sandbox_layer), little-endian
 *   READY, TICK                  -   (one byte)
 *   RELINK, VIOLATION            u8 link slot
 *   TOKEN                        token bytes (reconciler only: what the watcher shows
 *                                to the API server; none: the server refuses one)
 *   SETTING, FILE                as above (ipwarden-config only)
 *   PATH                         u8 kind, path bytes (ipwarden-config only: a file that
 *                                the supervisor opens itself; a relative path starts at
 *                                the kubeconfig's folder)
 */
#ifndef IPW_CONTROL_H
#define IPW_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#include "settings.h"

enum control_type {
	CONTROL_SETTING = 'S',
	CONTROL_FILE = 'F',
	CONTROL_START = 'G',
	CONTROL_STOP = 'X',
	CONTROL_AGAIN = 'A',
	CONTROL_PROCESS = 'P',
	CONTROL_LOCKED = 'L',
	CONTROL_READY = 'r',
	CONTROL_TICK = 't',
	CONTROL_RELINK = 'k',
	CONTROL_VIOLATION = 'v',
	CONTROL_PATH = 'p',
	CONTROL_TOKEN = 'T',
};

/* What ended a process that was started anew. */
#define RESTART_REASON_LIST(REASON)                                                    \
	REASON(RESTART_EXITED, "exited") /* by itself */                               \
	REASON(RESTART_SIGNAL, "signal") /* as of a bug, or out of memory */           \
	REASON(RESTART_FORBIDDEN, "forbidden_call") /* its own filter */               \
	REASON(RESTART_LATE, "late")		    /* not ready in time */            \
	REASON(RESTART_WEDGED, "wedged")	    /* no tick */                      \
	REASON(RESTART_VIOLATION, "violation")	    /* on a peer's word */             \
	REASON(RESTART_MISDEED, "misdeed")	    /* what no sound process does */   \
	REASON(RESTART_UNFED, "unfed")	     /* did not take what it is handed */      \
	REASON(RESTART_IDENTITY, "identity") /* the watcher has a token of its own */

enum restart_reason {
#define RESTART_REASON_ENUM(constant, name) constant,
	RESTART_REASON_LIST(RESTART_REASON_ENUM)
#undef RESTART_REASON_ENUM
	    RESTART_REASON_COUNT
};

/* What a process uses; all 0: it is not there. */
struct control_usage {
	uint64_t began_ms; /* wall time */
	uint64_t cpu_ms;
	uint64_t resident_bytes, virtual_bytes;
	uint32_t open_fds, max_fds; /* 0: the kernel does not say */
};

/* What metricsd shows of each process. Sent whole whenever it changes, and every
 * CONTROL_PROCESS_MS. */
struct control_process {
	uint8_t role; /* enum role; ROLE_COUNT: the supervisor, of which only `usage` */
	uint8_t absent; /* it is never started here */
	uint8_t ready;
	uint8_t wedged;	 /* no tick for CONTROL_WEDGED_MS */
	uint8_t spent;	 /* CONTROL_RESTARTS_MAX restarts in CONTROL_RESTARTS_MS */
	uint32_t layers; /* enum sandbox_layer */
	uint32_t layers_wanted;			 /* those that are to be there */
	uint32_t restarts[RESTART_REASON_COUNT]; /* since the supervisor started */
	uint32_t violations; /* protocol violations its peers reported */
	struct control_usage usage;
};

#define CONTROL_RESTARTS_MAX 10
#define CONTROL_RESTARTS_MS  600000
#define CONTROL_PROCESS_MS   5000

#define CONTROL_TICK_MS	  1000
#define CONTROL_WEDGED_MS 10000

/* A minted token (bytes): those of an API server are well below 2 KiB. */
#define CONTROL_TOKEN_MAX 4096u

struct control_record {
	enum control_type type;
	uint8_t payload[CONTROL_TOKEN_MAX]; /* a setting and its key are shorter */
	size_t len;
	int fd; /* -1: none; else the receiver's to close */
};

/* Sends one record, with a descriptor if fd >= 0. Never blocks. Returns 0 or a negative
 * errno. */
int control_send(
    int control_fd, enum control_type type, const void *payload, size_t len, int fd);
int control_send_setting(int control_fd, enum setting key, const char *value);
int control_send_file(int control_fd, enum file_kind kind, int fd);

/* Takes one record; who takes a token wipes it. Returns 1; 0 when there is none now;
 * -EPIPE when the other end is gone; -EPROTO for anything that is no record (it was
 * consumed, its descriptors closed). */
int control_receive(int control_fd, struct control_record *ret_record);

#endif
