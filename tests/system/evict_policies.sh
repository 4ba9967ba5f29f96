#!/bin/sh
# Pods on a node that has lost its address, beyond evict.sh: evictionPolicy, no node to go
# to, one eviction at a time, and where ipwarden took the address itself only those pods
# that ask for the label.
. "$SRC/tests/system/lib.sh"

ADDRESS=34.82.10.
PODS=/api/v1/namespaces/default/pods

start_world --nodes 16 --addresses "$(seq -s, -f $ADDRESS%g 8)"
install_crd
start_ipwarden
eventually 30 "all processes are ready" all_ready

# allocate NAME POLICY "NODE..." ADDRESS...: with a Deployment of its name
allocate() {
	name=$1
	policy=$2
	for node in $3; do node_labels "node-$node" '{"pool":null,"set":"'"$name"'"}'; done
	shift 3
	deployment "$name"
	spec_allocation "$name" "$(jq -nc --arg name "$name" --arg policy "$policy" --arg prefix $ADDRESS \
		'{nodeSelector: {set: $name}, evictionPolicy: $policy, reservedIPs:
		($ARGS.positional | map($prefix + .)),
		workloadRef: {kind: "Deployment", name: $name}}' --args "$@")"
}
allocate when WhenReplaceable "1 2" 1
allocate always Always "3 4" 2
allocate never Never "5 6 7" 3 4
allocate ours WhenReplaceable "8 9 10" 5 6
allocate many WhenReplaceable "11 12 13" 7 8
eventually 30 "all are attached" kc wait --for=condition=Ready nia --all --timeout=1s

there() { api GET $PODS | jq -e --arg n "$1" 'any(.items[];
	.metadata.name == $n and .metadata.deletionTimestamp == null)'; }
going() { api GET $PODS | jq -e --arg n "$1" 'all(.items[];
	.metadata.name != $n or .metadata.deletionTimestamp != null)'; }
# pods_of NAME NODE COUNT
pods_of() {
	for i in $(seq "$3"); do pod "default/$1-abc12-$i" "$2" "$1"; done
}

# --- a foreign hand takes them away; the nodes cannot have them back ----------------------
WHEN=$(node_of ${ADDRESS}1)
ALWAYS=$(node_of ${ADDRESS}2)
NEVER=$(node_of ${ADDRESS}3)
MANY=$(node_of ${ADDRESS}7)
OURS=$(node_of ${ADDRESS}5)
pods_of when "$WHEN" 1
pods_of always "$ALWAYS" 1
pods_of never "$NEVER" 1
pods_of many "$MANY" 3
# no other node of when and always can take the address
for n in 1 2 3 4; do cordon node-$n; done
cordon "$NEVER"
cordon "$MANY"
held() { entry_is when ${ADDRESS}1 "Draining InUse" &&
	entry_is many ${ADDRESS}7 "Draining InUse"; }
eventually 15 "their pods keep the addresses" held
# evictions under way are held, so that one after the other can be seen
fault '{"target":"kube","method":"POST","path":"/pods/many-abc12-","hold":"before","count":-1}'
for node in "$WHEN" "$ALWAYS" "$NEVER" "$MANY"; do detach_by_hand "$node"; done

# --- ipwarden takes one off itself: only pods that ask for the label ----------------------
pods_of ours "$OURS" 2
put_object "$(api GET $PODS/ours-abc12-2 | jq 'del(.metadata.resourceVersion) |
	.spec.nodeSelector = {"ip.ready": "true"}')" >/dev/null
taint "$OURS" node.kubernetes.io/out-of-service NoExecute
eventually 15 "a node that is out of service: its address moves" moved ${ADDRESS}5 "$OURS"

eventually 30 "always: evicted, wherever it may go" going always-abc12-1
eventually 30 "no node to go to is told" event NoReplacementNode "$WHEN"
check "the pod stays" there when-abc12-1
# a call that is held for too long is made again, for the same pod
held_evictions() { control GET /faults | jq -r '[.held[].path] | unique | length'; }
one_held() { [ "$(held_evictions)" = 1 ]; }
eventually 30 "many: one eviction is under way" one_held
lists=$(calls instances.list)
eventually 15 "two more looks at the cloud" more_calls instances.list $((lists + 1))
is "and no second one meanwhile" "$(held_evictions)" 1
remove_object $PODS/many-abc12-1
pods_of many "$MANY" 1
clear_faults
for i in 2 3; do eventually 30 "many: pod $i goes" going many-abc12-$i; done
check "another pod of the first one's name stays" there many-abc12-1
eventually 30 "ours: a pod that asks for the label goes" going ours-abc12-2
check "one that does not stays" there ours-abc12-1
check "never: stays" there never-abc12-1
eventually 15 "its address is on another node, all the same" moved ${ADDRESS}3 "$NEVER"
check "no violations" no_violations
