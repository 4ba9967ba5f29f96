/* The options of `ipwardenctl footprint`; the first word that is none ends them, as Pod
 * Ashiato has it. */
#ifndef IPW_CTL_FLAGS_H
#define IPW_CTL_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

struct flags {
	const char *kubeconfig; /* NULL: not given */
	const char *namespace;	/* "": all */
	const char *name;	/* prefix */
	const char *label;
	const char *cm_namespace;
	int64_t interval_ms;
	int64_t retention_ms;
	int64_t total_mib;
	bool oneshot, store_in_cm, events, utc;
};

/* Returns 0; 1 when help was asked for; -EINVAL (said on standard error). `argv` begins
 * at the first option, ends with NULL, and lives as long as *ret_flags. */
int flags_read(const char *const *argv, struct flags *ret_flags);
void flags_usage(void);

#endif
