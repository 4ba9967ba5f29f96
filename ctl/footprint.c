#include "footprint.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "client.h"
#include "exits.h"
#include "flags.h"
#include "line.h"
#include "log.h"
#include "mem.h"
#include "store.h"
#include "track.h"

/* Asked to end, it stores what was seen since the last interval, for so long at most.
 */
#define LAST_WORDS_MS 5000

struct run {
	struct flags flags;
	struct loop *loop;
	struct client *client;
	struct kube_informer *informer;
	struct track *track;
	struct store *store; /* NULL: nothing is stored */
	struct loop_timer *tick, *end;
	struct mono_time due; /* of the next tick */
	struct moment since;  /* all pods are known, and what happens to them */
	struct buf line;
	sigset_t signals;
	int signal_fd;
	bool synced;  /* the pods are known, and */
	bool failing; /* what has happened since is, unless it is */
	bool tick_due;
	bool stopping;
	bool last_words; /* the last writing goes on */
	int code;
};

static void
stop(struct run *run, int code)
{
	run->code = code;
	loop_stop(run->loop);
}

/* --- standard output ----------------------------------------------------------------
 */

/* One write a line, so that lines of several programs on one pipe stay whole. Curl has
 * SIGPIPE ignored; who reads us no more is to end us as it ends others. */
static void
write_line(struct run *run)
{
	size_t done = 0;

	while (done < run->line.len) {
		ssize_t len =
		    write(STDOUT_FILENO, run->line.data + done, run->line.len - done);

		if (len >= 0) {
			done += (size_t)len;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EPIPE) {
			signal(SIGPIPE, SIG_DFL);
			raise(SIGPIPE);
		}
		log_error("output_failed", LOG_S("error", strerror(errno)));
		stop(run, EXIT_FAILURE);
		break;
	}
	buf_reset(&run->line);
}

static void
write_pod(void *arg, const struct footprint *print, struct moment seen)
{
	struct run *run = arg;

	if (!run->flags.events && run->code == EXIT_SUCCESS) {
		footprint_line(
		    print, run->flags.oneshot ? moment_now() : seen, &run->line);
		write_line(run);
	}
}

static void
on_event(void *arg, enum track_event event, const struct footprint *print,
    const char *was, struct moment now)
{
	static const char *const names[] = {
	    "created", "moved", "ip_changed", "deleted"};
	static const char *const keys[] = {NULL, "previous_node", "previous_ip", NULL};
	struct run *run = arg;

	if (!run->flags.events)
		return;
	footprint_event(print, now, names[event], keys[event], was, &run->line);
	write_line(run);
}

/* --- storing ------------------------------------------------------------------------
 */

static void
call_kube(void *arg, const struct kube_call *call, const struct store_change *change,
    kube_done_fn *done, void *done_arg)
{
	struct run *run = arg;

	(void)change; /* the API server's own audit log has it */
	kube_call(client_kube(run->client), call, done, done_arg);
}

static struct store *
make_store(struct run *run)
{
	struct store_options options = {
	    .namespace = run->flags.cm_namespace,
	    .retention_s = run->flags.retention_ms / 1000,
	    .bytes_max = run->flags.total_mib * 1024 * 1024,
	    .filter = watched_filter_of(
		run->flags.namespace, run->flags.name, run->flags.label),
	    .call = call_kube,
	    .arg = run,
	};

	return run->flags.store_in_cm ? store_new(&options) : NULL;
}

static void
note(struct run *run, const struct footprint *print, struct moment now)
{
	if (run->store != NULL)
		store_note(run->store, print->namespace, print->name, print->node, now);
}

static void
note_only(void *arg, const struct footprint *print, struct moment seen)
{
	note(arg, print, seen);
}

/* All pods have been noted: those that there were while the server was last heard. Who
 * looks once has not watched. */
static void
tell_watched(struct run *run, struct moment now)
{
	int64_t until_ms = now.seconds * 1000 + now.nanos / 1000000;

	if (run->store == NULL || run->informer == NULL)
		return;
	until_ms -= kube_informer_silent_ms(run->informer);
	store_watch(run->store, run->since,
	    (struct moment){until_ms / 1000, (int32_t)(until_ms % 1000) * 1000000});
}

static void on_stored(void *arg, bool failed);

static void
store_last(struct run *run)
{
	struct moment now = moment_now();

	if (run->synced && !run->failing) {
		track_walk(run->track, now, note_only, run);
		tell_watched(run, now);
	}
	/* where there is nothing to write it is over before it returns */
	run->last_words = true;
	run->last_words = store_write_last(run->store, now, on_stored, run);
}

static void
on_stored(void *arg, bool failed)
{
	struct run *run = arg;

	if (run->flags.oneshot)
		stop(run, failed ? EXIT_FAILURE : EXIT_SUCCESS);
	else if (run->last_words)
		stop(run, EXIT_SUCCESS);
	else if (run->stopping)
		store_last(run);
}

/* --- looking ------------------------------------------------------------------------
 */

static void
note_pod(void *arg, const struct footprint *print, struct moment seen)
{
	struct run *run = arg;

	note(run, print, seen);
	write_pod(run, print, seen);
}

static void
look(struct run *run)
{
	struct moment now = moment_now();
	size_t missed = track_missed(run->track);

	run->tick_due = false;
	if (missed > 0) {
		log_warn("footprints_missed", LOG_N("pods", missed));
		run->since = now;
	}
	if (track_walk(run->track, now, note_pod, run) == 0)
		log_info("footprint_no_pods", LOG_S("namespace", run->flags.namespace),
		    LOG_S("name", run->flags.name), LOG_S("label", run->flags.label));
	if (run->code != EXIT_SUCCESS)
		return;
	tell_watched(run, now);
	if (run->store != NULL && !run->stopping)
		store_write(run->store, now, on_stored, run);
	else if (run->flags.oneshot)
		stop(run, EXIT_SUCCESS);
}

/* While the watch fails, what is known is the past: a fresh list comes first. A server
 * that allows no watch is asked for one each time. */
static void
on_tick(void *arg)
{
	struct run *run = arg;
	int64_t now_ms = clock_mono().ms;

	while (run->due.ms <= now_ms)
		run->due.ms += run->flags.interval_ms;
	loop_timer_arm(run->tick, run->due.ms - now_ms);
	if (run->synced && !run->failing) {
		look(run);
		return;
	}
	run->tick_due = true;
	if (run->failing)
		kube_informer_restart(run->informer);
}

static int
on_sync_begin(void *arg)
{
	struct run *run = arg;

	track_begin(run->track);
	return 0;
}

static void
on_sync_end(void *arg)
{
	struct run *run = arg;

	run->since = moment_now();
	track_end(run->track, run->since);
	run->synced = true;
	run->failing = false;
	if (run->flags.oneshot) {
		kube_informer_free(run->informer);
		run->informer = NULL;
	}
	if (run->flags.oneshot || run->tick_due)
		look(run);
}

static int
on_object(void *arg, enum kube_event event, const char *json, size_t len)
{
	struct run *run = arg;
	struct footprint *print = footprint_read(json, len);
	struct moment now = moment_now();

	if (print == NULL)
		return -EBADMSG;
	if (strncmp(print->name, run->flags.name, strlen(run->flags.name)) != 0) {
		free(print);
	} else if (event == KUBE_DELETED) {
		/* the hour may have turned since it was walked past */
		note(run, print, now);
		track_remove(run->track, print, now);
		free(print);
	} else {
		note(run, print, now);
		track_put(run->track, print, now);
	}
	return 0;
}

static void
on_failed(void *arg, int status, const char *message)
{
	struct run *run = arg;

	run->failing = true;
	log_error(
	    "footprint_not_seen", LOG_N("status", status), LOG_S("error", message));
	if (run->flags.oneshot)
		stop(run, EXIT_FAILURE);
}

static struct kube_informer *
watch_pods(struct run *run)
{
	static const struct kube_informer_handlers handlers = {
	    .sync_begin = on_sync_begin,
	    .sync_end = on_sync_end,
	    .object = on_object,
	    .failed = on_failed,
	};
	char *namespace = kube_escape(run->flags.namespace);
	char *label = kube_escape(run->flags.label);
	char *path = namespace[0] != '\0'
			 ? mem_printf("/api/v1/namespaces/%s/pods", namespace)
			 : mem_strdup("/api/v1/pods");
	char *query =
	    label[0] != '\0' ? mem_printf("labelSelector=%s", label) : mem_strdup("");
	struct kube_informer *informer =
	    kube_informer_new(client_kube(run->client), path, query, &handlers, run);

	free(namespace);
	free(label);
	free(path);
	free(query);
	return informer;
}

/* --- the end ------------------------------------------------------------------------
 */

static void
on_end(void *arg)
{
	struct run *run = arg;

	log_error(
	    "footprint_not_stored", LOG_S("error", "it took too long at the end"));
	stop(run, EXIT_FAILURE);
}

/* A list that was asked for once and did not come is a failure, as Pod Ashiato has it.
 */
static void
on_signal(void *arg, int fd, uint32_t events)
{
	struct run *run = arg;
	struct signalfd_siginfo info;

	(void)events;
	if (read(fd, &info, sizeof info) != sizeof info)
		return;
	log_info("stopping", LOG_N("signal", info.ssi_signo));
	if (run->stopping || run->store == NULL || !run->synced) {
		stop(run,
		    run->flags.oneshot && !run->synced ? EXIT_FAILURE : EXIT_SUCCESS);
		return;
	}
	run->stopping = true;
	loop_timer_arm(run->end, LAST_WORDS_MS);
	if (!run->flags.oneshot)
		store_last(run);
}

static void
begin(struct run *run)
{
	sigemptyset(&run->signals);
	sigaddset(&run->signals, SIGINT);
	sigaddset(&run->signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &run->signals, NULL);
	run->signal_fd = signalfd(-1, &run->signals, SFD_CLOEXEC | SFD_NONBLOCK);
	loop_set_fd(run->loop, run->signal_fd, EPOLLIN, on_signal, run);
	buf_init(&run->line, LINE_MAX_LEN);
	run->tick = loop_timer_new(run->loop, on_tick, run);
	run->end = loop_timer_new(run->loop, on_end, run);
	run->track = track_new(on_event, run);
	run->store = make_store(run);
	run->informer = watch_pods(run);
	run->due.ms = clock_mono().ms + run->flags.interval_ms;
	if (!run->flags.oneshot)
		loop_timer_arm(run->tick, run->flags.interval_ms);
}

static void
finish(struct run *run)
{
	client_free(run->client);
	store_free(run->store);
	track_free(run->track);
	loop_timer_free(run->tick);
	loop_timer_free(run->end);
	buf_free(&run->line);
	loop_remove_fd(run->loop, run->signal_fd);
	close(run->signal_fd);
	loop_free(run->loop);
}

static void
tell_filters(const struct flags *flags)
{
	if (flags->namespace[0] != '\0' || flags->name[0] != '\0' ||
	    flags->label[0] != '\0')
		log_info("footprint_filters", LOG_S("namespace", flags->namespace),
		    LOG_S("name", flags->name), LOG_S("label", flags->label));
}

int
footprint_run(const char *const *argv)
{
	struct run run = {0};
	int rc = flags_read(argv, &run.flags);

	if (rc != 0) {
		if (rc > 0)
			flags_usage();
		return rc > 0 ? EXIT_SUCCESS : EXIT_CONFIG;
	}
	log_set_process("ipwardenctl");
	moment_zone(run.flags.utc);
	run.loop = loop_new();
	run.client = client_new(run.loop, run.flags.kubeconfig);
	if (run.client == NULL) {
		loop_free(run.loop);
		return EXIT_FAILURE;
	}
	begin(&run);
	tell_filters(&run.flags);
	loop_run(run.loop);
	finish(&run);
	return run.code;
}
