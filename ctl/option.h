/* The options of a command, read as Go's package flag reads them, so that those of Pod
 * Ashiato work as they did: "-x" and "--x" alike, a value after "=" or as the next
 * word, a switch's value only after "=". */
#ifndef IPW_CTL_OPTION_H
#define IPW_CTL_OPTION_H

#include <stddef.h>
#include <stdint.h>

/* What the member is: const char *, bool, int64_t (milliseconds), int64_t. */
enum option_kind { OPTION_TEXT, OPTION_SWITCH, OPTION_DURATION, OPTION_NUMBER };

struct option {
	const char *name;
	enum option_kind kind;
	size_t offset; /* of the member in the command's struct */
	const char *help;
};

struct option_set {
	const char *usage; /* what stands above the options */
	const struct option *options;
	size_t count;
};

/* Largest OPTION_NUMBER. */
#define OPTION_NUMBER_MAX (1024 * 1024)

/* Sets the members of `to`. Stands at the first word that is no option, or at the NULL
 * at the end. Returns 0; 1 when help was asked for; -EINVAL (said on standard error).
 * Texts are borrowed of the words. */
int option_read(const struct option_set *set, const char *const **argv, void *to);
void option_usage(const struct option_set *set);

/* "ipwardenctl: WHAT: WORD" and the usage, on standard error. Returns -EINVAL. */
int option_refuse(const struct option_set *set, const char *what, const char *word);

#endif
