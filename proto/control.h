/* The control descriptor between the supervisor and a process: SEQPACKET, one record a
 * packet: one byte of type, then the payload.
 *
 * supervisor → process           payload
 *   SETTING                      u8 key, value bytes
 *   FILE                         u8 kind, and a descriptor
 *   START                        -   (all settings and files were given)
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

/* What metricsd shows of each process. Sent whole whenever it changes. */
struct control_process {
	uint8_t role; /* enum role */
	uint8_t ready;
	uint8_t wedged; /* no tick for CONTROL_WEDGED_MS */
	uint8_t reserved;
	uint32_t layers;     /* enum sandbox_layer */
	uint32_t restarts;   /* since the supervisor started */
	uint32_t violations; /* protocol violations its peers reported */
};

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
