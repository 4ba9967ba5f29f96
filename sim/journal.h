/* The log of attachments: what was true of the simulated cloud, one fact a line, in the
 * order in which it became true. It is what `ipwarden-sim check` judges.
 *
 * A log belongs to one world: opening replaces an earlier one at that path, and from
 * then on lines are only appended, each by one write(2). A line is a flat JSON object:
 *
 *   {"seq":7,"ms":81234,"fact":"attach","zone":"us-west1-a","instance":"node-1",…}
 *
 * seq   1 for the first line, one more with each line
 * ms    CLOCK_MONOTONIC in milliseconds when the fact became true
 * fact  one of
 *   start     the world begins; format
 *   instance  an instance exists; zone, instance, id, ours, ephemeral, and with an
 *             external address also address and access_config
 *   vanish    it is gone for good, and with it its access config; zone, instance, id
 *   stop, run it stands still (keeping its access config), it runs again; the same
 *   reserve   a static address exists; region, name, address
 *   free      it is reserved no more; the same
 *   hold      something that is no instance uses the address; address, user
 *   unhold    it does no more; the same
 *   attach    an access config took effect; zone, instance, id, address, access_config,
 *             ephemeral, by, and from the API also operation and request_id
 *   detach    it was taken away; the same
 *   refuse    a change was refused, at once or at the end of its operation; call, code,
 *             by, and what is known of zone, instance, id, address, access_config,
 *             operation, request_id
 *   noop      a delete that found nothing of that name; as refuse, without code
 *
 * `by` is "api" (a call of the compute API) or "control" (the control endpoint: a
 * foreign hand). `ephemeral`: the address is not a reserved one. `ours`: the instance
 * is a node of the cluster. Texts that are empty are left out, and
 * bytes beyond ASCII are written as "?". */
#ifndef IPW_SIM_JOURNAL_H
#define IPW_SIM_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim.h"

/* Longest line, newline included (bytes). Every fact fits, fully escaped. */
#define SIM_JOURNAL_LINE_MAX 8192u

/* The version of the format that `start` names. */
#define SIM_JOURNAL_FORMAT "1"

enum sim_fact_kind {
	SIM_FACT_START,
	SIM_FACT_INSTANCE,
	SIM_FACT_VANISH,
	SIM_FACT_STOP,
	SIM_FACT_RUN,
	SIM_FACT_RESERVE,
	SIM_FACT_FREE,
	SIM_FACT_HOLD,
	SIM_FACT_UNHOLD,
	SIM_FACT_ATTACH,
	SIM_FACT_DETACH,
	SIM_FACT_REFUSE,
	SIM_FACT_NOOP,
	SIM_FACT_KINDS, /* their number */
};

/* Each text of a fact: its member, which is also its key, and its size with the NUL. */
#define SIM_FACT_TEXTS(X)                                                              \
	X(format, 8)                                                                   \
	X(zone, 64)                                                                    \
	X(instance, 64)                                                                \
	X(id, 24)                                                                      \
	X(region, 64)                                                                  \
	X(name, 64)                                                                    \
	X(address, 16)                                                                 \
	X(access_config, 136)                                                          \
	X(user, 256)                                                                   \
	X(by, 8)                                                                       \
	X(call, 40)                                                                    \
	X(code, 64)                                                                    \
	X(operation, 64)                                                               \
	X(request_id, 40)

struct sim_fact {
	enum sim_fact_kind kind;
	uint64_t seq; /* given by sim_journal_write */
	int64_t ms;   /* likewise */
	bool ours;
	bool ephemeral;
#define SIM_FACT_MEMBER(member, size) char member[size];
	SIM_FACT_TEXTS(SIM_FACT_MEMBER)
#undef SIM_FACT_MEMBER
};

/* Appends a fact; its seq and ms are not read. A journal of NULL takes nothing. A line
 * that cannot be written is logged, and missed by the judge as a gap. */
void sim_journal_write(struct sim_journal *journal, const struct sim_fact *fact);

/* Reads one line (without its newline). Returns 0, or -EINVAL when it is not exactly a
 * fact as above: then `*ret_fact` is untouched. */
int sim_journal_parse(const char *line, size_t len, struct sim_fact *ret_fact);

/* As much of `from` as fits into `to`, always terminated. */
void sim_text_copy(char *to, size_t to_size, const char *from);

#endif
