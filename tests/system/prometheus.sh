#!/bin/sh
# The real Prometheus scrapes two replicas on the embedded world through a move, a refusal,
# a lease that is given away, a leader that is killed and an eviction. Then each query of
# dashboard, alerts, README and of the IP Address Controller's README is evaluated: none
# fails, and each has data or stands in prometheus.reasons with the reason why not.
#   PROMETHEUS  Debian's prometheus, promtool beside it (scripts/lib.sh unpacks it);
#               without it: skipped
#   DRAW        a file: the dashboard of this run, as SVG (docs/dashboard.svg)
PROMETHEUS=$(command -v "${PROMETHEUS:-prometheus}") || {
	echo "# skipped: no prometheus"
	exit 77
}
PROMTOOL=$(dirname "$PROMETHEUS")/promtool
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1
TWO=34.82.10.2
LEASE_DURATION=5
LEASE_SKEW_GRACE_SEC=1
CLUSTER=gke-prod # as the old README's queries name it
WITH="CLUSTER_NAME=$CLUSTER"
MONITORING=$SRC/deploy/components/monitoring
began=$(date +%s)

# --- the world, two replicas and Prometheus ---------------------------------------------
start_world --nodes 4 --addresses $ONE,$TWO
install_crd
deployment sip

won() { [ "$(grep -c '"event":"leader_won"' "$DIR/ipwarden-$1.log")" -ge "${2:-1}" ]; }

replica 0 node-1 True
eventually 10 "the first one leads" won 0
replica 1 elsewhere True

target() { # target N
	eval "url=\$METRICS_$1"
	jq -n --arg at "${url#http://}" --arg pod "ipwarden-$1" \
		'{targets: [$at], labels: {namespace: "kube-system", pod: $pod}}'
}
{ target 0; target 1; } | jq -s . >"$DIR/targets.json"
cat >"$DIR/prometheus.yml" <<-YAML
	global: {scrape_interval: 1s, evaluation_interval: 1s}
	rule_files: [$MONITORING/alerts.yaml]
	scrape_configs:
	- job_name: ip-address-controller
	  file_sd_configs: [{files: [$DIR/targets.json]}]
YAML
"$PROMETHEUS" --config.file="$DIR/prometheus.yml" --storage.tsdb.path="$DIR/tsdb" \
	--web.listen-address=127.0.0.1:0 2>"$DIR/prometheus.log" &
OTHERS="$OTHERS $!"
listens() { sed -n 's/.*msg="Listening on" address=\([0-9.:]*\).*/\1/p' "$DIR/prometheus.log" | grep .; }
eventually 20 "Prometheus listens" listens
since=$(date +%s)
PROM=http://$(listens)/api/v1

query() { curl -sS "$PROM/query" --data-urlencode "query=$1"; }
value_is() { [ "$(query "$1" | jq -r '.data.result[0].value[1]')" = "$2" ]; }
eventually 20 "both replicas are scraped" \
	value_is 'sum(up{job="ip-address-controller"})' 2

# --- what happens -----------------------------------------------------------------------
fault '{"target":"gce","method":"POST","path":"addAccessConfig","status":403,
	"body":{"error":{"code":403,"message":"no","errors":[{"reason":"forbidden"}]}}}'
attach_by_hand node-1 $ONE external-nat
WORKLOAD=sip
allocation pool $ONE $TWO >/dev/null
ready_now() { kc wait --for=condition=Ready nia/pool --timeout=1s; }
eventually 30 "a refused attachment is made elsewhere: Ready" ready_now

fault '{"target":"gce","method":"POST","path":"deleteAccessConfig",
	"operation_error":"INTERNAL_ERROR"}'
cordon node-1
eventually 20 "the leader's own node is to lose its address: the other one leads" won 1
eventually 30 "and moves it" moved $ONE node-1

eventually 10 "which is told by a metric" value_is 'sum(ipwarden_address_nowhere_seconds_count)' 1

kill -9 "$MAIN_1"
wait "$MAIN_1" 2>/dev/null
eventually 15 "the leader is killed: the first one leads again" won 0 2
POD_NAME=ipwarden-0 LOG=$DIR/ipwarden-0.log AUDIT=$DIR/audit-0.jsonl
kill -9 "$(pid_of watcher)"
BUSY=$(node_of $TWO)
pod default/sip-abc12-a "$BUSY" sip
cordon "$BUSY"
uncordon node-1
replica 2 elsewhere True
{ target 0; target 2; } | jq -s . >"$DIR/targets.new" # the pod of 1 is gone
mv "$DIR/targets.new" "$DIR/targets.json"
eventually 10 "a pod keeps an address on a cordoned node" \
	value_is 'count(ALERTS{alertname="NetIPAllocationNodeCordonedWithIP"})' 1

owned_pod default/queue-0 node-1 StatefulSet queue
remove_object /api/v1/namespaces/default/pods/queue-0
owned_pod default/queue-0 node-2 StatefulSet queue
eventually 10 "a pod that comes back on another node is counted" value_is \
	'sum by (pod_namespace, pod_name) (ipwarden_pod_moves_total)' 1

detach_by_hand "$BUSY"
for moves in 1 2; do # a rate takes two
	NODE=$(node_of $ONE)
	cordon "$NODE"
	eventually 30 "it moves an address" moved $ONE "$NODE"
	eventually 10 "and counts it" value_is \
		'sum(ipwarden_address_nowhere_seconds_count{pod="ipwarden-0"})' $moves
	uncordon "$NODE"
done
eventually 30 "one that somebody took off is attached elsewhere" moved $TWO "$BUSY"
eventually 30 "and the pod that it left is evicted" \
	value_is 'count(increase(ipwarden_evictions_total{pod="ipwarden-0"}[1h]) > 0)' 1
eventually 10 "the new replica is scraped" \
	value_is 'sum(up{job="ip-address-controller"})' 2

# --- every query ------------------------------------------------------------------------
# One JSON object each: where it stands, its name, the query.
from_dashboard() {
	jq -c '.panels[] | .title as $title | .targets[]? | {where: "dashboard",
		name: "\($title) \(.refId)", expr: (.expr | gsub("\\$cluster"; ".*") |
		gsub("\\$__rate_interval"; "15s"))}' "$MONITORING/dashboard.json"
}
RULES=$(curl -sS "$PROM/rules")
from_alerts() {
	say "$RULES" | jq -c '.data.groups[].rules[] |
		{where: "alert", name: "\(.name) \(.labels.severity)", expr: .query}'
}
# An alert that rests has no data, as it should: the metrics that it looks at have.
from_selectors() {
	from_alerts | jq -r .expr | grep -oE '\b(up|(netipallocation|ipwarden)_[a-z_]+)\b' |
		sort -u | jq -cR '{where: "metric", name: ., expr: "count(\(.))"}'
}
# What a runbook looks at may well be empty while there is no trouble.
from_runbooks() {
	grep -hE '^    [^#]*(netipallocation|ipwarden)_' "$SRC"/docs/runbooks/*.md |
		grep -v kubectl | sed 's/^ *//' | sort -u | lines runbook
}
# lines WHERE: those that are no comments
lines() { grep -v '^#' | jq -cR --arg where "$1" \
	'{where: $where, name: "query \(input_line_number)", expr: .}'; }
{
	from_dashboard
	from_selectors
	sed -n '/^```promql/,/^```$/ { /^```/d; p; }' "$SRC/README.md" | lines README
	lines "old README" <"$SRC/tests/system/prometheus.queries"
	from_runbooks
	from_alerts
} >"$DIR/queries"

# All in one go, over the time of the run; alerts as they are now. What was scraped in this
# very second belongs to it, so that the run ends with the second.
until=$(($(date +%s) + 1))
jq -r --arg prom "$PROM" --argjson since "$since" --argjson until "$until" '
	"silent", "write-out = \"\\n\"", "data-urlencode = \("query=" + .expr | @json)",
	if .where == "alert" then "url = \"\($prom)/query\""
	else "url = \"\($prom)/query_range\"", "data = \"start=\($since)&end=\($until)&step=1\""
	end, "next"' "$DIR/queries" | sed '$d' >"$DIR/curl"
curl -K "$DIR/curl" >"$DIR/answers"

# A table of the queries and their results. What is not a number (a rate of nothing) is no
# data.
jq -nr --slurpfile queries "$DIR/queries" '[inputs] as $answers | $queries | keys[] |
	$queries[.] as $query | $answers[.] as $answer |
	[$answer.data.result[]? | (.values // [.value])[] | select(.[1] != "NaN")] as $data |
	[$query.where, $query.name, if $answer.status != "success" then "ERROR \($answer.error)"
	elif ($data | length) == 0 then "empty"
	else "\($answer.data.result | length) series, \($data[-1][1])" end, $query.expr] |
	map(gsub("\\s+"; " ")) | join("\t")' "$DIR/answers" >"$DIR/results"
sed 's/^/# /; s/	/ | /g' "$DIR/results"

# keys STATE: where and name of the queries with that result
keys() {
	awk -F '\t' -v state="$1" '$1 !~ /alert|runbook/ && index($3, state) == 1 {
		print $1 "\t" $2 }' "$DIR/results" | sort
}
grep -v '^#' "$SRC/tests/system/prometheus.reasons" | cut -f 1,2 | sort >"$DIR/excused"
keys empty >"$DIR/empty"
is "no query fails, of $(wc -l <"$DIR/queries")" \
	"$(awk -F '\t' 'index($3, "ERROR") == 1' "$DIR/results")" ""
is "there are some from each place" "$(jq -r .where "$DIR/queries" | sort -u | xargs)" \
	"README alert dashboard metric old README runbook"
is "each has data, or a reason why not" "$(comm -23 "$DIR/empty" "$DIR/excused")" ""
is "and no reason is for nothing" "$(comm -13 "$DIR/empty" "$DIR/excused")" ""
is "each rule is evaluated without an error" "$(say "$RULES" |
	jq -r '.data.groups[].rules[] | select(.health != "ok") | .name + .lastError')" ""
is "all of them are loaded" "$(say "$RULES" | jq '[.data.groups[].rules[]] | length')" \
	"$(grep -c 'alert:' "$MONITORING/alerts.yaml")"
# The refused attachment and the refused detachment; a restart is none yet.
is "those fired that should" "$(query \
	'count by (alertname) (count_over_time(ALERTS{alertstate="firing"}[5m]))' |
	jq -r '.data.result[].metric.alertname' | sort | xargs)" \
	"NetIPAllocationGCPAPIErrors NetIPAllocationIPAttachFailures NetIPAllocationIPDetachFailures"

# --- names ------------------------------------------------------------------------------
curl -sS "$METRICS_0/metrics" | "$PROMTOOL" check metrics >"$DIR/lint" 2>&1
is "promtool complains of the inherited names alone" "$(sort "$DIR/lint")" \
	'netipallocation_attached_ips_total non-counter metrics should not have "_total" suffix
netipallocation_reserved_ips_total non-counter metrics should not have "_total" suffix
netipallocation_unattached_ips_total non-counter metrics should not have "_total" suffix'
check "Prometheus has asked for OpenMetrics and got it" value_is \
	'count(netipallocation_reconcile_duration_seconds_bucket{le="60.0"}) > bool 0' 1
is "and has dropped no sample" "$(query \
	'sum(scrape_samples_scraped) - sum(scrape_samples_post_metric_relabeling)' |
	jq -r '.data.result[0].value[1]')" 0

# --- the drawing ------------------------------------------------------------------------
jq -n --slurpfile dashboard "$MONITORING/dashboard.json" --slurpfile queries "$DIR/queries" \
	--argjson since "$since" --argjson until "$until" '[inputs] as $answers |
	{panels: $dashboard[0].panels, $since, $until, answers: ([$queries | keys[] |
	select($queries[.].where == "dashboard") |
	{key: $queries[.].name, value: $answers[.].data.result}] | from_entries)}' \
	"$DIR/answers" >"$DIR/drawing.json"
check "the dashboard can be drawn" sh -c 'jq -rf "$1" "$2" >"$3"' - \
	"$SRC/docs/dashboard.jq" "$DIR/drawing.json" "$DIR/dashboard.svg"
drawn() { sed -n 's/.*class="title".*/x/p' "$1" | wc -l; }
is "each panel is there" "$(drawn "$DIR/dashboard.svg")" \
	"$(jq '.panels | length' "$MONITORING/dashboard.json")"
is "and in docs/dashboard.svg" "$(drawn "$SRC/docs/dashboard.svg")" \
	"$(jq '.panels | length' "$MONITORING/dashboard.json")"
is "with data, but for those that have a reason" "$(grep -c '>no data<' "$DIR/dashboard.svg")" 1
[ -z "${DRAW:-}" ] || cp "$DIR/dashboard.svg" "$DRAW"

took=$(($(date +%s) - began))
say "# $took seconds"
check "no violations" no_violations
