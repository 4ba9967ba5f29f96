/* `ipwardenctl who`: where a public address is or was, and who was behind it. */
#ifndef IPW_CTL_WHO_H
#define IPW_CTL_WHO_H

/* Exit status: something of the answer is not known. */
#define WHO_NOT_KNOWN 3

/* `argv` begins at the first word and ends with NULL. Returns the exit status. */
int who_run(const char *const *argv);

#endif
