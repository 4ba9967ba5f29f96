#!/bin/sh
# The slices of 500 agents change at once, before the world's API server and the leader of an
# ipwarden: nobody has a conflict, the leader leaves slices to their agents, and its
# PodTracker, which it fills from its own watch, has it all. curl stands in for the agents
# (agent.sh has a real one).
. "$SRC/tests/system/lib.sh"

AGENTS=500
TRACKER=/apis/networking.learntosolveit.com/v1/podtrackers/cluster-pod-tracker
SLICES=/apis/tracking.ipwarden.dev/v1alpha1/podtrackerslices
BUDGET=$((4 * 1024 * 1024)) # bytes of a PodTracker a minute (SEMANTICS)

start_world --nodes $AGENTS
install_crd
api GET /api/v1/nodes | jq -c '.items[].metadata | {name, uid}' >"$DIR/nodes"

# send: each of these requests, 100 at a time
send() {
	jq -r --arg ca "$SIM_CA" --arg token "$KUBE_TOKEN" '"next", "fail", "silent", "show-error",
		"output = /dev/null", "cacert = \"\($ca)\"", "request = \(.method)",
		"header = \"Authorization: Bearer \($token)\"", "header = \"Content-Type: \(.type)\"",
		"url = \"\(.url)\"", "data-binary = \(.body | tojson | tojson)"' |
		curl --parallel --parallel-max 100 --config -
}
# pods_come N: the Nth pod of each node
pods_come() {
	jq -c --arg url "$CONTROL_URL/kube/objects" --arg n "$1" '{method: "POST", $url,
		type: "application/json", body: {apiVersion: "v1", kind: "Pod",
		metadata: {namespace: "default", name: "web-\($n)-\(.name)"},
		spec: {nodeName: .name, containers: [{name: "main", image: "none"}]},
		status: {phase: "Running", podIP: "10.1.0.\($n)"}}}' "$DIR/nodes" | send
}
# slices_show N: each agent writes that its node has N pods
slices_show() {
	jq -c --arg url "$KUBE_URL$SLICES" --argjson n "$1" --arg now "$(date -u +%FT%TZ)" '
		. as $node | (if $n == 1 then {method: "POST", $url, type: "application/json"} else
		{method: "PATCH", url: "\($url)/\(.name)", type: "application/merge-patch+json"} end) +
		{body: {apiVersion: "tracking.ipwarden.dev/v1alpha1", kind: "PodTrackerSlice",
		metadata: {name}, nodeName: .name, nodeUID: .uid, writer: "Agent", part: 1, parts: 1,
		podCount: $n, contentHash: "\($n)", lastUpdateTime: $now, pods: [range(1; $n + 1) |
		{podName: "web-\(.)-\($node.name)", namespace: "default", ip: "10.1.0.\(.)",
		nodeName: $node.name}]}}' "$DIR/nodes" | send
}
# complete N: nodeInfo has N pods of each node
complete() {
	[ "$(api GET $TRACKER | jq -c '[.status.nodeInfo[] | select(.podIPs | length == '"$1"')] |
		length')" = $AGENTS ]
}
# all_show N: so does each slice, and an agent has written it
all_show() {
	[ "$(api GET $SLICES | jq -c '[.items[] | select((.pods | length) == '"$1"' and
		.writer == "Agent")] | length')" = $AGENTS ]
}
lines() { wc -l <"$DIR/requests.jsonl"; }
# asked FROM FILTER: how many requests since line FROM of the log are so
asked() {
	tail -n +$(($1 + 1)) "$DIR/requests.jsonl" | jq -c "select($2)" | grep -c .
}
OF_TRACKER='.path == "'$TRACKER'/status" and .method == "PATCH"'
# time_of FROM: of the last write of the PodTracker, in milliseconds
time_of() {
	date +%s%3N -d "$(tail -n +$(($1 + 1)) "$DIR/requests.jsonl" |
		jq -r "select($OF_TRACKER) | .time" | tail -1)"
}

check "each node has a pod" pods_come 1
check "$AGENTS agents make their slices" slices_show 1
start_ipwarden
eventually 30 "all processes are ready" all_ready
apply - >/dev/null <<-YAML
	apiVersion: networking.learntosolveit.com/v1
	kind: PodTracker
	metadata: {name: cluster-pod-tracker}
	spec: {}
YAML
eventually 30 "nodeInfo has each node's pod" complete 1
# so large a status is written that often
rest_ms=$(jq -r "select($OF_TRACKER) | .bytes * 60000 / $BUDGET | ceil" "$DIR/requests.jsonl" |
	tail -1)
rests() { [ $(($(now_ms) - $(time_of 0))) -ge $((rest_ms + 1000)) ]; }
eventually 60 "it has not been written for a while" rests

# The watcher holds still, so that all is there in one moment.
from=$(lines)
kill -STOP "$(pid_of watcher)"
check "each node has another pod" pods_come 2
began=$(now_ms)
kill -CONT "$(pid_of watcher)"
check "each agent writes its slice, with many at a time" slices_show 2
eventually 20 "nodeInfo is complete" complete 2
took=$(($(time_of "$from") - began))
size=$(jq -r "select($OF_TRACKER) | .bytes" "$DIR/requests.jsonl" | tail -1)
check "within 2 s ($took ms, a status of $size bytes)" test $took -le 2000
is "by one write" "$(asked "$from" "$OF_TRACKER")" 1
check "the slices are" all_show 2
is "there was no conflict, or anything else" "$(asked 0 '.status >= 400 and .status != 404')" 0
is "the leader wrote no slice" "$(asked 0 '(.agent | startswith("ipwarden-")) and
	.resource == "podtrackerslices" and .verb != "list" and .verb != "watch"')" 0
is "and the agents wrote $AGENTS" "$(asked "$from" '.resource == "podtrackerslices" and
	.verb == "patch" and .status == 200')" $AGENTS
