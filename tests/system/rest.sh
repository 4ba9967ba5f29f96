#!/bin/sh
# At rest, for REST_SECONDS: nothing is written but the Lease, nothing is read, the cloud
# is asked for nothing but what the drift check needs, and no process wakes up more often,
# or computes more, than its ticks and those explain.
. "$SRC/tests/system/lib.sh"

REST_SECONDS=${REST_SECONDS:-60}
INTERVAL=5 # of the drift check
ONE=34.82.10.1
TWO=34.82.10.2
# Of one process: wakeups a second (its ticks, links and metrics come to about fifteen),
# and of the time it takes the processor's share, in a thousand. A loop that is busy has
# thousands of the one or most of the other.
WAKEUPS_MAX=100
SHARE_MAX=100

start_world --nodes 4 --addresses $ONE,$TWO
install_crd
deployment web
start_ipwarden
eventually 30 "all processes are ready" all_ready
eventually 30 "they have asked about their rights, which they do every hour" reviewed
WORKLOAD=web
allocation web $ONE $TWO >/dev/null
eventually 20 "both are attached" kc wait --for=condition=Ready nia/web --timeout=1s
settled() {
	api GET /api/v1/events | jq -e '[.items[] | select(.reason == "Attached")] |
		length == 4' && api GET "$NIA/web" |
		jq -e 'all(.status.addresses[]; .intent == null)'
}
eventually 20 "all is told" settled
apply - >/dev/null <<-YAML
	apiVersion: networking.learntosolveit.com/v1
	kind: PodTracker
	metadata: {name: all}
	spec: {}
YAML
sliced() { [ "$(kc get podtrackerslices -o name | wc -l)" = 4 ]; }
eventually 20 "each node has its slice" sliced
tracker_told() {
	api GET /api/v1/events | jq -e 'any(.items[]; .involvedObject.name == "all")'
}
eventually 20 "and the PodTracker its status, with an event" tracker_told

# of ipwarden, not of this test
writes() { jq -c 'select((.user | startswith("system:serviceaccount:")) and
	(.verb | IN("get", "list", "watch") | not) and .resource != "leases") |
	[.verb, .resource, .name]' "$DIR/requests.jsonl"; }
renewals() { jq -c 'select(.verb == "update" and .resource == "leases")' \
	"$DIR/requests.jsonl" | wc -l; }
reads() { jq -c 'select((.user | startswith("system:serviceaccount:")) and
	(.verb | IN("get", "list")) and .resource != "leases")' \
	"$DIR/requests.jsonl" | wc -l; }
other_calls() { control GET /gce/calls | jq -c 'del(.["instances.list"],
	.["addresses.list"], .["metadata.token"])'; }
# efforts: "ROLE PID WAKEUPS CPU-TICKS" of each process
efforts() {
	echo "supervisor $MAIN $(effort "$MAIN")"
	for role in $ROLES; do
		echo "$role $(pid_of "$role") $(effort "$(pid_of "$role")")"
	done
}
effort() {
	echo "$(cat /proc/"$1"/task/*/status |
		awk '/^voluntary_ctxt_switches/ { sum += $2 } END { print sum }')" \
		"$(awk '{ print $14 + $15 }' /proc/"$1"/stat)"
}

writes_before=$(writes | wc -l)
renewals_before=$(renewals)
reads_before=$(reads)
looks_before=$(calls instances.list)
others_before=$(other_calls)
efforts >"$DIR/before"
began=$(now_ms)
sleep "$REST_SECONDS" # what is tested is that nothing happens meanwhile
efforts >"$DIR/after"
passed_ms=$(($(now_ms) - began))

is "nothing was written but the Lease" "$(writes | tail -n +$((writes_before + 1)))" ""
is "nothing was read" "$(($(reads) - reads_before))" 0
is "the cloud was asked only what the drift check asks" "$(other_calls)" \
	"$others_before"
looks=$(($(calls instances.list) - looks_before))
renewed=$(($(renewals) - renewals_before))
say "# in $passed_ms ms: $looks looks at the cloud, $renewed renewals of the lease"
check "it was looked at the cloud, not too often" \
	test $looks -ge 1 -a $looks -le $((passed_ms / (INTERVAL * 1000) + 2))
check "the lease was renewed, not too often" \
	test $renewed -ge 1 -a $renewed -le $((passed_ms / 10000 + 2))
is "the same processes run" "$(cut -d' ' -f1,2 "$DIR/after")" \
	"$(cut -d' ' -f1,2 "$DIR/before")"
paste -d' ' "$DIR/before" "$DIR/after" |
	while read -r role _ wakeups ticks _ _ wakeups_after ticks_after; do
		wakeups=$((wakeups_after - wakeups))
		cpu_ms=$(((ticks_after - ticks) * 1000 / $(getconf CLK_TCK)))
		echo "$role $wakeups $((wakeups * 1000 / passed_ms)) $cpu_ms" \
			$((cpu_ms * 1000 / passed_ms))
	done >"$DIR/efforts"
while read -r role wakeups a_second cpu_ms share; do
	say "# $role: $wakeups wakeups, $a_second a second; $cpu_ms ms of the processor"
	check "$role sleeps" test "$wakeups" -ge 0 -a "$a_second" -le $WAKEUPS_MAX \
		-a "$share" -le $SHARE_MAX
done <"$DIR/efforts"
check "no violations" no_violations
