/* The judge and the log it reads. The forged logs are in tests/judge, each named
 * good.WHAT.log, bad.KIND+KIND.WHAT.log (the kinds of violation that must be told, in
 * the alphabet's order, and no others) or unreadable.WHAT.log. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal.h"
#include "judge.h"
#include "mem.h"

#ifndef TESTS_JUDGE_DIR
#define TESTS_JUDGE_DIR "tests/judge"
#endif

/* Logs there are at least of each sort, so that an empty directory cannot pass. */
#define GOOD_LEAST	 5
#define BAD_LEAST	 25
#define UNREADABLE_LEAST 10

#define KINDS_MAX 8

struct verdict {
	int code;
	char *text;
	size_t violations;
};

static struct verdict
judge_log(const char *path)
{
	struct verdict verdict = {0};
	size_t len = 0;
	FILE *out = open_memstream(&verdict.text, &len);

	cr_assert_not_null(out);
	verdict.code = judge_run(path, out);
	fclose(out);
	for (const char *at = verdict.text; (at = strstr(at, "violation: ")) != NULL;
	     at++)
		verdict.violations++;
	return verdict;
}

/* The last line, without its newline, in place. */
static const char *
last_line(char *text)
{
	size_t len = strlen(text);
	char *line;

	cr_assert(len > 0 && text[len - 1] == '\n');
	text[len - 1] = '\0';
	line = strrchr(text, '\n');
	return line != NULL ? line + 1 : text;
}

static int
compare_texts(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

/* The kinds of all violations, each once, in order, with + between. */
static char *
kinds_told(const char *text)
{
	char *kinds[KINDS_MAX];
	size_t count = 0;
	char *all = mem_strdup("");

	for (const char *at = text; (at = strstr(at, "violation: line ")) != NULL;
	     at++) {
		const char *kind = strstr(at, ": ");
		size_t i = 0;

		kind = strstr(kind + 2, ": ") + 2;
		cr_assert(count < KINDS_MAX);
		kinds[count] = mem_strndup(kind, strcspn(kind, ":"));
		while (strcmp(kinds[i], kinds[count]) != 0)
			i++;
		if (i == count)
			count++;
		else
			free(kinds[count]);
	}
	qsort(kinds, count, sizeof kinds[0], compare_texts);
	for (size_t i = 0; i < count; i++) {
		char *longer = mem_printf("%s%s%s", all, i > 0 ? "+" : "", kinds[i]);

		free(all);
		free(kinds[i]);
		all = longer;
	}
	return all;
}

static void
check_good(const char *name, const char *path)
{
	struct verdict verdict = judge_log(path);

	cr_expect_eq(verdict.code, 0, "%s: %s", name, verdict.text);
	cr_expect_str_eq(last_line(verdict.text), "0 violations", "%s", name);
	free(verdict.text);
}

static void
check_bad(const char *name, const char *path)
{
	struct verdict verdict = judge_log(path);
	const char *start = name + strlen("bad.");
	char *wanted = mem_strndup(start, strcspn(start, "."));
	char *told = kinds_told(verdict.text);
	char *count = mem_printf("%zu violations", verdict.violations);

	cr_expect_eq(verdict.code, 1, "%s: %s", name, verdict.text);
	cr_expect_str_eq(told, wanted, "%s: %s", name, verdict.text);
	cr_expect_str_eq(last_line(verdict.text), count, "%s", name);
	free(count);
	free(told);
	free(wanted);
	free(verdict.text);
}

static void
check_unreadable(const char *name, const char *path)
{
	struct verdict verdict = judge_log(path);

	cr_expect_eq(verdict.code, 2, "%s: %s", name, verdict.text);
	cr_expect_str_empty(verdict.text, "%s", name);
	free(verdict.text);
}

Test(judge, every_forged_log_is_judged_as_its_name_says)
{
	size_t good = 0, bad = 0, unreadable = 0;
	DIR *dir = opendir(TESTS_JUDGE_DIR);
	struct dirent *entry;

	cr_assert_not_null(dir, "%s: %s", TESTS_JUDGE_DIR, strerror(errno));
	while ((entry = readdir(dir)) != NULL) {
		const char *name = entry->d_name;
		char *path = mem_printf("%s/%s", TESTS_JUDGE_DIR, name);

		if (strncmp(name, "good.", 5) == 0) {
			check_good(name, path);
			good++;
		} else if (strncmp(name, "bad.", 4) == 0) {
			check_bad(name, path);
			bad++;
		} else if (strncmp(name, "unreadable.", 11) == 0) {
			check_unreadable(name, path);
			unreadable++;
		} else {
			cr_expect_eq(name[0], '.', "%s: of no known sort", name);
		}
		free(path);
	}
	closedir(dir);
	cr_expect_geq(good, GOOD_LEAST);
	cr_expect_geq(bad, BAD_LEAST);
	cr_expect_geq(unreadable, UNREADABLE_LEAST);
}

Test(judge, addresses_are_told_with_moves_and_times)
{
	struct verdict moves = judge_log(TESTS_JUDGE_DIR "/good.moves.log");
	struct verdict vanished = judge_log(TESTS_JUDGE_DIR "/good.vanished.log");

	cr_expect_str_eq(moves.text,
	    "34.82.10.1: on us-west1-a/node-1 (ipw-3), 2 moves, nowhere longest 650 "
	    "ms, "
	    "total 1050 ms\n"
	    "34.82.10.2: on us-west1-a/node-2 (ipw-4), 0 moves, nowhere longest 0 ms, "
	    "total 0 ms\n"
	    "0 violations\n");
	/* it is nowhere at the end: the time up to the last line counts */
	cr_expect_str_eq(vanished.text,
	    "34.82.10.1: nowhere, 1 move, nowhere longest 900 ms, total 910 ms\n"
	    "34.82.10.2: never attached, 0 moves, nowhere longest 0 ms, total 0 ms\n"
	    "0 violations\n");
	free(moves.text);
	free(vanished.text);
}

Test(judge, log_that_is_not_there_is_unreadable)
{
	struct verdict verdict = judge_log(TESTS_JUDGE_DIR "/no-such.log");

	cr_expect_eq(verdict.code, 2);
	cr_expect_str_empty(verdict.text);
	free(verdict.text);
}

Test(judge, verdict_goes_to_standard_output)
{
	char text[512] = "";
	int ends[2], status;
	pid_t child;

	cr_assert_eq(pipe(ends), 0);
	child = fork();
	cr_assert_geq(child, 0);
	if (child == 0) {
		int code;

		dup2(ends[1], STDOUT_FILENO);
		code = sim_judge(TESTS_JUDGE_DIR "/bad.changed-foreign.attach.log");
		fflush(stdout);
		_exit(code);
	}
	close(ends[1]);
	cr_assert_gt(read(ends[0], text, sizeof text - 1), 0);
	close(ends[0]);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	cr_expect_not_null(strstr(text, "\n1 violations\n"), "%s", text);
}

/* --- the log's format --------------------------------------------------------------
 */

static struct sim_fact
full_fact(enum sim_fact_kind kind)
{
	return (struct sim_fact){.kind = kind,
	    .ours = true,
	    .ephemeral = true,
	    .format = SIM_JOURNAL_FORMAT,
	    .zone = "us-west1-a",
	    .instance = "node-1",
	    .id = "18446744073709551615",
	    .region = "us-west1",
	    .name = "static-1",
	    .address = "255.255.255.255",
	    .access_config = "a \"name\" with \\ and \x01",
	    .user = "forwardingRules/lb-1",
	    .by = "api",
	    .call = "instances.addAccessConfig",
	    .code = "IP_IN_USE_BY_ANOTHER_RESOURCE",
	    .operation = "operation-1",
	    .request_id = "6f1c0c1e-0000-4000-8000-000000000001"};
}

static void
expect_same_texts(const struct sim_fact *got, const struct sim_fact *want)
{
#define EXPECT_TEXT(member, size)                                                      \
	if (got->member[0] != '\0')                                                    \
		cr_expect_str_eq(got->member, want->member);
	SIM_FACT_TEXTS(EXPECT_TEXT)
#undef EXPECT_TEXT
}

Test(journal, every_kind_of_fact_survives_the_round_trip)
{
	char path[] = "/tmp/test_sim_judge.XXXXXX";
	int fd = mkstemp(path);
	struct sim_journal *journal;
	char line[SIM_JOURNAL_LINE_MAX];
	int64_t last_ms = 0;
	FILE *log;

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, "an earlier world\n", 17), 17);
	close(fd);
	journal = sim_journal_open(path);
	cr_assert_not_null(journal);
	for (int kind = SIM_FACT_INSTANCE; kind < SIM_FACT_KINDS; kind++) {
		struct sim_fact fact = full_fact((enum sim_fact_kind)kind);

		sim_journal_write(journal, &fact);
	}
	sim_journal_close(journal);
	log = fopen(path, "r");
	cr_assert_not_null(log);
	for (int kind = SIM_FACT_START; kind < SIM_FACT_KINDS; kind++) {
		struct sim_fact want = full_fact((enum sim_fact_kind)kind), got;

		cr_assert_not_null(fgets(line, sizeof line, log));
		cr_assert_eq(
		    sim_journal_parse(line, strcspn(line, "\n"), &got), 0, "%s", line);
		cr_expect_eq(got.kind, want.kind);
		cr_expect_eq(got.seq, (uint64_t)kind + 1);
		cr_expect_geq(got.ms, last_ms);
		last_ms = got.ms;
		expect_same_texts(&got, &want);
	}
	cr_expect_null(fgets(line, sizeof line, log));
	fclose(log);
	unlink(path);
}

Test(journal, longest_fact_fits_into_a_line)
{
	char path[] = "/tmp/test_sim_judge.XXXXXX";
	int fd = mkstemp(path);
	struct sim_journal *journal;
	struct sim_fact fact = {.kind = SIM_FACT_REFUSE, .by = "api"}, got;
	char line[SIM_JOURNAL_LINE_MAX];
	FILE *log;

	cr_assert_geq(fd, 0);
	close(fd);
	/* a control character takes six bytes */
#define FILL(member, size)                                                             \
	if (strcmp(#member, "by") != 0)                                                \
		memset(fact.member, '\x1f', (size)-1);
	SIM_FACT_TEXTS(FILL)
#undef FILL
	journal = sim_journal_open(path);
	cr_assert_not_null(journal);
	sim_journal_write(journal, &fact);
	sim_journal_close(journal);
	log = fopen(path, "r");
	cr_assert_not_null(log);
	cr_assert_not_null(fgets(line, sizeof line, log));
	cr_assert_not_null(fgets(line, sizeof line, log));
	cr_expect_eq(line[strlen(line) - 1], '\n');
	cr_assert_eq(sim_journal_parse(line, strlen(line) - 1, &got), 0);
	expect_same_texts(&got, &fact);
	cr_expect_str_eq(got.access_config, fact.access_config);
	cr_expect_str_eq(got.operation, fact.operation);
	cr_expect_str_eq(got.request_id, fact.request_id);
	fclose(log);
	unlink(path);
}

Test(journal, bytes_beyond_ascii_do_not_spoil_the_log)
{
	char path[] = "/tmp/test_sim_judge.XXXXXX";
	int fd = mkstemp(path);
	struct sim_journal *journal;
	struct sim_fact fact = full_fact(SIM_FACT_REFUSE), got;
	char line[SIM_JOURNAL_LINE_MAX];
	FILE *log;

	cr_assert_geq(fd, 0);
	close(fd);
	memset(fact.instance, 0xff, sizeof fact.instance - 1);
	journal = sim_journal_open(path);
	cr_assert_not_null(journal);
	sim_journal_write(journal, &fact);
	sim_journal_close(journal);
	log = fopen(path, "r");
	cr_assert_not_null(log);
	cr_assert_not_null(fgets(line, sizeof line, log));
	cr_assert_not_null(fgets(line, sizeof line, log));
	cr_assert_eq(sim_journal_parse(line, strlen(line) - 1, &got), 0, "%s", line);
	cr_expect_eq(strspn(got.instance, "?"), sizeof fact.instance - 1);
	fclose(log);
	unlink(path);
}

Test(journal, path_that_cannot_be_opened_is_refused)
{
	cr_expect_null(sim_journal_open("/tmp/no-such-directory.x/log"));
	sim_journal_close(NULL);
	sim_journal_write(NULL, &(struct sim_fact){.kind = SIM_FACT_START});
}

Test(journal, refused_line_leaves_the_fact_alone)
{
	static const char beyond_u64[] = "{\"seq\":99999999999999999999,\"ms\":1,"
					 "\"fact\":\"start\",\"format\":\"1\"}";
	static const char *const lines[] = {"", "{}", "[]", "null",
	    "{\"seq\":1,\"ms\":1,\"fact\":\"start\",\"format\":\"1\"}x",
	    "{\"seq\":0,\"ms\":1,\"fact\":\"start\",\"format\":\"1\"}",
	    "{\"seq\":1,\"ms\":-1,\"fact\":\"start\",\"format\":\"1\"}",
	    "{\"seq\":1,\"ms\":1,\"fact\":\"start\",\"format\":\"\"}",
	    "{\"seq\":1,\"ms\":1,\"fact\":\"start\",\"format\":\"1\\u0000\"}",
	    "{\"seq\":1,\"ms\":1,\"fact\":\"start\",\"format\":{\"a\":{\"b\":[]}}}",
	    "{\"seq\":1e30,\"ms\":1,\"fact\":\"start\",\"format\":\"1\"}", beyond_u64};
	static const char start[] =
	    "{\"seq\":1,\"ms\":1,\"fact\":\"start\",\"format\":\"1\"}";
	struct sim_fact fact = {.seq = 77};

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		cr_expect_eq(sim_journal_parse(lines[i], strlen(lines[i]), &fact),
		    -EINVAL, "%s", lines[i]);
	cr_expect_eq(sim_journal_parse(start, strlen(start) - 1, &fact), -EINVAL);
	cr_expect_eq(fact.seq, 77u);
	cr_expect_eq(sim_journal_parse(start, strlen(start), &fact), 0);
	cr_expect_eq(fact.seq, 1u);
}
