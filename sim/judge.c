#include "judge.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "journal.h"
#include "mem.h"

/* Instances and addresses that one log may name; more is refused as unreadable. */
#define JUDGE_INSTANCES_MAX 100000u
#define JUDGE_ADDRESSES_MAX 100000u

/* Text of violations that is kept for printing (bytes); what is over is only counted.
 */
#define JUDGE_TEXT_MAX ((size_t)4 << 20)

#define NOWHERE SIZE_MAX

enum maker { MADE_BEFORE, MADE_BY_API, MADE_BY_CONTROL };

struct judged_instance {
	char id[24];
	char label[136]; /* zone/name */
	bool ours;
	bool vanished;
	bool has_config;
	char config_name[136];
	char address[16];
	enum maker maker; /* of the access config */
};

struct judged_address {
	char text[16];
	bool reserved;
	bool was_reserved;
	char user[256]; /* what holds it and is no instance; "" = nothing */
	size_t at;	/* instance that has it, or NOWHERE */
	size_t last_at; /* that had it last, or NOWHERE: it never was anywhere */
	unsigned long moves;
	int64_t gone_ms; /* since when it is nowhere */
	int64_t longest_ms;
	int64_t total_ms;
};

struct judge {
	size_t line;
	uint64_t seq;
	int64_t ms;
	struct judged_instance *instances;
	size_t instances_len;
	struct judged_address *addresses;
	size_t addresses_len;
	size_t violations;
	struct buf text;
};

static int judge_read(struct judge *judge, FILE *log);
static void judge_print(struct judge *judge, FILE *out);

int
sim_judge(const char *log_path)
{
	return judge_run(log_path, stdout);
}

static const char *
unreadable_text(int rc)
{
	switch (-rc) {
	case EBADMSG:
		return "it is torn, too long, or has a NUL in it";
	case EINVAL:
		return "it is no line of a log of attachments";
	case ENODATA:
		return "the log is empty";
	case E2BIG:
		return "too many instances or addresses";
	default:
		return strerror(-rc);
	}
}

int
judge_run(const char *log_path, FILE *out)
{
	struct judge judge = {0};
	FILE *log = fopen(log_path, "re");
	int rc;

	if (log == NULL) {
		fprintf(stderr, "%s: %s\n", log_path, strerror(errno));
		return 2;
	}
	buf_init(&judge.text, JUDGE_TEXT_MAX);
	rc = judge_read(&judge, log);
	fclose(log);
	if (rc < 0)
		fprintf(stderr, "%s: line %zu is unreadable: %s\n", log_path,
		    judge.line, unreadable_text(rc));
	else
		judge_print(&judge, out);
	free(judge.instances);
	free(judge.addresses);
	buf_free(&judge.text);
	if (rc < 0)
		return 2;
	return judge.violations > 0 ? 1 : 0;
}

/* Takes a line without its newline. 1: a line; 0: the end; -EBADMSG: too long, torn, or
 * with a NUL in it; -EIO. */
static int
read_line(FILE *log, char *line, size_t *ret_len)
{
	size_t len = 0;
	int c;

	while ((c = getc(log)) != EOF && c != '\n') {
		if (c == '\0' || len + 1 == SIM_JOURNAL_LINE_MAX)
			return -EBADMSG;
		line[len++] = (char)c;
	}
	if (ferror(log))
		return -EIO;
	if (c == EOF)
		return len == 0 ? 0 : -EBADMSG;
	line[len] = '\0';
	*ret_len = len;
	return 1;
}

__attribute__((format(printf, 3, 4))) static void
judge_flag(struct judge *judge, const char *kind, const char *format, ...)
{
	char what[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	judge->violations++;
	buf_printf(
	    &judge->text, "violation: line %zu: %s: %s\n", judge->line, kind, what);
}

/* --- instances and addresses by name ---------------------------------------------- */

static struct judged_instance *
instance_find(struct judge *judge, const char *id)
{
	for (size_t i = 0; i < judge->instances_len; i++)
		if (strcmp(judge->instances[i].id, id) == 0)
			return &judge->instances[i];
	return NULL;
}

static size_t
instance_index(const struct judge *judge, const struct judged_instance *instance)
{
	return (size_t)(instance - judge->instances);
}

/* A length that a growing array is made anew at: powers of two. */
static bool
array_is_full(size_t len)
{
	return (len & (len - 1)) == 0;
}

static struct judged_instance *
instance_append(struct judge *judge, const struct sim_fact *fact)
{
	size_t len = judge->instances_len;
	struct judged_instance *instance;

	if (len == JUDGE_INSTANCES_MAX)
		return NULL;
	if (array_is_full(len))
		judge->instances = mem_realloc(
		    judge->instances, len > 0 ? 2 * len : 1, sizeof *judge->instances);
	instance = &judge->instances[judge->instances_len++];
	*instance = (struct judged_instance){.ours = fact->ours};
	sim_text_copy(instance->id, sizeof instance->id, fact->id);
	snprintf(instance->label, sizeof instance->label, "%s/%s", fact->zone,
	    fact->instance);
	return instance;
}

/* The address of that text, made known when it is not yet; NULL: too many. */
static struct judged_address *
address_get(struct judge *judge, const char *text)
{
	size_t len = judge->addresses_len;
	struct judged_address *address;

	for (size_t i = 0; i < len; i++)
		if (strcmp(judge->addresses[i].text, text) == 0)
			return &judge->addresses[i];
	if (len == JUDGE_ADDRESSES_MAX)
		return NULL;
	if (array_is_full(len))
		judge->addresses = mem_realloc(
		    judge->addresses, len > 0 ? 2 * len : 1, sizeof *judge->addresses);
	address = &judge->addresses[judge->addresses_len++];
	*address = (struct judged_address){.at = NOWHERE, .last_at = NOWHERE};
	sim_text_copy(address->text, sizeof address->text, text);
	return address;
}

/* --- where an address is -----------------------------------------------------------
 */

static void
address_put(struct judge *judge, struct judged_address *address, size_t at)
{
	bool was_nowhere = address->at == NOWHERE && address->last_at != NOWHERE;

	if (was_nowhere && address->reserved) {
		int64_t gap_ms = judge->ms - address->gone_ms;

		address->total_ms += gap_ms;
		if (gap_ms > address->longest_ms)
			address->longest_ms = gap_ms;
	}
	if (address->last_at != NOWHERE && address->last_at != at)
		address->moves++;
	address->at = at;
	address->last_at = at;
}

static void
address_take(struct judge *judge, struct judged_address *address)
{
	address->at = NOWHERE;
	address->gone_ms = judge->ms;
}

/* Takes the access config off an instance, whatever the reason. */
static void
instance_clear(struct judge *judge, struct judged_instance *instance)
{
	struct judged_address *address = address_get(judge, instance->address);

	if (address != NULL && address->at == instance_index(judge, instance))
		address_take(judge, address);
	instance->has_config = false;
}

static void
instance_give(struct judge *judge, struct judged_instance *instance,
    struct judged_address *address, const struct sim_fact *fact, enum maker maker)
{
	instance->has_config = true;
	instance->maker = maker;
	sim_text_copy(
	    instance->config_name, sizeof instance->config_name, fact->access_config);
	sim_text_copy(instance->address, sizeof instance->address, fact->address);
	address_put(judge, address, instance_index(judge, instance));
}

/* --- the facts, one function each --------------------------------------------------
 */

static bool
by_api(const struct sim_fact *fact)
{
	return strcmp(fact->by, "api") == 0;
}

/* The instance that a fact is about; NULL (flagged) when it is unknown or gone. */
static struct judged_instance *
instance_of(struct judge *judge, const struct sim_fact *fact)
{
	struct judged_instance *instance = instance_find(judge, fact->id);

	if (instance == NULL)
		judge_flag(judge, "inconsistent", "instance %s/%s (%s) is not known",
		    fact->zone, fact->instance, fact->id);
	else if (instance->vanished)
		judge_flag(judge,
		    fact->kind == SIM_FACT_ATTACH ? "attach-to-vanished"
						  : "inconsistent",
		    "%s (%s) is gone", instance->label, fact->id);
	return instance != NULL && instance->vanished ? NULL : instance;
}

/* What holds for every way of giving an instance an access config. */
static void
check_gift(struct judge *judge, const struct judged_instance *instance,
    const struct judged_address *address, const struct sim_fact *fact)
{
	size_t self = instance_index(judge, instance);

	if (instance->has_config)
		judge_flag(judge, "inconsistent", "%s already has %s (%s)",
		    instance->label, instance->address, instance->config_name);
	if (address->at != NOWHERE && address->at != self)
		judge_flag(judge, "two-nodes", "%s put on %s while on %s",
		    address->text, instance->label,
		    judge->instances[address->at].label);
	if (address->reserved == fact->ephemeral)
		judge_flag(judge, "inconsistent", "%s is %s", address->text,
		    address->reserved ? "reserved, not ephemeral" : "not reserved");
	if (address->user[0] != '\0' && !by_api(fact))
		judge_flag(judge, "inconsistent", "%s is held by %s", address->text,
		    address->user);
}

static int
take_instance(struct judge *judge, const struct sim_fact *fact)
{
	struct judged_instance *instance = instance_find(judge, fact->id);
	struct judged_address *address;

	if (instance != NULL) {
		judge_flag(
		    judge, "inconsistent", "instance id %s comes again", fact->id);
		return 0;
	}
	instance = instance_append(judge, fact);
	if (instance == NULL)
		return -E2BIG;
	if (fact->address[0] == '\0')
		return 0;
	address = address_get(judge, fact->address);
	if (address == NULL)
		return -E2BIG;
	check_gift(judge, instance, address, fact);
	instance_give(judge, instance, address, fact, MADE_BEFORE);
	return 0;
}

static int
take_state(struct judge *judge, const struct sim_fact *fact)
{
	struct judged_instance *instance = instance_of(judge, fact);

	if (instance == NULL || fact->kind != SIM_FACT_VANISH)
		return 0;
	instance->vanished = true;
	if (instance->has_config)
		instance_clear(judge, instance);
	return 0;
}

static int
take_reserve(struct judge *judge, const struct sim_fact *fact)
{
	struct judged_address *address = address_get(judge, fact->address);
	bool reserves = fact->kind == SIM_FACT_RESERVE;

	if (address == NULL)
		return -E2BIG;
	if (address->reserved == reserves)
		judge_flag(judge, "inconsistent", "%s is %s already", address->text,
		    reserves ? "reserved" : "free");
	if (!reserves && address->at != NOWHERE)
		judge_flag(judge, "inconsistent", "%s is freed while on %s",
		    address->text, judge->instances[address->at].label);
	if (reserves)
		address->gone_ms = judge->ms;
	address->reserved = reserves;
	address->was_reserved |= reserves;
	return 0;
}

static int
take_hold(struct judge *judge, const struct sim_fact *fact)
{
	struct judged_address *address = address_get(judge, fact->address);
	bool holds = fact->kind == SIM_FACT_HOLD;

	if (address == NULL)
		return -E2BIG;
	if (holds && (address->user[0] != '\0' || address->at != NOWHERE))
		judge_flag(
		    judge, "inconsistent", "%s is in use already", address->text);
	if (!holds && strcmp(address->user, fact->user) != 0)
		judge_flag(judge, "inconsistent", "%s is not held by %s", address->text,
		    fact->user);
	sim_text_copy(address->user, sizeof address->user, holds ? fact->user : "");
	return 0;
}

static int
take_attach(struct judge *judge, const struct sim_fact *fact)
{
	struct judged_instance *instance = instance_of(judge, fact);
	struct judged_address *address = address_get(judge, fact->address);

	if (address == NULL)
		return -E2BIG;
	if (instance == NULL)
		return 0;
	check_gift(judge, instance, address, fact);
	if (by_api(fact) && !instance->ours)
		judge_flag(judge, "changed-foreign", "%s put on %s, not ours",
		    address->text, instance->label);
	if (by_api(fact) && address->at != NOWHERE &&
	    !judge->instances[address->at].ours)
		judge_flag(judge, "taken-from-foreign", "%s taken from %s, not ours",
		    address->text, judge->instances[address->at].label);
	if (by_api(fact) && address->user[0] != '\0') {
		judge_flag(judge, "taken-from-holder", "%s taken from %s",
		    address->text, address->user);
		address->user[0] = '\0';
	}
	if (instance->has_config)
		instance_clear(judge, instance);
	instance_give(judge, instance, address, fact,
	    by_api(fact) ? MADE_BY_API : MADE_BY_CONTROL);
	return 0;
}

/* May the API remove this access config from our own instance? The old controller's
 * are adopted, and so are ours of an earlier life, which were there at the start. */
static bool
config_is_removable(const struct judged_instance *instance, const struct sim_fact *fact)
{
	const char *name = instance->config_name;

	return instance->maker == MADE_BY_API || fact->ephemeral ||
	       strcasecmp(name, "external-nat") == 0 ||
	       strcasecmp(name, "External NAT") == 0 ||
	       (instance->maker == MADE_BEFORE && strncmp(name, "ipw-", 4) == 0);
}

static int
take_detach(struct judge *judge, const struct sim_fact *fact)
{
	struct judged_instance *instance = instance_of(judge, fact);
	struct judged_address *address = address_get(judge, fact->address);

	if (address == NULL)
		return -E2BIG;
	if (instance == NULL)
		return 0;
	if (!instance->has_config || strcmp(instance->address, fact->address) != 0 ||
	    strcmp(instance->config_name, fact->access_config) != 0) {
		judge_flag(judge, "inconsistent", "%s has no access config %s with %s",
		    instance->label, fact->access_config, fact->address);
		return 0;
	}
	if (address->reserved == fact->ephemeral)
		judge_flag(judge, "inconsistent", "%s is %s", address->text,
		    address->reserved ? "reserved, not ephemeral" : "not reserved");
	if (by_api(fact) && !instance->ours)
		judge_flag(judge, "taken-from-foreign",
		    "%s (%s) taken from %s, not ours", fact->access_config,
		    fact->address, instance->label);
	else if (by_api(fact) && !config_is_removable(instance, fact))
		judge_flag(judge, "foreign-access-config",
		    "%s (%s) taken from %s, and not made by the API",
		    fact->access_config, fact->address, instance->label);
	instance_clear(judge, instance);
	return 0;
}

/* A refused call and a delete that found nothing changed nothing. */
static int
take_nothing(struct judge *judge, const struct sim_fact *fact)
{
	(void)judge;
	(void)fact;
	return 0;
}

static int
take_start(struct judge *judge, const struct sim_fact *fact)
{
	(void)fact;
	if (judge->line > 1)
		judge_flag(judge, "inconsistent", "the world begins again");
	return 0;
}

static int (*const takers[SIM_FACT_KINDS])(struct judge *, const struct sim_fact *) = {
    [SIM_FACT_START] = take_start,
    [SIM_FACT_INSTANCE] = take_instance,
    [SIM_FACT_VANISH] = take_state,
    [SIM_FACT_STOP] = take_state,
    [SIM_FACT_RUN] = take_state,
    [SIM_FACT_RESERVE] = take_reserve,
    [SIM_FACT_FREE] = take_reserve,
    [SIM_FACT_HOLD] = take_hold,
    [SIM_FACT_UNHOLD] = take_hold,
    [SIM_FACT_ATTACH] = take_attach,
    [SIM_FACT_DETACH] = take_detach,
    [SIM_FACT_REFUSE] = take_nothing,
    [SIM_FACT_NOOP] = take_nothing,
};

static void
check_order(struct judge *judge, const struct sim_fact *fact)
{
	if (fact->seq > judge->seq + 1)
		judge_flag(judge, "sequence-gap", "%llu lines are missing before %llu",
		    (unsigned long long)(fact->seq - judge->seq - 1),
		    (unsigned long long)fact->seq);
	else if (fact->seq <= judge->seq)
		judge_flag(judge, "sequence-backwards", "%llu after %llu",
		    (unsigned long long)fact->seq, (unsigned long long)judge->seq);
	if (fact->ms < judge->ms)
		judge_flag(judge, "time-backwards", "%lld ms after %lld ms",
		    (long long)fact->ms, (long long)judge->ms);
	judge->seq = fact->seq;
	judge->ms = fact->ms;
}

static int
judge_read(struct judge *judge, FILE *log)
{
	char line[SIM_JOURNAL_LINE_MAX];
	size_t len = 0;
	int rc;

	for (;;) {
		struct sim_fact fact;

		judge->line++;
		rc = read_line(log, line, &len);
		if (rc <= 0)
			break;
		rc = sim_journal_parse(line, len, &fact);
		if (rc < 0)
			break;
		check_order(judge, &fact);
		rc = takers[fact.kind](judge, &fact);
		if (rc < 0)
			break;
	}
	/* a log without a line says nothing, not even that nothing happened */
	return rc == 0 && judge->line == 1 ? -ENODATA : rc;
}

static void
print_address(const struct judge *judge, struct judged_address address, FILE *out)
{
	fprintf(out, "%s: ", address.text);
	if (address.at != NOWHERE)
		fprintf(out, "on %s (%s)", judge->instances[address.at].label,
		    judge->instances[address.at].config_name);
	else if (address.user[0] != '\0')
		fprintf(out, "held by %s", address.user);
	else if (address.last_at == NOWHERE)
		fprintf(out, "never attached");
	else
		fprintf(out, "nowhere");
	if (address.at == NOWHERE && address.last_at != NOWHERE && address.reserved) {
		int64_t gap_ms = judge->ms - address.gone_ms;

		address.total_ms += gap_ms;
		if (gap_ms > address.longest_ms)
			address.longest_ms = gap_ms;
	}
	fprintf(out, ", %lu move%s, nowhere longest %lld ms, total %lld ms\n",
	    address.moves, address.moves == 1 ? "" : "s", (long long)address.longest_ms,
	    (long long)address.total_ms);
}

static void
judge_print(struct judge *judge, FILE *out)
{
	for (size_t i = 0; i < judge->addresses_len; i++)
		if (judge->addresses[i].was_reserved)
			print_address(judge, judge->addresses[i], out);
	if (judge->text.len > 0)
		fputs(judge->text.data, out);
	fprintf(out, "%zu violations\n", judge->violations);
}
