/* How `ipwardenctl pods` shows an inventory. docs/ipwardenctl.1 has the forms. */
#ifndef IPW_CTL_PODS_PRINT_H
#define IPW_CTL_PODS_PRINT_H

#include <stdint.h>
#include <stdio.h>

#include "inventory.h"
#include "kubelets.h"
#include "leads.h"

void pods_print_table(
    const struct inventory *inventory, bool wide, int64_t now_ms, FILE *out);
void pods_print_names(const struct inventory *inventory, FILE *out);
struct pods_sources {
	uint64_t refused; /* slices that could not be read */
	enum leads leads;
	const struct kubelets *kubelets;
};

/* Complete is what has no slices that could not be read and no problem, no silent
 * kubelet, and an ipwarden that leads where there are slices that no agent writes. */
void pods_print_json(const struct inventory *inventory,
    const struct pods_sources *sources, int64_t now_ms, FILE *out);

#endif
