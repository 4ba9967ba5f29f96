/* test_tables [--propose|-x] [FILE…]: the tables of plan.c; without a file all of them.
 * -x: ends with the first file that fails. */
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "tables.h"

static unsigned
run_file(const char *path, bool propose)
{
	struct tables *tables = mem_calloc(1, sizeof *tables);
	unsigned failed;

	tables_read(tables, path);
	if (tables->factors_len > 0)
		pairs_check(tables, propose);
	failed = tables->failed;
	printf("%s - %s: %u worlds\n", failed == 0 ? "ok" : "not ok", path,
	    tables->scenes);
	tables_free(tables);
	return failed;
}

int
main(int argc, char **argv)
{
	bool propose = argc > 1 && strcmp(argv[1], "--propose") == 0;
	bool hasty = argc > 1 && strcmp(argv[1], "-x") == 0;
	int first = propose || hasty ? 2 : 1;
	unsigned failed = 0;
	glob_t found;

	for (int i = first; i < argc; i++)
		failed += run_file(argv[i], propose);
	if (argc > first)
		return failed > 0;
	if (glob(TESTS_PLAN_TABLES "/*.table", 0, NULL, &found) != 0) {
		printf("no table in " TESTS_PLAN_TABLES "\n");
		return 1;
	}
	for (size_t i = 0; i < found.gl_pathc && (failed == 0 || !hasty); i++)
		failed += run_file(found.gl_pathv[i], propose);
	globfree(&found);
	return failed > 0;
}
