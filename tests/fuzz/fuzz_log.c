/* Any bytes as a line of a process's log. What the supervisor takes for one of ours and
 * passes on with a "process" in front is one flat JSON object without one of its own;
 * as logfmt it has the same number of fields. */
#include <assert.h>
#include <json.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "logfmt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_members(json_object *object)
{
	json_object_object_foreach(object, key, value) {
		enum json_type type = json_object_get_type(value);

		assert(strcmp(key, "process") != 0);
		assert(type == json_type_string || type == json_type_int);
	}
	assert(json_object_object_get(object, "ts") != NULL);
	assert(json_object_object_get(object, "level") != NULL);
	assert(json_object_object_get(object, "msg") != NULL);
	assert(json_object_object_get(object, "event") != NULL);
}

static size_t
count_members(const char *line, size_t size)
{
	size_t count = 0;
	bool quoted = false;

	for (size_t i = 0; i < size; i++)
		if (quoted && line[i] == '\\')
			i++;
		else if (line[i] == '"')
			quoted = !quoted;
		else
			count += !quoted && line[i] == ':';
	return count;
}

/* As readers of logfmt go on: a key, then a bare value up to the next space, or a
 * quoted one that is JSON's. */
static const char *
skip_field(const char *at, const char *end)
{
	size_t key_len = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_");
	const char *value = at + key_len + 1;

	assert(key_len > 0 && value < end && value[-1] == '=');
	if (*value != '"') {
		size_t len = strcspn(value, " \n");

		assert(len > 0 && strcspn(value, "\"=\\") >= len);
		return value + len;
	}
	for (value++; *value != '"'; value++) {
		value += *value == '\\';
		assert(value + 1 < end);
	}
	return value + 1;
}

static void
check_logfmt(const char *line, size_t size)
{
	static const char front[] = "ts=", process[] = "{\"process\":\"x\",";
	size_t len = sizeof process - 1 + size;
	char *whole = malloc(len), *out = calloc(1, len + 1);
	const char *at = out, *end;
	size_t fields = 0;

	assert(whole != NULL && out != NULL);
	memcpy(whole, process, sizeof process - 1);
	memcpy(whole + sizeof process - 1, line + 1, size - 1);
	whole[len - 1] = '\n';
	len = logfmt_from_line(whole, len, out);
	end = out + len;
	assert(
	    len < size + sizeof process && strncmp(out, front, sizeof front - 1) == 0);
	for (;; at++) {
		at = skip_field(at, end);
		fields++;
		if (at + 1 == end)
			break;
		assert(*at == ' ');
	}
	assert(*at == '\n' && fields == count_members(line, size) + 1);
	free(whole);
	free(out);
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
	check_logfmt((const char *)data, size);
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
