#!/bin/sh
# Single calls go wrong while an address is attached or moved: the reply is lost after the
# deed, the operation ends with an error, the token is refused, a status write conflicts.
# Each time the address ends up where it belongs, once.
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1
LEASE_DURATION=10 # a call may take a quarter of it

start_world --nodes 4 --addresses $ONE
install_crd
start_ipwarden
eventually 30 "all processes are ready" all_ready

count_facts() { # FACT: how often it became true of the address
	jq -s --arg f "$1" --arg a $ONE \
		'map(select(.fact == $f and .address == $a)) | length' "$ATTACHMENTS_LOG"
}
rest() { entry_is pool $ONE "Attached Attached"; }
POST='"target":"gce","method":"POST"'

# --- the first attachment -----------------------------------------------------------
fault "{$POST,\"path\":\"addAccessConfig\",\"drop_after\":true}"
fault '{"target":"kube","method":"PATCH","path":"/status","status":409,"count":2,
	"body":{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Conflict",
	"message":"the object has been modified","code":409}}'
allocation pool $ONE >/dev/null
eventually 20 "attached, although the reply was lost and two writes conflicted" rest
is "attached once" "$(count_facts attach)" 1
check "Ready" says pool Ready "True AllAttached"

# --- a move: the detach's reply is lost, and the attach is cut before it is sent -----
# move WHAT: drains the present node, not by a request that a fault could hit
move() {
	node=$(node_of $ONE)
	put_object "$(api GET "/api/v1/nodes/$node" | jq '.spec.unschedulable = true')" \
		>/dev/null
	gone_on() { moved $ONE "$node" && rest; }
	eventually 30 "$1" gone_on
	uncordon "$node"
}
fault "{$POST,\"path\":\"deleteAccessConfig\",\"drop_after\":true}"
fault "{$POST,\"path\":\"addAccessConfig\",\"drop_before\":true}"
move "moved, although one reply was lost and one request never arrived"
is "detached once, attached twice in all" \
	"$(count_facts detach) $(count_facts attach)" "1 2"

# --- the operation ends with an error -----------------------------------------------
fault "{$POST,\"path\":\"addAccessConfig\",\"operation_error\":\"INTERNAL_ERROR\"}"
move "moved, although an operation ended with an error"
is "attached once more" "$(count_facts attach)" 3
eventually 5 "what was refused is told" event Refused "$ONE cannot go to"

# --- waiting for an operation fails --------------------------------------------------
fault '{"target":"gce","path":"/wait","drop_before":true,"count":2}'
move "moved, although nobody could wait for the operation"
is "attached once more" "$(count_facts attach)" 4

# --- the token ----------------------------------------------------------------------
tokens=$(calls metadata.token)
control DELETE /gce/tokens >/dev/null
move "moved, although the token was revoked"
check "with a new token" more_calls metadata.token "$tokens"
fault '{"target":"gce","status":401,"count":1,"body":{"error":{"code":401,
	"message":"Invalid Credentials","errors":[{"reason":"authError"}]}}}'
fault '{"target":"metadata","status":503,"count":1}'
move "moved, although a call was refused with 401 and the next token took two tries"
is "attached once for each move" "$(count_facts attach) $(count_facts detach)" "6 5"

# --- labels -------------------------------------------------------------------------
fault '{"target":"kube","method":"PATCH","path":"/nodes/","drop_after":true,"count":2}'
fault '{"target":"kube","method":"PATCH","path":"/nodes/","status":500}'
move "moved, although replies about labels were lost"
is "one node is labelled: the one that has it" \
	"$(kc get nodes -l ip.ready=true -o name)" "node/$(node_of $ONE)"

# --- none of it went wrong only here ------------------------------------------------
failures() { metric "ipwarden_cloud_calls_total{operation=\"$1\",code=\"$2\"}"; }
is "two attaching requests were cut" "$(failures instances.addAccessConfig reset)" 2
is "one detaching request" "$(failures instances.deleteAccessConfig reset)" 1
is "two waits" "$(failures zoneOperations.wait reset)" 2
is "writes that conflicted or failed are in the audit stream" \
	"$(jq -s '[.[] | select(.result | startswith("409") or startswith("500"))] | length' \
		"$AUDIT")" 3
is "as are those whose outcome was unknown" \
	"$(jq -s '[.[] | select(.what == "label" or .what == "unlabel") |
		select(.result == "unknown")] | length' "$AUDIT")" 2
is "every process lived through it" "$(grep -c '"event":"spawned"' "$LOG")" 8
check "no violations" no_violations
judge | sed 's/^/# /'
