#include "token_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <json-c/json.h>

#include "json_read.h"
#include "mem.h"

/* Google's tokens have about 1 KiB; those of workload identity up to a few. */
#define TOKEN_TEXT_MAX 16384u

/* Longest life that is believed (s). */
#define TOKEN_LIFE_MAX_S (24 * 60 * 60)

/* Overwrites the copy of the secret in the parsed tree. */
static void
wipe_member(struct json_object *object, const char *key)
{
	struct json_object *value;
	char *blank;
	int len;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return;
	len = json_object_get_string_len(value);
	blank = mem_calloc((size_t)len + 1, 1);
	json_object_set_string_len(value, blank, len);
	free(blank);
}

static bool
is_printable(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~')
			return false;
	return text[0] != '\0';
}

int
token_text_parse(const char *body, size_t len, char **ret_text, int64_t *ret_life_ms)
{
	struct json_object *object = json_read_object(body, len);
	char *text = mem_calloc(TOKEN_TEXT_MAX + 1, 1);
	char type[32] = "";
	int64_t life_s = 0;
	int rc = -EPROTO;

	if (json_read_text(object, "access_token", text, TOKEN_TEXT_MAX + 1) < 0 ||
	    json_read_text(object, "token_type", type, sizeof type) < 0 ||
	    strcasecmp(type, "Bearer") != 0 || !is_printable(text) ||
	    json_read_number(object, "expires_in", &life_s) < 0 || life_s < 1 ||
	    life_s > TOKEN_LIFE_MAX_S)
		goto out;
	*ret_life_ms = life_s * 1000;
	*ret_text = text;
	text = NULL;
	rc = 0;
out:
	if (text != NULL)
		explicit_bzero(text, TOKEN_TEXT_MAX + 1);
	free(text);
	if (object != NULL)
		wipe_member(object, "access_token");
	json_object_put(object);
	return rc;
}
