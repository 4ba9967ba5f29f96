/* A chained audit stream, whole and tampered with. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "chain.h"
#include "verify.h"

#define LINES 5

static char *lines[LINES + 1];
static char *said;

/* One run of LINES lines. */
static void
write_run(void)
{
	struct chain chain;

	chain_begin(&chain);
	for (int i = 0; i < LINES; i++) {
		struct buf line;

		buf_init(&line, 4096);
		buf_printf(
		    &line, "{\"time\":\"t%d\",\"what\":\"attach\",\"n\":%d", i, i);
		cr_assert_eq(chain_finish(&chain, &line, 0), 0);
		cr_assert_eq(line.data[line.len - 1], '\n');
		line.data[line.len - 1] = '\0';
		lines[i] = line.data;
	}
}

static void
forget_run(void)
{
	for (int i = 0; i < LINES; i++)
		free(lines[i]);
	free(said);
	said = NULL;
}

TestSuite(verify, .init = write_run, .fini = forget_run);

/* Faults in these lines, ended by NULL; what was told is in `said`. */
static unsigned long
faults_in(char *const *list)
{
	size_t size;
	FILE *out = open_memstream(&said, &size);
	struct verify *verify = verify_new(out);
	unsigned long faults;

	for (; *list != NULL; list++)
		verify_line(verify, *list, strlen(*list));
	faults = verify_end(verify);
	verify_free(verify);
	fclose(out);
	return faults;
}

static void
check_said(const char *text)
{
	cr_assert_neq(strstr(said, text), NULL, "%s", said);
}

Test(verify, a_whole_stream_is_sound)
{
	cr_assert_eq(faults_in(lines), 0);
	check_said(": 5 lines, t0 to t4, ends with seq 4, chain ");
	check_said("5 lines, 1 runs, 0 faults\n");
}

/* Whatever byte of whatever line. */
Test(verify, an_altered_byte_is_found)
{
	for (int i = 0; i < LINES; i++)
		for (char *at = lines[i]; *at != '\0'; at++) {
			*at ^= 1;
			cr_assert_gt(faults_in(lines), 0, "line %d: %s", i, lines[i]);
			*at ^= 1;
			free(said);
		}
	said = NULL;
}

Test(verify, a_removed_line_is_found)
{
	char *list[] = {lines[0], lines[1], lines[3], lines[4], NULL};

	cr_assert_eq(faults_in(list), 1);
	check_said("line 3: run ");
	check_said("seq 3 where 2 was due: 1 removed or moved");
}

Test(verify, a_moved_line_is_found)
{
	char *list[] = {lines[0], lines[2], lines[1], lines[3], lines[4], NULL};

	cr_assert_gt(faults_in(list), 0);
	check_said("seq 1 where 3 was due: repeated or moved");
}

Test(verify, a_missing_head_is_found)
{
	cr_assert_eq(faults_in(lines + 2), 1);
	check_said("begins with seq 2: what was before is missing");
}

/* The papers say so: only who noted the last chain elsewhere can tell. */
Test(verify, a_cut_tail_is_not_found)
{
	char *list[] = {lines[0], lines[1], NULL};

	cr_assert_eq(faults_in(list), 0);
	check_said("ends with seq 1");
}

Test(verify, foreign_lines_are_told)
{
	char empty[] = "", braces[] = "{}", more[] = "{\"time\":\"t\"} ",
	     null[] = "null";
	char *list[] = {lines[0], empty, braces, more, null, lines[1], NULL};
	cr_assert_eq(faults_in(list), 4);
	check_said("line 2: not a line of the audit stream");
}

Test(verify, runs_may_be_mixed)
{
	char *first[LINES];
	char *list[2 * LINES + 1] = {NULL};

	memcpy(first, lines, sizeof first);
	write_run();
	for (int i = 0; i < LINES; i++) {
		list[2 * i] = first[i];
		list[2 * i + 1] = lines[i];
	}
	cr_assert_eq(faults_in(list), 0);
	check_said("10 lines, 2 runs, 0 faults\n");
	for (int i = 0; i < LINES; i++)
		free(first[i]);
}
