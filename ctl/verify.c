#include "verify.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "chain.h"
#include "mem.h"

/* Longest time that is repeated (bytes, NUL included). */
#define TIME_SIZE 40

/* What stands before the last hash of a line, and behind it. */
static const char chain_key[] = ",\"chain\":\"";
static const char chain_end[] = "\"}";
#define TAIL_LEN (sizeof chain_key - 1 + 2 * CHAIN_HASH_LEN + sizeof chain_end - 1)

struct run {
	char name[CHAIN_RUN_SIZE];
	uint64_t lines;
	uint64_t due; /* seq of the next line */
	uint8_t hash[CHAIN_HASH_LEN];
	char first[TIME_SIZE];
	char last[TIME_SIZE];
	TAILQ_ENTRY(run) link;
};

struct verify {
	FILE *out;
	unsigned long lines;
	unsigned long faults;
	TAILQ_HEAD(, run) runs;
};

/* What a line says of itself. */
struct claim {
	const char *run;
	uint64_t seq;
	uint8_t hash[CHAIN_HASH_LEN];
	const char *time;
};

struct verify *
verify_new(FILE *out)
{
	struct verify *verify = mem_calloc(1, sizeof *verify);

	verify->out = out;
	TAILQ_INIT(&verify->runs);
	return verify;
}

void
verify_free(struct verify *verify)
{
	struct run *run;

	if (verify == NULL)
		return;
	while ((run = TAILQ_FIRST(&verify->runs)) != NULL) {
		TAILQ_REMOVE(&verify->runs, run, link);
		free(run);
	}
	free(verify);
}

static void __attribute__((format(printf, 2, 3)))
tell_fault(struct verify *verify, const char *format, ...)
{
	va_list args;

	verify->faults++;
	fprintf(verify->out, "line %lu: ", verify->lines);
	va_start(args, format);
	vfprintf(verify->out, format, args);
	va_end(args);
	putc('\n', verify->out);
}

static struct run *
run_of(struct verify *verify, const char *name)
{
	struct run *run;

	TAILQ_FOREACH(run, &verify->runs, link)
		if (strcmp(run->name, name) == 0)
			return run;
	run = mem_calloc(1, sizeof *run);
	memcpy(run->name, name, sizeof run->name);
	TAILQ_INSERT_TAIL(&verify->runs, run, link);
	return run;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
read_hex(const char *text, size_t len, uint8_t *ret_bytes)
{
	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(text[2 * i]);
		int low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);

		if (low < 0)
			return false;
		ret_bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static const char *
member_text(struct json_object *json, const char *key)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(json, key, &value);
	return json_object_is_type(value, json_type_string)
		   ? json_object_get_string(value)
		   : "";
}

/* The texts belong to `json`. */
static bool
read_claim(
    struct json_object *json, const char *line, size_t len, struct claim *ret_claim)
{
	const char *tail = line + len - TAIL_LEN;
	struct json_object *seq = NULL;
	uint8_t run[(CHAIN_RUN_SIZE - 1) / 2];

	if (len < TAIL_LEN || !json_object_is_type(json, json_type_object) ||
	    memcmp(tail, chain_key, sizeof chain_key - 1) != 0 ||
	    memcmp(line + len - 2, chain_end, 2) != 0 ||
	    !read_hex(tail + sizeof chain_key - 1, CHAIN_HASH_LEN, ret_claim->hash))
		return false;
	ret_claim->run = member_text(json, "run");
	ret_claim->time = member_text(json, "time");
	json_object_object_get_ex(json, "seq", &seq);
	if (!json_object_is_type(seq, json_type_int) || json_object_get_int64(seq) < 0)
		return false;
	ret_claim->seq = (uint64_t)json_object_get_int64(seq);
	return strlen(ret_claim->run) == 2 * sizeof run &&
	       read_hex(ret_claim->run, sizeof run, run);
}

static void
check_order(struct verify *verify, const struct run *run, const struct claim *claim)
{
	if (run->lines == 0)
		tell_fault(verify,
		    "run %s begins with seq %" PRIu64 ": what was before is missing",
		    run->name, claim->seq);
	else if (claim->seq > run->due)
		tell_fault(verify,
		    "run %s: seq %" PRIu64 " where %" PRIu64 " was due: %" PRIu64
		    " removed or moved",
		    run->name, claim->seq, run->due, claim->seq - run->due);
	else
		tell_fault(verify,
		    "run %s: seq %" PRIu64 " where %" PRIu64
		    " was due: repeated or moved",
		    run->name, claim->seq, run->due);
}

static void
take_claim(
    struct verify *verify, const struct claim *claim, const char *line, size_t len)
{
	struct run *run = run_of(verify, claim->run);

	if (claim->seq != run->due) {
		check_order(verify, run, claim);
	} else {
		chain_step(run->hash, line, len - TAIL_LEN);
		if (memcmp(run->hash, claim->hash, CHAIN_HASH_LEN) != 0)
			tell_fault(verify, "run %s: seq %" PRIu64 " was altered",
			    run->name, claim->seq);
	}
	/* go on from what it says of itself: each fault is told once */
	memcpy(run->hash, claim->hash, CHAIN_HASH_LEN);
	run->due = claim->seq + 1;
	if (run->lines++ == 0)
		snprintf(run->first, sizeof run->first, "%s", claim->time);
	snprintf(run->last, sizeof run->last, "%s", claim->time);
}

void
verify_line(struct verify *verify, const char *line, size_t len)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *json = NULL;
	struct claim claim;

	verify->lines++;
	if (len <= CHAIN_LINE_MAX + CHAIN_END_MAX + TIME_SIZE)
		json = json_tokener_parse_ex(tokener, line, (int)len);
	if (json == NULL || json_tokener_get_parse_end(tokener) != len ||
	    !read_claim(json, line, len, &claim))
		tell_fault(verify, "not a line of the audit stream");
	else
		take_claim(verify, &claim, line, len);
	json_object_put(json);
	json_tokener_free(tokener);
}

unsigned long
verify_end(struct verify *verify)
{
	unsigned long runs = 0;
	struct run *run;

	TAILQ_FOREACH(run, &verify->runs, link) {
		char hex[CHAIN_HEX_SIZE];

		runs++;
		chain_hex(run->hash, sizeof run->hash, hex);
		fprintf(verify->out,
		    "run %s: %" PRIu64 " lines, %s to %s, ends with seq %" PRIu64
		    ", chain %s\n",
		    run->name, run->lines, run->first, run->last, run->due - 1, hex);
	}
	fprintf(verify->out, "%lu lines, %lu runs, %lu faults\n", verify->lines, runs,
	    verify->faults);
	return verify->faults;
}
