#!/bin/sh
# The leader's own node, and a leader that is cut off from the cloud. Before a detach on
# the node that it runs on it gives the lease to a replica that is ready, if there is one;
# so it does when the cloud has not answered for 30 s while an address is on its way.
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1
ZONE=us-west1-a
LEASE_DURATION=5
LEASE_SKEW_GRACE_SEC=1
# What is promised: the cloud's silence and how soon it is noticed (s).
SILENCE=30
NOTICED=$((3 * 5))

start_world --nodes 3 --addresses $ONE
install_crd
control POST /gce/foreign-attach --data-binary '{"zone":"'$ZONE'","name":"node-1",
	"address":"'$ONE'","access_config":"external-nat","replace":true}' >/dev/null

won() { grep -q '"event":"leader_won"' "$DIR/ipwarden-$1.log"; }
count() { grep -c "\"event\":\"$2\"" "$DIR/ipwarden-$1.log"; }
detaches() { jq -r 'select(.what == "detach") | .address' "$DIR/audit-$1.jsonl"; }
handovers() { METRICS_URL=$(eval "echo \$METRICS_$1") metric "ipwarden_lease_handovers_total{reason=\"$2\"}"; }
LEASE=/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/ip-address-controller-leader
holder() { api GET $LEASE | jq -r '.spec.holderIdentity'; }

# --- another one is ready -----------------------------------------------------------
replica_pod 1 elsewhere True # who is there is asked when one begins to lead, then each second
replica 0 node-1 True
eventually 10 "the first one leads" won 0
deployment sip
WORKLOAD=sip # without one, the controller's own pod would keep the address
allocation pool $ONE >/dev/null
eventually 20 "the address is adopted on the leader's own node" \
	kc wait --for=condition=Ready nia/pool --timeout=1s
is "there" "$(node_of $ONE)" node-1
replica 1 elsewhere True
cordon node-1
eventually 20 "a detach on the leader's node: the other one leads" won 1
eventually 20 "and moves the address" moved $ONE node-1
is "the first one has detached nothing" "$(detaches 0)" ""
is "it goes on as a follower" "$(holder) $(count 0 leader_won)" "ipwarden-1 1"
eventually 10 "an event says why" event OwnNode \
	"$ONE is to leave node-1, where this controller runs: replica ipwarden-1 goes on"
is "so does the log" "$(jq -r 'select(.event == "handover") | .reason + " " + .to' \
	"$DIR/ipwarden-0.log")" "own_node ipwarden-1"
is "and the metric" "$(handovers 0 own_node)" 1
eventually 20 "Ready" kc wait --for=condition=Ready nia/pool --timeout=1s
is "no change of leader but that" "$(api GET $LEASE | jq .spec.leaseTransitions)" 1

# --- no other one is ready ----------------------------------------------------------
uncordon node-1
kill "$MAIN_0" "$MAIN_1"
wait "$MAIN_0" "$MAIN_1"
remove_object /api/v1/namespaces/kube-system/pods/ipwarden-0
replica_pod 1 elsewhere False
NODE=$(node_of $ONE)
"$BUILD/tests/system/relay" "$(echo "$GCP_ENDPOINT" | sed 's#.*:\([0-9]*\).*#\1#')" \
	>"$DIR/port" &
RELAY=$!
OTHERS=$RELAY
until_true 10 test -s "$DIR/port" || exit 1
DIRECT=$GCP_ENDPOINT
GCP_ENDPOINT=$(echo "$DIRECT" | sed "s#:[0-9]\{1,\}#:$(cat "$DIR/port")#")
replica 2 "$NODE" True
GCP_ENDPOINT=$DIRECT
eventually 20 "a leader whose only peer is not ready" won 2
cordon "$NODE"
eventually 20 "goes on by itself" moved $ONE "$NODE"
is "and keeps the lease" "$(holder)" ipwarden-2
eventually 10 "with a warning" event OwnNode \
	"$ONE is to leave $NODE, where this controller runs: no other replica is ready"
eventually 20 "Ready" kc wait --for=condition=Ready nia/pool --timeout=1s
uncordon "$NODE"

# --- the leader is cut off from the cloud -------------------------------------------
replica 3 elsewhere True
NODE=$(node_of $ONE)
control POST /gce/settings --data-binary '{"operation_latency_ms":2000}' >/dev/null
sent=$(count 2 change_sent)
sends() { [ "$(count 2 change_sent)" -gt "$sent" ]; }
cordon "$NODE"
eventually 20 "an address is to move" sends
cut=$(now_ms)
kill -HUP "$RELAY"
eventually $((SILENCE + NOTICED + 10)) "the cloud is silent: the other one leads" won 3
took=$(($(now_ms) - cut))
check "after $SILENCE s, not before ($took ms)" [ $took -gt $((SILENCE * 1000 - 1000)) ]
check "and soon ($took ms)" [ $took -lt $(((SILENCE + NOTICED) * 1000)) ]
eventually 30 "and moves the address" moved $ONE "$NODE"
eventually 20 "Ready" kc wait --for=condition=Ready nia/pool --timeout=1s
is "the log says why" "$(jq -r 'select(.event == "handover") | .reason + " " + .to' \
	"$DIR/ipwarden-2.log")" "cloud_unreachable ipwarden-3"
is "so does the metric" "$(handovers 2 cloud_unreachable)" 1
is "the lease stays where it is" "$(holder) $(count 3 leader_lost)" "ipwarden-3 0"
check "no violations" no_violations
judge | sed 's/^/# /'
