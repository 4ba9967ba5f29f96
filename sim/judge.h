/* The judge's inside, for its tests: like sim_judge, but the verdict goes to `out`. */
#ifndef IPW_SIM_JUDGE_H
#define IPW_SIM_JUDGE_H

#include <stdio.h>

/* Replays the log at `log_path` (format: journal.h). Prints for each reserved address
 * where it ended, how often it moved, and how long it was nowhere after it had first
 * been somewhere; then each violation as "violation: line N: KIND: what"; then
 * "N violations". Returns 0 (none), 1 (some), or 2 when the log cannot be read; then
 * nothing goes to `out`, and standard error names the line.
 *
 * Kinds:
 *   sequence-gap           lines are missing
 *   sequence-backwards     a sequence number comes again or too late
 *   time-backwards         a line is older than the one before
 *   two-nodes              an address was put on an instance while on another
 *   taken-from-foreign     the API took an address or an access config from an instance
 *                          that is not ours
 *   taken-from-holder      the API took an address from what is no instance
 *   changed-foreign        the API gave an access config to an instance not ours
 *   foreign-access-config  the API removed from our instance an access config that it
 *                          had not made, that is not of the old controller's name, and
 *                          whose address is not ephemeral
 *   attach-to-vanished     the instance was gone
 *   inconsistent           what the line says cannot follow from the lines before */
int judge_run(const char *log_path, FILE *out);

#endif
