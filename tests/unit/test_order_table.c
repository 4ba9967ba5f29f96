/* What an order does next: by its stage and kind, and by what the cloud says. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "order.h"

#define NOW_MS 900000

struct row {
	enum order_stage stage;
	const char *kinds; /* a attach, d detach, e ephemeral */
	const char *says;
	const char *next;
};

/* "now" or "in" milliseconds, without chance; "maybe": it may have had its effect;
 * "polling": asks with `get`; "(…)": the reason that is kept. */
static const struct row rows[] = {
    /* what a read shows */
    {STAGE_READ, "ae", "empty", "change now"},
    {STAGE_READ, "d", "empty", "DONE, ipw-1 34.1.2.3"},
    {STAGE_READ, "ae", "no-nic empty", "FAILED NoInterface, ipw-1 34.1.2.3"},
    {STAGE_READ, "a", "ours", "DONE, ipw-1 34.1.2.3"},
    {STAGE_READ, "d", "ours", "change now"},
    {STAGE_READ, "e", "ours", "DONE, ipw-1 34.1.2.3"},
    {STAGE_READ, "a", "renamed", "DONE, ipw-9 34.1.2.3"},
    {STAGE_READ, "d", "renamed", "REFUSED FenceMismatch, ipw-1 34.1.2.3"},
    {STAGE_READ, "a", "second-nic", "DONE, ipw-1 34.1.2.3"},
    {STAGE_READ, "d", "second-nic", "REFUSED FenceMismatch, ipw-1 34.1.2.3"},
    {STAGE_READ, "e", "second-nic", "change now"},
    {STAGE_READ, "a", "another", "REFUSED TargetHasAddress, ipw-1 34.1.2.3"},
    {STAGE_READ, "d", "another", "DONE, ipw-1 34.1.2.3"},
    {STAGE_READ, "e", "another", "DONE, ipw-1 35.9.9.9"},
    {STAGE_READ, "ae", "another-second-nic", "change now"},
    {STAGE_READ, "d", "gone", "DONE InstanceGone, ipw-1 34.1.2.3"},
    {STAGE_READ, "ae", "gone", "FAILED InstanceGone, ipw-1 34.1.2.3"},
    {STAGE_READ, "ade", "not-sent|lost|transient|throttled|busy|reread",
	"read in 250 (Why)"},
    {STAGE_READ, "ade", "final|credentials|no-grant", "FAILED Why, ipw-1 34.1.2.3"},
    {STAGE_READ, "ade", "maybe final|credentials|no-grant",
	"UNKNOWN Why, ipw-1 34.1.2.3"},

    /* what a change is answered with */
    {STAGE_CHANGE, "ade", "running", "wait now maybe"},
    {STAGE_CHANGE, "ade", "done", "confirm now maybe"},
    {STAGE_CHANGE, "ade", "failed", "FAILED Why, ipw-1 34.1.2.3"},
    {STAGE_CHANGE, "ade", "lost|transient", "read in 250 maybe (Why)"},
    {STAGE_CHANGE, "ade", "not-sent|throttled|busy", "read in 250 (Why)"},
    {STAGE_CHANGE, "ade", "reread|gone", "read in 250 (Why)"},
    {STAGE_CHANGE, "ade", "third reread|gone", "read in 250 (Why)"},
    {STAGE_CHANGE, "ade", "fourth reread|gone", "FAILED Why, ipw-1 34.1.2.3"},
    {STAGE_CHANGE, "ade", "final|credentials", "FAILED Why, ipw-1 34.1.2.3"},
    {STAGE_CHANGE, "ade", "no-grant", "REFUSED Why, ipw-1 34.1.2.3"},
    {STAGE_CHANGE, "ade", "maybe final|credentials|no-grant",
	"UNKNOWN Why, ipw-1 34.1.2.3"},

    /* the operation */
    {STAGE_WAIT, "ade", "running", "wait in 250 maybe"},
    {STAGE_WAIT, "ade", "done", "confirm now maybe"},
    {STAGE_WAIT, "ade", "failed", "FAILED Why, ipw-1 34.1.2.3"},
    {STAGE_WAIT, "ade", "tired lost", "wait in 250"},
    {STAGE_WAIT, "ade", "not-sent|transient|throttled|busy|reread",
	"wait in 250 (Why)"},
    {STAGE_WAIT, "ade", "tired transient", "wait in 4000 (Why)"},
    {STAGE_WAIT, "ade", "gone|final|credentials|no-grant", "wait now polling (Why)"},
    {STAGE_WAIT, "ade", "polling gone|final|credentials|no-grant",
	"confirm now polling (Why)"},

    /* the read back */
    {STAGE_CONFIRM, "ae", "ours", "DONE, ipw-1 34.1.2.3"},
    {STAGE_CONFIRM, "ae", "empty", "confirm in 250"},
    {STAGE_CONFIRM, "ae", "sixth empty", "confirm in 250"},
    {STAGE_CONFIRM, "ae", "seventh empty", "UNKNOWN NotObserved, ipw-1 34.1.2.3"},
    {STAGE_CONFIRM, "ae", "polling seventh empty", "confirm in 250 polling"},
    {STAGE_CONFIRM, "a", "renamed", "confirm in 250"},
    {STAGE_CONFIRM, "a", "another", "confirm in 250"},
    {STAGE_CONFIRM, "e", "another", "DONE, ipw-1 35.9.9.9"},
    {STAGE_CONFIRM, "d", "empty", "DONE, ipw-1 34.1.2.3"},
    {STAGE_CONFIRM, "d", "another", "DONE, ipw-1 34.1.2.3"},
    {STAGE_CONFIRM, "d", "ours", "confirm in 250"},
    {STAGE_CONFIRM, "d", "seventh ours", "UNKNOWN NotObserved, ipw-1 34.1.2.3"},
    {STAGE_CONFIRM, "d", "renamed", "FAILED TakenDuringMove, ipw-1 34.1.2.3"},
    {STAGE_CONFIRM, "d", "second-nic", "FAILED TakenDuringMove, ipw-1 34.1.2.3"},
    {STAGE_CONFIRM, "d", "gone", "DONE InstanceGone, ipw-1 34.1.2.3"},
    {STAGE_CONFIRM, "ae", "gone", "FAILED InstanceGone, ipw-1 34.1.2.3"},
    {STAGE_CONFIRM, "ade", "not-sent|lost|transient|throttled|busy|reread",
	"confirm in 250 (Why)"},
    {STAGE_CONFIRM, "ade", "final|credentials|no-grant", "UNKNOWN Why, ipw-1 34.1.2.3"},
};

static const char *const faults[] = {
    [FAULT_NONE] = "",
    [FAULT_NOT_SENT] = "not-sent",
    [FAULT_LOST] = "lost",
    [FAULT_TRANSIENT] = "transient",
    [FAULT_THROTTLED] = "throttled",
    [FAULT_BUSY] = "busy",
    [FAULT_REREAD] = "reread",
    [FAULT_GONE] = "gone",
    [FAULT_FINAL] = "final",
    [FAULT_CREDENTIALS] = "credentials",
    [FAULT_NO_GRANT] = "no-grant",
};

static const struct {
	const char *says, *nic, *name, *address;
} shown[] = {
    {"ours", "nic0", "ipw-1", "34.1.2.3"},
    {"renamed", "nic0", "ipw-9", "34.1.2.3"},
    {"second-nic", "nic1", "ipw-1", "34.1.2.3"},
    {"another", "nic0", "ipw-1", "35.9.9.9"},
    {"another-second-nic", "nic1", "ipw-1", "35.9.9.9"},
};

static struct order
order_in(enum order_stage stage, char kind)
{
	struct mono_time begun = {NOW_MS - 5000};
	struct msg_order msg = {.term = 7};
	struct order order;

	msg.kind = kind == 'a'	 ? ORDER_ATTACH
		   : kind == 'd' ? ORDER_DETACH
				 : ORDER_EPHEMERAL;
	MESSAGE_TEXT(msg.id, "id");
	MESSAGE_TEXT(msg.instance, "4711");
	MESSAGE_TEXT(msg.address, "34.1.2.3");
	MESSAGE_TEXT(msg.fence, "ipw-1");
	MESSAGE_TEXT(msg.request_id, "request");
	order_init(&order, &msg, begun);
	order.stage = stage;
	order.ticket = 1;
	return order;
}

/* A word sets what has been, or what the answer is. */
static void
take_word(const char *word, struct order *order, struct cloud_answer *answer)
{
	struct cloud_instance *instance = &answer->instance;
	struct cloud_config *config = &instance->configs[0];

	order->maybe_done |= strcmp(word, "maybe") == 0;
	order->polling |= strcmp(word, "polling") == 0;
	if (strcmp(word, "tired") == 0)
		order->tries = 9;
	else if (strcmp(word, "third") == 0 || strcmp(word, "fourth") == 0)
		order->rereads = word[0] == 't' ? 2 : 3;
	else if (strcmp(word, "sixth") == 0 || strcmp(word, "seventh") == 0)
		order->confirms = word[1] == 'i' ? 5 : 6;
	else if (strcmp(word, "no-nic") == 0)
		instance->nic[0] = '\0';
	answer->operation.done |=
	    strcmp(word, "done") == 0 || strcmp(word, "failed") == 0;
	answer->operation.failed |= strcmp(word, "failed") == 0;
	for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
		if (strcmp(shown[i].says, word) != 0)
			continue;
		MESSAGE_TEXT(config->nic, shown[i].nic);
		MESSAGE_TEXT(config->name, shown[i].name);
		MESSAGE_TEXT(config->address, shown[i].address);
		instance->configs_len = 1;
	}
	for (size_t i = FAULT_NOT_SENT; i < sizeof faults / sizeof faults[0]; i++)
		if (strcmp(faults[i], word) == 0)
			cloud_answer_fault(
			    answer, (enum cloud_fault)i, "Why", "as the cloud said");
}

static void
describe_end(const struct order *order, char *out, size_t size)
{
	static const char *const outcomes[] = {
	    [OUTCOME_RUNNING] = "RUNNING",
	    [OUTCOME_DONE] = "DONE",
	    [OUTCOME_FAILED] = "FAILED",
	    [OUTCOME_REFUSED] = "REFUSED",
	    [OUTCOME_UNKNOWN] = "UNKNOWN",
	};
	const struct msg_result *result = &order->result;

	cr_assert(order->untold);
	cr_assert_eq(order->ended.ms, NOW_MS);
	cr_assert_eq(result->duration_ms, 5000);
	snprintf(out, size, "%s%s%s, %s %s", outcomes[result->outcome],
	    result->reason[0] != '\0' ? " " : "", result->reason, result->fence,
	    result->address);
}

static void
describe(const struct order *order, char *out, size_t size)
{
	static const char *const stages[] = {
	    [STAGE_QUEUED] = "queued",
	    [STAGE_READ] = "read",
	    [STAGE_CHANGE] = "change",
	    [STAGE_WAIT] = "wait",
	    [STAGE_CONFIRM] = "confirm",
	};
	bool noted = order->result.reason[0] != '\0';
	char when[32] = "now";

	cr_assert_eq(order->ticket, 0);
	if (order->stage == STAGE_ENDED) {
		describe_end(order, out, size);
		return;
	}
	if (order->due.ms != NOW_MS)
		snprintf(
		    when, sizeof when, "in %lld", (long long)order->due.ms - NOW_MS);
	else
		cr_assert_eq(order->tries, 0);
	snprintf(out, size, "%s %s%s%s%s%s%s", stages[order->stage], when,
	    order->maybe_done ? " maybe" : "", order->polling ? " polling" : "",
	    noted ? " (" : "", order->result.reason, noted ? ")" : "");
	if (order->stage == STAGE_CHANGE) {
		cr_assert_str_eq(order->nic, "nic0");
		cr_assert_eq(order->read.ms, NOW_MS);
	}
}

/* `words`: some that set the scene, the last one is one of several answers. */
static void
run(const struct row *row, char kind, const char *words, const char *last)
{
	struct order order = order_in(row->stage, kind);
	struct mono_time now = {NOW_MS};
	struct cloud_answer answer;
	char text[128], got[256], *save = NULL;

	cloud_answer_init(&answer);
	MESSAGE_TEXT(answer.instance.nic, "nic0");
	MESSAGE_TEXT(answer.operation.name, "operation-1");
	MESSAGE_TEXT(answer.operation.reason, "Why");
	snprintf(text, sizeof text, "%s %s", words, last);
	for (char *word = strtok_r(text, " ", &save); word != NULL;
	     word = strtok_r(NULL, " ", &save))
		take_word(word, &order, &answer);
	order_answer(&order, now, 0, &answer);
	describe(&order, got, sizeof got);
	cr_expect_str_eq(got, row->next, "stage %d %c %s %s: \"%s\", not \"%s\"",
	    (int)row->stage, kind, words, last, got, row->next);
	if (order.stage == STAGE_WAIT && answer.fault == FAULT_NONE)
		cr_expect_str_eq(order.operation, "operation-1");
}

Test(order_table, what_comes_next)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *space = strrchr(rows[i].says, ' ');
		char words[64], lasts[96], *save = NULL;

		snprintf(words, sizeof words, "%.*s",
		    space != NULL ? (int)(space - rows[i].says) : 0, rows[i].says);
		snprintf(lasts, sizeof lasts, "%s",
		    space != NULL ? space + 1 : rows[i].says);
		for (char *last = strtok_r(lasts, "|", &save); last != NULL;
		     last = strtok_r(NULL, "|", &save))
			for (const char *kind = rows[i].kinds; *kind != '\0'; kind++)
				run(&rows[i], *kind, words, last);
	}
}

/* From half a second to eight, of which the latter half is left to chance. */
Test(order_table, retries_wait_twice_as_long_each_time)
{
	static const int64_t half_ms[] = {250, 500, 1000, 2000, 4000, 4000};
	struct order order = order_in(STAGE_READ, 'a');
	struct mono_time now = {NOW_MS};
	struct cloud_answer answer;

	cloud_answer_init(&answer);
	cloud_answer_fault(&answer, FAULT_NOT_SENT, "Why", "");
	for (size_t i = 0; i < sizeof half_ms / sizeof half_ms[0]; i++) {
		struct order other = order;

		order_answer(&other, now, (uint32_t)half_ms[i] - 1, &answer);
		cr_expect_eq(other.due.ms, NOW_MS + 2 * half_ms[i] - 1);
		order_answer(&order, now, (uint32_t)half_ms[i], &answer);
		cr_expect_eq(order.due.ms, NOW_MS + half_ms[i]);
		cr_expect_eq(order.tries, i + 1);
	}
}

Test(order_table, what_a_call_says)
{
	static const struct {
		enum order_stage stage;
		char kind;
		bool polling;
		enum cloud_op op;
		const char *address;
	} calls[] = {
	    {STAGE_READ, 'a', false, CLOUD_GET_INSTANCE, "34.1.2.3"},
	    {STAGE_CHANGE, 'a', false, CLOUD_ADD_CONFIG, "34.1.2.3"},
	    {STAGE_CHANGE, 'd', false, CLOUD_DELETE_CONFIG, ""},
	    {STAGE_CHANGE, 'e', false, CLOUD_ADD_CONFIG, ""},
	    {STAGE_WAIT, 'a', false, CLOUD_WAIT_OPERATION, "34.1.2.3"},
	    {STAGE_WAIT, 'a', true, CLOUD_GET_OPERATION, "34.1.2.3"},
	    {STAGE_CONFIRM, 'd', true, CLOUD_GET_INSTANCE, ""},
	};

	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		struct order order = order_in(calls[i].stage, calls[i].kind);
		struct cloud_call call;

		order.polling = calls[i].polling;
		order_call(&order, 1234, &call);
		cr_expect_str_eq(cloud_op_name(call.op), cloud_op_name(calls[i].op));
		cr_expect_str_eq(call.address, calls[i].address);
		cr_expect_str_eq(call.fence, "ipw-1");
		cr_expect_eq(call.timeout_ms, 1234);
	}
}

Test(order_table, why_time_ran_out)
{
	struct order order = order_in(STAGE_QUEUED, 'a');
	struct mono_time now = {NOW_MS};

	order_expire(&order, now);
	cr_expect_str_eq(order.result.reason, "Busy");
	order = order_in(STAGE_WAIT, 'a');
	order_expire(&order, now);
	cr_expect_str_eq(order.result.reason, "StillRunning");
	cr_expect_eq(order.result.outcome, OUTCOME_FAILED);
	order = order_in(STAGE_READ, 'a');
	MESSAGE_TEXT(order.result.reason, "Throttled");
	order.maybe_done = true;
	order_expire(&order, now);
	cr_expect_str_eq(order.result.reason, "Throttled");
	cr_expect_eq(order.result.outcome, OUTCOME_UNKNOWN);
}

Test(order_table, the_same_to_the_last_letter)
{
	struct msg_order a = order_in(STAGE_READ, 'a').msg, b = a;

	b.term++;
	cr_expect(order_same(&a, &b));
#define DIFFERS(field)                                                                 \
	do {                                                                           \
		b = a;                                                                 \
		MESSAGE_TEXT(b.field, "x");                                            \
		cr_expect_not(order_same(&a, &b));                                     \
	} while (0)
	DIFFERS(project);
	DIFFERS(zone);
	DIFFERS(instance);
	DIFFERS(address);
	DIFFERS(fence);
	DIFFERS(request_id);
#undef DIFFERS
	b = a;
	b.kind = ORDER_DETACH;
	cr_expect_not(order_same(&a, &b));
}
