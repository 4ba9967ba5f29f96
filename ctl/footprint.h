/* `ipwardenctl footprint`: Pod Ashiato's job. */
#ifndef IPW_CTL_FOOTPRINT_H
#define IPW_CTL_FOOTPRINT_H

/* `argv` begins at the first option and ends with NULL. Returns the exit status. */
int footprint_run(const char *const *argv);

#endif
