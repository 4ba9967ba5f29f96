#include "chain.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "buf.h"

void
chain_hex(const uint8_t *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

void
chain_begin(struct chain *chain)
{
	uint8_t run[(CHAIN_RUN_SIZE - 1) / 2];
	ssize_t got = getrandom(run, sizeof run, 0);

	assert(got == (ssize_t)sizeof run);
	memset(chain, 0, sizeof *chain);
	chain_hex(run, sizeof run, chain->run);
}

void
chain_step(uint8_t hash[CHAIN_HASH_LEN], const char *text, size_t len)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int ok = context != NULL &&
		 EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
		 EVP_DigestUpdate(context, hash, CHAIN_HASH_LEN) == 1 &&
		 EVP_DigestUpdate(context, text, len) == 1 &&
		 EVP_DigestFinal_ex(context, hash, NULL) == 1;

	assert(ok); /* memory ends the process, and SHA-256 is always there */
	EVP_MD_CTX_free(context);
}

int
chain_finish(struct chain *chain, struct buf *line, size_t start)
{
	char hex[CHAIN_HEX_SIZE];

	if (line->refused || line->len + CHAIN_END_MAX > line->len_max)
		return -E2BIG;
	buf_printf(line, ",\"run\":\"%s\",\"seq\":%" PRIu64, chain->run, chain->next++);
	chain_step(chain->hash, line->data + start, line->len - start);
	chain_hex(chain->hash, sizeof chain->hash, hex);
	buf_printf(line, ",\"chain\":\"%s\"}\n", hex);
	return 0;
}
