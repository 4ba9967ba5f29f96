#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "health.h"

static struct health health;
static struct buf body;
static struct mono_time now;

static void
setup(void)
{
	memset(&health, 0, sizeof health);
	now.ms = 1000000;
	buf_init(&body, 65536);
}

static void
teardown(void)
{
	buf_free(&body);
}

TestSuite(health, .init = setup, .fini = teardown);

static void
tell(enum role role, bool ready, bool wedged)
{
	health_process(&health,
	    &(struct control_process){
		.role = (uint8_t)role, .ready = ready, .wedged = wedged},
	    now);
}

static void
tell_all_ready(void)
{
	for (enum role role = 0; role < ROLE_COUNT; role++)
		tell(role, true, false);
	for (enum producer producer = 0; producer < PRODUCER_SELF; producer++)
		health_readiness(&health, producer, "");
}

static void
check_healthz(bool verbose, int status, const char *text)
{
	buf_reset(&body);
	cr_assert_eq(health_healthz(&health, now, verbose, &body), status);
	cr_assert_str_eq(body.data, text);
}

static void
check_readyz(bool verbose, int status, const char *text)
{
	buf_reset(&body);
	cr_assert_eq(health_readyz(&health, now, verbose, &body), status);
	cr_assert_str_eq(body.data, text);
}

Test(health, at_first)
{
	check_healthz(false, 200, "ok");
	check_readyz(false, 503, "not-ready: resolver: not running");
}

Test(health, all_ready)
{
	char scratch[HEALTH_REASON_MAX];

	tell_all_ready();
	check_healthz(false, 200, "ok");
	check_readyz(false, 200, "ready");
	cr_assert(health_is_healthy(&health, now));
	cr_assert_null(health_missing(&health, now, scratch));
}

/* Each process alone is enough to be missed, and the first one is named. */
Test(health, each_process_counts)
{
	for (enum role role = 0; role < ROLE_COUNT; role++) {
		char wanted[128];

		teardown();
		setup();
		tell_all_ready();
		tell(role, false, false);
		snprintf(wanted, sizeof wanted, "not-ready: %s: not running",
		    role_name(role));
		check_readyz(false, 503, wanted);
		check_healthz(false, 200, "ok");
		tell(role, true, true);
		snprintf(wanted, sizeof wanted, "not-ready: %s: does not answer",
		    role_name(role));
		check_readyz(false, 503, wanted);
		check_healthz(false, 503, "unhealthy");
		tell(role, true, false);
		check_readyz(false, 200, "ready");
		check_healthz(false, 200, "ok");
	}
}

Test(health, each_producer_counts)
{
	static const enum role roles[] = {
	    [PRODUCER_WATCHER] = ROLE_WATCHER,
	    [PRODUCER_RECONCILER] = ROLE_RECONCILER,
	    [PRODUCER_CLOUDWORKER] = ROLE_CLOUDWORKER,
	};

	tell_all_ready();
	for (enum producer producer = 0; producer < PRODUCER_SELF; producer++) {
		char wanted[128];

		health_readiness(&health, producer, "the reason");
		snprintf(wanted, sizeof wanted, "not-ready: %s: the reason",
		    role_name(roles[producer]));
		check_readyz(false, 503, wanted);
		health_readiness(&health, producer, "");
		check_readyz(false, 200, "ready");
		health_forget(&health, producer);
		snprintf(wanted, sizeof wanted, "not-ready: %s: has not reported yet",
		    role_name(roles[producer]));
		check_readyz(false, 503, wanted);
		health_readiness(&health, producer, "");
	}
}

/* In the order in which the processes start. */
Test(health, the_first_is_named)
{
	tell_all_ready();
	health_readiness(&health, PRODUCER_WATCHER, "w");
	health_readiness(&health, PRODUCER_RECONCILER, "r");
	check_readyz(false, 503, "not-ready: reconciler: r");
	tell(ROLE_DIALER_CLOUD, false, false);
	check_readyz(false, 503, "not-ready: dialer-cloud: not running");
}

Test(health, verbose)
{
	tell_all_ready();
	tell(ROLE_DIALER_WATCHER, true, true);
	health_readiness(&health, PRODUCER_WATCHER, "watch of pods not synced");
	check_healthz(true, 503,
	    "[+]supervisor ok\n[+]resolver ok\n"
	    "[-]dialer-watcher failed: does not answer\n"
	    "[+]dialer-reconciler ok\n[+]dialer-cloud ok\n[+]metricsd ok\n"
	    "[+]cloudworker ok\n[+]reconciler ok\n[+]watcher ok\n"
	    "healthz check failed\n");
	check_readyz(true, 503,
	    "[+]supervisor ok\n[+]resolver ok\n"
	    "[-]dialer-watcher failed: does not answer\n"
	    "[+]dialer-reconciler ok\n[+]dialer-cloud ok\n[+]metricsd ok\n"
	    "[+]cloudworker ok\n[+]reconciler ok\n"
	    "[-]watcher failed: watch of pods not synced\n"
	    "readyz check failed\n");
	tell_all_ready();
	check_healthz(true, 200,
	    "[+]supervisor ok\n[+]resolver ok\n[+]dialer-watcher ok\n"
	    "[+]dialer-reconciler ok\n[+]dialer-cloud ok\n[+]metricsd ok\n"
	    "[+]cloudworker ok\n[+]reconciler ok\n[+]watcher ok\n"
	    "healthz check passed\n");
}

/* A process that is started anew again and again is not healthy, even while it is
 * ready; each role alone is enough. */
Test(health, restarts)
{
	for (enum role role = 0; role < ROLE_COUNT; role++) {
		char line[128];

		tell_all_ready();
		health_process(&health,
		    &(struct control_process){
			.role = (uint8_t)role, .ready = 1, .spent = 1},
		    now);
		check_healthz(false, 503, "unhealthy");
		check_readyz(false, 200, "ready");
		buf_reset(&body);
		cr_assert_eq(health_healthz(&health, now, true, &body), 503);
		snprintf(line, sizeof line,
		    "[-]%s failed: started anew 10 times in 10 minutes\n",
		    role_name(role));
		cr_assert_not_null(strstr(body.data, line), "%s", body.data);
	}
}

/* Who supervises is supervised: by its silence. */
Test(health, supervisor)
{
	tell_all_ready();
	now.ms += 3600000;
	check_healthz(false, 200, "ok");
	health_process(&health, &(struct control_process){.role = ROLE_COUNT}, now);
	now.ms += 9999;
	check_healthz(false, 200, "ok");
	check_readyz(false, 200, "ready");
	now.ms += 1;
	check_healthz(false, 503, "unhealthy");
	check_readyz(false, 503, "not-ready: supervisor: does not answer");
	cr_assert_not(health_is_healthy(&health, now));
	health_process(&health, &(struct control_process){.role = ROLE_COUNT}, now);
	check_healthz(false, 200, "ok");
	/* no such role: nothing is written beyond the table */
	health_process(&health, &(struct control_process){.role = 255}, now);
	check_healthz(false, 200, "ok");
}

/* A producer's text cannot look like a check of another. */
Test(health, reasons_are_one_line)
{
	tell_all_ready();
	health_readiness(
	    &health, PRODUCER_CLOUDWORKER, "x\n[+]watcher ok\r\x7f\xc3\xa4");
	check_readyz(false, 503, "not-ready: cloudworker: x [+]watcher ok  \xc3\xa4");
}

Test(health, reasons_are_cut)
{
	char scratch[HEALTH_REASON_MAX], text[TEXT_MAX + 100];
	const char *missing;

	tell_all_ready();
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	health_readiness(&health, PRODUCER_CLOUDWORKER, text);
	missing = health_missing(&health, now, scratch);
	cr_assert_not_null(missing);
	cr_assert_eq(strlen(missing), strlen("cloudworker: ") + TEXT_MAX);
}
