#!/bin/sh
# First contact beyond adopt.sh: addresses are adopted also where zone and control-plane
# rules disagree, until the node drains or the spec changes; and after everything in the
# API server was lost and put back. Whose an address is when nobody has it: the older
# allocation's, by its uid when both are as old, never that of an observer.
. "$SRC/tests/system/lib.sh"

ADDRESS=34.82.10.
ZONES=us-west1-a,us-west1-b

start_world --nodes 8 --zones $ZONES --addresses "$(seq -s, -f $ADDRESS%g 7)"
install_crd
changes() { echo "$(calls instances.addAccessConfig) $(calls instances.deleteAccessConfig)"; }

# nia NAME UID CREATED SPEC: as if it were there for long
nia() {
	put_object "$(jq -nc --arg name "$1" --arg uid "$2" --arg at "$3" --argjson spec "$4" '{
		apiVersion: "netinfra.darkbrains.com/v1alpha1", kind: "NetIPAllocation",
		metadata: {name: $name, uid: $uid, creationTimestamp: $at},
		spec: ({cloud: {provider: "gcp", region: "us-west1"}, reconcileInterval: 5,
			policy: "Sync"} * $spec)}')" >/dev/null
}

# --- what is found ----------------------------------------------------------------------
node_labels node-2 '{"node-role.kubernetes.io/control-plane":"","pool":null}'
attach_by_hand node-1 ${ADDRESS}1 external-nat us-west1-a
attach_by_hand node-2 ${ADDRESS}2 external-nat us-west1-b
attach_by_hand node-3 ${ADDRESS}3 external-nat us-west1-a
spec_allocation zoned '{"reservedIPs":["'${ADDRESS}1'"],"nodeSelector":{"pool":"static"},
	"cloud":{"zones":["us-west1-b"]}}'
spec_allocation special '{"reservedIPs":["'${ADDRESS}2'"]}'
spec_allocation drained '{"reservedIPs":["'${ADDRESS}3'"],"nodeSelector":{"pool":"drained"}}'
node_labels node-5 '{"pool":"drained"}'

# --- whose an address is ----------------------------------------------------------------
# the names and the order in which they come say the contrary
nia a-younger 22222222-0000-4000-8000-000000000002 2026-02-02T00:00:00Z \
	'{"reservedIPs":["'${ADDRESS}4'"],"nodeSelector":{"pool":"static"}}'
nia b-older 33333333-0000-4000-8000-000000000003 2026-01-01T00:00:00Z \
	'{"reservedIPs":["'${ADDRESS}4'","'${ADDRESS}5'"],"nodeSelector":{"pool":"static"}}'
nia c-same-age 11111111-0000-4000-8000-000000000001 2026-01-01T00:00:00Z \
	'{"reservedIPs":["'${ADDRESS}5'"],"nodeSelector":{"pool":"static"}}'
nia observer 44444444-0000-4000-8000-000000000004 2025-01-01T00:00:00Z \
	'{"reservedIPs":["'${ADDRESS}4'","'${ADDRESS}6'"],"nodeSelector":{"pool":"static"},
	"policy":"Observe"}'

start_ipwarden
eventually 30 "all processes are ready" all_ready
eventually 20 "zones that disagree: adopted" entry_is zoned ${ADDRESS}1 "Attached OutsideSelector"
eventually 10 "a control-plane node: adopted" \
	entry_is special ${ADDRESS}2 "Attached OutsideSelector"
eventually 10 "a selector that disagrees: adopted" \
	entry_is drained ${ADDRESS}3 "Attached OutsideSelector"
check "Ready" kc wait --for=condition=Ready nia/zoned nia/special nia/drained --timeout=10s
eventually 20 "the older allocation gets the address" entry_is b-older ${ADDRESS}4 "Attached Attached"
eventually 10 "the younger one says whose it is" entry_says a-younger ${ADDRESS}4 \
	"belongs to NetIPAllocation b-older"
check "as a Conflict" says a-younger Ready "False Conflict"
eventually 10 "of two that are as old the lesser uid" \
	entry_is c-same-age ${ADDRESS}5 "Attached Attached"
eventually 10 "the other one says so" entry_says b-older ${ADDRESS}5 \
	"belongs to NetIPAllocation c-same-age"
check "an observer owns nothing, old as it is" [ -z "$(node_of ${ADDRESS}6)" ]

# the incumbent keeps it, whatever comes later
nia d-oldest 55555555-0000-4000-8000-000000000005 2024-01-01T00:00:00Z \
	'{"reservedIPs":["'${ADDRESS}4'"],"nodeSelector":{"pool":"static"}}'
eventually 10 "who has it keeps it, also from an older one" entry_says d-oldest ${ADDRESS}4 \
	"belongs to NetIPAllocation b-older"
edit_allocation b-older '{"policy":"AssignOnly"}'
node_labels node-8 '{"example.org/touched":"1"}'
generation() { api GET "$NIA/b-older" |
	jq -e '.status.observedGeneration == .metadata.generation'; }
eventually 10 "as AssignOnly, too" generation
check "it is still its own" entry_is b-older ${ADDRESS}4 "Attached Attached"

# --- one address a node -----------------------------------------------------------------
HOME_NODE=$(node_of ${ADDRESS}4)
node_labels "$HOME_NODE" '{"only":"here"}'
spec_allocation crowded '{"reservedIPs":["'${ADDRESS}7'"],"nodeSelector":{"only":"here"}}'
eventually 15 "a node that has an address takes no other" \
	entry_says crowded ${ADDRESS}7 "1 hold another reserved address"
check "it is nowhere" [ -z "$(node_of ${ADDRESS}7)" ]

# --- all that the API server knew is lost, and comes back from a backup -----------------
api GET /api/v1/nodes | jq -c '.items[] | .apiVersion = "v1" | .kind = "Node" |
	del(.metadata.resourceVersion)' >"$DIR/backup"
api GET "$NIA" | jq -c '.items[] | .apiVersion = "netinfra.darkbrains.com/v1alpha1" |
	.kind = "NetIPAllocation" | del(.status, .metadata.resourceVersion,
	.metadata.generation, .metadata.managedFields)' >>"$DIR/backup"
before=$(changes)
holders() { for n in 1 2 3 4 5 6 7; do printf '%s ' "$(node_of $ADDRESS$n)"; done; }
where=$(holders)
# as one does with whatever watches the server, which counts its versions anew
stop_ipwarden
control POST "/kube/restart?data=lost" >/dev/null
install_crd
while read -r object; do put_object "$object" >/dev/null; done <"$DIR/backup"
start_ipwarden
eventually 30 "all processes are ready after a restore" all_ready
eventually 40 "after a restore the addresses are adopted" \
	entry_is zoned ${ADDRESS}1 "Attached OutsideSelector"
eventually 20 "all of them" entry_is c-same-age ${ADDRESS}5 "Attached Attached"
is "nothing has moved, nothing was attached or detached" "$(holders); $(changes)" \
	"$where; $before"

# --- until the node drains, or the spec changes -----------------------------------------
cordon node-3
eventually 15 "the drained node's goes where the selector wants it" holds ${ADDRESS}3 node-5
edit_allocation zoned '{"notReadyGraceSeconds":60}'
eventually 15 "when the spec changes, it goes where the zones want it" moved ${ADDRESS}1 node-1
eventually 10 "by the book" entry_is zoned ${ADDRESS}1 "Attached Attached"
is "the other one is still where it was found" "$(node_of ${ADDRESS}2)" node-2
check "no violations" no_violations
