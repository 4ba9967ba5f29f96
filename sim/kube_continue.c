#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube_json.h"
#include "kube_read.h"

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* base64url without padding (RFC 4648 §5). */
static void
encode(const char *text, char *out, size_t out_size)
{
	size_t len = strlen(text), at = 0;

	for (size_t i = 0; i < len && at + 5 < out_size; i += 3) {
		unsigned bits = (unsigned)(unsigned char)text[i] << 16;

		if (i + 1 < len)
			bits |= (unsigned)(unsigned char)text[i + 1] << 8;
		if (i + 2 < len)
			bits |= (unsigned char)text[i + 2];
		out[at++] = letters[bits >> 18 & 63];
		out[at++] = letters[bits >> 12 & 63];
		if (i + 1 < len)
			out[at++] = letters[bits >> 6 & 63];
		if (i + 2 < len)
			out[at++] = letters[bits & 63];
	}
	out[at] = '\0';
}

/* Returns 0, or -EINVAL with the place of the first bad letter. */
static int
decode(const char *text, char *out, size_t out_size, size_t *ret_bad)
{
	unsigned bits = 0, count = 0;
	size_t len = 0;

	for (size_t i = 0; text[i] != '\0'; i++) {
		const char *letter = strchr(letters, text[i]);

		if (letter == NULL || len + 1 >= out_size) {
			*ret_bad = i;
			return -EINVAL;
		}
		bits = bits << 6 | (unsigned)(letter - letters);
		count += 6;
		if (count >= 8) {
			count -= 8;
			out[len++] = (char)(bits >> count & 0xff);
		}
	}
	out[len] = '\0';
	return 0;
}

void
kube_continue_write(uint64_t version, const char *key, char *out, size_t out_size)
{
	char text[KUBE_CONTINUE_MAX];
	struct buf quoted;

	buf_init(&quoted, sizeof text);
	buf_put_json(&quoted, key, strlen(key));
	snprintf(text, sizeof text,
	    "{\"v\":\"meta.k8s.io/v1\",\"rv\":%llu,\"start\":\"%.1500s\"}",
	    (unsigned long long)version, quoted.data != NULL ? quoted.data : "");
	buf_free(&quoted);
	encode(text, out, out_size);
}

#define INVALID "invalid continue token: continue key is not valid: "

/* A byte as Go shows it: as the code point of that number. */
static void
describe_byte(unsigned char c, char *error, size_t error_size)
{
	char rune[3] = {(char)c, '\0', '\0'};

	if (c >= 0x80) {
		rune[0] = (char)(0xc0 | c >> 6);
		rune[1] = (char)(0x80 | (c & 0x3f));
	}
	snprintf(error, error_size,
	    INVALID "invalid character '%s' looking for beginning of value", rune);
}

int
kube_continue_read(const char *token, uint64_t *ret_version, char *ret_key,
    size_t key_size, char *error, size_t error_size)
{
	char text[KUBE_CONTINUE_MAX], why[128];
	struct json_object *json;
	size_t bad;
	int rc = 0;

	if (decode(token, text, sizeof text, &bad) < 0) {
		snprintf(error, error_size,
		    INVALID "illegal base64 data at input byte %zu", bad);
		return -EINVAL;
	}
	if (text[0] != '{') {
		describe_byte((unsigned char)text[0], error, error_size);
		return -EINVAL;
	}
	json = kube_json_parse(text, strlen(text), why, sizeof why);
	if (json == NULL) {
		snprintf(error, error_size, INVALID "%s", why);
		return -EINVAL;
	}
	if (strcmp(kube_json_text(json, "v"), "meta.k8s.io/v1") != 0 ||
	    kube_json_int(json, "rv", 0) <= 0 ||
	    kube_json_text(json, "start")[0] == '\0') {
		snprintf(error, error_size,
		    INVALID "incorrect encoded start resourceVersion");
		rc = -EINVAL;
	} else {
		*ret_version = (uint64_t)kube_json_int(json, "rv", 0);
		snprintf(ret_key, key_size, "%s", kube_json_text(json, "start"));
	}
	json_object_put(json);
	return rc;
}
