#!/bin/sh
# SIGTERM, and Ctrl-C for the whole group: ipwarden ends with 0 within seconds, in order,
# also while an address is on its way; the lease is given back, nobody is left, and what
# was begun is finished by the next one.
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1

start_world --nodes 3 --addresses $ONE
install_crd
LEASE=/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/ip-address-controller-leader
holder() { api GET $LEASE | jq -r '.spec.holderIdentity'; }

# stopped_by WHAT COMMAND...: the command ends it; how, and what is left?
stopped_by() {
	how=$1
	shift
	pids=$(for role in $ROLES; do pid_of "$role"; done)
	begun=$(now_ms)
	"$@"
	code=0
	wait "$MAIN" || code=$?
	took=$(($(now_ms) - begun))
	is "$how: exit code" $code 0
	check "$how: within five seconds ($took ms)" test $took -lt 5000
	left=
	for pid in $MAIN $pids; do [ -d "/proc/$pid" ] && left="$left $pid"; done
	is "$how: no process is left" "$left" ""
	is "$how: the lease is given back" "$(holder)" ""
	is "$how: the last line" "$(tail -1 "$LOG" | jq -c '[.process, .event, .status]')" \
		'["supervisor","stopped",0]'
	is "$how: nobody was killed" "$(grep -c '"event":"killed"' "$LOG")" 0
	MAIN=
}

order() {
	jq -r 'select(.process == "supervisor" and .event == "exited") | .role' "$LOG" |
		grep -xE 'watcher|reconciler|cloudworker' | xargs
}

start_ipwarden
eventually 30 "all processes are ready" all_ready
allocation pool $ONE >/dev/null
eventually 20 "attached" kc wait --for=condition=Ready nia/pool --timeout=1s
stopped_by "SIGTERM at rest" kill -TERM "$MAIN"
is "an orderly end is no warning" "$(grep -c '"level":"warn".*"event":"exited"' "$LOG")" 0
is "the watcher goes first, then who decides, then who acts" "$(order)" \
	"watcher reconciler cloudworker"

# --- while an address moves ---------------------------------------------------------
start_ipwarden
eventually 30 "ready again" all_ready
eventually 10 "leading" grep -q '"event":"leader_won"' "$LOG"
control POST /gce/settings --data-binary '{"operation_latency_ms":3000}' >/dev/null
NODE=$(node_of $ONE)
cordon "$NODE"
eventually 20 "a move has begun" grep -q '"event":"order_begun".*"kind":"detach"' "$LOG"
stopped_by "SIGTERM during a move" kill -TERM "$MAIN"
check "what was under way has been awaited" \
	grep -q '"event":"order_ended".*"kind":"detach","outcome":"done"' "$LOG"
is "and nothing else was begun" "$(grep -c '"event":"order_begun"' "$LOG")" 1
is "the address is nowhere" "$(node_of $ONE)" ""
control POST /gce/settings --data-binary '{"operation_latency_ms":300}' >/dev/null
start_ipwarden
eventually 30 "the next one finishes the move" moved $ONE "$NODE"
eventually 20 "and is Ready" kc wait --for=condition=Ready nia/pool --timeout=1s

# --- Ctrl-C -------------------------------------------------------------------------
stop_ipwarden
# a group of its own, and SIGINT as a terminal leaves it (a shell's & ignores it)
LAUNCH="setsid env --default-signal=INT"
start_ipwarden
eventually 30 "ready once more" all_ready
eventually 10 "leading" grep -q '"event":"leader_won"' "$LOG"
stopped_by "SIGINT to the group" kill -INT "-$MAIN"

# --- before it is ready -------------------------------------------------------------
start_ipwarden
stopped_by "SIGTERM right after the start" kill -TERM "$MAIN"
start_ipwarden
eventually 30 "ready for the last time" all_ready
eventually 10 "leading" grep -q '"event":"leader_won"' "$LOG"
twice() { kill -TERM "$MAIN" && kill -TERM "$MAIN" && kill -INT "$MAIN"; }
stopped_by "three signals" twice

# --- with a follower: it sees the lease given back, and does not wait for its next read ---
LAUNCH=
TIMES=$DIR/times
MS='def ms: (.ts // .time) | (.[0:19] + "Z" | fromdate) * 1000 + (.[20:23] | tonumber);'

replica() {
	POD_NAME=ipwarden-$1
	LOG=$DIR/$POD_NAME.log
	AUDIT=$DIR/$POD_NAME.audit
	start_ipwarden
}
watches() { all_ready && grep -q '"event":"lease_watched"' "$LOG"; }
# first_act: when the first write of this replica was sent
first_act() { jq -r "$MS ms - .duration_ms" "$AUDIT" | sort -n | head -1 | grep .; }

replica 1
eventually 30 "one leads" grep -q '"event":"leader_won"' "$LOG"
for next in 2 3 4 5 6; do
	LEADER=$MAIN
	LEADER_LOG=$LOG
	replica $next
	OTHERS=$LEADER
	until_true 30 watches || not_ok "replica $next watches the lease"
	NODE=$(node_of $ONE)
	cordon "$NODE"
	kill -TERM "$LEADER"
	wait "$LEADER" || not_ok "replica $((next - 1)) ends well"
	OTHERS=
	until_true 30 first_act || not_ok "replica $next acts"
	lost=$(jq -r "$MS select(.event == \"leader_lost\") | ms" "$LEADER_LOG" | tail -1)
	echo $(($(first_act) - lost)) >>"$TIMES"
	until_true 30 moved $ONE "$NODE" || not_ok "replica $next moves the address"
	uncordon "$NODE"
done
# a busy machine may be late once; with reads alone (every 2 s) half of them would be
say "# with a lease of ${LEASE_DURATION:-60} s a successor acted after" \
	"$(sort -n "$TIMES" | xargs | tr ' ' ,) ms"
check "a successor acts within a second" [ "$(sort -n "$TIMES" | sed -n 4p)" -le 1000 ]
check "no violations" no_violations
judge | sed 's/^/# /'
