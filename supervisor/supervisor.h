/* The supervisor: starts, wires, feeds, watches, restarts and stops the other
 * processes. It parses nothing that comes from outside the machine, has no thread and
 * takes no memory after the start. One struct holds all it knows. */
#ifndef IPW_SUPERVISOR_H
#define IPW_SUPERVISOR_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "bounds.h"
#include "clock.h"
#include "control.h"
#include "options.h"
#include "rate.h"
#include "roles.h"

/* Links that one process can have. */
#define LINK_SLOTS 3

enum child_state {
	CHILD_DOWN,	/* not running; spawned again at `due` */
	CHILD_STARTING, /* spawned; not locked yet */
	CHILD_FED,	/* locked and checked; settings and files given */
	CHILD_READY,
	CHILD_STATE_COUNT
};

struct child {
	enum child_state state;
	pid_t pid;	/* 0 when down */
	int control_fd; /* our ends; -1 when down */
	int log_fd;
	int link_fds[LINK_SLOTS];
	struct mono_time since; /* of the present state */
	struct mono_time due;	/* CHILD_DOWN: when to spawn */
	struct mono_time ticked;
	int64_t backoff_ms;
	bool spawned_before;
	bool wedged;
	bool ended;    /* killed by us; not reaped yet */
	bool offended; /* this life ended, or is to end, by its own misdeed */
	bool suspect;  /* an earlier one did: good behaviour takes longer to count */
	struct rate control_rate; /* records that it sent */
	struct rate log_rate;	  /* bytes of its log lines */
	struct rate blame_rate;	  /* ends of its life on a peer's word */
	unsigned long lines_lost;
	struct mono_time lines_told;
	uint32_t layers;
	enum restart_reason reason; /* why we ended it; when `ended` */
	uint32_t restarts[RESTART_REASON_COUNT];
	unsigned int restarts_len;			  /* of all reasons */
	struct mono_time restarted[CONTROL_RESTARTS_MAX]; /* the latest, in turn */
	struct wall_time began;				  /* this life */
	uint32_t violations;
	char line[LOG_LINE_MAX]; /* a log line in the making */
	size_t line_len;
	bool line_cut;
};

/* One file handed to workers: a path that is opened again when it changes, or a sealed
 * memfd, from ipwarden-config or of a minted token. */
struct credential {
	char path[PATH_MAX]; /* "" = none or memfd */
	int memfd;	     /* -1 = none */
	dev_t device;	     /* of what was last opened */
	ino_t inode;
	struct timespec modified;
	off_t size;
};

/* Who a worker is towards the outside: settings and files that belong together. */
enum identity_id {
	IDENTITY_RECONCILER,
	IDENTITY_WATCHER,
	IDENTITY_CLOUD,
	IDENTITY_DNS,
	IDENTITY_COUNT,
	IDENTITY_NONE = IDENTITY_COUNT
};

struct identity {
	struct settings settings; /* kube-host, kube-port, kube-tls-name */
	struct credential files[FILE_COUNT];
};

/* Where the watcher's identity comes from. */
enum watcher_source {
	WATCHER_GIVEN,	 /* --watcher-kubeconfig */
	WATCHER_AWAITED, /* a token of its own is being minted: it is not started */
	WATCHER_MINTED,
	WATCHER_SHARED, /* refused a token: the reconciler's credentials */
};

enum pair_end { PAIR_CLIENT, PAIR_SERVER };

struct supervisor {
	struct options options;
	char libexec_dir[PATH_MAX];
	struct child children[ROLE_COUNT];
	struct identity identities[IDENTITY_COUNT];
	enum watcher_source watcher_source;
	/* Both ends stay open here, so that either process can be started anew and goes
	 * on where the one before stopped. Index: the client's role. */
	int dial_pairs[ROLE_COUNT][2];	    /* worker ↔ its dialer */
	int resolve_pairs[ROLE_COUNT][2];   /* dialer ↔ resolver */
	struct rate join_rates[LINK_COUNT]; /* relinks that were asked for */
	bool processes_owed;		    /* metricsd's control descriptor was full */
	int listen_metrics, listen_health;
	int null_fd;
	int signal_fd;
	bool network_meant, network_left; /* CAP_SYS_ADMIN was given; and it works */
	bool stopping;
	unsigned int stop_phase;
	struct mono_time stop_deadline;
	struct mono_time files_checked;
	struct mono_time processes_fed; /* to metricsd, all of them */
	struct wall_time began;
	int exit_code;
};

/* --- roles.c: the table ----------------------------------------------------------- */

struct role_spec {
	const char *name;
	const char *program;
	enum role dialer; /* ROLE_COUNT: has none */
	enum identity_id identity;
	uint64_t settings;	 /* bit (1 << enum setting): handed over */
	uint32_t files;		 /* bit (1 << enum file_kind) */
	unsigned int stop_phase; /* the edge first, the owner of state late */
	bool network;		 /* it makes sockets */
	bool cloud;		 /* a node's agent has none */
};

extern const struct role_spec role_specs[ROLE_COUNT];
/* Whether it is to be started at all. */
bool role_runs(const struct supervisor *sup, enum role role);
#define STOP_PHASES 4

/* --- children.c: state × event ------------------------------------------------------
 */

enum child_event {
	EVENT_DUE, /* time to spawn */
	EVENT_LOCKED,
	EVENT_READY,
	EVENT_EXITED,
	EVENT_LATE, /* not ready in time, or wedged */
	CHILD_EVENT_COUNT
};

void children_start(struct supervisor *sup);
void child_event(struct supervisor *sup, enum role role, enum child_event event);
/* One record from its control descriptor, or its end. */
void child_control(struct supervisor *sup, enum role role);
/* Reaps whoever has ended. */
void children_reap(struct supervisor *sup);
/* Spawns who is due, ends who is late. Returns milliseconds until the next look. */
int children_timers(struct supervisor *sup);
/* Orderly stop: begins, or goes on. True when nobody is left. */
bool children_stop(struct supervisor *sup);
/* Whether it has been started anew too often of late. */
bool child_is_spent(const struct child *child);
/* SIGKILL, and reap on its SIGCHLD. Nothing that it sent before is heard any more. */
void child_kill(struct supervisor *sup, enum role role, enum restart_reason reason,
    const char *why);
/* The same for a misdeed of its own: it waits longer to be started again. */
void child_punish(struct supervisor *sup, enum role role, const char *why);

/* --- spawn.c ------------------------------------------------------------------------
 */

/* Makes the descriptors, forks, executes. 0 or a negative errno. */
int spawn_child(struct supervisor *sup, enum role role);
/* `fds` is FD_FIXED_END numbers, -1 = /dev/null; `role` is ROLE_COUNT for config.
 * Returns the pid or a negative errno. */
pid_t spawn_program(
    const struct supervisor *sup, enum role role, const char *program, const int *fds);
/* Limits what may wait unread of what is sent on this end. A descriptor on its way
 * counts against all processes of its user (unix(7), ETOOMANYREFS), so who does not
 * read must not be able to keep many. */
void spawn_shorten_queue(int fd);

/* --- separate.c ---------------------------------------------------------------------
 * SEPARATE_UIDS: each process has a uid and a gid of its own, no other group, nothing
 * in the bounding set, an empty folder as its root, and where CAP_SYS_ADMIN was given
 * and it needs none an empty network namespace.
 */

/* Tries it out, when it was asked for; ends the process with EXIT_CONFIG and says what
 * is missing when it cannot be had. After filter_enter. */
void separate_prepare(struct supervisor *sup);
/* In the child, between fork and exec; the program makes the folder its root itself, as
 * the loader needs the present one. A failure is logged and ends the child. */
void separate_enter(const struct supervisor *sup, enum role role);
/* Its uid and gid. */
uid_t separate_id(enum role role);
/* Those of SANDBOX_SEPARATE that were asked for, and those that it has once it is
 * verified. */
uint32_t separate_layers_wanted(const struct supervisor *sup, enum role role);
uint32_t separate_layers(const struct supervisor *sup, enum role role);

/* --- links.c ------------------------------------------------------------------------
 */

/* Connects each link of `role` whose other end is ready too. */
void links_join(struct supervisor *sup, enum role role);
/* Connects one link again. */
void links_relink(struct supervisor *sup, enum role role, unsigned int slot);
void links_violation(struct supervisor *sup, enum role reporter, unsigned int slot);

/* --- feed.c -------------------------------------------------------------------------
 */

/* Settings, files, START. 0 or a negative errno. */
int feed_child(struct supervisor *sup, enum role role);
/* Tells metricsd of one process, or of all when role is ROLE_COUNT. */
void feed_process(struct supervisor *sup, enum role role);
/* Tells metricsd again what it could not take, and of all every CONTROL_PROCESS_MS. */
void feed_metrics(struct supervisor *sup);
/* Opens the file to be read. -1 when it has none, or when it cannot be opened as a
 * regular file, which is logged. */
int credential_open(struct credential *credential);
/* Hands over files that have changed on disk. */
void feed_rotated(struct supervisor *sup);
/* Hands one file over again to whoever has it. */
void feed_again(struct supervisor *sup, enum identity_id id, enum file_kind kind);

/* --- token.c ------------------------------------------------------------------------
 */

/* The reconciler's word about the watcher's token: kept as a sealed memfd and handed
 * over; or refused, and the watcher shares credentials where that is allowed. */
void token_take(struct supervisor *sup, const struct control_record *record);

/* --- identities.c, kubeconfig.c -----------------------------------------------------
 */

/* Finds credentials: kubeconfigs through ipwarden-config, or the pod's mount. Ends the
 * process with EXIT_CONFIG when there are none. */
void identities_load(struct supervisor *sup);
int kubeconfig_load(
    struct supervisor *sup, const char *path, struct identity *identity);

/* --- forward.c, usage.c, verify.c, listen.c, filter.c --------------------------------
 */

/* What a process uses, from /proc; what the kernel does not say stays 0. */
void usage_read(pid_t pid, struct wall_time began, struct control_usage *ret_usage);

/* Reads what there is on the log pipe and forwards whole lines. False at its end. */
bool forward_log(struct child *child, const char *name);
/* Says how many lines were lost, if any and not said a moment ago. */
void forward_tell_lost(struct child *child, const char *name);
/* Counts the supervisor's own filters, which its children inherit. After filter_enter.
 */
void verify_prepare(void);
/* Reads back from /proc that each thread of `pid` is confined, by a filter of its own,
 * and separate from the others where that was asked for. False and a log line when one
 * is not. `role` is ROLE_COUNT for config. */
bool verify_confined(const struct supervisor *sup, enum role role, pid_t pid);
/* A listening TCP socket on all addresses; ends the process with EXIT_CONFIG when the
 * port cannot be had. */
int listen_open(const char *name, uint16_t port);
/* The supervisor's own limits, capabilities and filter; with `separate` it keeps what
 * separate.c needs. */
void filter_enter(bool separate);

#endif
