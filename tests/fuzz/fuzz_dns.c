/* Bytes from the network as answers to one question, and as a resolv.conf. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "conf.h"
#include "dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_answer(const uint8_t *data, size_t size, enum dns_type type)
{
	struct dns_answer answer = {.count = 99};
	uint16_t id = 0;
	int rc;

	if (size >= 2)
		id = (uint16_t)((unsigned int)data[0] << 8 | data[1]);
	rc = dns_read_answer(data, size, id, "a.test", type, &answer);

	if (rc != 0) {
		assert(rc < 0 && answer.count == 99);
		return;
	}
	assert(answer.count >= 1 && answer.count <= DNS_ADDRESSES_MAX);
	for (size_t i = 0; i < answer.count; i++)
		assert(answer.addresses[i].family ==
		       (uint32_t)(type == DNS_TYPE_A ? AF_INET : AF_INET6));
}

static void
check_conf(const uint8_t *data, size_t size)
{
	static struct conf conf;
	char name[RESOLVE_NAME_SIZE];
	int rc;

	conf_read((const char *)data, size, 53, &conf);
	assert(conf.servers_len >= 1 && conf.servers_len <= CONF_SERVERS_MAX);
	assert(conf.search_len <= CONF_SEARCH_MAX);
	assert(conf.attempts >= 1 && conf.attempts <= CONF_ATTEMPTS_MAX);
	for (size_t i = 0; (rc = conf_candidate(&conf, "a.b", i, name)) >= 0; i++)
		assert(rc == 0 || dns_name_is_valid(name));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_answer(data, size, DNS_TYPE_A);
	check_answer(data, size, DNS_TYPE_AAAA);
	check_conf(data, size);
	return 0;
}

#ifdef FUZZ_STANDALONE
int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		static uint8_t data[1 << 20];
		FILE *file = fopen(argv[i], "rb");
		uint8_t *exact;
		size_t size;

		if (file == NULL) {
			perror(argv[i]);
			return 1;
		}
		size = fread(data, 1, sizeof data, file);
		fclose(file);
		/* a block of exactly that size, so that a read past it is seen */
		exact = malloc(size > 0 ? size : 1);
		assert(exact != NULL);
		memcpy(exact, data, size);
		LLVMFuzzerTestOneInput(exact, size);
		free(exact);
	}
	printf("%d inputs\n", argc - 1);
	return argc > 1 ? 0 : 1;
}
#endif
