#!/bin/sh
# PodTracker beside what the Pod IP Tracker was recorded to write (tests/contracts/podtracker):
# the same pods and nodes give the same objects, but for the differences that README.md
# there states.
. "$SRC/tests/system/lib.sh"

SAMPLES=$SRC/tests/contracts/podtracker
TRACKERS=/apis/networking.learntosolveit.com/v1/podtrackers

start_world --nodes 1
install_crd
api GET /api/v1/nodes | jq -r '.items[].metadata.name' >"$DIR/nodes"
while read -r name; do remove_object "/api/v1/nodes/$name"; done <"$DIR/nodes"
# put_all: each line an object
put_all() {
	while read -r object; do put_object "$object" >/dev/null; done
}
jq -c '.items[] | .apiVersion = "v1" | .kind = "Node"' "$SAMPLES/nodes.json" | put_all
# of which nothing is known but its name
put_all <<'END'
{"apiVersion":"v1","kind":"Node","metadata":{"name":"node-d"}}
{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"voice"}}
{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"voice-lab"}}
END
# put_pods: those of the list on standard input, in the words of pods-input.json
put_pods() {
	jq -c '.[] | {apiVersion: "v1", kind: "Pod",
		metadata: {name, namespace, creationTimestamp},
		spec: {nodeName: .node, containers: [{name: "main", image: "none"}]},
		status: ({phase} + if .podIP then {podIP, podIPs} else {} end)}' | put_all
}
tracker() {
	apply - >/dev/null <<-YAML
		apiVersion: networking.learntosolveit.com/v1
		kind: PodTracker
		metadata: {name: $1}
		spec: {${2:+namespace: $2}}
	YAML
}

# What is ours beyond the recordings, by path: all of it, and nothing else (no pod of theirs
# has two addresses, or is known to have those of its host).
ADDED='["status.conditions","status.contentHash","status.nodeCount",
	"status.nodeInfo[].podCount","status.nodeInfo[].podIPs[].uid",
	"status.observedGeneration","status.podCount","status.podIPs[].uid","status.truncated"]'
# Both in one order, without the time at which each was written; of nodeInfo what FILTER says.
SAME='def pods: sort_by(.namespace, .podName);
	.status | walk(if type == "object" and has("lastUpdateTime") then
		.lastUpdateTime = "written" else . end) |
	if .podIPs then .podIPs |= pods else . end |
	if .nodeInfo then .nodeInfo |= (map(if .podIPs then .podIPs |= pods else . end) |
		sort_by(.nodeName)) else . end'
PATHS='def here: path(..) | map(if type == "number" then "[]" else . end) |
	reduce .[] as $p (""; if $p == "[]" then . + "[]" elif . == "" then $p else . + "." + $p end);
	[{status} | here] | unique'

# ours NAME: without what is added
ours() {
	api GET "$TRACKERS/$1" | jq -cS "del(.status.conditions, .status.contentHash,
		.status.nodeCount, .status.podCount, .status.observedGeneration, .status.truncated,
		.status.podIPs[]?.uid, .status.nodeInfo[]?.podCount,
		.status.nodeInfo[]?.podIPs[]?.uid) | $SAME | ${2:-.}"
}
# shows NAME FILE [FILTER [OURS]]: what was recorded, of which FILTER and OURS take a part
shows() {
	jq -cS "(if .items then .items[0] else . end) | $SAME | ${3:-.}" "$SAMPLES/$2" >"$DIR/wanted"
	ours "$1" "${4:-.}" >"$DIR/ours"
	jq . "$DIR/wanted" >"$DIR/wanted.lines"
	jq . "$DIR/ours" | diff "$DIR/wanted.lines" -
}
# the leader tells of nodes without an agent as well
WITHOUT_NODES='del(.nodeInfo)'

put_pods <"$SAMPLES/pods-input.json"
start_ipwarden
eventually 30 "all processes are ready" all_ready

tracker lab-tracker voice-lab
eventually 10 "05: the pods of one namespace" \
	shows lab-tracker 05-at-3s.json . "$WITHOUT_NODES"
# it was made while the Pod IP Tracker ran, and is known of what that wrote alone
jq -c '.items[0].status.podIPs | map(select(.podName == "late-0") | {name: .podName, namespace,
	creationTimestamp, node: .nodeName, phase, podIP: .ip, podIPs: [{ip}]})' \
	"$SAMPLES/05-after.json" | put_pods
eventually 10 "05: and one that comes" shows lab-tracker 05-after.json . "$WITHOUT_NODES"
told() {
	api GET /api/v1/namespaces/default/events | jq -cS '[.items[] |
		select(.involvedObject.name == "lab-tracker") | {namespace: .metadata.namespace, type,
		reason, message, about: [.involvedObject | .apiVersion, .kind, .name]}] | unique'
}
recorded_events() {
	jq -cS '[.[] | {namespace, type, reason, message,
		about: [.involvedObject | .apiVersion, .kind, .name]}] | unique' "$SAMPLES/05-events.json"
}
told_as_recorded() { [ "$(told)" = "$(recorded_events)" ]; }
eventually 5 "05: the event" told_as_recorded
# columns FILE
columns() { awk 'NR == 1 { for (i = 1; i <= NF; i++) print $i }' "$1" | sort; }
columns "$SAMPLES/05-kubectl-get.txt" >"$DIR/wanted"
kc get podtracker lab-tracker >"$DIR/get"
is "05: kubectl get has the columns, and one more" \
	"$(columns "$DIR/get" | comm -13 "$DIR/wanted" -) $(columns "$DIR/get" | comm -12 "$DIR/wanted" - |
		wc -l)" "NODES $(grep -c . "$DIR/wanted")"

tracker cluster-pod-tracker
eventually 10 "06: all pods with an address, whatever their phase" \
	shows cluster-pod-tracker 06-after.json . "$WITHOUT_NODES"
is "as many" "$(api GET $TRACKERS/cluster-pod-tracker | jq .status.podCount)" \
	"$(jq '.status.podIPs | length' "$SAMPLES/06-after.json")"
AGENTS='.nodeInfo | map(select(.nodeName != "node-c"))'
check "15: the nodes of the three agents, with the pods of all namespaces" \
	shows cluster-pod-tracker 15-after-b-a-d.json .nodeInfo "$AGENTS"
is "and the one where none ran" "$(ours cluster-pod-tracker \
	'.nodeInfo[] | select(.nodeName == "node-c") | [.nodeIP, .resources, .podIPs]')" \
	"$(jq -cS --slurpfile nodes "$SAMPLES/nodes.json" "$SAME"' | .podIPs |
		map(select(.nodeName == "node-c")) as $pods | $nodes[0].items[] |
		select(.metadata.name == "node-c") | [([.status.addresses[] |
		select(.type == "InternalIP")][0].address), {cpuCapacity: .status.capacity.cpu,
		memoryCapacity: .status.capacity.memory, cpuAllocatable: .status.allocatable.cpu,
		memoryAllocatable: .status.allocatable.memory}, $pods]' "$SAMPLES/06-after.json")"
check "15: a tracker of one namespace lists its pods alone in nodeInfo, too" \
	shows lab-tracker 15-after-b-a-d.json '.nodeInfo | map(
		.podIPs = [.podIPs[]? | select(.namespace == "voice-lab")] |
		if .podIPs == [] then del(.podIPs) else . end)' "$AGENTS"

tracker empty-tracker nosuch
eventually 10 "09: a tracker without pods" \
	shows empty-tracker 09-empty-tracker.json . "$WITHOUT_NODES"

# What was recorded of pods (06) and of nodes (15), in one object.
jq -s '.[0] * {status: {nodeInfo: .[1].status.nodeInfo}}' "$SAMPLES/06-after.json" \
	"$SAMPLES/15-after-b-a-d.json" | jq -c "$PATHS" >"$DIR/paths"
api GET $TRACKERS/cluster-pod-tracker | jq -c "$PATHS" >"$DIR/our-paths"
# less FROM WITHOUT: of what is added as a whole, its root alone
less() {
	jq -c --slurpfile without "$2" '(. - $without[0]) as $all | $all |
		map(select(. as $p | any($all[]; . as $q | $p != $q and
		(($p | startswith($q + ".")) or ($p | startswith($q + "[")))) | not))' "$1"
}
is "what is added is what the table says" "$(less "$DIR/our-paths" "$DIR/paths")" \
	"$(printf %s "$ADDED" | jq -c .)"
is "nothing is left out" "$(less "$DIR/paths" "$DIR/our-paths")" "[]"
is "no finalizer is put on (as in each recording)" \
	"$(api GET $TRACKERS/lab-tracker | jq -c .metadata.finalizers) $(jq -c \
		'.items[0].metadata.finalizers' "$SAMPLES/05-after.json")" \
	'null ["podtracker.networking.learntosolveit.com/finalizer"]'
