#!/bin/sh
# The alerts that users of the IP Address Controller have, and our own: each fires and
# does not fire when it should (promtool runs the scenes of tests/alerts), has a runbook,
# and names metrics that there are; what is made of alerts.yaml and dashboard.json is up
# to date, and the dashboard has its panels.
#   PROMETHEUS  Debian's prometheus, promtool beside it (scripts/lib.sh unpacks it);
#               without it: skipped
PROMETHEUS=$(command -v "${PROMETHEUS:-prometheus}") || {
	echo "# skipped: no prometheus"
	exit 77
}
PROMTOOL=$(dirname "$PROMETHEUS")/promtool
. "$SRC/tests/system/lib.sh"

MONITORING=$SRC/deploy/components/monitoring
RULES=$MONITORING/alerts.yaml
WANTED="NoLeader CRDUnhealthy UnattachedIPsWarning UnattachedIPsCritical GCPAPIErrors
	NodeCordonedWithIP HighReconcileErrorRate SlowReconciliation ControllerNotReady
	ControllerDown IPDetachFailures IPAttachFailures LeaderChanged IPReallocated
	AvailabilitySLOBreach ReconcileLatencySLOBreach
	SandboxDegraded WorkerRestarting PodMovesOften WatchStalled ProtocolViolation"

# --- rules ----------------------------------------------------------------------------
check "the rules are well formed" "$PROMTOOL" check rules "$RULES"
alerts() { sed -n 's/^  - alert: //p' "$RULES" | sort -u; }
is "the alerts are those that were promised" "$(alerts | xargs)" \
	"$(printf 'NetIPAllocation%s\n' $WANTED | sort | xargs)"
for scenes in "$SRC"/tests/alerts/*.yaml; do
	check "$(basename "$scenes" .yaml): $(grep -c 'eval_time' "$scenes") moments" \
		"$PROMTOOL" test rules "$scenes"
done
is "the scenes that were run" "$(cd "$SRC/tests/alerts" && echo *)" \
	"addresses.yaml availability.yaml operations.yaml processes.yaml quiet.yaml"

# moments KIND: the alerts that some moment expects to fire, or not to
moments() {
	cat "$SRC"/tests/alerts/*.yaml | awk -v kind="$1" '
	function told() { if (name != "" && (fires ? "fire" : "rest") == kind) print name
		name = ""; fires = 0 }
	/eval_time:|^ *promql_expr_test:|^ *input_series:/ { told() }
	/alertname: NetIP/ { sub(/.*alertname: /, ""); sub(/}.*/, ""); name = $0 }
	/exp_alerts:/ { fires = 1 }
	END { told() }' | sort -u
}
is "each alert has a moment at which it fires" "$(moments fire)" "$(alerts)"
is "and one at which it does not" "$(moments rest)" "$(alerts)"
cp "$SRC/tests/alerts/quiet.yaml" "$DIR/quiet.yaml"
sed -i "s|\.\./\.\.|$SRC|; s/unattached_ips_total{crd_name=\"pool\", instance=\"a\"}', values: '0x240'/unattached_ips_total{crd_name=\"pool\", instance=\"a\"}', values: '1x240'/" "$DIR/quiet.yaml"
paged() { ! "$PROMTOOL" test rules "$DIR/quiet.yaml"; }
check "were the Spare address counted as missing, the scene would say so" paged

# --- runbooks -------------------------------------------------------------------------
is "each alert has a runbook, and each runbook an alert" \
	"$(ls "$SRC/docs/runbooks" | sed 's/\.md$//' | sort)" "$(alerts)"
is "and names it" "$(awk '/- alert:/ { name = $3 } /runbook_url:/ { print name, $2 }' \
	"$RULES" | sort -u)" "$(alerts | sed 's|.*|& docs/runbooks/&.md|')"

# --- names ----------------------------------------------------------------------------
# A histogram is written as three, and up and ALERTS are Prometheus' own.
known() {
	sed -n 's/.*METRIC(.*/&/; s/.*"\([a-z]*_[a-z_]*\)".*/\1/p' "$SRC/proto/metrics.h"
}
used() {
	cat "$RULES" "$MONITORING/dashboard.json" "$SRC"/docs/runbooks/*.md "$SRC/README.md" |
		grep -oE '\b(netipallocation|ipwarden|rest_client|process|leader_election|controller_runtime)_[a-z_]+\b' |
		sed 's/_\(bucket\|sum\|count\)$//' | sort -u
}
unknown() { used | while read -r name; do known | grep -qx "$name" || echo "$name"; done; }
is "what alerts, dashboard and runbooks name is a metric" "$(unknown | xargs)" ""

# --- what is made ---------------------------------------------------------------------
sh "$SRC/scripts/monitoring" "$DIR/made"
for file in deploy/components/monitoring/rules.yaml monitoring/prometheusrule.yaml \
	deploy/components/monitoring/dashboard-configmap.yaml \
	monitoring/grafana-dashboard-configmap.yaml monitoring/grafana-dashboard.json; do
	check "$file is what scripts/monitoring makes" cmp "$SRC/$file" "$DIR/made/$file"
done
RUNBOOKS=https://git.example.org/ sh "$SRC/scripts/monitoring" "$DIR/elsewhere"
is "runbook_url can be made to begin elsewhere" \
	"$(grep -c 'runbook_url: https://git.example.org/docs/runbooks/' \
		"$DIR/elsewhere/monitoring/prometheusrule.yaml")" \
	"$(grep -c 'alert:' "$RULES")"
sed -n '/^spec:/,$ { /^spec:/d; s/^  //; p; }' "$SRC/monitoring/prometheusrule.yaml" \
	>"$DIR/spec.yaml"
check "the PrometheusRule's spec is the rules" "$PROMTOOL" check rules "$DIR/spec.yaml"

# --- the dashboard ----------------------------------------------------------------------
DASHBOARD=$MONITORING/dashboard.json
while read -r panel; do
	check "the dashboard has: $panel" jq -e --arg title "$panel" \
		'[.panels[] | select(.title == $title and (.targets | length) > 0)] | length == 1' \
		"$DASHBOARD"
done <<'PANELS'
Leader
Ready pods
Healthy pods
CRDs
Reserved IPs
Attached IPs
Unattached IPs
Leader election history
Controller pods
CRD status
Attachment rate
IP to node
Cordoned nodes
Nodes with the label ip.ready
Reconciliation rate
Reconciliation duration
Cloud API errors
Processes ready
Sandbox layers
PANELS
is "each query can be narrowed to a cluster" "$(jq -r '.panels[].targets[]?.expr |
	select(contains("cluster=~\"$cluster\"") | not)' "$DASHBOARD")" ""
is "by a variable" "$(jq -r '.templating.list[] | select(.name == "cluster") |
	.definition' "$DASHBOARD")" 'label_values(netipallocation_controller_info, cluster)'
is "no two panels overlap" "$(jq '[.panels[].gridPos | range(.x; .x + .w) as $x |
	range(.y; .y + .h) as $y | "\($x),\($y)"] | length - (unique | length)' \
	"$DASHBOARD")" 0
is "the ConfigMap has the same dashboard" "$(sed -n 's/^    //p' \
	"$MONITORING/dashboard-configmap.yaml" | sed -n '/^{/,$p' | jq -S . | cksum)" \
	"$(jq -S . "$DASHBOARD" | cksum)"
is "and the label by which Grafana finds it" \
	"$(grep -c '^    grafana_dashboard: "1"$' "$MONITORING/dashboard-configmap.yaml")" 1
