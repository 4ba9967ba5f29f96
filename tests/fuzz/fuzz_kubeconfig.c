/* Any bytes as a kubeconfig. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kubeconfig.h"
#include "server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_config(const struct kubeconfig *config)
{
	long port = strtol(config->port, NULL, 10);

	assert(server_host_is_valid(config->host));
	assert(server_host_is_valid(config->tls_name));
	assert(port >= 1 && port <= 65535);
	for (size_t i = 0; i < KUBECONFIG_FILES; i++) {
		const struct kubeconfig_file *file = &config->files[i];

		assert(file->path == NULL || file->data == NULL);
		assert(file->path == NULL || strlen(file->path) <= KUBECONFIG_PATH_MAX);
		assert(file->data == NULL || file->data_len > 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char reason[KUBECONFIG_REASON_SIZE] = "";
	struct kubeconfig config;

	if (kubeconfig_read((const char *)data, size, &config, reason) < 0) {
		assert(reason[0] != '\0' && strlen(reason) < sizeof reason);
		return 0;
	}
	check_config(&config);
	kubeconfig_free(&config);
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
