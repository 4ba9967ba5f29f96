#include "journal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "log.h"
#include "mem.h"

/* A fact is a flat object: deeper nesting is refused unread. */
#define LINE_DEPTH_MAX 2

struct sim_journal {
	int fd;
	uint64_t seq; /* of the last line */
	struct buf line;
};

enum text_index {
#define TEXT_INDEX(member, size) TEXT_##member,
	SIM_FACT_TEXTS(TEXT_INDEX)
#undef TEXT_INDEX
	    TEXT_COUNT
};

static const struct text {
	const char *key;
	size_t offset;
	size_t size;
} texts[TEXT_COUNT] = {
#define TEXT_ROW(member, size) {#member, offsetof(struct sim_fact, member), size},
    SIM_FACT_TEXTS(TEXT_ROW)
#undef TEXT_ROW
};

/* What a line may carry: a bit for each text, and these. */
#define HAS(member)   (1u << TEXT_##member)
#define HAS_SEQ	      (1u << (TEXT_COUNT + 0))
#define HAS_MS	      (1u << (TEXT_COUNT + 1))
#define HAS_FACT      (1u << (TEXT_COUNT + 2))
#define HAS_OURS      (1u << (TEXT_COUNT + 3))
#define HAS_EPHEMERAL (1u << (TEXT_COUNT + 4))

#define HAS_HEAD     (HAS_SEQ | HAS_MS | HAS_FACT)
#define HAS_INSTANCE (HAS(zone) | HAS(instance) | HAS(id))
#define HAS_CONFIG   (HAS(address) | HAS(access_config))
#define HAS_CALLER   (HAS(operation) | HAS(request_id))
#define HAS_RESERVED (HAS(region) | HAS(name) | HAS(address))
#define HAS_CHANGE   (HAS_INSTANCE | HAS_CONFIG | HAS(by) | HAS_EPHEMERAL)

static const struct kind {
	const char *word;
	unsigned needs;
	unsigned may;
} kinds[SIM_FACT_KINDS] = {
    [SIM_FACT_START] = {"start", HAS(format), 0},
    [SIM_FACT_INSTANCE] = {"instance", HAS_INSTANCE | HAS_OURS | HAS_EPHEMERAL,
	HAS_CONFIG},
    [SIM_FACT_VANISH] = {"vanish", HAS_INSTANCE, 0},
    [SIM_FACT_STOP] = {"stop", HAS_INSTANCE, 0},
    [SIM_FACT_RUN] = {"run", HAS_INSTANCE, 0},
    [SIM_FACT_RESERVE] = {"reserve", HAS_RESERVED, 0},
    [SIM_FACT_FREE] = {"free", HAS_RESERVED, 0},
    [SIM_FACT_HOLD] = {"hold", HAS(address) | HAS(user), 0},
    [SIM_FACT_UNHOLD] = {"unhold", HAS(address) | HAS(user), 0},
    [SIM_FACT_ATTACH] = {"attach", HAS_CHANGE, HAS_CALLER},
    [SIM_FACT_DETACH] = {"detach", HAS_CHANGE, HAS_CALLER},
    [SIM_FACT_REFUSE] = {"refuse", HAS(call) | HAS(code) | HAS(by),
	HAS_INSTANCE | HAS_CONFIG | HAS_CALLER},
    [SIM_FACT_NOOP] = {"noop", HAS(call) | HAS(by),
	HAS_INSTANCE | HAS_CONFIG | HAS_CALLER},
};

struct sim_journal *
sim_journal_open(const char *path)
{
	struct sim_fact start = {.kind = SIM_FACT_START, .format = SIM_JOURNAL_FORMAT};
	struct sim_journal *journal;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0) {
		log_error("journal_open_failed", LOG_S("path", path),
		    LOG_S("error", strerror(errno)));
		return NULL;
	}
	journal = mem_calloc(1, sizeof *journal);
	journal->fd = fd;
	buf_init(&journal->line, SIM_JOURNAL_LINE_MAX);
	sim_journal_write(journal, &start);
	return journal;
}

void
sim_journal_close(struct sim_journal *journal)
{
	if (journal == NULL)
		return;
	close(journal->fd);
	buf_free(&journal->line);
	free(journal);
}

static const char *
fact_text(const struct sim_fact *fact, size_t index)
{
	return (const char *)fact + texts[index].offset;
}

/* Bytes beyond ASCII become ?: none of them can make a text longer than it is allowed
 * to be, or a line unreadable. */
static void
put_text(struct buf *line, const char *text)
{
	for (; *text != '\0'; text++) {
		char c = (unsigned char)*text < 0x80 ? *text : '?';

		buf_put_json(line, &c, 1);
	}
}

static void
put_fact(struct buf *line, const struct sim_fact *fact, uint64_t seq)
{
	const struct kind *kind = &kinds[fact->kind];

	buf_printf(line, "{\"seq\":%llu,\"ms\":%lld,\"fact\":\"%s\"",
	    (unsigned long long)seq, (long long)clock_mono().ms, kind->word);
	for (size_t i = 0; i < TEXT_COUNT; i++) {
		const char *text = fact_text(fact, i);

		if (text[0] == '\0' || ((kind->needs | kind->may) & (1u << i)) == 0)
			continue;
		buf_printf(line, ",\"%s\":\"", texts[i].key);
		put_text(line, text);
		buf_putc(line, '"');
	}
	if ((kind->needs & HAS_OURS) != 0)
		buf_printf(line, ",\"ours\":%s", fact->ours ? "true" : "false");
	if ((kind->needs & HAS_EPHEMERAL) != 0)
		buf_printf(
		    line, ",\"ephemeral\":%s", fact->ephemeral ? "true" : "false");
	buf_puts(line, "}\n");
}

static int
write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t written = write(fd, data, len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		data += written;
		len -= (size_t)written;
	}
	return 0;
}

void
sim_journal_write(struct sim_journal *journal, const struct sim_fact *fact)
{
	int rc;

	if (journal == NULL)
		return;
	journal->seq++;
	buf_reset(&journal->line);
	put_fact(&journal->line, fact, journal->seq);
	rc = journal->line.refused
		 ? -E2BIG
		 : write_all(journal->fd, journal->line.data, journal->line.len);
	if (rc < 0)
		log_error("journal_write_failed", LOG_N("seq", journal->seq),
		    LOG_S("error", strerror(-rc)));
}

static int
take_number(struct json_object *value, int64_t least, int64_t *ret_number)
{
	int64_t number;

	if (!json_object_is_type(value, json_type_int))
		return -EINVAL;
	number = json_object_get_int64(value);
	/* json-c answers out-of-range numbers with the nearest limit */
	if (number < least || number == INT64_MAX)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

static int
take_bool(struct json_object *value, bool *ret_flag)
{
	if (!json_object_is_type(value, json_type_boolean))
		return -EINVAL;
	*ret_flag = json_object_get_boolean(value);
	return 0;
}

static int
take_kind(struct json_object *value, enum sim_fact_kind *ret_kind)
{
	if (!json_object_is_type(value, json_type_string))
		return -EINVAL;
	for (int i = 0; i < SIM_FACT_KINDS; i++) {
		if (strcmp(json_object_get_string(value), kinds[i].word) == 0) {
			*ret_kind = (enum sim_fact_kind)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int
take_text(struct json_object *value, const char *key, struct sim_fact *fact,
    unsigned *ret_bit)
{
	const char *text;
	size_t len;

	if (!json_object_is_type(value, json_type_string))
		return -EINVAL;
	text = json_object_get_string(value);
	len = (size_t)json_object_get_string_len(value);
	for (size_t i = 0; i < TEXT_COUNT; i++) {
		if (strcmp(key, texts[i].key) != 0)
			continue;
		if (len == 0 || len >= texts[i].size || strlen(text) != len)
			return -EINVAL;
		sim_text_copy((char *)fact + texts[i].offset, texts[i].size, text);
		*ret_bit = 1u << i;
		return 0;
	}
	return -EINVAL;
}

static int
take_member(struct sim_fact *fact, const char *key, struct json_object *value,
    unsigned *ret_bit)
{
	if (strcmp(key, "seq") == 0) {
		int64_t seq = 0;
		int rc = take_number(value, 1, &seq);

		*ret_bit = HAS_SEQ;
		fact->seq = (uint64_t)seq;
		return rc;
	}
	if (strcmp(key, "ms") == 0) {
		*ret_bit = HAS_MS;
		return take_number(value, 0, &fact->ms);
	}
	if (strcmp(key, "fact") == 0) {
		*ret_bit = HAS_FACT;
		return take_kind(value, &fact->kind);
	}
	if (strcmp(key, "ours") == 0) {
		*ret_bit = HAS_OURS;
		return take_bool(value, &fact->ours);
	}
	if (strcmp(key, "ephemeral") == 0) {
		*ret_bit = HAS_EPHEMERAL;
		return take_bool(value, &fact->ephemeral);
	}
	return take_text(value, key, fact, ret_bit);
}

static bool
fact_is_sound(const struct sim_fact *fact, unsigned seen)
{
	const struct kind *kind = &kinds[fact->kind];
	struct in_addr ignored;

	if ((HAS_HEAD & ~seen) != 0 || (kind->needs & ~seen) != 0 ||
	    (seen & ~(HAS_HEAD | kind->needs | kind->may)) != 0)
		return false;
	if (fact->kind == SIM_FACT_INSTANCE && (seen & HAS_CONFIG) != 0 &&
	    (seen & HAS_CONFIG) != HAS_CONFIG)
		return false;
	if ((seen & HAS(by)) != 0 && strcmp(fact->by, "api") != 0 &&
	    strcmp(fact->by, "control") != 0)
		return false;
	if ((seen & HAS(format)) != 0 && strcmp(fact->format, SIM_JOURNAL_FORMAT) != 0)
		return false;
	/* a refused call may have named anything */
	return (seen & HAS(address)) == 0 || fact->kind == SIM_FACT_REFUSE ||
	       inet_pton(AF_INET, fact->address, &ignored) == 1;
}

/* The whole line as one JSON object, or NULL. */
static struct json_object *
parse_object(const char *line, size_t len)
{
	struct json_tokener *tokener;
	struct json_object *root;

	if (len >= SIM_JOURNAL_LINE_MAX)
		return NULL;
	tokener = json_tokener_new_ex(LINE_DEPTH_MAX);
	json_tokener_set_flags(
	    tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	root = json_tokener_parse_ex(tokener, line, (int)len);
	if (json_tokener_get_error(tokener) != json_tokener_success ||
	    json_tokener_get_parse_end(tokener) != len ||
	    !json_object_is_type(root, json_type_object)) {
		json_object_put(root);
		root = NULL;
	}
	json_tokener_free(tokener);
	return root;
}

int
sim_journal_parse(const char *line, size_t len, struct sim_fact *ret_fact)
{
	struct sim_fact fact = {0};
	struct json_object *root = parse_object(line, len);
	unsigned seen = 0;
	int rc = root != NULL ? 0 : -EINVAL;

	if (rc < 0)
		return rc;
	json_object_object_foreach(root, key, value) {
		unsigned bit = 0;

		if (rc == 0)
			rc = take_member(&fact, key, value, &bit);
		seen |= bit;
	}
	json_object_put(root);
	if (rc == 0 && !fact_is_sound(&fact, seen))
		rc = -EINVAL;
	if (rc == 0)
		*ret_fact = fact;
	return rc;
}

void
sim_text_copy(char *to, size_t to_size, const char *from)
{
	size_t len = strnlen(from, to_size - 1);

	memcpy(to, from, len);
	to[len] = '\0';
}
