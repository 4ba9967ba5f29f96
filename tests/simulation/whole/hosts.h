/* Machines, each with one replica: three processes, two links, three clocks. The
 * programs above are the production ones down to their shells; this, wires.c, server.c,
 * watches.c and provider.c stand in for the libraries below them (base/loop,
 * proto/link, kube, gcp), so that their seams are the libraries' own headers. */
#ifndef IPW_HOSTS_H
#define IPW_HOSTS_H

#include <sys/queue.h>

#include "clock.h"
#include "link.h"
#include "loop.h"
#include "program.h"
#include "stage.h"

#define HOSTS_MAX 3u

struct host;
struct wire;

/* A process. base/loop.h has no more of it than its name. */
struct loop {
	const struct program *program;
	struct host *host;
	char who[32];
	void *state;   /* of the program, while it runs; else NULL */
	unsigned life; /* counts its starts: what an earlier life asked for is void */
	bool dying; /* it gets to the end of its callback, and nothing it does counts */
	bool stopped; /* it has ended itself */
	LIST_HEAD(, loop_timer) timers;
	LIST_HEAD(, link) links;
};

struct host {
	char name[32]; /* of the replica's pod */
	struct loop processes[PROGRAM_COUNT];
	struct wire *wires[LINK_COUNT];
	bool down; /* it starts nothing anew */
	int64_t suspended_until_ms;
	/* clocks: their speed, what the suspended time took off, where they began */
	int64_t ppm;
	int64_t stood_still_ms;
	int64_t mono_ms, boot_ms, wall_ms;
	bool no_server; /* the API server cannot be reached */
	bool no_cloud;
};

/* Chances in a thousand, per effect, frame, call. */
struct hosts_faults {
	unsigned crash;
	unsigned frame_lost, frame_twice, frame_late;
};

struct hosts {
	struct host all[HOSTS_MAX];
	size_t len;
	struct loop *current;	 /* whose code is running */
	int64_t epoch_ms;	 /* wall time at true time 0 */
	int64_t epoch_before_ms; /* the same until hours passed */
	struct hosts_faults faults;
	unsigned long crashes, frames;
};
extern struct hosts hosts;

void hosts_open(size_t count);
void hosts_close(void);
/* An hour of wall time, perhaps the last one of a day, ends so much later. */
void hosts_turn_hour(int64_t in_ms);
/* So many hours of wall time pass at once. */
void hosts_pass_hours(int64_t hours);
/* Starts what is not running. */
void host_start(struct host *host);
/* kill -9 of one process, or of all and then not again until host_start. */
void process_kill(struct loop *process);
void host_kill(struct host *host);
/* As a rolling update: the replica gives its lease away and ends. */
void host_stop(struct host *host);
void host_suspend(struct host *host, int64_t ms);
/* Its wall clock is set, a little ahead or back: across an hour, it may be. */
void host_set_clock(struct host *host);
bool host_is_suspended(const struct host *host);
/* Every process runs. */
bool host_is_up(const struct host *host);
/* What its clock shows. */
struct wall_time hosts_wall(const struct host *host);

/* Around all code of a process; after leave it may be dead. Enter: false when it is. */
bool process_enter(struct loop *process, unsigned life);
void process_leave(struct loop *process);
/* An effect of the process that is running is about to happen. True: it is lost,
 * because the process dies before it. */
bool process_effect(void);

/* --- wires.c ---------------------------------------------------------------------- */

/* An end has closed. */
void wires_closed(struct link *link);
void wires_free(struct host *host);
/* The host's links, told down by a new pair of descriptors. */
void wires_cut(struct host *host, enum link_id id);

#endif
