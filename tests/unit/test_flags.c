/* The options of `ipwardenctl footprint`, as recorded of Pod Ashiato (Go's flag). */
#include <criterion/criterion.h>
#include <stdio.h>

#include "duration.h"
#include "flags.h"

static struct flags flags;

#define READ(...) flags_read((const char *[]){__VA_ARGS__, NULL}, &flags)

static void
be_quiet(void)
{
	cr_assert_not_null(freopen("/dev/null", "w", stderr));
}

TestSuite(flags, .init = be_quiet);

Test(flags, defaults)
{
	cr_assert_eq(flags_read((const char *[]){NULL}, &flags), 0);
	cr_assert_eq(flags.interval_ms, 30000);
	cr_assert_str_eq(flags.cm_namespace, "default");
	cr_assert_null(flags.kubeconfig);
	cr_assert_str_empty(flags.namespace);
	cr_assert_not(flags.oneshot || flags.store_in_cm || flags.events || flags.utc);
}

Test(flags, one_dash_or_two_and_both_ways_of_a_value)
{
	cr_assert_eq(READ("-kubeconfig", "f", "--oneshot", "-namespace=voice", "--name",
			 "sip", "--label", "a=b,c in (d)", "-interval=1m30s",
			 "--cm-namespace=", "-store-in-cm=T"),
	    0);
	cr_assert_str_eq(flags.kubeconfig, "f");
	cr_assert(flags.oneshot && flags.store_in_cm);
	cr_assert_str_eq(flags.namespace, "voice");
	cr_assert_str_eq(flags.name, "sip");
	cr_assert_str_eq(flags.label, "a=b,c in (d)");
	cr_assert_eq(flags.interval_ms, 90000);
	cr_assert_str_eq(flags.cm_namespace, "default");
}

Test(flags, a_word_ends_them)
{
	cr_assert_eq(READ("word", "--oneshot"), 0);
	cr_assert_not(flags.oneshot);
	cr_assert_eq(READ("--oneshot", "true", "--nope"), 0);
	cr_assert(flags.oneshot);
	cr_assert_eq(READ("--", "--nope"), 0);
	cr_assert_eq(READ("-", "--nope"), 0);
}

Test(flags, refused)
{
	cr_assert_lt(READ("--nope"), 0);
	cr_assert_lt(READ("--oneshot=maybe"), 0);
	cr_assert_lt(READ("--namespace"), 0);
	cr_assert_lt(READ("--interval=5"), 0);
	cr_assert_lt(READ("--interval=0"), 0);
	cr_assert_lt(READ("--interval=-5s"), 0);
	cr_assert_lt(READ("---oneshot"), 0);
	cr_assert_lt(READ("--=x"), 0);
	cr_assert_lt(READ("--events", "--oneshot"), 0);
	cr_assert_lt(READ("--cm-retention=-1h"), 0);
	cr_assert_lt(READ("--cm-total=many"), 0);
}

Test(flags, an_interval_has_no_meaning_with_oneshot)
{
	cr_assert_eq(READ("--interval=0", "--oneshot"), 0);
}

Test(flags, help)
{
	cr_assert_eq(READ("--help"), 1);
	cr_assert_eq(READ("-h"), 1);
}

Test(flags, durations)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: none */
	} rows[] = {
	    {"30s", 30000},
	    {"300ms", 300},
	    {"1h2m3s4ms", 3723004},
	    {"1.5s", 1500},
	    {".5s", 500},
	    {"1us", 1},
	    {"1\xc2\xb5s", 1},
	    {"0", 0},
	    {"+2m", 120000},
	    {"", -1},
	    {"s", -1},
	    {"5", -1},
	    {"1 s", -1},
	    {"1d", -1},
	    {".s", -1},
	    {"1..5s", -1},
	    {"999999999h", -1},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t ms = -1;

		duration_parse(rows[i].text, &ms);
		cr_assert_eq(ms, rows[i].ms, "%s: %jd", rows[i].text, (intmax_t)ms);
	}
}
