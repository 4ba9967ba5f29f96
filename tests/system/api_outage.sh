#!/bin/sh
# The API server cannot be reached, then does not answer: the leader gives up leading in
# time, nothing is changed any more, readiness says what is missing; afterwards it all
# goes on.
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1
TWO=34.82.10.2
LEASE_DURATION=5
LEASE_SKEW_GRACE_SEC=1

start_world --nodes 4 --addresses $ONE,$TWO
install_crd
start_ipwarden
eventually 30 "all processes are ready" all_ready
allocation pool $ONE $TWO >/dev/null
eventually 20 "both are attached" kc wait --for=condition=Ready nia/pool --timeout=1s
FIRST=$(node_of $ONE)
SECOND=$(node_of $TWO)

changes() { echo $(($(calls instances.addAccessConfig) + $(calls instances.deleteAccessConfig))); }
# not by a request to the API server: the watch that is open tells of it
drain() { put_object "$(jq '.spec.unschedulable = true' "$DIR/$1.json")" >/dev/null; }
for node in "$FIRST" "$SECOND"; do api GET "/api/v1/nodes/$node" >"$DIR/$node.json"; done
leads() { metric_is 'netipallocation_controller_is_leader{pod_name="ipwarden-0"}' "$1"; }
losses() { grep -c '"event":"leader_lost"' "$LOG"; }
lost_again() { [ "$(losses)" -gt "$1" ] && leads 0; }
not_ready() { curl -sS "$HEALTH_URL/readyz" | tee "$DIR/why" | grep -q "not-ready: $1"; }
check "it leads" leads 1

# --- every new request is cut --------------------------------------------------------
before=$(changes)
fault '{"target":"kube","drop_before":true,"count":-1}'
drain "$FIRST"
eventually 10 "within the lease's time it leads no more" lost_again 0
eventually 5 "not ready, and says why" not_ready "reconciler: LeaseUnreachable"
check "but healthy" curl -sSf "$HEALTH_URL/healthz"
is "nothing was changed, although a node was drained" \
	"$(changes) $(node_of $ONE) $(node_of $TWO)" "$before $FIRST $SECOND"
clear_faults
eventually 15 "it leads again once the API server is back" leads 1
eventually 20 "then the drained node's address moves" moved $ONE "$FIRST"
is "with one detach and one attach" "$(changes)" $((before + 2))
eventually 20 "Ready again" kc wait --for=condition=Ready nia/pool --timeout=1s
eventually 10 "and so is the pod" ready

# --- answers that never come ---------------------------------------------------------
before=$(changes)
lost=$(losses)
fault '{"target":"kube","delay_ms":600000,"count":-1}'
drain "$SECOND"
eventually 15 "an API server that does not answer: it leads no more" lost_again "$lost"
is "nothing was changed" "$(changes) $(node_of $TWO)" "$before $SECOND"
clear_faults
eventually 20 "over: the other drained node's address moves" moved $TWO "$SECOND"
eventually 20 "Ready again" kc wait --for=condition=Ready nia/pool --timeout=1s
check "one node holds each" test "$(node_of $ONE)" != "$(node_of $TWO)"
is "every process lived through it" "$(grep -c '"event":"spawned"' "$LOG")" 8
check "no violations" no_violations
judge | sed 's/^/# /'
