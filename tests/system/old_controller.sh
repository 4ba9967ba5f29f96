#!/bin/sh
# Beside the controller that ipwarden replaces (old_tool.sh acts in its place): never do
# two act, ipwarden waits until its pods are gone.
. "$SRC/tests/system/lib.sh"
. "$SRC/tests/system/old_tool.sh"

ONE=34.82.10.1
LEASE_DURATION=5
LEASE_SKEW_GRACE_SEC=1
SAYS="OtherControllerRunning: pod kube-system/"

mark() { api GET $PODS/ipwarden-0 | jq -r '.metadata.annotations["controller-leader"] // ""'; }
mark_is() { [ "$(mark)" = "$1" ]; }
sent() { grep -c '"event":"change_sent"' "$LOG"; }
won() { [ "$(grep -c '"event":"leader_won"' "$LOG")" -ge "$1" ]; }
lost() { grep -q '"event":"leader_lost"' "$LOG"; }
at_rest() { kc wait --for=condition=Ready nia/pool --timeout=1s; }
# drain: the node that has the address is cordoned, the others are not
drain() {
	NODE=$(node_of $ONE)
	for node in node-1 node-2 node-3; do [ $node = "$NODE" ] || uncordon $node; done
	cordon "$NODE"
}

# apart: no change of ours was sent between the first and the last act of any of theirs
apart() {
	jq -Rr 'fromjson? | select(.event == "change_sent") |
		(.ts[0:19] + "Z" | fromdate) * 1000 + (.ts[20:23] | tonumber)' "$LOG" |
		while read -r at; do
			for acts in "$DIR"/old-*.acts; do
				[ "$at" -lt "$(head -1 "$acts")" ] || [ "$at" -gt "$(tail -1 "$acts")" ] ||
					echo "sent at $at, within $acts"
			done
		done >"$DIR/together"
	cat "$DIR/together"
	[ ! -s "$DIR/together" ]
}

# --- as it is found: the old one leads ----------------------------------------------
start_world --nodes 3 --addresses $ONE
install_crd
old_lease ""
old_starts old-1 $ONE
eventually 20 "the old controller leads" holder_is old-1
eventually 20 "and has put the address on a node" attached $ONE
allocation pool $ONE >/dev/null
our_pod
start_ipwarden
eventually 30 "ipwarden starts beside it" all_ready
eventually 20 "and is ready" ready
# the old one does not renew its lease
eventually 30 "it takes the lease over" won 1
eventually 20 "but says why it waits" says pool Ready "Unknown $SAYS""old-1"
eventually 20 "in an event" event OtherControllerRunning kube-system/old-1
check "in the log" grep -q '"event":"other_controller_running","pod":"kube-system/old-1"' "$LOG"
check "and stays ready" ready
drain
eventually 30 "the old one goes on acting" moved $ONE "$NODE"
is "ipwarden has changed nothing at the cloud" "$(sent)" 0
is "nor in the cluster but its status" "$(jq -r .what "$AUDIT" | sort -u)" status
is "its pod is not called the leader" "$(mark)" ""

# --- the old one goes ---------------------------------------------------------------
where=$(node_of $ONE)
old_ends old-1
eventually 30 "when it is gone ipwarden goes on" at_rest
is "the address stays where it was" "$(node_of $ONE)" "$where"
eventually 10 "its node is labelled" label_is "$where" netinfra.darkbrains.com/allocation pool
eventually 10 "the leader's pod is marked" mark_is true
drain
eventually 30 "the address moves" moved $ONE "$NODE"
eventually 30 "and is at rest" at_rest

# --- it comes back ------------------------------------------------------------------
before=$(sent)
old_starts old-2 $ONE
eventually 20 "another one comes: ipwarden waits" says pool Ready "Unknown $SAYS""old-2"
is "its pod is there, so it keeps the lease" "$(holder)" ipwarden-0
drain
remove_object $PODS/ipwarden-0
eventually 30 "without its pod the old one takes the lease" lost
eventually 30 "and acts" moved $ONE "$NODE"
eventually 30 "ipwarden takes it back in time" won 2
drain
eventually 30 "the old one goes on acting" moved $ONE "$NODE"
is "ipwarden does not" "$(sent)" "$before"
our_pod
old_ends old-2
drain
eventually 30 "it is gone: ipwarden acts again" moved $ONE "$NODE"
eventually 30 "and is at rest" at_rest
check "never did both act" apart
check "the old one did" test -s "$DIR/old-1.acts" -a -s "$DIR/old-2.acts"
check "no violations" no_violations
judge | sed 's/^/# /'
