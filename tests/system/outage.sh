#!/bin/sh
# The cloud fails: it answers 503, does not answer, or hangs up. What is not known disrupts
# nothing: no address moves, no label goes, and the conditions say why; afterwards
# everything goes on by itself.
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1
TWO=34.82.10.2
LEASE_DURATION=10 # a call may take a quarter of it

start_world --nodes 3 --addresses $ONE,$TWO
install_crd
start_ipwarden
eventually 30 "all processes are ready" all_ready
allocation pool $ONE $TWO >/dev/null
eventually 20 "both are attached" kc wait --for=condition=Ready nia/pool --timeout=1s
FIRST=$(node_of $ONE)
SECOND=$(node_of $TWO)

changes() { echo $(($(calls instances.addAccessConfig) + $(calls instances.deleteAccessConfig))); }
before=$(changes)
undisturbed() {
	echo "$(node_of $ONE) $(node_of $TWO) $(label "$FIRST" ip.ready)" \
		"$(label "$SECOND" ip.ready) $(label "$FIRST" netinfra.darkbrains.com/address)" \
		"$(changes)"
}
well="$FIRST $SECOND true true $ONE $before"
failed_calls() {
	metric 'ipwarden_cloud_calls_total{operation="instances.list",code="'"$1"'"}' |
		grep . || echo 0
}
more_failed() { [ "$(failed_calls "$1")" -gt "$2" ]; }

# fails_by WHAT FAULT CODE: from now on calls of the cloud fail in this way
fails_by() {
	old=$(failed_calls "$3")
	clear_faults
	fault "$2"
	eventually 20 "$1: it is tried, and counted" more_failed "$3" "$old"
	is "$1: nothing was touched" "$(undisturbed)" "$well"
}

ERROR='{"error":{"code":503,"message":"Backend Error",
	"errors":[{"message":"Backend Error","domain":"global","reason":"backendError"}]}}'
fails_by "503" "$(jq -nc --arg b "$ERROR" \
	'{target: "gce", status: 503, body: $b, count: -1}')" 503
eventually 20 "it is not known where the addresses are" says pool Ready "Unknown"
check "the reason is told" says pool Ready "Unknown CloudUnreachable: $ONE: Backend Error"
check "in the entry, too" entry_is pool $ONE "Unknown CloudUnreachable"
check "by Degraded" says pool Degraded "True CloudUnreachable"
eventually 20 "the breaker of the endpoint is open" \
	metric_is 'ipwarden_cloud_breaker_open{endpoint="compute"}' 1
is "that of the other one is not" \
	"$(metric 'ipwarden_cloud_breaker_open{endpoint="metadata"}')" 0
is "the log says so" "$(jq -Rr 'fromjson? | select(.event == "breaker_open") |
	.endpoint + " " + .reason + ": " + .error' "$LOG")" "compute CloudUnreachable: Backend Error"
# a node that is drained without a pod of anybody: its address would move
cordon "$FIRST"
# now one of its two lists only
fails_by "it hangs up" \
	'{"target":"gce","path":"/instances","drop_before":true,"count":-1}' reset
fails_by "it does not answer" \
	'{"target":"gce","path":"/instances","delay_ms":600000,"count":-1}' timeout
is "still unknown, and where it was" "$(entry pool $ONE)" "Unknown CloudUnreachable"

clear_faults
eventually 30 "it is over: the drained node's address moves" moved $ONE "$FIRST"
eventually 10 "and everything is Ready again" says pool Ready "True AllAttached"
is "the breaker is closed" \
	"$(metric 'ipwarden_cloud_breaker_open{endpoint="compute"}')" 0
is "the other one has not moved" "$(node_of $TWO) $(label "$SECOND" ip.ready)" \
	"$SECOND true"
is "every process lived through it" "$(grep -c '"event":"spawned"' "$LOG")" 8
check "no violations" no_violations
judge | sed 's/^/# /'
