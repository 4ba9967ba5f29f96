/* Any bytes as a line of a process's log. What the supervisor takes for one of ours and
 * passes on with a "process" in front is one flat JSON object without one of its own.
 */
#include <assert.h>
#include <json.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_members(json_object *object)
{
	json_object_object_foreach(object, key, value) {
		enum json_type type = json_object_get_type(value);

		assert(strcmp(key, "process") != 0);
		assert(type == json_type_string || type == json_type_int);
	}
	assert(json_object_object_get(object, "time") != NULL);
	assert(json_object_object_get(object, "level") != NULL);
	assert(json_object_object_get(object, "event") != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_tokener *tokener;
	json_object *object;

	if (!log_line_is_ours((const char *)data, size))
		return 0;
	for (size_t i = 0; i < size; i++)
		assert(data[i] >= 0x20 && data[i] < 0x7f);
	tokener = json_tokener_new();
	assert(tokener != NULL && size <= INT32_MAX);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	object = json_tokener_parse_ex(tokener, (const char *)data, (int)size);
	assert(json_tokener_get_error(tokener) == json_tokener_success);
	assert(json_tokener_get_parse_end(tokener) == size);
	assert(json_object_is_type(object, json_type_object));
	check_members(object);
	json_object_put(object);
	json_tokener_free(tokener);
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
