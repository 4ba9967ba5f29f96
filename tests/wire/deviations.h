/* The file `deviations`: where the simulated API server may differ, and why. Each line
 * is a name, a blank and a reason; one that begins with # is none. */
#ifndef IPW_WIRE_DEVIATIONS_H
#define IPW_WIRE_DEVIATIONS_H

#include <stdbool.h>
#include <stddef.h>

#define DEVIATION_NAME_SIZE 64u
#define DEVIATIONS_MAX	    64u

struct deviations {
	struct deviation {
		char name[DEVIATION_NAME_SIZE];
		bool used;
	} list[DEVIATIONS_MAX];
	size_t len;
};

/* Those whose name begins with "kubectl:", or those of recordings (prefix ""). A line
 * without a reason and a second one of the same name fail the test. */
void deviations_read(struct deviations *deviations, const char *prefix);
bool deviations_have(const struct deviations *deviations, const char *name);
/* Something differs because of it; a name that is not listed fails the test. */
void deviations_use(struct deviations *deviations, const char *name);
/* How many have been used. */
size_t deviations_used(const struct deviations *deviations);

#endif
