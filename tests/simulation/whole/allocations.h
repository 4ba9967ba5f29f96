/* The NetIPAllocations of Deployment sip, and their CustomResourceDefinition. */
#ifndef IPW_ALLOCATIONS_H
#define IPW_ALLOCATIONS_H

#include <stddef.h>

#define ALLOCATIONS_MAX 2u

void allocations_define(void);
void allocations_make(size_t which);
void allocations_patch(size_t which, const char *patch);
/* Deleted, or made. */
void allocations_flip(size_t which);
/* The definition is deleted, and with it all of them. */
void allocations_drop_definition(void);
/* As they should be, but what is being deleted: to be called until that is gone. */
void allocations_mend(void);
/* What is being deleted is to go whether its addresses are in use or not. */
void allocations_hurry(void);

#endif
