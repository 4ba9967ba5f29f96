/* How `ipwardenctl pods` shows an inventory. docs/ipwardenctl.1 has the forms. */
#ifndef IPW_CTL_PODS_PRINT_H
#define IPW_CTL_PODS_PRINT_H

#include <stdint.h>
#include <stdio.h>

#include "inventory.h"

void pods_print_table(
    const struct inventory *inventory, bool wide, int64_t now_ms, FILE *out);
void pods_print_names(const struct inventory *inventory, FILE *out);
/* `refused`: slices that could not be read, so that nothing is complete. */
void pods_print_json(
    const struct inventory *inventory, uint64_t refused, int64_t now_ms, FILE *out);

#endif
