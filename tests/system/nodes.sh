#!/bin/sh
# What becomes of an address when its node changes: labels taken off by hand, a VM that
# vanishes, one that stops, an ephemeral address that had to make room, a foreign hand
# that detaches.
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1
TWO=34.82.10.2
ZONE=us-west1-a

start_world --nodes 5 --addresses $ONE,$TWO --ephemeral
install_crd
deployment web
for node in 1 2 3 4 5; do
	merge_patch /api/v1/nodes/node-$node '{"metadata":{
		"labels":{"example.org/mine":"kept","netinfra.darkbrains.com/mine":"kept"},
		"annotations":{"example.org/note":"kept"}}}'
done
ephemeral_of() { control GET /gce/state | jq -r --arg n "$1" \
	'.instances[] | select(.name == $n) | .external_ip'; }
foreign_keys() { api GET "/api/v1/nodes/$1" | jq -cS '[.metadata.annotations,
	(.metadata.labels | del(.["ip.ready"],
		.["netinfra.darkbrains.com/address"],
		.["netinfra.darkbrains.com/allocation"]))]'; }
keys_before=$(foreign_keys node-1)

start_ipwarden
eventually 30 "all processes are ready" all_ready
WORKLOAD=web
allocation web $ONE $TWO >/dev/null
eventually 20 "both are attached" kc wait --for=condition=Ready nia/web --timeout=1s
NODE=$(node_of $ONE)
OTHER=$(node_of $TWO)
is "they took the place of ephemeral addresses" "$(api GET "$NIA/web" |
	jq -c '[.status.addresses[].ephemeralTaken]')" "[true,true]"
is "nobody else lost one" "$(control GET /gce/state | jq '[.instances[].external_ip |
	select(startswith("203.0.113."))] | length')" 3

# --- labels -------------------------------------------------------------------------
merge_patch "/api/v1/nodes/$NODE" '{"metadata":{"labels":{"ip.ready":null}}}'
eventually 10 "ip.ready comes back when somebody takes it off" \
	label_is "$NODE" ip.ready true
merge_patch "/api/v1/nodes/$NODE" '{"metadata":{"labels":{"ip.ready":"false",
	"netinfra.darkbrains.com/address":"34.82.10.9",
	"netinfra.darkbrains.com/allocation":null}}}'
eventually 10 "a wrong ip.ready is mended" label_is "$NODE" ip.ready true
eventually 10 "a wrong address is mended" \
	label_is "$NODE" netinfra.darkbrains.com/address $ONE
eventually 10 "a missing allocation is mended" \
	label_is "$NODE" netinfra.darkbrains.com/allocation web
EMPTY=$(control GET /gce/state | jq -r '[.instances[] |
	select(.external_ip | startswith("203.")) | .name][0]')
merge_patch "/api/v1/nodes/$EMPTY" '{"metadata":{"labels":{"ip.ready":"true",
	"netinfra.darkbrains.com/address":"34.82.10.1",
	"netinfra.darkbrains.com/allocation":"web"}}}'
eventually 10 "labels on a node that holds no address are taken off" \
	label_is "$EMPTY" ip.ready ""
is "all three" "$(label "$EMPTY" netinfra.darkbrains.com/address)" ""

# --- drained: the ephemeral address comes back --------------------------------------
cordon "$NODE"
eventually 20 "a cordoned node without pods is left" moved $ONE "$NODE"
has_ephemeral() { [ -n "$(ephemeral_of "$1")" ] && ! holds $ONE "$1"; }
eventually 10 "and gets an ephemeral address back" has_ephemeral "$NODE"
is "foreign labels and annotations are as they were" "$(foreign_keys node-1)" \
	"$keys_before"
uncordon "$NODE"
eventually 10 "at rest" kc wait --for=condition=Progressing=False nia/web --timeout=1s

# --- the VM and its node vanish -----------------------------------------------------
NODE=$(node_of $ONE)
control DELETE "/gce/instances?zone=$ZONE&name=$NODE" >/dev/null
remove_object "/api/v1/nodes/$NODE"
eventually 15 "the address of a VM that is gone moves at once" moved $ONE "$NODE"
is "the other one stays" "$(node_of $TWO)" "$OTHER"

# --- the VM stops -------------------------------------------------------------------
NODE=$(node_of $TWO)
pod default/web-abc12-x "$NODE" web
control POST "/gce/instances/stop?zone=$ZONE&name=$NODE" >/dev/null
# as the node controller does when the kubelet is heard no more
put_object "$(api GET "/api/v1/nodes/$NODE" | jq --arg now "$(date -u +%FT%TZ)" '
	(.status.conditions[] | select(.type == "Ready")) |=
		(.status = "Unknown" | .reason = "NodeStatusUnknown" |
		.lastTransitionTime = $now)')" >/dev/null
eventually 15 "a stopped VM loses it, whatever pods are said to be there" moved $TWO "$NODE"
eventually 10 "which is told" event Moved "$TWO moved $NODE→"

# --- a foreign hand -----------------------------------------------------------------
eventually 10 "at rest again" kc wait --for=condition=Ready nia/web --timeout=1s
NODE=$(node_of $TWO)
control POST "/gce/foreign-detach?zone=$ZONE&name=$NODE" >/dev/null
eventually 15 "an address that somebody detached is attached again" attached $TWO
is "where it was" "$(node_of $TWO)" "$NODE"
eventually 10 "Ready in the end" kc wait --for=condition=Ready nia/web --timeout=1s
is "no process broke the protocol" "$(grep -c protocol_violation "$LOG")" 0
check "no violations" no_violations
judge | sed 's/^/# /'
