#!/bin/sh
# The node agent, as deploy/components/agent installs it: which processes there are, what
# they ask for and with which identity, and the slices of its node, held against the API's
# own lists.
. "$SRC/tests/system/lib.sh"
. "$SRC/tests/system/installed.sh"

SLICES=/apis/tracking.ipwarden.dev/v1alpha1/podtrackerslices
ROLES="resolver dialer-watcher dialer-reconciler metricsd reconciler watcher"

# --- what it is started with ----------------------------------------------------------
# refuses WORDS [NAME=VALUE] [options]: it ends with status 2 and says so
refuses() {
	words=$1
	shift
	env -i PATH="$PATH" "$@" >"$DIR/said" 2>&1
	[ $? -eq 2 ] && grep -F "$words" "$DIR/said"
}
PROGRAM=$STAGE/bin/ipwarden
check "without NODE_NAME it ends, and names it" refuses "NODE_NAME" "$PROGRAM" --agent
check "so it does when that is empty" refuses "NODE_NAME" NODE_NAME= "$PROGRAM" --agent
check "or no name" refuses "NODE_NAME" NODE_NAME=No_Name "$PROGRAM" --agent
for option in --dry-run "--gcp-endpoint=https://example.org" --cloud-ca=/etc/passwd \
	--store-in-cm; do
	check "${option%%=*} is refused" refuses "no ${option%%=*}" NODE_NAME=n1 \
		"$PROGRAM" --agent "$option"
done

# --- installed --------------------------------------------------------------------------
start_world --nodes 3
# shellcheck disable=SC2046
set -- $(api GET /api/v1/nodes | jq -r '[.items[].metadata.name] | sort | .[]')
N1=$1 N2=$2
rights_count
apply "$SRC/crds/netipallocation.yaml" >/dev/null
apply "$SRC/crds/podtracker.yaml" >/dev/null
check "kubectl applies the component" apply "$SRC/deploy/rendered/agent.yaml"
DEPLOYMENT=/apis/apps/v1/$SYSTEM/daemonsets/pod-ip-tracker-agent
CLOUD=
as_pods

# a_pod NAMESPACE/NAME NODE IP [OTHER-IP]
a_pod() {
	put_object "$(jq -nc --arg ns "${1%/*}" --arg name "${1#*/}" --arg node "$2" \
		--arg ip "$3" --arg other "${4:-}" '{
		apiVersion: "v1", kind: "Pod", metadata: {name: $name, namespace: $ns},
		spec: {nodeName: $node, containers: [{name: "main", image: "none"}]},
		status: ({phase: "Running"} + if $ip == "" then {} else {podIP: $ip,
			podIPs: [$ip, $other | select(. != "") | {ip: .}]} end)}')" >/dev/null
}
a_pod default/web-1 "$N1" 10.0.1.1 fd00::1
a_pod default/web-2 "$N2" 10.0.2.1
a_pod default/waits "$N1" ""
logged() { grep -c '"event":"'"$1"'"' "$LOG"; }
not_ready_says() { curl -sS "$HEALTH_URL/readyz" | grep -F "$1"; }

# node_uid NAME
node_uid() { api GET "/api/v1/nodes/$1" | jq -r .metadata.uid; }
FIELDS='{podName, namespace, uid, ip, nodeName, creationTimestamp, phase}'
# truth NODE: the pods of its slices, as the API's own list has them
truth() {
	api GET /api/v1/pods | jq -cS --arg node "$1" '[.items[] |
		select(.status.podIP and .spec.nodeName == $node) |
		{podName: .metadata.name, namespace: .metadata.namespace, uid: .metadata.uid,
		ip: .status.podIP, nodeName: .spec.nodeName,
		creationTimestamp: .metadata.creationTimestamp, phase: .status.phase}] |
		sort_by(.namespace, .podName)'
}
# slices NODE FILTER: of those that speak of it, in order
slices() {
	api GET $SLICES | jq -cS --arg node "$1" \
		"[.items[] | select(.nodeName == \$node)] | sort_by(.part) | $2"
}
# is_true NODE: its slices say what the API says, each of them
is_true() {
	wanted=$(truth "$1")
	got=$(slices "$1" "[.[].pods[] | $FIELDS]")
	say "$got"
	[ "$got" = "$wanted" ] || return 1
	wanted=$(api GET "/api/v1/nodes/$1" | jq -cS --argjson pods "$wanted" '{
		nodeUID: .metadata.uid, owner: .metadata.uid, writer: "Agent",
		nodeIP: ([.status.addresses[]? | select(.type == "InternalIP")][0].address // ""),
		podCount: ($pods | length),
		cpuCapacity: (.status.capacity.cpu // "0"),
		memoryAllocatable: (.status.allocatable.memory // "0")}')
	got=$(slices "$1" 'length as $n | [.[] | select(.parts == $n) | {nodeUID, writer, nodeIP,
		owner: .metadata.ownerReferences[0].uid, podCount,
		cpuCapacity: .resources.cpuCapacity,
		memoryAllocatable: .resources.memoryAllocatable}] | unique | .[]')
	say "$got"
	[ "$got" = "$wanted" ]
}
part_names() { slices "$1" '[.[].metadata.name] | join(" ")' | jq -r .; }

# asked METHOD [STATUS]: how often the agent asked for a slice so, and was answered that
asked() { grep -cE '"agent":"ipwarden-agent/.*"method":"'"$1"'","path":"'"$SLICES"'.*"status":'"${2:-}" \
	"$DIR/requests.jsonl"; }

# --- where the definition is not installed ---------------------------------------------
template '' | jq --arg node "$N1" '{apiVersion: "v1", kind: "Pod", metadata: (.metadata +
	{name: "agent-1", namespace: "kube-system"}), spec: (.spec + {nodeName: $node}),
	status: {phase: "Running"}}' >"$DIR/pod.json"
put_object "$(cat "$DIR/pod.json")" >/dev/null
WITH="$(environment agent-1 "$N1") $SERVER"
LOG=$DIR/agent-1.log
AUDIT=$DIR/agent-1.audit
# shellcheck disable=SC2046
start_ipwarden $(container '.args[]')
eventually 30 "all its processes are ready" all_ready
eventually 20 "readyz says that the definition is not there" \
	not_ready_says "reconciler: the node's slices are not written: PodTrackerSlice is not installed"
until_true 10 eval '[ "$(asked POST)" -ge 3 ]'
is "the log says so once" "$(logged slices_not_written)" 1
apply "$SRC/crds/podtrackerslice.yaml" >/dev/null
eventually 40 "installed: it is written" is_true "$N1"
eventually 10 "and it is ready" ready

# --- what runs ----------------------------------------------------------------------------
PARENT=$MAIN
[ "$(cat "/proc/$MAIN/comm")" = ipwarden ] || PARENT=$(cat "/proc/$MAIN/task/$MAIN/children")
# shellcheck disable=SC2046
is "its processes: no cloudworker, and no dialer for one" "$(ps -o args= --ppid "$PARENT" |
	sed 's|.*/||' | sort | uniq -c | awk '{ print $2 "×" $1 }' | tr '\n' ' ')" \
	"ipwarden-dialer×2 ipwarden-metricsd×1 ipwarden-reconciler×1 ipwarden-resolver×1 ipwarden-watcher×1 "
is "the log speaks of none" "$(grep -cE 'cloudworker|dialer-cloud|LINK_CLOUD|METRICS_CLOUD' "$LOG")" 0
is "nor do the checks" "$(curl -sS "$HEALTH_URL/readyz?verbose" | tr '\n' ' ')" \
	"$(printf '[+]%s ok ' supervisor $ROLES)readyz check passed "
is "nor the metrics" "$(curl -sS "$METRICS_URL/metrics" | grep -cE 'cloud|is_leader')" 0
is "it elects nobody" "$(logged leader_won) $(logged lease_holder)" "0 0"

# --- true to its node ---------------------------------------------------------------------
is "dual stack: both addresses" "$(slices "$N1" '.[0].pods[0].ips')" '["10.0.1.1","fd00::1"]'
is "other nodes have none" "$(slices "$N2" length)" 0
# within MILLISECONDS WHAT
within() {
	began=$(now_ms)
	until_true 10 is_true "$N1"
	took=$(($(now_ms) - began))
	check "$2 ($took ms)" test $took -le "$1"
}
rests() { # five seconds after the last write it is at rest
	before=$(asked PATCH)
	sleep 5
	[ "$(asked PATCH)" = "$before" ]
}
until_true 30 rests
a_pod default/web-3 "$N1" 10.0.1.3
within 2000 "at rest: a new pod is told within 2 s"
a_pod default/waits "$N1" 10.0.1.4
eventually 10 "a pod gets an address" is_true "$N1"
a_pod default/waits "$N1" 10.0.1.5
eventually 10 "it gets another one" is_true "$N1"
remove_object /api/v1/namespaces/default/pods/web-3
eventually 10 "a pod goes" is_true "$N1"
before=$(asked PATCH)
a_pod default/web-9 "$N2" 10.0.2.9
merge_patch /api/v1/namespaces/default/pods/web-1 '{"metadata":{"labels":{"a":"b"}}}'
merge_patch "/api/v1/nodes/$N1" '{"metadata":{"labels":{"a":"b"}}}'
a_pod default/web-4 "$N1" 10.0.1.40
eventually 10 "a pod comes" is_true "$N1"
is "another node's pods, and labels, are no write" "$(($(asked PATCH) - before))" 1
for i in 1 2 3 4 5 6 7 8 9; do
	a_pod default/web-4 "$N1" 10.0.1.4$i
	sleep 0.3
done
eventually 10 "a pod that changes often" is_true "$N1"
check "is written every five seconds at most ($(($(asked PATCH) - before - 1)))" \
	test $(($(asked PATCH) - before - 1)) -le 2

# --- what stands there already ---------------------------------------------------------
api DELETE "$SLICES/$N1" -o /dev/null
a_pod default/web-5 "$N1" 10.0.1.50
eventually 10 "somebody deletes it: made again with the next change" is_true "$N1"
check "404, then created" test "$(asked PATCH 404)" -ge 2
fault '{"target":"kube","method":"PATCH","path":"'"$SLICES"'","status":404,"count":1}'
a_pod default/web-5 "$N1" 10.0.1.51
eventually 10 "it is said not to be there, but is" is_true "$N1"
check "409, then patched" test "$(asked POST 409)" -ge 1

# --- more than one, and names of others ---------------------------------------------------
# 64 KiB are some 280 pods of such names
LONG=$(printf 'a%.0s' 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0)
many_pods 350 many $LONG "$N1"
eventually 20 "more than 64 KiB: a second slice" eval \
	'[ "$(part_names $N1)" = "$N1 $N1-2" ] && is_true $N1'
many_pods_gone 350 many $LONG
eventually 20 "and none when they are gone" eval '[ "$(part_names $N1)" = "$N1" ] && is_true $N1'
# slice NAME NODE PART: as another hand has left it
slice() {
	api POST $SLICES -o /dev/null -H 'Content-Type: application/json' --data-binary \
		'{"apiVersion":"tracking.ipwarden.dev/v1alpha1","kind":"PodTrackerSlice",
		"metadata":{"name":"'"$1"'"},"nodeName":"'"$2"'","writer":"Agent","part":'"$3"',"pods":[]}'
}
slice "$N1-2" "$N1-2" 1
slice "$N1-part-2" "$N1" 2
slice "$N1-3" "$N1" 3
stop_ipwarden
start_ipwarden $(container '.args[]')
eventually 20 "what a former life has left goes, the slice of a node of such a name stays" eval \
	'[ "$(part_names $N1)" = "$N1" ] && [ "$(part_names $N1-2)" = "$N1-2" ] && is_true $N1'
many_pods 350 many $LONG "$N1"
eventually 20 "a second slice has another name then" eval \
	'[ "$(part_names $N1)" = "$N1 $N1-part-2" ] && is_true $N1'
is "that of the other node is as it was" "$(slices "$N1-2" '.[0].pods')" "[]"

# --- another node of that name --------------------------------------------------------------
old=$(node_uid "$N1")
minted=$(logged watcher_token_minted)
api GET "/api/v1/nodes/$N1" | jq 'del(.metadata.uid, .metadata.resourceVersion)' >"$DIR/node.json"
remove_object "/api/v1/nodes/$N1"
eventually 10 "its node is gone: readyz says so" not_ready_says "no node of that name"
put_object "$(cat "$DIR/node.json")" >/dev/null
check "another one has come" test "$(node_uid "$N1")" != "$old"
eventually 15 "all is written anew, with its uid" is_true "$N1"
eventually 10 "and it is ready" ready
eventually 20 "what its watcher's token is bound to went with the node: it gets another" eval \
	'[ "$(logged watcher_token_minted)" -gt $minted ]'
kill -9 "$(pid_of watcher)"
a_pod default/web-8 "$N1" 10.0.1.8
eventually 20 "with which all can be listed" is_true "$N1"
until_true 20 all_ready
until_true 20 ready

# --- unknown is not absent ------------------------------------------------------------------
for role in $ROLES; do
	pid=$(pid_of "$role")
	kill -9 "$pid"
	until_true 20 eval '[ "$(pid_of $role)" != $pid ] && is_ready $role'
	a_pod default/web-6 "$N1" "10.0.3.$((pid % 250 + 1))"
	eventually 20 "$role is killed: it goes on" is_true "$N1"
done
eventually 20 "all of them run again" all_ready
until_true 10 ready
before=$(slices "$N1" .)
fault '{"target":"kube","method":"GET","path":"/api/v1/pods","status":503,"count":-1}'
kill -9 "$(pid_of watcher)"
eventually 20 "pods cannot be listed: readyz says so" not_ready_says "the watch is not complete"
merge_patch "/api/v1/nodes/$N1" '{"metadata":{"labels":{"c":"d"}}}'
sleep 3
is "and nothing is emptied" "$(slices "$N1" .)" "$before"
clear_faults
eventually 40 "then it is ready again" ready
is "with all that there was" "$(slices "$N1" '[.[].pods]')" \
	"$(say "$before" | jq -cS '[.[].pods]')"
fault '{"target":"kube","path":"/","status":503,"count":-1}'
a_pod default/web-7 "$N1" 10.0.1.7
eventually 20 "the server is out: readyz says that nothing is written" \
	not_ready_says "slices are not written"
clear_faults
eventually 60 "then it is" is_true "$N1"
eventually 60 "and it is ready" ready

# --- with these identities, and refused nothing ----------------------------------------------
eventually 20 "both ask what they may do" eval '[ "$(logged access_reviewed)" -ge 2 ]'
is "no right is missing, none is too much" \
	"$(grep -h '"event":"access_\(missing\|excess\)"' "$LOG")" ""
# ours: user, verb and resource of its requests
ours() { jq -r 'select(.agent | startswith("ipwarden-")) | select(.resource != "") |
	.user + " " + .verb + " " + .resource + (if .subresource != "" then "/" + .subresource
	else "" end)' "$DIR/requests.jsonl" | sort -u | sed 's/^system:serviceaccount:kube-system://'; }
is "the agent touches slices alone, its watcher reads pods and nodes" "$(ours)" "$(sort <<-'END'
	pod-ip-tracker-agent create podtrackerslices
	pod-ip-tracker-agent create selfsubjectaccessreviews
	pod-ip-tracker-agent create serviceaccounts/token
	pod-ip-tracker-agent delete podtrackerslices
	pod-ip-tracker-agent get podtrackerslices
	pod-ip-tracker-agent patch podtrackerslices
	pod-ip-tracker-agent-watcher create selfsubjectaccessreviews
	pod-ip-tracker-agent-watcher list nodes
	pod-ip-tracker-agent-watcher list pods
	pod-ip-tracker-agent-watcher watch nodes
	pod-ip-tracker-agent-watcher watch pods
END
)"
is "of its own node, always" "$(jq -r 'select(.agent | startswith("ipwarden-agent-watcher")) |
	select(.verb == "list" or .verb == "watch") | .resource + " " + .fields' \
	"$DIR/requests.jsonl" | sort -u | tr '\n' ' ')" \
	"nodes metadata.name=$N1 pods spec.nodeName=$N1 "
is "nothing was forbidden" "$(jq -r 'select(.agent | startswith("ipwarden-")) |
	select(.status == 403 or .status == 401) | .verb + " " + .path' "$DIR/requests.jsonl")" ""
stop_ipwarden
check "the audit stream is whole" "$STAGE/bin/ipwardenctl" audit verify "$AUDIT"
jq -r 'select(.what | startswith("slice")) | .request_id' "$AUDIT" | sort >"$DIR/told"
jq -r 'select(.agent | startswith("ipwarden-agent/")) | select(.path | startswith("'$SLICES'")) |
	select(.method != "GET") | .audit_id' "$DIR/requests.jsonl" | sort >"$DIR/written"
is "and has a line for each of $(grep -c . "$DIR/written") writes" \
	"$(comm -13 "$DIR/told" "$DIR/written")" ""
