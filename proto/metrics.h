/* Every metric, once: name, type, labels, help. Producers name a metric by its number;
 * metricsd writes it out. Label `cluster` comes first on each one by itself when
 * CLUSTER_NAME is set. Names and labels are interfaces: netipallocation_* those of the
 * IP Address Controller, controller_runtime_* and leader_election_* those of
 * sigs.k8s.io/controller-runtime, rest_client_* those of k8s.io/client-go, process_*
 * those of Prometheus' client libraries, with the label `process` besides. The table
 * for people is docs/metrics.md. */
#ifndef IPW_METRICS_H
#define IPW_METRICS_H

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_HISTOGRAM, METRIC_INFO };

/* METRIC(constant, name, type, labels (comma-separated), buckets, help) */
#define BUCKETS_NONE	  ""
#define BUCKETS_RECONCILE "0.1,0.5,1,2.5,5,10,30,60"
#define BUCKETS_CLOUD	  "0.1,0.25,0.5,1,2.5,5,10"
#define BUCKETS_NOWHERE	  "0.5,1,2.5,5,10,15,30,60,120,300,600"
#define BUCKETS_ACTION	  "0.01,0.05,0.1,0.25,0.5,1,2.5,5,10,30,60"

#define METRIC_LIST(METRIC)                                                            \
	METRIC(METRIC_CRD_STATUS, "netipallocation_crd_status", METRIC_GAUGE,          \
	    "crd_name", BUCKETS_NONE, "1 when the allocation is as it should be")      \
	METRIC(METRIC_RESERVED_IPS, "netipallocation_reserved_ips_total",              \
	    METRIC_GAUGE, "crd_name", BUCKETS_NONE, "Addresses that it lists")         \
	METRIC(METRIC_ATTACHED_IPS, "netipallocation_attached_ips_total",              \
	    METRIC_GAUGE, "crd_name", BUCKETS_NONE, "Addresses on a node")             \
	METRIC(METRIC_UNATTACHED_IPS, "netipallocation_unattached_ips_total",          \
	    METRIC_GAUGE, "crd_name", BUCKETS_NONE,                                    \
	    "Addresses that are missed on a node")                                     \
	METRIC(METRIC_RESERVED, "netipallocation_reserved_ips", METRIC_GAUGE,          \
	    "crd_name", BUCKETS_NONE, "Addresses that it lists")                       \
	METRIC(METRIC_ATTACHED, "netipallocation_attached_ips", METRIC_GAUGE,          \
	    "crd_name", BUCKETS_NONE, "Addresses on a node")                           \
	METRIC(METRIC_UNATTACHED, "netipallocation_unattached_ips", METRIC_GAUGE,      \
	    "crd_name", BUCKETS_NONE, "Addresses that are missed on a node")           \
	METRIC(METRIC_IP_ATTACHED, "netipallocation_ip_attached", METRIC_GAUGE,        \
	    "crd_name,ip,node", BUCKETS_NONE, "1 when the address is on that node")    \
	METRIC(METRIC_NODE_CORDONED, "netipallocation_node_cordoned", METRIC_GAUGE,    \
	    "node", BUCKETS_NONE, "1 when the node is cordoned")                       \
	METRIC(METRIC_NODE_IP_READY, "netipallocation_node_ip_ready", METRIC_GAUGE,    \
	    "node,crd_name", BUCKETS_NONE, "1 when the node carries ip.ready")         \
	METRIC(METRIC_IS_LEADER, "netipallocation_controller_is_leader", METRIC_GAUGE, \
	    "pod_name", BUCKETS_NONE, "1 on the leader")                               \
	METRIC(METRIC_CONTROLLER_READY, "netipallocation_controller_ready",            \
	    METRIC_GAUGE, "pod_name", BUCKETS_NONE, "1 when ready")                    \
	METRIC(METRIC_CONTROLLER_HEALTHY, "netipallocation_controller_healthy",        \
	    METRIC_GAUGE, "pod_name", BUCKETS_NONE, "1 when healthy")                  \
	METRIC(METRIC_CONTROLLER_INFO, "netipallocation_controller_info", METRIC_INFO, \
	    "version,pod_name", BUCKETS_NONE, "Always 1")                              \
	METRIC(METRIC_RECONCILE_TOTAL, "netipallocation_reconcile_total",              \
	    METRIC_COUNTER, "crd_name,status", BUCKETS_NONE,                           \
	    "Changes that were needed and came to their end")                          \
	METRIC(METRIC_ATTACH_TOTAL, "netipallocation_ip_attach_total", METRIC_COUNTER, \
	    "crd_name,status", BUCKETS_NONE, "Attachments, awaited")                   \
	METRIC(METRIC_DETACH_TOTAL, "netipallocation_ip_detach_total", METRIC_COUNTER, \
	    "crd_name,status", BUCKETS_NONE, "Detachments, awaited")                   \
	METRIC(METRIC_GCP_ERRORS, "netipallocation_gcp_api_errors_total",              \
	    METRIC_COUNTER, "operation,error_type", BUCKETS_NONE,                      \
	    "Failed GCP calls and operations")                                         \
	METRIC(METRIC_RECONCILE_SECONDS, "netipallocation_reconcile_duration_seconds", \
	    METRIC_HISTOGRAM, "crd_name", BUCKETS_RECONCILE,                           \
	    "Seconds from the need for a change to its end")                           \
	METRIC(METRIC_GCP_SECONDS, "netipallocation_gcp_api_duration_seconds",         \
	    METRIC_HISTOGRAM, "operation", BUCKETS_CLOUD,                              \
	    "Seconds that a GCP call took")                                            \
	METRIC(METRIC_CR_RECONCILES, "controller_runtime_reconcile_total",             \
	    METRIC_COUNTER, "controller,result", BUCKETS_NONE,                         \
	    "Changes that were needed and came to their end, of all allocations")      \
	METRIC(METRIC_CR_ERRORS, "controller_runtime_reconcile_errors_total",          \
	    METRIC_COUNTER, "controller", BUCKETS_NONE, "Those that failed")           \
	METRIC(METRIC_CR_SECONDS, "controller_runtime_reconcile_time_seconds",         \
	    METRIC_HISTOGRAM, "controller", BUCKETS_RECONCILE,                         \
	    "Seconds from the need for a change to its end, of all allocations")       \
	METRIC(METRIC_REST_REQUESTS, "rest_client_requests_total", METRIC_COUNTER,     \
	    "process,code,method,host", BUCKETS_NONE,                                  \
	    "Requests to the API server that have ended")                              \
	METRIC(METRIC_LEADER_ELECTION, "leader_election_master_status", METRIC_GAUGE,  \
	    "name", BUCKETS_NONE, "1 when this replica holds the Lease of that name")  \
	METRIC(METRIC_CPU_SECONDS, "process_cpu_seconds_total", METRIC_COUNTER,        \
	    "process", BUCKETS_NONE,                                                   \
	    "Processor time in seconds since the start of the process")                \
	METRIC(METRIC_RESIDENT_BYTES, "process_resident_memory_bytes", METRIC_GAUGE,   \
	    "process", BUCKETS_NONE, "Resident memory in bytes")                       \
	METRIC(METRIC_VIRTUAL_BYTES, "process_virtual_memory_bytes", METRIC_GAUGE,     \
	    "process", BUCKETS_NONE, "Virtual memory in bytes")                        \
	METRIC(METRIC_OPEN_FDS, "process_open_fds", METRIC_GAUGE, "process",           \
	    BUCKETS_NONE, "Open descriptors (Linux 6.2 or later)")                     \
	METRIC(METRIC_MAX_FDS, "process_max_fds", METRIC_GAUGE, "process",             \
	    BUCKETS_NONE, "Descriptors that it may have open")                         \
	METRIC(METRIC_START_SECONDS, "process_start_time_seconds", METRIC_GAUGE,       \
	    "process", BUCKETS_NONE, "When the process began, in seconds since 1970")  \
	METRIC(METRIC_CLOUD_CALLS, "ipwarden_cloud_calls_total", METRIC_COUNTER,       \
	    "operation,code", BUCKETS_NONE, "Cloud calls by operation and HTTP code")  \
	METRIC(METRIC_CLOUD_BREAKER, "ipwarden_cloud_breaker_open", METRIC_GAUGE,      \
	    "endpoint", BUCKETS_NONE,                                                  \
	    "1 when the circuit breaker of that endpoint is open")                     \
	METRIC(METRIC_NOWHERE_SECONDS, "ipwarden_address_nowhere_seconds",             \
	    METRIC_HISTOGRAM, "crd_name", BUCKETS_NOWHERE,                             \
	    "Seconds that an address was on no node while it was moved")               \
	METRIC(METRIC_ACTION_SECONDS, "ipwarden_event_to_action_seconds",              \
	    METRIC_HISTOGRAM, "action", BUCKETS_ACTION,                                \
	    "Seconds from the event that made a change needed to its first order to "  \
	    "the cloud")                                                               \
	METRIC(METRIC_HANDOVERS, "ipwarden_lease_handovers_total", METRIC_COUNTER,     \
	    "reason", BUCKETS_NONE, "Leases given to another replica")                 \
	METRIC(METRIC_EVICTIONS, "ipwarden_evictions_total", METRIC_COUNTER,           \
	    "crd_name,result", BUCKETS_NONE, "Evictions of pods asked for")            \
	METRIC(METRIC_EVENTS_DROPPED, "ipwarden_events_dropped_total", METRIC_COUNTER, \
	    "limit", BUCKETS_NONE, "Events of the cluster not told: too many")         \
	METRIC(METRIC_POD_MOVES, "ipwarden_pod_moves_total", METRIC_COUNTER,           \
	    "pod_namespace,pod_name", BUCKETS_NONE,                                    \
	    "Pods that came back on another node under their old name")                \
	METRIC(METRIC_FOOTPRINT_WRITES, "ipwarden_footprint_writes_total",             \
	    METRIC_COUNTER, "result", BUCKETS_NONE,                                    \
	    "Intervals in which footprints were kept in ConfigMaps")                   \
	METRIC(METRIC_HISTORY_WRITES, "ipwarden_history_writes_total", METRIC_COUNTER, \
	    "result", BUCKETS_NONE,                                                    \
	    "Times that the history of addresses was written to ConfigMaps")           \
	METRIC(METRIC_WATCH_SYNCED, "ipwarden_watch_synced", METRIC_GAUGE, "kind",     \
	    BUCKETS_NONE, "1 when the watch of that kind is complete")                 \
	METRIC(METRIC_WATCH_LAG, "ipwarden_watch_lag_seconds", METRIC_GAUGE, "kind",   \
	    BUCKETS_NONE,                                                              \
	    "Seconds since the API server last said anything on that watch, "          \
	    "bookmarks included")                                                      \
	METRIC(METRIC_WATCH_EVENTS, "ipwarden_watch_events_total", METRIC_COUNTER,     \
	    "kind", BUCKETS_NONE, "Watch events")                                      \
	METRIC(METRIC_WATCH_REFUSED, "ipwarden_watch_refused_total", METRIC_COUNTER,   \
	    "kind", BUCKETS_NONE, "Objects and lines refused as malformed")            \
	METRIC(METRIC_ACCESS_MISSING, "ipwarden_access_missing", METRIC_GAUGE,         \
	    "process,verb,resource,namespace", BUCKETS_NONE,                           \
	    "1 when the process needs that right and has it not")                      \
	METRIC(METRIC_ACCESS_EXCESS, "ipwarden_access_excess", METRIC_GAUGE,           \
	    "process,verb,resource,namespace", BUCKETS_NONE,                           \
	    "1 when the process has that right and should not")                        \
	METRIC(METRIC_LINK_BACKLOG, "ipwarden_link_backlog", METRIC_GAUGE,             \
	    "process,link", BUCKETS_NONE, "Messages not yet acknowledged")             \
	METRIC(METRIC_LINK_RESENT, "ipwarden_link_resent_total", METRIC_COUNTER,       \
	    "process,link", BUCKETS_NONE, "Messages sent again")                       \
	METRIC(METRIC_PROCESS_READY, "ipwarden_process_ready", METRIC_GAUGE,           \
	    "process", BUCKETS_NONE, "1 when the process is ready")                    \
	METRIC(METRIC_PROCESS_RESTARTS, "ipwarden_process_restarts_total",             \
	    METRIC_COUNTER, "process,reason", BUCKETS_NONE,                            \
	    "Restarts by what ended the process before")                               \
	METRIC(METRIC_PROCESS_VIOLATIONS, "ipwarden_protocol_violations_total",        \
	    METRIC_COUNTER, "process", BUCKETS_NONE,                                   \
	    "Protocol violations that it made")                                        \
	METRIC(METRIC_SANDBOX_LAYER, "ipwarden_sandbox_layer", METRIC_GAUGE,           \
	    "process,layer", BUCKETS_NONE,                                             \
	    "1 when that layer, which was asked for, is in force")                     \
	METRIC(METRIC_HTTP_ENDED, "ipwarden_http_ended_total", METRIC_COUNTER,         \
	    "listener", BUCKETS_NONE,                                                  \
	    "Connections ended because nothing came of them")                          \
	METRIC(METRIC_BUILD_INFO, "ipwarden_build_info", METRIC_INFO, "version",       \
	    BUCKETS_NONE, "Always 1")

enum metric {
#define METRIC_ENUM(constant, name, type, labels, buckets, help) constant,
	METRIC_LIST(METRIC_ENUM)
#undef METRIC_ENUM
	    METRIC_COUNT
};

#define METRIC_LABELS_MAX  4
#define METRIC_BUCKETS_MAX 15

#endif
