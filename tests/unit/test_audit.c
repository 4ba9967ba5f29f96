/* The audit stream: order, a slow reader, a full buffer, a reader that has gone. */
#include "audit.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"

/* Rounds of the loop after which something must have happened (the loop waits for an
 * event that is there already). */
#define ROUNDS_MAX 5000

struct bench {
	struct loop *loop;
	struct audit *audit;
	int ends[2]; /* read, write */
	char told[256];
	int tells;
	char *got;
	size_t got_len;
};

static void
on_trouble(void *arg, const char *reason)
{
	struct bench *b = arg;

	snprintf(b->told, sizeof b->told, "%s", reason);
	b->tells++;
}

/* The writing end blocks, as one that is inherited does; the reading end does not. */
static void
bench_open(struct bench *b)
{
	*b = (struct bench){.loop = loop_new()};
	cr_assert_eq(pipe(b->ends), 0);
	cr_assert_eq(fcntl(b->ends[0], F_SETFL, O_NONBLOCK), 0);
	b->audit = audit_new(b->loop, b->ends[1], on_trouble, b);
}

static void
bench_close(struct bench *b)
{
	audit_free(b->audit);
	loop_free(b->loop);
	free(b->got);
	if (b->ends[0] >= 0)
		close(b->ends[0]);
	close(b->ends[1]);
}

static void
bench_read(struct bench *b)
{
	char piece[8192];
	ssize_t len;

	while ((len = read(b->ends[0], piece, sizeof piece)) > 0) {
		b->got = mem_realloc(b->got, b->got_len + (size_t)len + 1, 1);
		memcpy(b->got + b->got_len, piece, (size_t)len);
		b->got_len += (size_t)len;
		b->got[b->got_len] = '\0';
	}
}

static void
bench_drain(struct bench *b)
{
	for (int i = 0; i < ROUNDS_MAX && !audit_idle(b->audit); i++) {
		loop_run_once(b->loop, 100);
		bench_read(b);
	}
	cr_assert(audit_idle(b->audit));
}

static const struct wall_time noon = {1767225600123};
#define NOON "{\"time\":\"2026-01-01T00:00:00.123000Z\""

/* One line, up to the chain (test_verify.c has that); returns the next. */
static const char *
check_line(const char *at, const char *begins, int seq)
{
	const char *end = strchr(at, '\n');
	char mark[32];

	snprintf(mark, sizeof mark, "\"seq\":%d,\"chain\":\"", seq);
	cr_assert_eq(strncmp(at, begins, strlen(begins)), 0, "%s", at);
	at += strlen(begins);
	cr_assert_eq(strncmp(at, ",\"run\":\"", 8), 0, "%s", at);
	cr_assert_neq(end, NULL);
	cr_assert_neq(memmem(at, (size_t)(end - at), mark, strlen(mark)), NULL);
	cr_assert_eq(strncmp(end - 2, "\"}", 2), 0);
	return end + 1;
}

Test(audit, lines_come_out_in_order_with_their_time)
{
	const char *at;
	struct bench b;

	bench_open(&b);
	audit_write(b.audit, noon, "{\"what\":\"attach\"}");
	audit_write(b.audit, noon, "{}");
	audit_write(b.audit, noon, "{\"time\":\"its own\"}");
	bench_drain(&b);
	at = check_line(b.got, NOON ",\"what\":\"attach\"", 0);
	at = check_line(at, NOON, 1);
	at = check_line(at, "{\"time\":\"its own\"", 2);
	cr_assert_str_eq(at, "");
	cr_assert_eq(b.tells, 0);
	bench_close(&b);
}

Test(audit, a_slow_reader_does_not_block_and_loses_nothing, .timeout = 60)
{
	const char *at;
	char line[512];
	struct bench b;

	bench_open(&b);
	/* far more than the pipe holds; were a write to block, this would never end */
	for (int i = 0; i < 2000; i++) {
		snprintf(line, sizeof line, "{\"n\":%d,\"pad\":\"%0300d\"}", i, 0);
		audit_write(b.audit, noon, line);
		loop_run_once(b.loop, 0);
	}
	cr_assert_not(audit_idle(b.audit));
	bench_drain(&b);
	at = b.got;
	for (int i = 0; i < 2000; i++) {
		snprintf(line, sizeof line, NOON ",\"n\":%d,", i);
		cr_assert_eq(strncmp(at, line, strlen(line)), 0, "line %d", i);
		at = strchr(at, '\n') + 1;
	}
	cr_assert_eq(*at, '\0');
	cr_assert_eq(b.tells, 0);
	bench_close(&b);
}

Test(audit, what_does_not_fit_is_counted_and_told)
{
	char *line = mem_printf("{\"pad\":\"%060000d\"}", 0);
	struct bench b;

	bench_open(&b);
	for (int i = 0; i < 40; i++)
		audit_write(b.audit, noon, line);
	cr_assert_neq(strstr(b.told, "AuditStreamFull"), NULL, "%s", b.told);
	bench_drain(&b);
	cr_assert_str_eq(b.told, "");
	cr_assert_eq(b.tells, 2);
	/* 17 of 60 kB fit into 1 MiB */
	cr_assert_neq(
	    strstr(b.got, "\"event\":\"audit_lines_lost\",\"count\":23,"), NULL);
	audit_write(b.audit, noon, "{\"what\":\"after\"}");
	bench_drain(&b);
	cr_assert_neq(strstr(b.got, NOON ",\"what\":\"after\","), NULL);
	free(line);
	bench_close(&b);
}

Test(audit, a_line_of_two_lines_is_refused)
{
	struct bench b;

	bench_open(&b);
	audit_write(b.audit, noon, "{\"a\":1}\n{\"forged\":1}");
	cr_assert_eq(b.tells, 1);
	audit_write(b.audit, noon, "{\"b\":1}");
	bench_drain(&b);
	cr_assert_eq(strstr(b.got, "forged"), NULL);
	cr_assert_neq(strstr(b.got, "audit_lines_lost"), NULL);
	cr_assert_neq(strstr(b.got, "\"b\":1"), NULL);
	cr_assert_str_eq(b.told, "");
	bench_close(&b);
}

/* It would end where the chain's part begins. */
Test(audit, a_line_without_its_brace_is_refused)
{
	struct bench b;

	bench_open(&b);
	audit_write(b.audit, noon, "{\"cut\":1");
	cr_assert_eq(b.tells, 1);
	audit_write(b.audit, noon, "{\"b\":1}");
	bench_drain(&b);
	cr_assert_eq(strstr(b.got, "cut"), NULL);
	cr_assert_neq(strstr(b.got, "\"b\":1"), NULL);
	bench_close(&b);
}

Test(audit, a_reader_that_has_gone_is_told)
{
	struct bench b;

	bench_open(&b);
	close(b.ends[0]);
	b.ends[0] = -1;
	audit_write(b.audit, noon, "{\"a\":1}");
	for (int i = 0; i < ROUNDS_MAX && b.tells == 0; i++)
		loop_run_once(b.loop, 100);
	cr_assert_neq(strstr(b.told, "AuditStreamFailed"), NULL, "%s", b.told);
	cr_assert(audit_idle(b.audit));
	audit_write(b.audit, noon, "{\"a\":2}");
	cr_assert_eq(b.tells, 1);
	bench_close(&b);
}

Test(audit, a_file_is_written_at_once)
{
	char text[512] = "";
	FILE *file = tmpfile();
	struct bench b;
	int fd;

	bench_open(&b);
	cr_assert_neq(file, NULL);
	fd = fileno(file);
	audit_free(b.audit);
	b.audit = audit_new(b.loop, fd, on_trouble, &b);
	audit_write(b.audit, noon, "{\"a\":1}");
	cr_assert_gt(pread(fd, text, sizeof text - 1, 0), 0);
	cr_assert_str_eq(check_line(text, NOON ",\"a\":1", 0), "");
	audit_free(b.audit);
	b.audit = NULL;
	fclose(file);
	bench_close(&b);
}
