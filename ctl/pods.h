/* `ipwardenctl pods`: the pods and their addresses, as the PodTrackerSlices have them.
 */
#ifndef IPW_CTL_PODS_H
#define IPW_CTL_PODS_H

/* `argv` begins at the first option and ends with NULL. Returns the exit status. */
int pods_run(const char *const *argv);

#endif
