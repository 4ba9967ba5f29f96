#!/bin/sh
# More pods than one object holds: the Pod IP Tracker writes each twice into its status, which
# no API server takes from some thousands on.
. "$SRC/tests/system/lib.sh"

TRACKER=/apis/networking.learntosolveit.com/v1/podtrackers/cluster-pod-tracker
SLICES=/apis/tracking.ipwarden.dev/v1alpha1/podtrackerslices
LIMIT=1048576
PODS=6000 # on the first node

start_world --nodes 3
install_crd
N1=$(api GET /api/v1/nodes | jq -r '[.items[].metadata.name] | sort[0]')
many_pods $PODS default web-7f9c8d6b5d "$N1"
# of all pods, in the order of PodTrackers
truth() {
	api GET /api/v1/pods | jq -cS '[.items[] | {podName: .metadata.name,
		namespace: .metadata.namespace, ip: .status.podIP, nodeName: .spec.nodeName,
		creationTimestamp: .metadata.creationTimestamp, phase: .status.phase}] |
		sort_by(.namespace, .podName)' >"$DIR/truth"
}
truth
is "its status would be of more than 1 MiB" "$(jq -c "{podIPs: ., nodeInfo: [{podIPs: .}]} |
	tojson | length > $LIMIT" "$DIR/truth")" true

start_ipwarden
eventually 30 "all processes are ready" all_ready
apply - >/dev/null <<-YAML
	apiVersion: networking.learntosolveit.com/v1
	kind: PodTracker
	metadata: {name: cluster-pod-tracker}
	spec: {}
YAML
# shown FILTER: of the status
shown() { api GET $TRACKER | jq -c ".status | $1"; }
counts() { [ "$(shown '[.podCount, .nodeCount]')" = "[$1,3]" ]; }
eventually 20 "it has the counts of all" counts $PODS
is "says that it is cut" "$(shown '[.truncated, (.conditions[] | .status, .reason)]')" \
	'[true,"True","Truncated"]'
is "each node has its count" "$(shown '[.nodeInfo[].podCount] | sort')" "[0,0,$PODS]"
shown '[.podIPs[] | {podName, namespace, ip, nodeName, creationTimestamp, phase}]' |
	jq -cS . >"$DIR/shown"
is "shows pods from the first on" "$(jq --slurpfile shown "$DIR/shown" \
	'.[:($shown[0] | length)] == $shown[0]' "$DIR/truth")" true
size=$(api GET $TRACKER | wc -c)
check "as many as there is room for ($(jq length "$DIR/shown"), $size bytes)" \
	test "$size" -lt $LIMIT -a "$size" -gt $((LIMIT * 8 / 10))
refused() {
	jq -r 'select(.agent | startswith("ipwarden-")) | select(.status >= 400 and .status != 404) |
		.verb + " " + .path + " " + (.status | tostring)' "$DIR/requests.jsonl"
}
sliced() {
	truth
	api GET $SLICES | jq -cS '[.items[].pods[] | {podName, namespace, ip, nodeName,
		creationTimestamp, phase}] | sort_by(.namespace, .podName)' | cmp - "$DIR/truth"
}
eventually 20 "the slices have all of them" sliced
is "and so has ipwardenctl pods" "$("$STAGE/bin/ipwardenctl" pods -o name | sort | cksum)" \
	"$(jq -r '.[] | .namespace + "/" + .podName' "$DIR/truth" | sort | cksum)"

many_pods 1 default late "$N1"
eventually 30 "another pod is counted" counts $((PODS + 1))
eventually 20 "and is in a slice" sliced
many_pods_gone $((PODS - 20)) default web-7f9c8d6b5d
eventually 30 "fewer: all of them are shown" eval 'counts 21 &&
	[ "$(shown "[.truncated, (.podIPs | length)]")" = "[false,21]" ]'
eventually 30 "and the slices that are too many go" eval \
	'sliced && [ "$(api GET $SLICES | jq ".items | length")" = 3 ]'
is "the server refused nothing" "$(refused)" ""
