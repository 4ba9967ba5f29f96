#!/bin/sh
# When an address leaves a node: each way in which a node leaves, with a pod of the
# workload and without; nodes that are gone, or new ones under an old name; and that what
# changes of a node makes ipwarden look at the cloud at once, not after its interval.
. "$SRC/tests/system/lib.sh"

ZONE=us-west1-a
ADDRESS=34.82.10.
INTERVAL=3600 # no look at the cloud comes by itself
# What makes a node leave while its pods keep the address; then what does not wait.
WAYS="cordoned deleted autoscaler karpenter gce-termination aws-termination"
NOW="out-of-service node-gone vm-gone reborn"

set -- $WAYS $NOW bare
start_world --nodes $((2 * $#)) --addresses "$(seq -s, -f $ADDRESS%g $#)"
install_crd
deployment web
start_ipwarden
eventually 30 "all processes are ready" all_ready

n=0
for way; do
	n=$((n + 1))
	for node in $((2 * n - 1)) $((2 * n)); do
		node_labels node-$node '{"pool":null,"way":"'"$way"'"}'
	done
	workload='"workloadRef":{"kind":"Deployment","name":"web"},'
	[ "$way" != bare ] || workload=
	spec_allocation "$way" '{'"$workload"'"nodeSelector":{"way":"'"$way"'"},
		"reservedIPs":["'$ADDRESS$n'"]}'
	echo "$way $ADDRESS$n" >>"$DIR/ways"
done
address() { sed -n "s/^$1 //p" "$DIR/ways"; }
rested() {
	for way in $WAYS $NOW bare; do
		entry_is "$way" "$(address "$way")" "Attached Attached" || return 1
	done
}
eventually 30 "all are attached" rested
for way; do node_of "$(address "$way")" >"$DIR/node-$way"; done
node() { cat "$DIR/node-$1"; }

# Nothing here calls an instance by its name: a request that did would be held.
fault '{"target":"gce","path":"/instances/node-","hold":"before","count":-1}'

# --- with a pod of the workload ------------------------------------------------------
for way in $WAYS $NOW; do pod "default/web-abc12-$way" "$(node "$way")" web; done
owned_pod default/agent "$(node bare)" DaemonSet agent
put_object '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"mirror",
	"namespace":"kube-system","annotations":{"kubernetes.io/config.mirror":"x"}},
	"spec":{"nodeName":"'"$(node bare)"'","hostNetwork":true,
	"containers":[{"name":"main","image":"none"}]},"status":{"phase":"Running"}}' >/dev/null
pod default/any-abc12-x "$(node bare)" any
cordon "$(node cordoned)"
cordon "$(node bare)"
merge_patch "/api/v1/nodes/$(node deleted)" '{"metadata":{"finalizers":["example.org/x"]}}'
api DELETE "/api/v1/nodes/$(node deleted)" -o /dev/null
taint "$(node autoscaler)" ToBeDeletedByClusterAutoscaler
taint "$(node karpenter)" karpenter.sh/disrupted
taint "$(node gce-termination)" cloud.google.com/impending-node-termination
taint "$(node aws-termination)" aws-node-termination-handler/spot-itn
for way in $WAYS; do
	eventually 15 "$way: its pod keeps the address" \
		entry_is "$way" "$(address "$way")" "Draining InUse"
	is "$way: where it was" "$(node_of "$(address "$way")")" "$(node "$way")"
done
eventually 15 "without a workload any pod keeps it" \
	entry_is bare "$(address bare)" "Draining InUse"
check "but for those of DaemonSets, and mirror pods" \
	entry_says bare "$(address bare)" "in use by 1 pod (any-abc12-x)"

# --- what does not wait for pods ------------------------------------------------------
taint "$(node out-of-service)" node.kubernetes.io/out-of-service NoExecute
remove_object "/api/v1/nodes/$(node node-gone)"
control DELETE "/gce/instances?zone=$ZONE&name=$(node vm-gone)" >/dev/null
node_ready "$(node vm-gone)" Unknown
left() { moved "$(address "$1")" "$(node "$1")"; }
eventually 15 "out of service: moved at once" left out-of-service
eventually 15 "the Node is gone, its VM is there: moved at once" left node-gone
is "the VM has lost it" "$(control GET /gce/state | jq -r --arg n "$(node node-gone)" \
	'.instances[] | select(.name == $n) | .external_ip')" ""
eventually 15 "the VM is gone, its Node is there: moved at once" left vm-gone

# --- the same name, another VM --------------------------------------------------------
id_of() { control GET /gce/state | jq -r --arg n "$1" \
	'.instances[] | select(.name == $n) | .id'; }
OLD=$(node reborn)
old_id=$(id_of "$OLD")
object=$(api GET "/api/v1/nodes/$OLD" | jq 'del(.metadata.uid, .metadata.resourceVersion) |
	.metadata.labels |= with_entries(select(.key | contains("netinfra") or . == "ip.ready" |
	not)) | .status.nodeInfo.bootID = "another"')
for node in $(api GET "/api/v1/nodes?labelSelector=way%3Dreborn" |
	jq -r '.items[].metadata.name'); do
	[ "$node" = "$OLD" ] || cordon "$node"
done
control DELETE "/gce/instances?zone=$ZONE&name=$OLD" >/dev/null
remove_object "/api/v1/nodes/$OLD"
control POST /gce/instances --data-binary '{"zone":"'$ZONE'","name":"'"$OLD"'"}' >/dev/null
put_object "$object" >/dev/null
instance_of() { api GET "$NIA/$1" | jq -r '.status.addresses[0].instanceID'; }
new_home() {
	holds "$(address reborn)" "$OLD" && [ "$(instance_of reborn)" = "$(id_of "$OLD")" ] &&
		entry_is reborn "$(address reborn)" "Attached Attached"
}
eventually 15 "a VM of the same name is another one, which gets the address" new_home
check "by its own id" [ "$(instance_of reborn)" != "$old_id" ]
eventually 10 "and labels" label_is "$OLD" ip.ready true

# --- the pods go ----------------------------------------------------------------------
for way in $WAYS; do remove_object "/api/v1/namespaces/default/pods/web-abc12-$way"; done
remove_object /api/v1/namespaces/default/pods/any-abc12-x
for way in $WAYS bare; do
	eventually 15 "$way: without the pod it moves" left "$way"
done
eventually 15 "all are at rest" rested
is "all calls named instances by their ids" "$(control GET /faults | jq -c .held)" "[]"

# --- looks at the cloud ---------------------------------------------------------------
# taken_back WHAT: a foreign hand has taken the address away; it is seen and put back
taken_back() { eventually 5 "$1: looked at at once" attached "$(address cordoned)"; }
HOME_NODE=$(node_of "$(address cordoned)")
detach_by_hand "$HOME_NODE"
lists=$(calls instances.list)
merge_patch "/api/v1/nodes/$HOME_NODE" '{"metadata":{"annotations":{"example.org/a":"b"}}}'
is "nothing that matters has changed" "$(calls instances.list)" "$lists"
check "it is not known" [ -z "$(node_of "$(address cordoned)")" ]
put_object "$(api GET "/api/v1/nodes/$HOME_NODE" |
	jq '.status.nodeInfo.bootID = "one more"')" >/dev/null
taken_back "another bootID"
eventually 10 "at rest" entry_is cordoned "$(address cordoned)" "Attached Attached"
detach_by_hand "$HOME_NODE"
node_ready "$HOME_NODE" True 10
node_ready "$HOME_NODE" False
node_ready "$HOME_NODE" True
taken_back "Ready changes"
eventually 10 "at rest again" entry_is cordoned "$(address cordoned)" "Attached Attached"
is "it is where it was" "$(node_of "$(address cordoned)")" "$HOME_NODE"
check "no violations" no_violations
