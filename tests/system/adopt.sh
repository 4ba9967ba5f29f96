#!/bin/sh
# First contact and ownership: an address that is on one of our nodes is adopted where it
# is; one that a foreign instance or no instance at all holds is never touched; of two
# allocations that list it, the one that has it keeps it.
. "$SRC/tests/system/lib.sh"

MINE=34.82.10.1    # on node-3, outside the selector, as the old controller left it
ABROAD=34.82.10.2  # on an instance that is no node
RULE=34.82.10.3    # used by a forwarding rule
FREE=34.82.10.4
ZONE=us-west1-a

start_world --nodes 3 --addresses $MINE,$ABROAD,$RULE,$FREE
install_crd
merge_patch /api/v1/nodes/node-3 '{"metadata":{"labels":{"pool":"other"}}}'
control POST /gce/instances --data-binary \
	'{"zone":"us-west1-a","name":"stranger","ours":false}' >/dev/null
attach_by_hand() { control POST /gce/foreign-attach --data-binary "$(jq -n \
	--arg n "$1" --arg a "$2" --arg c "${3:-External NAT}" \
	'{zone: "us-west1-a", name: $n, address: $a, access_config: $c}')" >/dev/null; }
attach_by_hand node-3 $MINE external-nat
attach_by_hand stranger $ABROAD
control POST /gce/hold --data-binary '{"address":"'$RULE'",
	"user":"projects/sim-project/regions/us-west1/forwardingRules/front"}' >/dev/null
start_ipwarden
eventually 30 "all processes are ready" all_ready

# --- adopted ------------------------------------------------------------------------
allocation mine $MINE >/dev/null
eventually 20 "an attached address is adopted where it is" \
	entry_is mine $MINE "Attached OutsideSelector"
check "and Ready" kc wait --for=condition=Ready nia/mine --timeout=10s
is "on the same node, by the same access config" "$(control GET /gce/state | jq -r \
	'.instances[] | select(.name == "node-3") | .external_ip + " " + .access_config')" \
	"$MINE external-nat"
eventually 10 "which is told" event Adopted "$MINE found on node-3, left there"
eventually 10 "the node is labelled" label_is node-3 ip.ready true
eventually 10 "with its address" label_is node-3 netinfra.darkbrains.com/address $MINE

# --- held elsewhere -----------------------------------------------------------------
allocation theirs $ABROAD $RULE $FREE >/dev/null
eventually 20 "a foreign instance's address is HeldElsewhere" \
	entry_is theirs $ABROAD "Blocked HeldElsewhere"
check "and its holder is named" entry_says theirs $ABROAD "instances/stranger"
eventually 10 "a forwarding rule's, too" entry_is theirs $RULE "Blocked HeldElsewhere"
check "with its name" entry_says theirs $RULE "forwardingRules/front"
check "the allocation is not Ready, and says why" \
	says theirs Ready "False HeldElsewhere: $ABROAD: held by"
check "and Degraded" says theirs Degraded "True HeldElsewhere"
eventually 10 "an event says it" event HeldElsewhere "instances/stranger"
eventually 10 "and for the rule" event HeldElsewhere "forwardingRules/front"
eventually 20 "the free address beside them is attached" attached $FREE
eventually 10 "by the book" entry_is theirs $FREE "Attached Attached"

# --- conflict -----------------------------------------------------------------------
allocation second $MINE $FREE >/dev/null
eventually 20 "an address of another allocation is a Conflict" \
	entry_is second $MINE "Blocked Conflict"
check "that names the owner" entry_says second $MINE "belongs to NetIPAllocation mine"
check "on the allocation as well" \
	says second Ready "False Conflict: $MINE: belongs to NetIPAllocation mine"
eventually 10 "for the other owner, too" entry_says second $FREE \
	"belongs to NetIPAllocation theirs"
eventually 10 "an event says it" event Conflict "belongs to NetIPAllocation mine"
lists=$(calls instances.list)
eventually 20 "two more looks at the cloud" more_calls instances.list $((lists + 1))
is "the owner is not disturbed" "$(condition mine Ready) $(node_of $MINE)" \
	"True AllAttached node-3"

# --- what is set free is taken ------------------------------------------------------
control DELETE "/gce/hold?address=$RULE" >/dev/null
eventually 20 "an address that its holder gave up is attached" attached $RULE
is "the stranger has kept its own" "$(node_of $ABROAD)" stranger
is "the adopted one never moved" "$(jq -r --arg a $MINE \
	'select(.fact == "attach" or .fact == "detach") | select(.address == $a) |
	.by' "$ATTACHMENTS_LOG" | tr '\n' ' ')" "control "
check "no violations" no_violations
judge | sed 's/^/# /'
