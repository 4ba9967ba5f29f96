#!/bin/sh
# Which nodes may get an address, and which of them does: SEMANTICS "Eligible nodes". Each
# reason why one may not is counted in the words of the status; what ends the reason makes
# the address go there.
. "$SRC/tests/system/lib.sh"

ZONES=us-west1-a,us-west1-b # node-1, node-3, … are in the first one
ADDRESS=34.82.10.
BLOCKED="Blocked NoEligibleNode"

start_world --nodes 16 --zones $ZONES --addresses "$(seq -s, -f $ADDRESS%g 11)"
install_crd
deployment web
attach_by_hand node-13 ${ADDRESS}11 # which no allocation lists
start_ipwarden
eventually 30 "all processes are ready" all_ready
on() { entry_is "$1" "$ADDRESS$2" "Attached Attached" && holds "$ADDRESS$2" "$3"; }
# selected SET NODE...: label them so
selected() {
	set=$1
	shift
	for n; do node_labels "node-$n" '{"pool":null,"set":"'"$set"'"}'; done
}
address() { echo '"reservedIPs":["'"$ADDRESS$1"'"]'; }
for n in $(seq 16); do node_labels node-$n '{"pool":null}'; done

# --- an empty selector --------------------------------------------------------------
for n in $(seq 15); do
	node_labels node-$n '{"node-role.kubernetes.io/control-plane":""}'
done
node_labels node-16 '{"type":"virtual-kubelet"}'
spec_allocation all '{'"$(address 1)"'}'
eventually 15 "an empty selector leaves out control-plane and virtual nodes" \
	entry_is all ${ADDRESS}1 "$BLOCKED"
check "and says how to include them" entry_says all ${ADDRESS}1 \
	"0/16 nodes: 16 control-plane or virtual (name a nodeSelector to include them)"
node_labels node-16 '{"type":null}'
eventually 15 "an ordinary node gets the address" on all 1 node-16
edit_allocation all '{"nodeSelector":{"set":"all"}}'
selected special 5
spec_allocation special '{'"$(address 2)"',"nodeSelector":{"set":"special"}}'
eventually 15 "a selector that means it includes a control-plane node" on special 2 node-5
for n in $(seq 15); do
	node_labels node-$n '{"node-role.kubernetes.io/control-plane":null}'
done

# --- each reason, counted as a scheduler does ---------------------------------------
# cordoned, NotReady, tainted, without a providerID, with a reserved address, skipped, in
# another zone; twice the first, which comes first then
selected bad 1 3 7 9 11 13 15 2
cordon node-1
cordon node-3
node_ready node-7 False
taint node-9 example.org/dedicated
put_object "$(api GET /api/v1/nodes/node-11 |
	jq '.spec.providerID = "aws:///us-west-2a/i-1"')" >/dev/null
merge_patch /api/v1/nodes/node-15 \
	'{"metadata":{"annotations":{"netinfra.darkbrains.com/skip":"true"}}}'
spec_allocation bad '{'"$(address 3)"',"nodeSelector":{"set":"bad"},
	"cloud":{"zones":["us-west1-a"]}}'
eventually 15 "no node is eligible" entry_is bad ${ADDRESS}3 "$BLOCKED"
counted() {
	entry_says bad ${ADDRESS}3 "0/16 nodes: 8 not selected, 2 cordoned, " &&
		for words in "1 not ready" "1 with a taint that is not tolerated" \
			"1 without a usable providerID" "1 hold another reserved address" \
			"1 to be skipped" "1 in the wrong zone"; do
			entry_says bad ${ADDRESS}3 "$words" || return 1
		done
}
eventually 15 "each reason is counted, the most frequent first" counted
check "the condition says it, too" says bad Ready "0/16 nodes: 8 not selected"
eventually 10 "so does an event" event NoEligibleNode "8 not selected"
is "an address that the cloud has reserved for something else is left alone" \
	"$(node_of ${ADDRESS}11)" node-13


# --- the end of each reason ---------------------------------------------------------
edit_allocation bad '{"nodeSelector":{"set":"none"}}'
eventually 15 "nothing is selected" entry_says bad ${ADDRESS}3 "0/16 nodes: 16 not selected"
# alone NAME N NODE: an allocation for that node only
alone() {
	selected "$1" "$3"
	spec_allocation "$1" '{'"$(address "$2")"',"nodeSelector":{"set":"'"$1"'"},
		"cloud":{"zones":["us-west1-a"]}}'
}
alone cordoned 4 1
alone unready 5 7
alone tainted 6 9
alone nowhere 7 11
alone full 8 13
alone zoned 9 2
# waits NAME N WORDS
waits() { eventually 15 "$1" entry_says "$1" "$ADDRESS$2" "15 not selected, 1 $3"; }
waits cordoned 4 cordoned
waits unready 5 "not ready"
waits tainted 6 "with a taint that is not tolerated"
waits nowhere 7 "without a usable providerID"
eventually 15 "full: spare" entry_says full ${ADDRESS}8 "1 hold another reserved address"
waits zoned 9 "in the wrong zone"
uncordon node-1
node_ready node-7 True
merge_patch /api/v1/nodes/node-9 '{"spec":{"taints":null}}'
put_object "$(api GET /api/v1/nodes/node-11 | jq \
	'.spec.providerID = "gce://sim-project/us-west1-a/node-11"')" >/dev/null
detach_by_hand node-13
edit_allocation zoned '{"cloud":{"zones":["us-west1-b"]}}'
eventually 15 "uncordoned: eligible" on cordoned 4 node-1
eventually 15 "Ready: eligible" on unready 5 node-7
eventually 15 "without the taint: eligible" on tainted 6 node-9
eventually 15 "with a providerID: eligible" on nowhere 7 node-11
eventually 15 "without the other address: eligible" on full 8 node-13
eventually 15 "in a zone of the spec: eligible" on zoned 9 node-2

# --- a region that is another one ---------------------------------------------------
spec_allocation abroad '{'"$(address 10)"',"cloud":{"region":"us-east1"}}'
eventually 15 "an address of another region" entry_is abroad ${ADDRESS}10 \
	"Blocked AddressInOtherRegion"
check "which one is said" entry_says abroad ${ADDRESS}10 "is reserved in us-west1"

# --- a taint that the workload's pods tolerate --------------------------------------
taint node-3 example.org/dedicated
uncordon node-3
selected tolerant 3
put_object '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web-abc12-a",
	"namespace":"default","labels":{"app":"web","pod-template-hash":"abc12"},
	"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-abc12",
	"uid":"u","controller":true}]},"spec":{"nodeName":"node-4",
	"tolerations":[{"key":"example.org/dedicated","operator":"Exists"}],
	"containers":[{"name":"main","image":"none"}]},"status":{"phase":"Running"}}' >/dev/null
edit_allocation bad '{"nodeSelector":{"set":"tolerant"},"cloud":{"zones":null},
	"workloadRef":{"kind":"Deployment","name":"web"}}'
eventually 15 "a taint that its pods tolerate keeps no address away" on bad 3 node-3

# --- of several, the best -----------------------------------------------------------
# Zone a has six addresses here, b has two. By its name node-10 would be the first of all.
for n in 4 6 8 10 12 14; do selected best $n; done
pod default/web-abc12-b node-8 web
edit_allocation abroad '{"cloud":{"region":"us-west1"},"nodeSelector":{"set":"best"},
	"workloadRef":{"kind":"Deployment","name":"web"}}'
eventually 15 "a node with a pod of the workload is the best, of two the first" on abroad 10 node-4
remove_object /api/v1/namespaces/default/pods/web-abc12-a
remove_object /api/v1/namespaces/default/pods/web-abc12-b
node_labels node-10 '{"set":"better"}'
put_object '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"foreign",
	"namespace":"default"},"spec":{"nodeName":"node-10","hostNetwork":true,
	"containers":[{"name":"main","image":"none"}]},"status":{"phase":"Running"}}' >/dev/null
node_labels node-15 '{"set":"better"}'
merge_patch /api/v1/nodes/node-15 \
	'{"metadata":{"annotations":{"netinfra.darkbrains.com/skip":null}}}'
edit_allocation abroad '{"nodeSelector":{"set":"better"}}'
eventually 15 "the zone with less load, before a node without foreign host network" \
	on abroad 10 node-10
node_labels node-12 '{"set":"best-of-all"}'
node_labels node-14 '{"set":"best-of-all"}'
node_labels node-10 '{"set":"best-of-all"}'
edit_allocation abroad '{"nodeSelector":{"set":"best-of-all"}}'
cordon node-10
eventually 15 "of two alike the first by name" on abroad 10 node-12
uncordon node-10
cordon node-12
eventually 15 "one without foreign host network, before the name" on abroad 10 node-14
check "no violations" no_violations
