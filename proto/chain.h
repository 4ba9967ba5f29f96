/* The hash chain over the lines of the audit stream. Each line ends with
 *   ,"run":"<32 hex>","seq":<n>,"chain":"<64 hex>"}
 * where chain = SHA-256(chain of the line before in this run, as 32 bytes, then this
 * line up to but without ,"chain"). Before the first line of a run (seq 0) it is 32
 * zero bytes. A run is one life of a reconciler. */
#ifndef IPW_CHAIN_H
#define IPW_CHAIN_H

#include <stddef.h>
#include <stdint.h>

#define CHAIN_HASH_LEN 32u
#define CHAIN_HEX_SIZE (2 * CHAIN_HASH_LEN + 1)
#define CHAIN_RUN_SIZE 33u
/* Longest end of a line that chain_finish adds (bytes). */
#define CHAIN_END_MAX 160u

/* Longest line of the stream without that end (bytes). */
#define CHAIN_LINE_MAX 65536u

struct chain {
	char run[CHAIN_RUN_SIZE];
	uint64_t next; /* seq of the next line */
	uint8_t hash[CHAIN_HASH_LEN];
};

struct buf;

/* A new run with a random name. */
void chain_begin(struct chain *chain);
/* `line` holds, from `start`, a JSON object without its closing brace, and gets the end
 * of the line, newline included. Returns 0, or -E2BIG with nothing changed. */
int chain_finish(struct chain *chain, struct buf *line, size_t start);

/* For who verifies: the next hash of the chain, over `text`. */
void chain_step(uint8_t hash[CHAIN_HASH_LEN], const char *text, size_t len);
void chain_hex(const uint8_t *bytes, size_t len, char *out);

#endif
