#!/bin/sh
# The way of an address: attached, shown, kept on a cordoned node while a pod of the
# workload is there, also while that pod is terminating, and moved when the pod is gone.
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1
TWO=34.82.10.2

start_world --nodes 4 --addresses $ONE,$TWO
install_crd
deployment web
start_ipwarden
eventually 30 "all processes are ready" all_ready

# --- attached, and shown wherever one looks ----------------------------------------
WORKLOAD=web
allocation web $ONE $TWO >/dev/null
check "kubectl wait sees it become Ready" \
	kc wait --for=condition=Ready nia/web --timeout=20s
FIRST=$(node_of $ONE)
SECOND=$(node_of $TWO)
differ() { [ -n "$1" ] && [ -n "$2" ] && [ "$1" != "$2" ]; }
check "the addresses are on two nodes" differ "$FIRST" "$SECOND"

is "the node says that it is ready" "$(label "$FIRST" ip.ready)" true
is "the node names its address" \
	"$(label "$FIRST" netinfra.darkbrains.com/address)" $ONE
is "the node names the allocation" \
	"$(label "$FIRST" netinfra.darkbrains.com/allocation)" web
is "two nodes carry ip.ready" \
	"$(kc get nodes -l ip.ready=true -o name | sort | tr '\n' ' ')" \
	"$(printf 'node/%s\n' "$FIRST" "$SECOND" | sort | tr '\n' ' ')"

is "kubectl get nia: its columns" \
	"$(kc get nia web | awk 'NR == 1 { print $1, $2, $3, $4, $5, $6, $7 }')" \
	"NAME PROVIDER RESERVED ATTACHED READY REASON AGE"
is "kubectl get nia: its values" \
	"$(kc get nia web --no-headers | awk '{ print $1, $2, $3, $4, $5, $6 }')" \
	"web gcp 2 2 True AllAttached"
is "kubectl get nia -o wide: nodes, policy and message" \
	"$(kc get nia web --no-headers -o wide | awk '{
		split($8, n, ","); print (n[1] < n[2] ? $8 : n[2] "," n[1]), $9, $10, $11, $12, $13 }')" \
	"$(printf '%s\n' "$FIRST" "$SECOND" | sort | paste -sd,) Sync 2 of 2 attached"
is "the conditions" "$(for type in Accepted Ready Progressing Degraded; do
	printf '%s=%s ' $type "$(condition web $type)"; done)" \
	"Accepted=True Accepted Ready=True AllAttached Progressing=False AtRest Degraded=False AsExpected "
is "the counts and the generation" \
	"$(api GET "$NIA/web" | jq -c '.status |
		[.observedGeneration, .reserved, .attached, .unattached, .spare]')" \
	"[1,2,2,0,0]"
is "the entry: state, reason, node" "$(api GET "$NIA/web" | jq -r --arg a $ONE \
	'.status.addresses[] | select(.address == $a) | .state + " " + .reason + " " +
		.nodeName + " " + .zone + " " + (.intent == null | tostring)')" \
	"Attached Attached $FIRST us-west1-a true"
is "the entry knows the instance's id" "$(api GET "$NIA/web" | jq -r --arg a $ONE \
	'.status.addresses[] | select(.address == $a) | .instanceID')" \
	"$(control GET /gce/state | jq -r --arg n "$FIRST" \
		'.instances[] | select(.name == $n) | .id')"
eventually 5 "an event for each attachment" event Attached "$ONE attached to $FIRST"
eventually 5 "and for the other" event Attached "$TWO attached to $SECOND"
about_all() {
	[ "$(kc get events -A --field-selector reason=Attached --no-headers \
		-o 'custom-columns=K:.involvedObject.kind,N:.involvedObject.name' |
		sort -u | awk '{ print $1, $2 }')" = "NetIPAllocation web
$(printf 'Node %s\n' "$FIRST" "$SECOND" | sort)" ]
}
eventually 5 "they are about the allocation and the nodes" about_all

# --- cordoned, with a pod of the workload ------------------------------------------
pod default/web-abc12-x1 "$FIRST" web
check "kubectl cordon" kc cordon "$FIRST"
eventually 10 "the address is draining, in use" entry_is web $ONE "Draining InUse"
check "and says by which pod" entry_says web $ONE "in use by 1 pod (web-abc12-x1)"
check "the allocation is still Ready" says web Ready "True AllAttached"

# --- the pod is terminating: it still counts ----------------------------------------
POD=/api/v1/namespaces/default/pods/web-abc12-x1
merge_patch $POD '{"metadata":{"finalizers":["example.org/hold"]}}'
check "kubectl delete pod" kc delete pod web-abc12-x1 --wait=false
has_ended() { api GET $POD | jq -e '.metadata.deletionGracePeriodSeconds == 0'; }
eventually 10 "its containers have ended, a finalizer holds the object" has_ended
lists=$(calls instances.list)
eventually 20 "two more looks at the cloud" more_calls instances.list $((lists + 1))
is "the address stays while the pod is terminating" "$(node_of $ONE)" "$FIRST"
is "and is still draining" "$(entry web $ONE)" "Draining InUse"
is "the labels stay with it" "$(label "$FIRST" ip.ready)" true

# --- the pod is gone: it moves ------------------------------------------------------
merge_patch $POD '{"metadata":{"finalizers":null}}'
eventually 15 "the address moves once the pod is gone" moved $ONE "$FIRST"
eventually 10 "everything is at rest again" entry_is web $ONE "Attached Attached"
THIRD=$(node_of $ONE)
check "to a node that had none" differ "$THIRD" "$SECOND"
is "the old node has lost its label" "$(label "$FIRST" ip.ready)" ""
is "and the address's" "$(label "$FIRST" netinfra.darkbrains.com/address)" ""
is "the new one has it" "$(label "$THIRD" ip.ready)" true
eventually 5 "Detached is told" event Detached "$ONE taken off $FIRST"
eventually 5 "Moved is told" event Moved "$ONE moved $FIRST→$THIRD"
is "the other address has not moved" "$(node_of $TWO)" "$SECOND"
check "no violations" no_violations
judge | sed 's/^/# /'
