#!/bin/sh
# The switch from the controller that ipwarden replaces, and back (old_tool.sh acts in
# its place): its addresses, labels, lease and stored objects are taken over as they are, with no
# detach and no label lost; and after ipwarden has left, also with an address that it has
# moved, the old one finds nothing to do.
. "$SRC/tests/system/lib.sh"
. "$SRC/tests/system/old_tool.sh"

ONE=34.82.10.1
TWO=34.82.10.2
LEASE_DURATION=5
LEASE_SKEW_GRACE_SEC=1

# --- what is looked at ----------------------------------------------------------------

# writes RESOURCE: how many of ours the API server has had
writes() {
	jq -n --arg r "$1" '[inputs | select(.agent | startswith("ipwarden-")) |
		select(.resource == $r and .subresource == "" and .verb == "patch")] | length' \
		"$DIR/requests.jsonl"
}
# taken: the audit lines of what would have changed an address, a label or a pod
taken() {
	jq -c 'select(.what | test("attach|detach|ephemeral|unlabel|evict"))' "$AUDIT"
}
nothing_done() { [ ! -s "$DIR/$1.acts" ]; }

# --- a world as the old one leaves it -------------------------------------------------

start_world --nodes 3 --addresses $ONE,$TWO
old_objects $ONE
old_pod old-2
old_starts old-1 $ONE $TWO
eventually 20 "the old controller leads" holder_is old-1
eventually 30 "and is done" rests old-1 2
is "its addresses are on nodes" "$(node_of $ONE) $(node_of $TWO)" "node-1 node-2"
is "by its access config" "$(nat_of node-1)" "external-nat $ONE"
before=$(changes)
watch_nodes
is "which have its label, and no other" "$(label node-1 ip.ready) $(label node-2 ip.ready) \
$(label node-1 netinfra.darkbrains.com/address)" "true true "

# --- over to ipwarden -----------------------------------------------------------------

install_crd
# as manifests of its users look, which its CRD has never known
apply - >/dev/null <<YAML
apiVersion: netinfra.darkbrains.com/v1alpha1
kind: NetIPAllocation
metadata: {name: older}
spec:
  reservedIPs: [$TWO]
  deploymentRef: {name: sip, namespace: default}
  strategy: {maxSurge: 1, maxUnavailable: 0}
  nodeSelector: {pool: static}
  cloud: {region: us-west1, credentials: {secretName: gcp-credentials, key: key.json}}
  reconcileInterval: 5
YAML
our_pod
start_ipwarden
eventually 30 "ipwarden waits while it runs" says pool Ready "Unknown OtherControllerRunning"
remove_object $PODS/old-2
old_ends old-1
for name in pool older; do
	eventually 40 "$name is taken over" kc wait --for=condition=Ready nia/$name --timeout=1s
	is "$name is accepted" "$(condition $name Accepted)" "True Accepted"
done
eventually 10 "which is told" event Adopted "$ONE found on node-1, left there"
eventually 10 "of both" event Adopted "$TWO found on node-2, left there"
eventually 10 "a missing provider is told of" event ProviderAssumed
eventually 10 "a deploymentRef, too" event Deprecated deploymentRef
eventually 10 "and what has no effect" event FieldIgnored credentials
for node in node-1 node-2; do
	eventually 10 "$node is labelled further" \
		seen $node '.metadata.labels["netinfra.darkbrains.com/address"] | length > 0 | tostring' true
done
lists=$(calls instances.list)
eventually 30 "two more looks at the cloud" more_calls instances.list $((lists + 1))
is "no address was touched" "$(changes)" "$before"
is "by the access configs that were there" "$(nat_of node-1), $(nat_of node-2)" \
	"external-nat $ONE, external-nat $TWO"
is "no label was lost" "$(label_losses node-1 node-2)" 0
is "one write for each of two nodes" "$(writes nodes)" 2
is "by the audit, too, nothing was put on or taken off" "$(taken)" ""
check "which has the labels" grep -q '"what":"label"' "$AUDIT"

# --- it works, and goes ---------------------------------------------------------------

cordon node-1
remove_object /api/v1/namespaces/default/pods/sip-1
eventually 30 "a drained node's address moves" holds $ONE node-3
eventually 30 "and is at rest" entry_is pool $ONE "Attached Attached"
kill $WATCH
OTHERS=
watch_nodes
before=$(changes)
stop_ipwarden
is "the lease is nobody's" "$(holder)" ""
remove_object $PODS/ipwarden-0
is "what it has placed is what the old one looks for" \
	"$(nat_of node-3 | sed 's/^ipw-[^ ]*/ipw/')" "ipw $ONE"

# --- back to the old one --------------------------------------------------------------

old_starts old-3 $ONE $TWO
eventually 20 "the old controller takes the lease" holder_is old-3
eventually 30 "looks around" rests old-3 2
check "it finds nothing to do" nothing_done old-3
is "no address was touched on the way back" "$(changes)" "$before"
is "no label was lost either" "$(label_losses node-2 node-3)" 0
check "no violations" no_violations
judge | sed 's/^/# /'
