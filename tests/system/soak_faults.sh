# Sourced by tests/soak: what happens to the world and to the replicas. Objects of the
# cluster are changed as its users do it; pods come and go through the control endpoint,
# which no fault hits.

tell() { say "# $(date +%H:%M:%S.%3N) $*"; }

# random N: sets R to one of 0 to N - 1
random() {
	state=$(((state * 1103515245 + 12345) % 2147483648))
	R=$((state / 65536 % $1))
}

# one_of WORD...: sets ONE to one of them
ONE=
one_of() {
	random $#
	shift "$R"
	ONE=$1
}

# --- nodes and pods -----------------------------------------------------------------

cordoned= # nodes, in the order they were cordoned

free_node() {
	random $NODES
	ONE=node-$((R + 1))
	case " $cordoned " in *" $ONE "*) free_node ;; esac
}

# moves_on NODE: the pods there come up on others
moves_on() {
	node=$1
	for file in $(grep -l " $node\$" "$DIR"/pods/*); do
		allocation=$(cut -d ' ' -f 1 "$file")
		free_node
		tell "pod $(basename "$file") moves from $node to $ONE"
		remove_pod "$(basename "$file")"
		put_pod "$allocation" "$ONE"
	done
}

# A node with a pod, or the one that has some address.
do_cordon() {
	random 2
	if [ "$R" -eq 0 ]; then
		# shellcheck disable=SC2046
		one_of $(cut -d ' ' -f 2 "$DIR"/pods/*)
	else
		random $ADDRESSES
		ONE=$(node_of "34.82.10.$((R + 1))")
	fi
	case " $cordoned " in *" $ONE "*) return ;; esac
	[ "$(echo "$cordoned" | wc -w)" -lt $CORDONED_MAX ] || do_uncordon
	case $ONE in node-*[!0-9]* | '') return ;; esac
	tell "cordon $ONE"
	until_true 30 cordon "$ONE"
	cordoned="$cordoned $ONE"
	random 2
	[ "$R" -eq 0 ] || moves_on "$ONE"
}

do_leave() {
	[ -n "$cordoned" ] || return 0
	# shellcheck disable=SC2086
	one_of $cordoned
	moves_on "$ONE"
}

# The one that was cordoned first; sometimes a pod comes back with it.
do_uncordon() {
	kept=$ONE
	# shellcheck disable=SC2086
	set -- $cordoned
	[ $# -gt 0 ] || return 0
	tell "uncordon $1"
	until_true 30 uncordon "$1"
	back=$1
	shift
	cordoned=$*
	random 2
	if [ "$R" -eq 0 ]; then
		# shellcheck disable=SC2012
		random "$(ls "$DIR/pods" | wc -l)"
		file=$(ls "$DIR/pods" | sed -n "$((R + 1))p")
		allocation=$(cut -d ' ' -f 1 "$DIR/pods/$file")
		tell "pod $file moves to $back"
		remove_pod "$file"
		put_pod "$allocation" "$back"
	fi
	ONE=$kept
}

# --- the API server -----------------------------------------------------------------

PATHS='/ /api/v1/nodes /api/v1/pods /netipallocations /status /leases /events'

status_body() { # CODE REASON MESSAGE
	printf '{"kind":"Status","apiVersion":"v1","status":"Failure","code":%s,' "$1"
	printf '"reason":"%s","message":"%s"}' "$2" "$3"
}

# api_fault WHAT COUNT: of the next requests below ONE
api_fault() {
	tell "API: $1 for the next $2 requests of $ONE"
	case $1 in
	refused) what='"drop_before":true' ;;
	cut) what='"drop_after":true' ;;
	late)
		random 25
		what="\"delay_ms\":$((R * 100 + 300))"
		;;
	409)
		what="\"status\":409,\"body\":$(status_body 409 Conflict \
			'the object has been modified')"
		;;
	410)
		what="\"status\":410,\"body\":$(status_body 410 Expired \
			'too old resource version')"
		;;
	*) what="\"status\":$1" ;;
	esac
	fault "{\"target\":\"kube\",\"path\":\"$ONE\",$what,\"count\":$2}"
}

do_api() {
	one_of refused cut late 409 410 429 500 503
	kind=$ONE
	# shellcheck disable=SC2086
	case $kind in
	409) one_of /status /leases ;; # what is written with a resourceVersion
	410) one_of /api/v1/nodes /api/v1/pods /netipallocations ;;
	*) one_of $PATHS ;;
	esac
	random 6
	api_fault "$kind" $((R + 1))
}

# --- the cloud ----------------------------------------------------------------------

cloud_body() { # CODE REASON
	printf '{"error":{"code":%s,"message":"%s","errors":[{"reason":"%s",' "$1" "$2" "$2"
	printf '"domain":"global","message":"%s"}]}}' "$2"
}

do_cloud() {
	one_of refused cut late 429 403 500 503 operation slow slow
	random 4
	count=$((R + 1))
	tell "cloud: $ONE ($count)"
	case $ONE in
	refused) what='"drop_before":true' ;;
	cut) what='"drop_after":true' ;;
	late)
		random 25
		what="\"delay_ms\":$((R * 100 + 300))"
		;;
	403) what="\"status\":403,\"body\":$(cloud_body 403 rateLimitExceeded)" ;;
	operation)
		one_of addAccessConfig deleteAccessConfig
		what="\"path\":\"$ONE\",\"operation_error\":\"INTERNAL_ERROR\""
		;;
	slow)
		random 20
		control POST /gce/settings --data-binary \
			"{\"operation_latency_ms\":$((R * 100)),\"operation_jitter_ms\":500}" \
			>/dev/null
		return
		;;
	*) what="\"status\":$ONE,\"body\":$(cloud_body "$ONE" backendError)" ;;
	esac
	fault "{\"target\":\"gce\",$what,\"count\":$count}"
}

do_metadata() {
	one_of refused 503 late
	random 4
	tell "metadata server: $ONE ($((R + 1))), and the tokens are revoked"
	case $ONE in
	refused) what='"drop_before":true' ;;
	late) what='"delay_ms":1500' ;;
	503) what='"status":503' ;;
	esac
	fault "{\"target\":\"metadata\",$what,\"count\":$((R + 1))}"
	control DELETE /gce/tokens >/dev/null
}

# outage TARGET: everything of it, for a while
outage() {
	ONE=$1
	random 30
	tell "outage of $ONE for $((R / 10 + 1)).$((R % 10)) s"
	fault "{\"target\":\"$ONE\",\"drop_before\":true,\"count\":-1}"
	sleep $((R / 10 + 1)).$((R % 10))
	clear_faults
	tell "the outage is over"
}

do_outage() {
	one_of kube gce
	outage "$ONE"
}

# --- processes ----------------------------------------------------------------------

may_kill() { [ "$elapsed" -lt "$KILLS_UNTIL" ] || [ "$elapsed" -ge "$KILLS_AGAIN" ]; }

# kill_role SLOT ROLE
kill_role() {
	of "$1"
	is_ready "$2" || return 0
	tell "kill -9 of $POD_NAME's $2 ($(pid_of "$2"))"
	kill -9 "$(pid_of "$2")" && echo "$2" >>"$LOG.kills"
}

do_kill() {
	may_kill || return 0
	one_of 0 1
	slot=$ONE
	# shellcheck disable=SC2086
	one_of $ROLES
	kill_role "$slot" "$ONE"
}

# end_replica SLOT SIGNAL: another one starts in its place
end_replica() {
	of "$1"
	eval "main=\$MAIN_$1"
	role=follows
	! leads || role=leads
	tell "SIG$2 to $POD_NAME, which $role"
	kill -s "$2" "$main"
	[ "$2$role" != KILLleads ] || leader_left=$(($(now_ms) + LEASE_DURATION * 1000))
	wait "$main" 2>/dev/null
	replica "$1"
	tell "ipwarden-$lives was started"
}

do_replica() {
	may_kill || return 0
	one_of 0 1
	slot=$ONE
	one_of TERM KILL
	end_replica "$slot" "$ONE"
}

# --- all of it ----------------------------------------------------------------------

# One thing that happens, and a short time after it.
soak_step() {
	random 32
	case $R in
	[0-9]) do_cordon ;;
	1[0-2]) do_leave ;;
	1[3-5]) do_uncordon ;;
	1[6-9] | 20) do_api ;;
	2[1-4]) do_cloud ;;
	25) do_metadata ;;
	26) do_outage ;;
	2[7-9] | 30) do_kill ;;
	31) do_replica ;;
	esac
	random 6
	sleep 0.$((R + 1))
}

# The last fault hits while addresses are on their way: up to three nodes are drained
# right before, for good.
last_fault() {
	returning=$cordoned
	for i in 1 2 3; do
		random $ADDRESSES
		ONE=$(node_of "34.82.10.$((R + 1))")
		case " $cordoned " in *" $ONE "*) continue ;; esac
		case $ONE in node-*[!0-9]* | '') continue ;; esac
		tell "drain $ONE"
		until_true 30 cordon "$ONE"
		cordoned="$cordoned $ONE"
		moves_on "$ONE"
	done
	leader=0
	of 1
	! leads || leader=1
	one_of kube gce metadata reconciler cloudworker watcher dialer-cloud TERM KILL
	case $ONE in
	kube | gce) outage "$ONE" ;;
	metadata) do_metadata ;;
	TERM | KILL) end_replica $leader "$ONE" ;;
	*) kill_role $leader "$ONE" ;;
	esac
}

# No fault any more; who was cordoned before last_fault is back.
quiet_world() {
	clear_faults
	control POST /gce/settings --data-binary \
		'{"operation_latency_ms":0,"operation_jitter_ms":0}' >/dev/null
	for node in $returning; do
		tell "uncordon $node"
		until_true 30 uncordon "$node"
	done
}
