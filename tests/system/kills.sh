#!/bin/sh
# kill -9 of the workers in turn, 100 kills in all, while addresses attach and move: in the
# end everything is attached exactly once, nobody else's pid changed, and the judge finds
# nothing. Then the supervisor itself, five times.
. "$SRC/tests/system/lib.sh"

ADDRESSES="34.82.10.1 34.82.10.2 34.82.10.3"
KILLS=${KILLS:-100}
LEASE_DURATION=5
LEASE_SKEW_GRACE_SEC=1

start_world --nodes 5 --addresses "$(echo $ADDRESSES | tr ' ' ,)"
install_crd
start_ipwarden
eventually 30 "all processes are ready" all_ready
allocation pool $ADDRESSES >/dev/null

all_attached() {
	for address in $ADDRESSES; do attached "$address" || return 1; done
}

pids() { for role in $ROLES; do [ "$role" = "$1" ] || pid_of "$role"; done; }

new_pid() { [ "$(pid_of "$1")" != "$2" ] && is_ready "$1"; }

# Nobody may be there to bury an orphan: a zombie is gone.
gone() { [ ! -d "/proc/$1" ] || grep -q '^State:.[ZX]' "/proc/$1/status"; }

# Somebody cordons a node that holds an address and brings back the one before, so that
# there is always something on its way.
cordoned=
stir() {
	[ -z "$cordoned" ] || kc uncordon "$cordoned" >/dev/null
	cordoned=$(node_of "$1")
	case $cordoned in '' | *,*) cordoned= ;; *) kc cordon "$cordoned" >/dev/null ;; esac
}

survivors=same
stuck=no
count=0
while [ $count -lt "$KILLS" ]; do
	for role in $ROLES; do
		[ $count -lt "$KILLS" ] || break
		[ $((count % 5)) -ne 0 ] || stir "34.82.10.$((count / 5 % 3 + 1))"
		before=$(pids "$role")
		old=$(pid_of "$role")
		kill -9 "$old"
		count=$((count + 1))
		until_true 20 new_pid "$role" "$old" || stuck=$role
		[ "$(pids "$role")" = "$before" ] || survivors="changed when $role was killed"
	done
done
is "each of $KILLS killed processes came back" "$stuck" no
is "the others kept their pids" "$survivors" same
[ -z "$cordoned" ] || kc uncordon "$cordoned" >/dev/null
eventually 90 "all addresses are attached in the end" all_attached
eventually 90 "the allocation is Ready" \
	kc wait --for=condition=Ready nia/pool --timeout=1s
check "no violations after $KILLS kills" no_violations

# The supervisor: nobody outlives it by more than half a second.
outlived=no
round=0
while [ $round -lt 5 ]; do
	round=$((round + 1))
	all=$(for role in $ROLES; do pid_of "$role"; done)
	stir "34.82.10.$((round % 3 + 1))"
	kill -9 "$MAIN"
	killed=$(now_ms)
	wait "$MAIN" 2>/dev/null
	MAIN=
	for pid in $all; do
		until gone "$pid"; do
			if [ $(($(now_ms) - killed)) -gt 500 ]; then
				outlived="$pid outlived it"
				break
			fi
			sleep 0.01
		done
	done
	start_ipwarden
	until_true 30 all_ready || outlived="not ready again"
done
is "the supervisor killed five times: all gone within 0.5 s, all back" "$outlived" no
[ -z "$cordoned" ] || kc uncordon "$cordoned" >/dev/null
eventually 90 "all addresses are attached again" all_attached
check "no violations at the end" no_violations
judge | tail -6 | sed 's/^/# /'
