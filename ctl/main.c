/* ipwardenctl: the user's command line. Has the user's rights and nothing of
 * ipwarden's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "exits.h"
#include "footprint.h"
#include "pods.h"
#include "verify.h"
#include "who.h"

static const char help[] =
    "Usage: ipwardenctl audit verify FILE...\n"
    "       ipwardenctl footprint [OPTION]...\n"
    "       ipwardenctl pods [OPTION]...\n"
    "       ipwardenctl who ADDRESS|node/NAME|pod/NAMESPACE/NAME [OPTION]...\n"
    "\n"
    "audit verify: follows the hash chains of ipwarden's audit stream (its standard\n"
    "output) through FILEs in their order; \"-\" is standard input. Ends with 0 when "
    "no\n"
    "line was removed, altered or moved, with 1 when one was, with 2 when a file "
    "cannot\n"
    "be read. What a chain cannot show: see ipwardenctl(1).\n"
    "\n"
    "footprint: which pod is on which node, as Pod Ashiato writes it: lines of JSON, "
    "and\n"
    "a ConfigMap an hour. footprint --help has its options; they are those of Pod "
    "Ashiato\n"
    "when the program is called by the name pod-ashiato.\n"
    "\n"
    "pods: the pods and their addresses, of all nodes or one, from the slices that a\n"
    "PodTracker makes ipwarden write. pods --help has its options.\n"
    "\n"
    "who: who is behind a public address, or was at a time. who --help has its "
    "options.\n"
    "\n"
    "  --help, --version\n";

static int
bad_usage(const char *what, const char *word)
{
	fprintf(stderr, "ipwardenctl: %s%s%s (see ipwardenctl --help)\n", what,
	    word[0] != '\0' ? ": " : "", word);
	return EXIT_CONFIG;
}

static int
verify_file(struct verify *verify, const char *path)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int rc = 0;

	if (file == NULL)
		return -errno;
	while ((len = getline(&line, &size, file)) > 0) {
		if (line[len - 1] == '\n')
			len--;
		verify_line(verify, line, (size_t)len);
	}
	if (ferror(file))
		rc = -errno;
	free(line);
	if (file != stdin)
		fclose(file);
	return rc;
}

static int
audit_verify(int files, char **paths)
{
	struct verify *verify;
	int code = EXIT_SUCCESS;

	if (files == 0)
		return bad_usage("audit verify needs a file", "");
	verify = verify_new(stdout);
	for (int i = 0; i < files; i++) {
		int rc = verify_file(verify, paths[i]);

		if (rc == 0)
			continue;
		fprintf(stderr, "ipwardenctl: %s: %s\n", paths[i], strerror(-rc));
		code = EXIT_CONFIG;
	}
	if (verify_end(verify) > 0 && code == EXIT_SUCCESS)
		code = EXIT_FAILURE;
	verify_free(verify);
	return code;
}

int
main(int argc, char **argv)
{
	if (strcmp(basename(argv[0]), "pod-ashiato") == 0)
		return footprint_run((const char *const *)argv + 1);
	if (argc < 2)
		return bad_usage("a command is missing", "");
	if (strcmp(argv[1], "--help") == 0) {
		fputs(help, stdout);
		return EXIT_SUCCESS;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("ipwardenctl " PACKAGE_VERSION);
		return EXIT_SUCCESS;
	}
	if (strcmp(argv[1], "footprint") == 0)
		return footprint_run((const char *const *)argv + 2);
	if (strcmp(argv[1], "pods") == 0)
		return pods_run((const char *const *)argv + 2);
	if (strcmp(argv[1], "who") == 0)
		return who_run((const char *const *)argv + 2);
	if (strcmp(argv[1], "audit") != 0)
		return bad_usage("no such command", argv[1]);
	if (argc < 3 || strcmp(argv[2], "verify") != 0)
		return bad_usage("audit can", "verify");
	return audit_verify(argc - 3, argv + 3);
}
