#!/bin/sh
# PodTracker: the names, fields and queries that its users know, and what the Pod IP Tracker
# does wrong.
. "$SRC/tests/system/lib.sh"

TRACKERS=/apis/networking.learntosolveit.com/v1/podtrackers
SLICES=/apis/tracking.ipwarden.dev/v1alpha1/podtrackerslices
FINALIZER=podtracker.networking.learntosolveit.com/finalizer
ALL=cluster-pod-tracker

start_world --nodes 3

# --- without its definition -----------------------------------------------------------
apply "$SRC/crds/netipallocation.yaml" >/dev/null
start_ipwarden
eventually 30 "where PodTracker is not installed nothing waits for it" ready
eventually 10 "it is said once" eval \
	'[ "$(grep -c "\"event\":\"not_served\",\"kind\":\"podtrackers\"" "$LOG")" = 1 ]'
is "and its watch is no metric" "$(metric 'ipwarden_watch_synced{kind="podtrackers"}')" ""
stop_ipwarden
install_crd
eventually 10 "PodTracker is served" kc get podtrackers.networking.learntosolveit.com
eventually 10 "PodTrackerSlice is served" kc get podtrackerslices.tracking.ipwarden.dev
NODES=$(api GET /api/v1/nodes | jq -r '[.items[].metadata.name] | sort | .[]')
# shellcheck disable=SC2086
set -- $NODES
N1=$1 N2=$2 N3=$3

# tracker NAME [NAMESPACE [FINALIZER]]
tracker() {
	apply - >/dev/null <<-YAML
		apiVersion: networking.learntosolveit.com/v1
		kind: PodTracker
		metadata: {name: $1${3:+, finalizers: ["$3"]}}
		spec: {${2:+namespace: $2}}
	YAML
}

# a_pod NAMESPACE/NAME NODE PHASE IP [OTHER-IP] [HOSTNETWORK]
a_pod() {
	put_object "$(jq -nc --arg ns "${1%/*}" --arg name "${1#*/}" --arg node "$2" \
		--arg phase "$3" --arg ip "$4" --arg other "${5:-}" --argjson host "${6:-false}" '{
		apiVersion: "v1", kind: "Pod", metadata: {name: $name, namespace: $ns},
		spec: {nodeName: $node, hostNetwork: $host,
			containers: [{name: "main", image: "none"}]},
		status: ({phase: $phase} + if $ip == "" then {} else {podIP: $ip,
			podIPs: [$ip, $other | select(. != "") | {ip: .}]} end)}')" >/dev/null
}

# truth [NAMESPACE]: podIPs as the API's own list has them, in the fields of the original
truth() {
	api GET /api/v1/pods | jq -cS --arg ns "${1:-}" '[.items[] |
		select(.status.podIP and ($ns == "" or .metadata.namespace == $ns)) |
		{podName: .metadata.name, namespace: .metadata.namespace, ip: .status.podIP,
		nodeName: .spec.nodeName, creationTimestamp: .metadata.creationTimestamp,
		phase: .status.phase}] | sort_by(.namespace, .podName)'
}

# shown NAME FILTER: of its status
shown() { api GET "$TRACKERS/$1" | jq -cS ".status | $2"; }

FIELDS='{podName, namespace, ip, nodeName, creationTimestamp, phase}'
# is_true NAME [NAMESPACE]: podIPs and nodeInfo are those of the API
is_true() {
	wanted=$(truth "${2:-}")
	got=$(shown "$1" "[.podIPs[]? | $FIELDS]")
	say "$got"
	[ "$got" = "$wanted" ] || return 1
	wanted=$(api GET /api/v1/nodes | jq -cS --argjson pods "$wanted" '[.items[] |
		.metadata.name as $n | {nodeName: $n,
		nodeIP: ([.status.addresses[]? | select(.type == "InternalIP")][0].address // ""),
		podIPs: [$pods[] | select(.nodeName == $n)]}] | sort_by(.nodeName)')
	got=$(shown "$1" "[.nodeInfo[]? | {nodeName, nodeIP, podIPs: [.podIPs[]? | $FIELDS]}]")
	say "$got"
	[ "$got" = "$wanted" ]
}

# --- without a PodTracker nothing is written -----------------------------------------
a_pod default/web-1 "$N1" Running 10.0.1.1 fd00::1
a_pod default/web-2 "$N2" Running 10.0.2.1
a_pod default/done "$N1" Succeeded 10.0.1.2
a_pod default/waits "$N1" Pending ""
a_pod voice/sip-0 "$N2" Running 192.0.2.12 "" true
start_ipwarden
eventually 30 "all processes are ready" all_ready
eventually 20 "and it is ready" ready
writes() { jq -r 'select(.verb != "list" and .verb != "watch" and .verb != "get") |
	select(.agent | startswith("ipwarden-reconciler")) | .resource' \
	"$DIR/requests.jsonl" | grep -c podtracker; }
is "without a PodTracker nothing is written about them" "$(writes)" 0

# --- the rows of the Pod IP Tracker ---------------------------------------------------
tracker $ALL
eventually 10 "podIPs and nodeInfo are what the API's lists have" is_true $ALL
is "a pod without an address is left out, one that has ended is not" \
	"$(shown $ALL '[.podIPs[].podName]')" '["done","web-1","web-2","sip-0"]'
is "kubectl get podtracker: its columns" \
	"$(kc get podtracker | awk 'NR == 1 { print $1, $2, $3, $4 }')" "NAME PODS NODES AGE"
is "the Pods column has the count" \
	"$(kc get podtracker $ALL --no-headers | awk '{ print $2, $3 }')" "4 3"
is "the query of its users" "$(kc get podtracker $ALL \
	-o jsonpath='{.status.podIPs}' | jq -r '.[1].ip')" 10.0.1.1
is "what the node has, as quantities" \
	"$(shown $ALL '.nodeInfo[0].resources | keys')" \
	'["cpuAllocatable","cpuCapacity","memoryAllocatable","memoryCapacity"]'
is "they are those of the node" "$(shown $ALL '.nodeInfo[0].resources |
	[.cpuCapacity, .memoryAllocatable]')" "$(api GET "/api/v1/nodes/$N1" |
	jq -c '[.status.capacity.cpu // "0", .status.allocatable.memory // "0"]')"
is "lastUpdateTime is RFC 3339, here and of each node" "$(shown $ALL \
	'[.lastUpdateTime, .nodeInfo[].lastUpdateTime] | all(test("^20..-..-..T..:..:..Z$"))')" true
eventually 5 "the event StatusUpdated is told" event StatusUpdated \
	"PodTracker status updated with current pod IPs"
is "it is Normal, and about the tracker" "$(api GET /api/v1/namespaces/default/events |
	jq -c '.items[] | select(.reason == "StatusUpdated") |
		[.type, .involvedObject.kind, .involvedObject.name]')" \
	'["Normal","PodTracker","'$ALL'"]'

# --- what is added to it --------------------------------------------------------------
is "dual stack: both addresses" "$(shown $ALL '.podIPs[1].ips')" '["10.0.1.1","fd00::1"]'
is "hostNetwork is told" "$(shown $ALL '[.podIPs[] | .hostNetwork // false]')" \
	"[false,false,false,true]"
is "the uid is" "$(shown $ALL '.podIPs[1].uid')" \
	"$(api GET /api/v1/namespaces/default/pods/web-1 | jq .metadata.uid)"
is "counts, generation, condition" "$(shown $ALL '[.podCount, .nodeCount, .truncated,
	.observedGeneration, (.conditions[] | .type, .status, .reason)]')" \
	'[4,3,false,1,"Ready","True","Complete"]'

# --- true to the cluster --------------------------------------------------------------
tracker lab voice
eventually 10 "a tracker of one namespace has that one alone, nodeInfo too" is_true lab voice
tracker none nosuch
eventually 10 "one without pods is told without podIPs" eval \
	'[ "$(shown none "[.podCount, (has(\"podIPs\") | tostring)]")" = "[0,\"false\"]" ]'
a_pod voice/sip-1 "$N3" Running 10.0.3.1
eventually 10 "a new pod is there" is_true $ALL
eventually 10 "in both" is_true lab voice
a_pod default/waits "$N1" Running 10.0.1.9
eventually 10 "a pod gets an address" is_true $ALL
a_pod default/waits "$N1" Running 10.0.1.10
eventually 10 "it gets another one" is_true $ALL
remove_object /api/v1/namespaces/default/pods/web-2
eventually 10 "a pod goes" is_true $ALL
merge_patch $TRACKERS/lab '{"spec":{"namespace":"default"}}'
eventually 10 "spec.namespace changes" is_true lab default
is "the generation is told" "$(shown lab .observedGeneration)" 2
remove_object "/api/v1/nodes/$N3"
eventually 10 "the entry of a node that was deleted goes" is_true $ALL
eventually 10 "in the other one, too" is_true lab default

# --- written only on change -----------------------------------------------------------
# statuses NAME: how often that of this tracker was written
statuses() { jq -r --arg p "$TRACKERS/$1/status" 'select(.path == $p) | .verb' \
	"$DIR/requests.jsonl" | wc -l; }
# each edit is over when the tracker of all has shown a pod that came after it
count=$(statuses lab)
for i in 1 2 3; do
	merge_patch /api/v1/namespaces/default/pods/web-1 '{"metadata":{"labels":{"edit":"'$i'"}}}'
	a_pod default/no-address "$N2" Pending ""
	a_pod "voice/late-$i" "$N2" Running "10.0.2.$((20 + i))"
	eventually 10 "a pod of another namespace comes ($i)" is_true $ALL
	remove_object /api/v1/namespaces/default/pods/no-address
done
a_pod default/web-8 "$N2" Running 10.0.2.8
eventually 10 "one of this" is_true lab default
is "that alone was a write" "$(statuses lab)" $((count + 1))
until_true 10 is_true $ALL
count=$(statuses $ALL)
stop_ipwarden
start_ipwarden
eventually 30 "another leader comes" ready
a_pod voice/latest "$N2" Running 10.0.2.9
eventually 10 "and goes on" is_true $ALL
is "it wrote once, for what had changed" "$(statuses $ALL)" $((count + 1))
merge_patch $TRACKERS/$ALL/status '{"status":{"podIPs":[],"podCount":0}}'
eventually 10 "what another hand wrote is mended" is_true $ALL
eventually 10 "the count, too" eval '[ "$(shown $ALL .podCount)" = "$(truth | jq length)" ]'

# --- the finalizer --------------------------------------------------------------------
is "no finalizer is put on" "$(api GET $TRACKERS/$ALL | jq -c .metadata.finalizers)" null
tracker old "" $FINALIZER
eventually 10 "that of the Pod IP Tracker is taken off" eval \
	'[ "$(api GET $TRACKERS/old | jq -c ".metadata.finalizers // []")" = "[]" ]'
stop_ipwarden
check "a tracker is deleted while nobody runs" kc delete podtracker $ALL --timeout=5s
tracker left voice $FINALIZER
merge_patch $TRACKERS/left '{"metadata":{"finalizers":["'$FINALIZER'","example.org/other"]}}'
check "one that the Pod IP Tracker has left waits" kc delete podtracker left --wait=false
start_ipwarden
eventually 20 "it is let go, and the finalizer of others stays" eval \
	'[ "$(api GET $TRACKERS/left | jq -c .metadata.finalizers)" = "[\"example.org/other\"]" ]'
is "and nothing is written about one that goes" "$(shown left 'has("podCount")')" false
merge_patch $TRACKERS/left '{"metadata":{"finalizers":null}}'

# --- slices ---------------------------------------------------------------------------
tracker $ALL
# slice_of NODE: the pods of all its slices, and the node that they are of
slice_of() {
	kc get podtrackerslices -o json --field-selector "nodeName=$1" | jq -cS '[.items[] |
		.nodeUID, .writer, (.pods[] | {podName, namespace, ip})]'
}
slice_wanted() {
	api GET /api/v1/pods | jq -cS --arg n "$1" --arg uid \
		"$(api GET "/api/v1/nodes/$1" | jq -r .metadata.uid)" '[$uid, "Leader",
		([.items[] | select(.spec.nodeName == $n and .status.podIP) | {podName: .metadata.name,
		namespace: .metadata.namespace, ip: .status.podIP}] | sort_by(.namespace, .podName)[])]'
}
has_slice() {
	say "$(slice_of "$1")"
	[ "$(slice_of "$1")" = "$(slice_wanted "$1")" ]
}
# a node that is no more
api POST $SLICES -o /dev/null -H 'Content-Type: application/json' --data-binary '{
	"apiVersion":"tracking.ipwarden.dev/v1alpha1","kind":"PodTrackerSlice",
	"metadata":{"name":"ghost"},"nodeName":"ghost","nodeUID":"u","writer":"Leader","pods":[]}'
eventually 10 "each node has its slice, with all its pods" has_slice "$N1"
eventually 10 "each" has_slice "$N2"
is "it goes with its node" "$(api GET "$SLICES/$N1" | jq -c '.metadata.ownerReferences[] |
	[.kind, .name]')" '["Node","'"$N1"'"]'
a_pod voice/sip-9 "$N1" Running 10.0.1.77
eventually 15 "a pod more" has_slice "$N1"
lease 1 "$N1" "kube-node-lease/$N1" 40
is "ipwardenctl pods has them, and nothing to say against them" \
	"$("$STAGE/bin/ipwardenctl" pods --node "$N1" -o name 2>&1)" \
	"$(slice_wanted "$N1" | jq -r '.[2:][] | "\(.namespace)/\(.podName)"')"
api DELETE "$SLICES/$N2" -o /dev/null
eventually 15 "one that somebody took away is written again" has_slice "$N2"

# --- PodTracker is not served, for a moment or for long -------------------------------
# trackers_synced: how often all of them have been told of
trackers_synced() { grep -c '"event":"synced","kind":"podtrackers"' "$LOG"; }
slice_uids() { api GET $SLICES | jq -c --arg a "$N1" --arg b "$N2" '[.items[] |
	select(.metadata.name == ($a, $b)) | .metadata.uid]'; }
not_served() {
	fault '{"target":"kube","method":"GET","path":"'$TRACKERS'","status":404,
		"retry_after_s":5,"count":'"$1"'}'
	kill -9 "$(pid_of watcher)"
}
before=$(slice_uids)
count=$(trackers_synced)
not_served 4
eventually 60 "PodTracker is not served for 20 s, and served again" eval \
	'[ "$(trackers_synced)" -gt $count ]'
is "the slices are those that there were" "$(slice_uids)" "$before"
not_served -1
eventually 120 "it is not served for longer: there are no PodTrackers" eval \
	'[ "$(slice_uids)" = "[]" ]'
clear_faults
eventually 60 "then there are again" has_slice "$N1"
eventually 20 "and each has its slice" has_slice "$N2"
# agent TIME: the agent of N1 writes then
agent() {
	merge_patch "$SLICES/$N1" '{"writer":"Agent","contentHash":"","pods":[],
		"lastUpdateTime":"'"$(date -u -d "$1" +%FT%TZ)"'"}'
}
agent now
a_pod voice/sip-10 "$N1" Running 10.0.1.78
a_pod voice/sip-11 "$N2" Running 10.0.2.78
eventually 15 "the leader goes on with the others" has_slice "$N2"
is "and leaves that of an agent alone" "$(api GET "$SLICES/$N1" | jq -c '[.writer, .pods]')" \
	'["Agent",[]]'
is "those of each are found" "$(kc get podtrackerslices --field-selector writer=Agent -o name)" \
	"podtrackerslice.tracking.ipwarden.dev/$N1"
agent "21 minutes ago"
eventually 15 "one that has been silent is followed by the leader" has_slice "$N1"
agent now
no_slice() { ! api GET "$SLICES/$1"; }
eventually 25 "that of a node that is gone is taken away" no_slice ghost
for name in $(kc get podtracker -o name); do kc delete "$name" >/dev/null; done
eventually 25 "without a PodTracker those of agents are left" eval \
	'[ "$(kc get podtrackerslices -o name | wc -l)" = 1 ]'
is "as they were" "$(api GET "$SLICES/$N1" | jq -c '[.writer, .pods]')" '["Agent",[]]'

# --- without their definition ---------------------------------------------------------
stop_ipwarden
kc delete crd podtrackerslices.tracking.ipwarden.dev >/dev/null
tracker $ALL
slices_made() { jq -r 'select(.verb == "create") | .path' "$DIR/requests.jsonl" |
	grep -c podtrackerslices; }
count=$(slices_made)
start_ipwarden
eventually 30 "a PodTracker is filled all the same" is_true $ALL
is "and no slice is tried" "$(slices_made)" "$count"
