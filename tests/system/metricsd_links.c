/* What producers and the supervisor say, as it is shown. */
#include "metricsd_rig.h"

static void
test_values(struct peer *watcher, struct peer *reconciler)
{
	peer_sample(watcher, METRIC_WATCH_SYNCED, SAMPLE_VALUE, 1, "nodes", NULL);
	peer_sample(watcher, METRIC_NODE_CORDONED, SAMPLE_VALUE, 1,
	    "a\"b\\c\nd\xff\xc3\xa4", NULL);
	peer_sample(reconciler, METRIC_IP_ATTACHED, SAMPLE_VALUE, 0.1, "crd",
	    "192.0.2.1", "node-a", NULL);
	peer_sample(reconciler, METRIC_IP_ATTACHED, SAMPLE_VALUE, 1, "crd", "192.0.2.2",
	    "node-b", NULL);
	tap_check(
	    peer_wait_taken(watcher) && peer_wait_taken(reconciler), "samples: taken");
	tap_check(http_has(RIG_METRICS, "/metrics",
		      "# HELP ipwarden_watch_synced 1 when the watch of that kind is "
		      "complete\n# TYPE ipwarden_watch_synced gauge\n"
		      "ipwarden_watch_synced{cluster=\"c\\\"1\",kind=\"nodes\"} 1\n"),
	    "samples: a gauge, and the cluster first");
	tap_check(http_has(RIG_METRICS, "/metrics",
		      "netipallocation_node_cordoned{cluster=\"c\\\"1\","
		      "node=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\xc3\xa4\"} 1\n"),
	    "samples: labels are escaped");
	tap_check(http_has(RIG_METRICS, "/metrics",
		      "netipallocation_ip_attached{cluster=\"c\\\"1\",crd_name=\"crd\","
		      "ip=\"192.0.2.1\",node=\"node-a\"} 0.1\n"
		      "netipallocation_ip_attached{cluster=\"c\\\"1\",crd_name=\"crd\","
		      "ip=\"192.0.2.2\",node=\"node-b\"} 1\n"),
	    "samples: two series under one head");
}

/* The histogram's lines as they must be. */
static void
put_histogram(struct buf *out)
{
	static const char *const bounds[] = {
	    "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"};
	static const char name[] = "netipallocation_gcp_api_duration_seconds";
	static const char labels[] = "{cluster=\"c\\\"1\",operation=\"add\"";

	buf_init(out, 4096);
	buf_printf(out, "# TYPE %s histogram\n", name);
	for (int i = 0; i < 8; i++)
		buf_printf(out, "%s_bucket%s,le=\"%s\"} %d\n", name, labels, bounds[i],
		    i < 7 ? i + 1 : 9);
	buf_printf(out, "%s_sum%s} 40.25\n", name, labels);
	buf_printf(out, "%s_count%s} 9\n", name, labels);
}

static void
test_histogram(struct peer *peer)
{
	struct buf wanted;

	for (unsigned int i = 0; i < 7; i++)
		peer_sample(
		    peer, METRIC_GCP_SECONDS, SAMPLE_BUCKET_0 + i, 1 + i, "add", NULL);
	peer_sample(peer, METRIC_GCP_SECONDS, SAMPLE_SUM, 40.25, "add", NULL);
	peer_sample(peer, METRIC_GCP_SECONDS, SAMPLE_COUNT, 9, "add", NULL);
	put_histogram(&wanted);
	tap_check(
	    peer_wait_taken(peer) && http_has(RIG_METRICS, "/metrics", wanted.data),
	    "samples: a histogram");
	buf_free(&wanted);
}

static void
test_forgetting(struct peer *reconciler)
{
	peer_drop(reconciler, METRIC_IP_ATTACHED, "crd", "192.0.2.1", NULL);
	tap_check(peer_wait_taken(reconciler) &&
		      !http_has(RIG_METRICS, "/metrics", "192.0.2.1") &&
		      http_has(RIG_METRICS, "/metrics", "192.0.2.2"),
	    "samples: one is dropped");
	/* a new process at the other end: what the old one said is gone */
	peer_free(reconciler);
	reconciler = peer_new(1);
	peer_connect(reconciler, true);
	peer_wait_up(reconciler);
	peer_sample(reconciler, METRIC_IS_LEADER, SAMPLE_VALUE, 1, "new", NULL);
	tap_check(peer_wait_taken(reconciler), "samples: a new producer");
	tap_check(!http_has(RIG_METRICS, "/metrics", "192.0.2.2") &&
		      http_has(RIG_METRICS, "/metrics", "kind=\"nodes\""),
	    "samples: the old one's are forgotten, the others' are not");
	peer_free(reconciler);
}

static void
test_readiness(struct peer *const peers[RIG_LINKS])
{
	tap_check(http_becomes(
		      RIG_HEALTH, "/readyz", 503, "not-ready: resolver: not running"),
	    "readiness: nobody is there");
	rig_tell_all();
	tap_check(http_becomes(RIG_HEALTH, "/readyz", 503,
		      "not-ready: cloudworker: has not reported yet"),
	    "readiness: nobody has reported");
	for (int i = 0; i < RIG_LINKS; i++) {
		peer_readiness(peers[i], "");
		tap_check(peer_wait_taken(peers[i]), "readiness: %d reports", i);
	}
	tap_check(http_becomes(RIG_HEALTH, "/readyz", 200, "ready") &&
		      http_becomes(RIG_METRICS, "/readyz", 200, "ready"),
	    "readiness: all are ready");
	tap_check(http_has(RIG_METRICS, "/metrics",
		      "netipallocation_controller_ready{cluster=\"c\\\"1\","
		      "pod_name=\"pod-0\"} 1\n"),
	    "readiness: the gauge says so");
	peer_readiness(peers[1], "no lease");
	peer_wait_taken(peers[1]);
	tap_check(http_becomes(RIG_HEALTH, "/readyz?verbose", 503,
		      "[+]supervisor ok\n[+]resolver ok\n[+]dialer-watcher ok\n"
		      "[+]dialer-reconciler ok\n[+]dialer-cloud ok\n[+]metricsd ok\n"
		      "[+]cloudworker ok\n[-]reconciler failed: no lease\n"
		      "[+]watcher ok\nreadyz check failed\n"),
	    "readiness: verbose names each check");
	rig_tell_process(ROLE_DIALER_CLOUD, true, true);
	tap_check(http_becomes(RIG_HEALTH, "/healthz", 503, "unhealthy") &&
		      http_becomes(RIG_HEALTH, "/readyz", 503,
			  "not-ready: dialer-cloud: does not answer"),
	    "readiness: a process that does not answer");
	tap_check(
	    http_has(RIG_METRICS, "/metrics",
		"ipwarden_sandbox_layer{cluster=\"c\\\"1\",process=\"dialer-cloud\","
		"layer=\"seccomp\"} 1\n") &&
		http_has(RIG_METRICS, "/metrics",
		    "ipwarden_process_restarts_total{cluster=\"c\\\"1\","
		    "process=\"watcher\",reason=\"signal\"} 3\n") &&
		http_has(RIG_METRICS, "/metrics",
		    "process_start_time_seconds{cluster=\"c\\\"1\","
		    "process=\"watcher\"} 1.5\n") &&
		!http_has(RIG_METRICS, "/metrics", "\nprocess_open_fds"),
	    "readiness: what the supervisor says of the processes");
	rig_tell_process(ROLE_DIALER_CLOUD, true, false);
	peer_readiness(peers[1], "");
	peer_wait_taken(peers[1]);
}

void
test_samples(void)
{
	struct peer *peers[RIG_LINKS];
	unsigned int relinks;

	for (int i = 0; i < RIG_LINKS; i++) {
		peers[i] = peer_new(i);
		peer_connect(peers[i], true);
		tap_check(peer_wait_up(peers[i]), "samples: link %d is up", i);
	}
	test_readiness(peers);
	test_values(peers[0], peers[1]);
	test_histogram(peers[2]);
	test_forgetting(peers[1]);
	relinks = rig.relinks[2];
	peer_free(peers[2]);
	tap_check(rig_until(&rig.relinks[2], relinks + 1),
	    "samples: a link that is gone is asked for");
	tap_check(http_is(RIG_HEALTH, "/readyz", 503,
		      "not-ready: cloudworker: has not reported yet"),
	    "samples: a producer that is gone is not ready");
	peer_free(peers[0]);
	tap_check(rig.violations[0] + rig.violations[1] + rig.violations[2] == 0,
	    "samples: no violation so far");
}
