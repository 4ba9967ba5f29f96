/* Observation of zones and regions against a scripted cloud. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "observe.h"

#define CALLS_MAX 512
#define TOLD_MAX  20000

struct seen_call {
	uint64_t ticket;
	enum cloud_op op;
	char place[PLACE_MAX + 1];
	char page[CLOUD_PAGE_TOKEN_MAX + 1];
};

static struct observe *observe;
static struct seen_call calls[CALLS_MAX];
static size_t calls_len;
static enum message_type told[TOLD_MAX]; /* in order */
static uint64_t told_round[TOLD_MAX];
static size_t told_len;
static struct msg_observed_end last_end;
static size_t room;

static void
on_call(void *arg, uint64_t ticket, const struct cloud_call *call)
{
	struct seen_call *seen = &calls[calls_len++];

	(void)arg;
	cr_assert_leq(calls_len, CALLS_MAX);
	seen->ticket = ticket;
	seen->op = call->op;
	MESSAGE_TEXT(seen->place, call->place);
	MESSAGE_TEXT(seen->page, call->page);
}

static uint64_t
round_of(enum message_type type, const void *msg)
{
	switch ((int)type) {
	case MSG_OBSERVED_BEGIN:
		return ((const struct msg_observed_begin *)msg)->round;
	case MSG_OBSERVED_INSTANCE:
		return ((const struct msg_observed_instance *)msg)->round;
	case MSG_OBSERVED_ADDRESS:
		return ((const struct msg_observed_address *)msg)->round;
	case MSG_OBSERVED_END:
		last_end = *(const struct msg_observed_end *)msg;
		return last_end.round;
	default:
		cr_assert_fail("unexpected message %d", (int)type);
		return 0;
	}
}

static int
on_send(void *arg, enum message_type type, const void *msg)
{
	(void)arg;
	if (room == 0)
		return -EAGAIN;
	room--;
	told[told_len] = type;
	told_round[told_len++] = round_of(type, msg);
	cr_assert_lt(told_len, TOLD_MAX);
	return 0;
}

static void
setup(void)
{
	observe =
	    observe_new(&(struct observe_effects){.call = on_call, .send = on_send});
	calls_len = 0;
	told_len = 0;
	room = TOLD_MAX;
}

static void
teardown(void)
{
	observe_free(observe);
}

TestSuite(observe, .init = setup, .fini = teardown);

static int
ask(enum scope_kind scope, const char *place, uint64_t number)
{
	struct msg_observe msg = {.round = number, .scope = (uint8_t)scope};

	MESSAGE_TEXT(msg.project, "p");
	MESSAGE_TEXT(msg.place, place);
	return observe_request(observe, &msg, 1000);
}

/* A page of `len` items for the call number `index`. */
static void
answer_page(size_t index, size_t len, const char *next)
{
	struct cloud_answer answer;

	cloud_answer_init(&answer);
	answer.page.len = len;
	if (calls[index].op == CLOUD_LIST_INSTANCES)
		answer.page.instances = mem_calloc(len, sizeof *answer.page.instances);
	else
		answer.page.addresses = mem_calloc(len, sizeof *answer.page.addresses);
	MESSAGE_TEXT(answer.page.next, next);
	observe_answer(observe, calls[index].ticket, &answer);
	cloud_answer_clear(&answer);
}

static void
answer_fault(size_t index, enum cloud_fault fault, const char *reason)
{
	struct cloud_answer answer;

	cloud_answer_init(&answer);
	cloud_answer_fault(&answer, fault, reason, "said");
	observe_answer(observe, calls[index].ticket, &answer);
}

Test(observe, zone_is_told_whole)
{
	cr_assert_eq(ask(SCOPE_ZONE, "z", 5), 0);
	cr_assert_eq(calls_len, 1);
	cr_assert_eq(calls[0].op, CLOUD_LIST_INSTANCES);
	answer_page(0, 2, "");
	cr_assert_eq(told_len, 4);
	cr_assert_eq(told[0], MSG_OBSERVED_BEGIN);
	cr_assert_eq(told[1], MSG_OBSERVED_INSTANCE);
	cr_assert_eq(told[2], MSG_OBSERVED_INSTANCE);
	cr_assert_eq(told[3], MSG_OBSERVED_END);
	for (size_t i = 0; i < told_len; i++)
		cr_assert_eq(told_round[i], 5);
	cr_assert_eq(last_end.ok, 1);
	cr_assert_str_eq(last_end.place, "z");
	cr_assert_str_eq(last_end.reason, "");
}

Test(observe, pages_are_told_together)
{
	cr_assert_eq(ask(SCOPE_REGION, "r", 1), 0);
	cr_assert_eq(calls[0].op, CLOUD_LIST_ADDRESSES);
	answer_page(0, 3, "more");
	cr_assert_eq(told_len, 0);
	cr_assert_eq(calls_len, 2);
	cr_assert_str_eq(calls[1].page, "more");
	answer_page(1, 1, "");
	cr_assert_eq(told_len, 6);
	cr_assert_eq(told[4], MSG_OBSERVED_ADDRESS);
}

Test(observe, list_that_breaks_off_is_unknown)
{
	cr_assert_eq(ask(SCOPE_ZONE, "z", 1), 0);
	answer_page(0, 3, "more");
	answer_fault(1, FAULT_FINAL, "NoPermission");
	cr_assert_eq(told_len, 2);
	cr_assert_eq(told[0], MSG_OBSERVED_BEGIN);
	cr_assert_eq(told[1], MSG_OBSERVED_END);
	cr_assert_eq(last_end.ok, 0);
	cr_assert_str_eq(last_end.reason, "NoPermission");
	cr_assert_str_eq(last_end.message, "said");
}

Test(observe, page_is_tried_once_more)
{
	cr_assert_eq(ask(SCOPE_ZONE, "z", 1), 0);
	answer_fault(0, FAULT_LOST, "CloudUnreachable");
	cr_assert_eq(calls_len, 2);
	cr_assert_eq(told_len, 0);
	answer_fault(1, FAULT_LOST, "CloudUnreachable");
	cr_assert_eq(calls_len, 2);
	cr_assert_eq(last_end.ok, 0);
	cr_assert_str_eq(last_end.reason, "CloudUnreachable");
}

Test(observe, endless_list_is_unknown)
{
	cr_assert_eq(ask(SCOPE_ZONE, "z", 1), 0);
	for (size_t i = 0; told_len == 0; i++) {
		cr_assert_lt(i, 100);
		answer_page(i, 1, "more");
	}
	cr_assert_eq(told_len, 2);
	cr_assert_str_eq(last_end.reason, "TooLarge");
}

Test(observe, waiting_requests_become_one)
{
	for (uint64_t i = 0; i < 4; i++) {
		char place[32];

		snprintf(place, sizeof place, "busy%u", (unsigned int)i);
		cr_assert_eq(ask(SCOPE_ZONE, place, 1), 0);
	}
	cr_assert_eq(ask(SCOPE_ZONE, "z", 2), 0);
	cr_assert_eq(ask(SCOPE_ZONE, "z", 3), 0);
	cr_assert_eq(calls_len, 4, "four at a time");
	answer_page(0, 0, "");
	cr_assert_eq(calls_len, 5);
	cr_assert_str_eq(calls[4].place, "z");
	answer_page(4, 0, "");
	cr_assert_eq(last_end.round, 3);
	cr_assert_eq(calls_len, 5);
}

/* What was asked for after a read began must not be answered by that read. */
Test(observe, request_during_a_read_is_read_again)
{
	cr_assert_eq(ask(SCOPE_ZONE, "z", 1), 0);
	cr_assert_eq(ask(SCOPE_ZONE, "z", 2), 0);
	cr_assert_eq(ask(SCOPE_ZONE, "z", 3), 0);
	cr_assert_eq(calls_len, 1);
	answer_page(0, 0, "");
	cr_assert_eq(last_end.round, 1);
	cr_assert_eq(calls_len, 2);
	answer_page(1, 0, "");
	cr_assert_eq(last_end.round, 3);
	cr_assert_eq(calls_len, 2);
}

Test(observe, same_place_of_another_kind_is_another_scope)
{
	cr_assert_eq(ask(SCOPE_ZONE, "x", 1), 0);
	cr_assert_eq(ask(SCOPE_REGION, "x", 2), 0);
	cr_assert_eq(calls_len, 2);
}

Test(observe, full_link_loses_nothing)
{
	cr_assert_eq(ask(SCOPE_ZONE, "z", 1), 0);
	room = 0;
	answer_page(0, 5, "");
	for (size_t i = 1; i <= 7; i++) {
		cr_assert_eq(told_len, i - 1);
		room = 1;
		observe_room(observe);
	}
	cr_assert_eq(told_len, 7);
	cr_assert_eq(told[6], MSG_OBSERVED_END);
	room = 1;
	observe_room(observe);
	cr_assert_eq(told_len, 7);
}

/* Calls of a link that went down go on counting, but tell nobody. */
Test(observe, dropped_scopes_are_not_told)
{
	for (int i = 0; i < 4; i++) {
		char place[32];

		snprintf(place, sizeof place, "z%d", i);
		cr_assert_eq(ask(SCOPE_ZONE, place, 1), 0);
	}
	observe_drop(observe);
	cr_assert_eq(ask(SCOPE_ZONE, "z0", 9), 0);
	cr_assert_eq(calls_len, 4);
	answer_page(0, 3, "");
	cr_assert_eq(told_len, 0);
	cr_assert_eq(calls_len, 5);
	answer_page(4, 0, "");
	cr_assert_eq(told_len, 2);
	cr_assert_eq(told_round[0], 9);
}

Test(observe, open_scopes_are_bounded)
{
	int rc = 0;
	int count = 0;

	for (; rc == 0 && count < 1000; count++) {
		char place[32];

		snprintf(place, sizeof place, "z%d", count);
		rc = ask(SCOPE_ZONE, place, 1);
	}
	cr_assert_eq(rc, -EPROTO);
	cr_assert_eq(count, 257);
}
