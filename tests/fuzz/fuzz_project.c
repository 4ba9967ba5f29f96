/* Any bytes as an object of the API server. What is taken has an identity and fits its
 * message; and it does not matter to one projection what another made of it. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "project.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct message decoded;

static void
check_message(enum message_type type, const void *msg)
{
	static uint8_t bytes[LINK_FRAME_MAX];
	int len = message_encode(type, msg, bytes, sizeof bytes);

	assert(len > 0);
	assert(message_decode(bytes, (size_t)len, &decoded) == 0);
	assert(decoded.type == type);
}

static size_t
count_texts(const struct pack *pack)
{
	size_t cursor = 0, count = 0;

	while (pack_next(pack, &cursor) != NULL)
		count++;
	return count;
}

static int
check_node(const char *json, size_t size)
{
	static struct msg_fact_node node;
	int rc = project_node(json, size, &node);

	if (rc != 0)
		return rc;
	assert(node.name[0] != '\0' && node.uid[0] != '\0');
	assert(count_texts(&node.labels) % 2 == 0);
	assert(count_texts(&node.taints) % 3 == 0);
	assert(count_texts(&node.resources) == 4);
	assert(!node.oversize || node.labels.len + node.taints.len == 0);
	check_message(MSG_FACT_NODE, &node);
	return 0;
}

static int
check_pod(const char *json, size_t size)
{
	static struct msg_fact_pod pod;
	int rc = project_pod(json, size, &pod);

	if (rc != 0)
		return rc;
	assert(pod.name[0] != '\0' && pod.uid[0] != '\0');
	assert(count_texts(&pod.tolerations) % 4 == 0);
	check_message(MSG_FACT_POD, &pod);
	return 0;
}

static int
check_allocation(const char *json, size_t size)
{
	static struct msg_fact_allocation allocation;
	int rc = project_allocation(json, size, &allocation);

	if (rc != 0)
		return rc;
	assert(allocation.name[0] != '\0' && allocation.uid[0] != '\0');
	check_message(MSG_FACT_ALLOCATION, &allocation);
	return 0;
}

static int
check_tracker(const char *json, size_t size)
{
	static struct msg_fact_tracker tracker;
	int rc = project_tracker(json, size, &tracker);

	if (rc != 0)
		return rc;
	assert(tracker.name[0] != '\0' && tracker.uid[0] != '\0');
	check_message(MSG_FACT_TRACKER, &tracker);
	return 0;
}

static int
check_slice(const char *json, size_t size)
{
	static struct msg_fact_slice slice;
	int rc = project_slice(json, size, &slice);

	if (rc != 0)
		return rc;
	assert(slice.name[0] != '\0' && slice.uid[0] != '\0');
	check_message(MSG_FACT_SLICE, &slice);
	return 0;
}

static int
check_gone(const char *json, size_t size)
{
	static struct msg_fact_gone gone;
	int rc = project_gone(json, size, FACT_KIND_POD, &gone);

	if (rc != 0)
		return rc;
	assert(gone.name[0] != '\0' && gone.uid[0] != '\0');
	check_message(MSG_FACT_GONE, &gone);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *json = (const char *)data;
	int (*const checks[])(const char *, size_t) = {check_node, check_pod,
	    check_allocation, check_tracker, check_slice, check_gone};

	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
		int rc = checks[i](json, size);

		assert(rc == 0 || rc == -EBADMSG);
	}
	return 0;
}

#ifdef FUZZ_STANDALONE
/* Largest corpus file (bytes). */
#define FILE_MAX (1u << 20)

int
main(int argc, char **argv)
{
	static uint8_t data[FILE_MAX];

	for (int i = 1; i < argc; i++) {
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
