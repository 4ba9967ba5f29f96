#!/bin/sh
# Two replicas on one world: one leads; the other takes over at once when the lease is
# given back, and within the lease's time when the leader is killed. Never do two act.
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1
TWO=34.82.10.2
LEASE_DURATION=5
LEASE_SKEW_GRACE_SEC=1
RETRY_MS=833 # a sixth of the duration

start_world --nodes 4 --addresses $ONE,$TWO
install_crd

leader_times() { # N EVENT: when replica N won or lost, in ms
	jq -r --arg e "$2" 'select(.event == $e) | .ts' "$DIR/ipwarden-$1.log" |
		while read -r time; do echo $(($(date -d "$time" +%s%N) / 1000000)); done
}
LEASE=/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/ip-address-controller-leader
holder() { api GET $LEASE | jq -r '.spec.holderIdentity'; }
holder_is() { [ "$(holder)" = "$1" ]; }
won() { grep -q '"event":"leader_won"' "$DIR/ipwarden-$1.log"; }

# Whose pods carry the annotation of the leader.
marked() {
	api GET /api/v1/namespaces/kube-system/pods | jq -r '[.items[] |
		select(.metadata.annotations["controller-leader"] == "true") |
		.metadata.name] | join(" ")'
}
marked_is() { [ "$(marked)" = "$1" ]; }

replica 0 elsewhere False
eventually 10 "the first one leads" won 0
replica 1 elsewhere False
allocation pool $ONE $TWO >/dev/null
eventually 20 "it works" kc wait --for=condition=Ready nia/pool --timeout=1s
is "the lease names its holder" "$(holder)" ipwarden-0
eventually 10 "so does its pod's annotation" marked_is ipwarden-0
check "the other one is ready, too" curl -sSf "$HEALTH_URL/readyz"
is "and does not lead" \
	"$(metric 'netipallocation_controller_is_leader{pod_name="ipwarden-1"}')" 0
is "nor act" "$(cat "$DIR/audit-1.jsonl")" ""
transitions=$(api GET $LEASE | jq '.spec.leaseTransitions')

# --- the lease is given back --------------------------------------------------------
NODE=$(node_of $ONE)
cordon "$NODE" # so that there is something under way
killed=$(now_ms)
kill -TERM "$MAIN_0"
eventually 5 "SIGTERM to the leader: the other one leads" won 1
took=$(($(leader_times 1 leader_won | tail -1) - killed))
check "within two seconds ($took ms)" test $took -lt 2000
eventually 20 "and goes on: the address moves" moved $ONE "$NODE"
eventually 10 "the annotation follows" marked_is ipwarden-1
code=0
wait "$MAIN_0" || code=$?
is "the first one ended with 0" $code 0
is "a change of leader is counted" "$(api GET $LEASE | jq '.spec.leaseTransitions')" \
	$((transitions + 1))
eventually 20 "Ready" kc wait --for=condition=Ready nia/pool --timeout=1s

# --- the leader is killed -----------------------------------------------------------
replica 2 elsewhere False
is "a new one follows" "$(holder)" ipwarden-1
uncordon "$NODE"
NODE=$(node_of $TWO)
cordon "$NODE"
killed=$(now_ms)
kill -9 "$MAIN_1"
wait "$MAIN_1" 2>/dev/null
eventually 10 "kill -9 of the leader: the other one leads" won 2
took=$(($(leader_times 2 leader_won | tail -1) - killed))
limit=$((LEASE_DURATION * 1000 + RETRY_MS + 1000))
check "within the lease's time, a retry and a second ($took of $limit ms)" \
	test $took -lt $limit
eventually 20 "and goes on: the address moves" moved $TWO "$NODE"
eventually 10 "the annotation follows again" marked_is ipwarden-2
eventually 20 "Ready" kc wait --for=condition=Ready nia/pool --timeout=1s

# --- never two ----------------------------------------------------------------------
before() { [ -n "$1" ] && [ -n "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort | head -1)" = "$1" ]; }
first_act() { jq -r .time "$DIR/audit-$1.jsonl" | sort | head -1; }
last_act() { jq -r .time "$DIR/audit-$1.jsonl" | sort | tail -1; }
check "the second leader's first act is after the first one's last" \
	before "$(last_act 0)" "$(first_act 1)"
check "the third one's after the second one's last" before "$(last_act 1)" "$(first_act 2)"
is "each act was in the actor's own term" \
	"$(cat "$DIR"/audit-*.jsonl | jq -r '.who + " " + (.term | tostring)' | sort -u |
		tr '\n' ';')" "ipwarden-0 0;ipwarden-1 1;ipwarden-2 2;"
check "no violations" no_violations
judge | sed 's/^/# /'
