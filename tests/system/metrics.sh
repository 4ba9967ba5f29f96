#!/bin/sh
# /metrics keeps to the text format and has the series that dashboards and alerts of the
# IP Address Controller use; series go with what they speak of.
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1
TWO=34.82.10.2
WITH="CLUSTER_NAME=blue CONTROLLER_VERSION=4.5.6"

start_world --nodes 4 --addresses $ONE,$TWO --ephemeral
install_crd
start_ipwarden
eventually 30 "all processes are ready" all_ready

# --- health -------------------------------------------------------------------------
eventually 10 "ready" ready
# answer URL: status, Cache-Control and body in one line
answer() {
	curl -sS -D "$DIR/head" -o "$DIR/body" -w '%{http_code} ' "$1"
	tr -d '\r' <"$DIR/head" | sed -n 's/^[Cc]ache-[Cc]ontrol: //p' | tr '\n' ' '
	cat "$DIR/body"
}
for url in "$HEALTH_URL" "$METRICS_URL"; do
	is "healthz" "$(answer "$url/healthz")" "200 no-store ok"
	is "readyz" "$(answer "$url/readyz")" "200 no-store ready"
done
is "the port for health has no /metrics" \
	"$(answer "$HEALTH_URL/metrics")" "404 no-store not found"
is "only GET and HEAD" "$(curl -sS -o /dev/null -w '%{http_code}' -X POST \
	"$HEALTH_URL/healthz")" 405
is "the type of /metrics" "$(curl -sS -o /dev/null -w '%{content_type}' \
	"$METRICS_URL/metrics")" "text/plain; version=0.0.4; charset=utf-8"

# --- series -------------------------------------------------------------------------
# what the first attachment is refused, so that there are errors to count
fault '{"target":"gce","method":"POST","path":"deleteAccessConfig",
	"operation_error":"INTERNAL_ERROR"}'
fault '{"target":"gce","method":"POST","path":"addAccessConfig","status":403,
	"body":{"error":{"code":403,"message":"no","errors":[{"reason":"forbidden"}]}}}'
allocation web $ONE $TWO >/dev/null
eventually 30 "both are attached" kc wait --for=condition=Ready nia/web --timeout=1s
FIRST=$(node_of $ONE)
cordon "$FIRST"
eventually 20 "one moves" moved $ONE "$FIRST"
eventually 20 "Ready again" kc wait --for=condition=Ready nia/web --timeout=1s
NODE=$(node_of $ONE)

# series NAME{LABELS without cluster} VALUE
series() {
	labels=${1#*\{}
	[ "$labels" = "$1" ] && labels='}'
	[ "$labels" = '}' ] && comma= || comma=,
	eventually 5 "$1 = $2" metric_is "${1%%\{*}{cluster=\"blue\"$comma$labels" "$2"
}
series 'netipallocation_crd_status{crd_name="web"}' 1
series 'netipallocation_reserved_ips_total{crd_name="web"}' 2
series 'netipallocation_attached_ips_total{crd_name="web"}' 2
series 'netipallocation_unattached_ips_total{crd_name="web"}' 0
series 'netipallocation_ip_attached{crd_name="web",ip="'$ONE'",node="'"$NODE"'"}' 1
series 'netipallocation_node_cordoned{node="'"$FIRST"'"}' 1
series 'netipallocation_node_cordoned{node="'"$NODE"'"}' 0
series 'netipallocation_node_ip_ready{node="'"$NODE"'",crd_name="web"}' 1
series 'netipallocation_controller_is_leader{pod_name="ipwarden-0"}' 1
series 'netipallocation_controller_ready{pod_name="ipwarden-0"}' 1
series 'netipallocation_controller_healthy{pod_name="ipwarden-0"}' 1
series 'netipallocation_controller_info{version="4.5.6",pod_name="ipwarden-0"}' 1
series 'netipallocation_ip_attach_total{crd_name="web",status="success"}' 3
series 'netipallocation_ip_attach_total{crd_name="web",status="error"}' 1
series 'netipallocation_reserved_ips{crd_name="web"}' 2
series 'netipallocation_attached_ips{crd_name="web"}' 2
series 'netipallocation_unattached_ips{crd_name="web"}' 0
series 'leader_election_master_status{name="ip-address-controller-leader"}' 1
series 'ipwarden_process_restarts_total{process="watcher",reason="identity"}' 0
series 'ipwarden_process_restarts_total{process="watcher",reason="signal"}' 0
series 'process_max_fds{process="reconciler"}' 64
is "a node that was left is not shown as one that carries ip.ready" \
	"$(metric "netipallocation_node_ip_ready{cluster=\"blue\",node=\"$FIRST\"")" ""
is "an address is shown at one place" \
	"$(metric "netipallocation_ip_attached{cluster=\"blue\",crd_name=\"web\",ip=\"$ONE\"")" 1
at_least() { metric "$1" | awk -v least="$2" 'END { exit !($1 >= least) }'; }
for name in 'reconcile_total{cluster="blue",crd_name="web",status="success"}' \
	'ip_detach_total{cluster="blue",crd_name="web",status="success"}' \
	'gcp_api_errors_total{cluster="blue",operation="attach"' \
	'gcp_api_errors_total{cluster="blue",operation="detach"' \
	'reconcile_duration_seconds_count{cluster="blue",crd_name="web"}' \
	'gcp_api_duration_seconds_count{cluster="blue",operation="attach"}' \
	'gcp_api_duration_seconds_count{cluster="blue",operation="detach"}' \
	'gcp_api_duration_seconds_count{cluster="blue",operation="check_ip"}'; do
	eventually 5 "netipallocation_$name" at_least "netipallocation_$name" 1
done
for name in 'controller_runtime_reconcile_total{cluster="blue",controller="netipallocation",result="success"}' \
	'controller_runtime_reconcile_total{cluster="blue",controller="netipallocation",result="error"}' \
	'controller_runtime_reconcile_errors_total{cluster="blue",controller="netipallocation"}' \
	'controller_runtime_reconcile_time_seconds_count{cluster="blue",controller="netipallocation"}' \
	'rest_client_requests_total{cluster="blue",process="watcher",code="200",method="GET",host="127.0.0.1:' \
	'rest_client_requests_total{cluster="blue",process="reconciler",code="200",method="PATCH"' \
	'ipwarden_address_nowhere_seconds_count{cluster="blue",crd_name="web"}' \
	'ipwarden_event_to_action_seconds_count{cluster="blue",action="attach"}' \
	'ipwarden_event_to_action_seconds_count{cluster="blue",action="move"}' \
	'process_resident_memory_bytes{cluster="blue",process="supervisor"}' \
	'process_virtual_memory_bytes{cluster="blue",process="watcher"}' \
	'process_start_time_seconds{cluster="blue",process="metricsd"}' \
	'ipwarden_build_info{cluster="blue",version="'; do
	eventually 5 "$name" at_least "$name" 1
done
all_have_cpu() {
	[ "$(curl -sS "$METRICS_URL/metrics" | grep -c '^process_cpu_seconds_total{')" -eq 9 ]
}
eventually 10 "the processor time of nine processes" all_have_cpu
lags_little() {
	curl -sS "$METRICS_URL/metrics" |
		awk '/^ipwarden_watch_lag_seconds/ { n++; if ($NF >= 90) exit 1 }
			END { exit n != 5 }'
}
eventually 5 "each of the five watches has been heard of late" lags_little
is "the buckets of the reconciliation" "$(curl -sS "$METRICS_URL/metrics" |
	sed -n 's/^netipallocation_reconcile_duration_seconds_bucket.*le="\([^"]*\)".*/\1/p' |
	xargs)" "0.1 0.5 1 2.5 5 10 30 60 +Inf"

# --- the format ---------------------------------------------------------------------
# One HELP and TYPE before the samples of each family, the samples together; labels and
# values well formed, the cluster first; no series twice; buckets that add up.
cat >"$DIR/format.awk" <<'AWK'
function bad(why) { print "line " NR ": " why ": " $0; failed = 1 }
function family(name) {
	if (name in type) return name
	sub(/_(bucket|sum|count)$/, "", name)
	return type[name] == "histogram" ? name : ""
}
/^# HELP / { if ($3 in help) bad("HELP twice"); help[$3] = 1; next }
/^# TYPE / {
	if (!($3 in help) || ($3 in type)) bad("TYPE without HELP, or twice")
	if ($4 !~ /^(counter|gauge|histogram)$/) bad("no such type")
	type[$3] = $4
	current = $3
	next
}
/^#/ || /^$/ { bad("no comment of the format"); next }
{
	if ($0 !~ /^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[^{}]*\})? -?([0-9.]+(e[+-]?[0-9]+)?|\+Inf|NaN)$/)
		bad("not a sample")
	name = $1
	sub(/\{.*/, "", name)
	if (current == "" || family(name) != current) bad("not within its family")
	labels = substr($0, length(name) + 1)
	sub(/ [^ ]*$/, "", labels)
	if (labels !~ /^\{cluster="blue"(,[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\[\\"n])*")*\}$/)
		bad("labels")
	if (seen[name labels]++) bad("twice")
	if (name ~ /_bucket$/) {
		key = name labels
		sub(/,le="[^"]*"/, "", key)
		if ($NF + 0 < last[key] + 0) bad("buckets fall")
		last[key] = $NF
		if (labels ~ /le="\+Inf"/) { sub(/_bucket/, "_count", key); total[key] = $NF }
	}
	if (name ~ /_count$/ && total[name labels] != $NF) bad("count is not the last bucket")
	samples++
}
END { if (samples < 50) { print "only " samples " samples"; failed = 1 } exit failed }
AWK
well_formed() { curl -sS "$METRICS_URL/metrics" | awk -f "$DIR/format.awk"; }
check "/metrics is well formed, each series with its cluster" well_formed
broken() { # SED-SCRIPT: is that noticed?
	curl -sS "$METRICS_URL/metrics" | sed "$1" | awk -f "$DIR/format.awk" && return 1
	return 0
}
check "the check notices a missing TYPE" broken '/TYPE netipallocation_crd_status/d'
check "a label without quotes" broken 's/crd_name="web"/crd_name=web/'
check "a series that comes twice" broken 's/node="node-2"/node="node-1"/'

# --- OpenMetrics --------------------------------------------------------------------
open_metrics() {
	curl -sS -H 'Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5' "$@" \
		"$METRICS_URL/metrics"
}
is "OpenMetrics for who asks" "$(open_metrics -o /dev/null -w '%{content_type}')" \
	"application/openmetrics-text; version=1.0.0; charset=utf-8"
is "with an end" "$(open_metrics | tail -1)" "# EOF"
samples() { grep -v '^#' | sed 's/ [^ ]*$//; s/le="\([0-9]*\)\.0"/le="\1"/'; }
same_samples() {
	[ "$(open_metrics | samples)" = "$(curl -sS "$METRICS_URL/metrics" | samples)" ]
}
eventually 5 "of the same series" same_samples

# --- series go with what they speak of ----------------------------------------------
control DELETE "/gce/instances?zone=us-west1-a&name=$FIRST" >/dev/null
remove_object "/api/v1/nodes/$FIRST"
gone() { [ -z "$(metric "$1")" ]; }
eventually 10 "the series of a node go with it" gone "node=\"$FIRST\""
kc delete nia web --wait=false >/dev/null
eventually 10 "the series of an allocation go with it" gone 'crd_name="web"'
check "the rest is well formed" well_formed

check "no violations" no_violations
