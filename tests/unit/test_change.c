/* What the audit stream says of a status before and after a write. */
#include <criterion/criterion.h>
#include <string.h>

#include "change.h"
#include "mem.h"

static struct buf before, after;

static void
setup(void)
{
	buf_init(&before, CHANGE_MAX);
	buf_init(&after, CHANGE_MAX);
}

static void
teardown(void)
{
	buf_free(&before);
	buf_free(&after);
}

TestSuite(change, .init = setup, .fini = teardown);

#define PATCH(status)                                                                  \
	"{\"metadata\":{\"resourceVersion\":\"7\"},\"status\":{" status "}}"
#define ON_N1                                                                          \
	"{\"address\":\"34.1.1.1\",\"state\":\"Attached\",\"reason\":\"Attached\","    \
	"\"message\":\"on n1\",\"nodeName\":\"n1\",\"lastTransitionTime\":\"T\"}"
#define LEAVING_N1                                                                     \
	"{\"address\":\"34.1.1.1\",\"state\":\"Detaching\",\"reason\":\"Moving\","     \
	"\"message\":\"to "                                                            \
	"n2\",\"nodeName\":\"n1\",\"intent\":{\"id\":\"i1\",\"step\":"                 \
	"\"detach\",\"from\":{\"nodeName\":\"n1\"}},\"lastTransitionTime\":\"U\"}"
#define QUIET "{\"address\":\"34.1.1.2\",\"state\":\"Spare\",\"reason\":\"Spare\"}"

static const struct {
	const char *what, *status, *patch, *before, *after;
} cases[] = {
    {"the first status", "null", PATCH("\"addresses\":[" ON_N1 "]"), "{}",
	"{\"34.1.1.1\":{\"state\":\"Attached\",\"reason\":\"Attached\","
	"\"nodeName\":\"n1\"}}"},
    {"an intent begins, another address is as it was",
	"{\"addresses\":[" QUIET "," ON_N1 "]}",
	PATCH("\"addresses\":[" QUIET "," LEAVING_N1 "]"),
	"{\"34.1.1.1\":{\"state\":\"Attached\",\"reason\":\"Attached\","
	"\"nodeName\":\"n1\"}}",
	"{\"34.1.1.1\":{\"state\":\"Detaching\",\"reason\":\"Moving\",\"nodeName\":"
	"\"n1\","
	"\"intent\":{\"step\":\"detach\",\"id\":\"i1\"}}}"},
    {"an address leaves the status", "{\"addresses\":[" QUIET "]}",
	PATCH("\"addresses\":[]"),
	"{\"34.1.1.2\":{\"state\":\"Spare\",\"reason\":\"Spare\"}}", "{}"},
    {"a condition turns, and the generation with it",
	"{\"observedGeneration\":1,\"conditions\":[{\"type\":\"Ready\",\"status\":"
	"\"False\",\"reason\":\"Pending\",\"lastTransitionTime\":\"T\"}]}",
	PATCH("\"observedGeneration\":2,\"conditions\":[{\"type\":\"Ready\",\"status\":"
	      "\"True\",\"reason\":\"AllAttached\",\"lastTransitionTime\":\"U\"}]"),
	"{\"observedGeneration\":1,\"Ready\":{\"status\":\"False\",\"reason\":"
	"\"Pending\"}}",
	"{\"observedGeneration\":2,\"Ready\":{\"status\":\"True\",\"reason\":"
	"\"AllAttached\"}}"},
    {"only a message",
	"{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\",\"message\":\"1 of "
	"2\"}]}",
	PATCH("\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\",\"message\":"
	      "\"2 of 2\"}]"),
	"{\"Ready\":\"1 of 2\"}", "{\"Ready\":\"2 of 2\"}"},
    {"a status too large to be written whole keeps its addresses",
	"{\"addresses\":[" QUIET "]}", PATCH("\"policy\":\"Sync\""), "{}",
	"{\"policy\":\"Sync\"}"},
    {"nothing", "{\"addresses\":[" QUIET "]}", PATCH("\"addresses\":[" QUIET "]"), "{}",
	"{}"},
};

Test(change, says_what_differs_and_no_more)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		buf_reset(&before);
		buf_reset(&after);
		change_status(cases[i].status, cases[i].patch, &before, &after);
		cr_assert_str_eq(before.data, cases[i].before, "%s", cases[i].what);
		cr_assert_str_eq(after.data, cases[i].after, "%s", cases[i].what);
	}
}

/* A list of a thousand: as many as fit, and how many more. */
Test(change, what_does_not_fit_is_counted)
{
	struct buf patch;

	buf_init(&patch, 1024 * 1024);
	buf_puts(&patch, "{\"status\":{\"addresses\":[");
	for (int i = 0; i < 1000; i++)
		buf_printf(&patch,
		    "%s{\"address\":\"34.1.%d.%d\",\"state\":\"Blocked\",\"reason\":"
		    "\"NoEligibleNode\"}",
		    i > 0 ? "," : "", i / 250, i % 250);
	buf_puts(&patch, "]}}");
	change_status("{}", patch.data, &before, &after);
	cr_assert_not(before.refused);
	cr_assert_not(after.refused);
	cr_assert_str_eq(before.data, "{}");
	cr_assert_gt(after.len, CHANGE_MAX / 2);
	cr_assert_not_null(strstr(after.data, ",\"more\":"));
	buf_free(&patch);
}
