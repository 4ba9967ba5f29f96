#!/bin/sh
# Handovers from one replica to the other, by a stop, by kill -9 of all processes, and by
# a partition from the API server (connections that are cut, connections that hang), each
# while an address is to be moved, half of them with a change under way, which, but for a
# stop, ends only when the other one leads. Never do two act: by the cloud's log of
# attachments, by what the cloudworkers sent and under which term, and by the audit
# streams.
#
# HANDOVERS in all (60), by PAIRS of replicas side by side (8), each in a world of its own.
. "$SRC/tests/system/lib.sh"

HANDOVERS=${HANDOVERS:-60}
PAIRS=${PAIRS:-8}
ONE=34.82.10.1
LEASE_DURATION=5
LEASE_SKEW_GRACE_SEC=1
# How long an operation at the cloud takes (ms). A steady one always leaves something to
# the successor, also when the busiest machine strikes late.
QUICK=150
STEADY=1500
SLOW=6000
# What is promised (ms), from the leader's last open request, or from its end: a successor
# reads the lease every sixth of the duration. The busiest machine may add SLACK to one,
# but not to the median.
STOPPED_MAX=1000
LOST_MAX=$((LEASE_DURATION * 1000 + 833 + 1000))
SLACK=4000
MS='def ms: (.ts // .time) | (.[0:19] + "Z" | fromdate) * 1000 + (.[20:23] | tonumber);'

# --- one pair -----------------------------------------------------------------------

# lines JQ FILE...: of the lines that are whole; a killed process leaves half a one
lines() {
	filter=$1
	shift
	jq -Rr "$MS fromjson? | $filter" "$@"
}

# relay SLOT: the way of that slot's replicas to the API server
relay() {
	"$BUILD/tests/system/relay" "${KUBE_URL##*:}" >"$DIR/port-$1" &
	eval "RELAY_$1=$!"
	OTHERS="$OTHERS $!"
	until_true 10 test -s "$DIR/port-$1" || exit 1
	for who in controller watcher; do
		sed "s#^\( *server: https://.*:\)[0-9]*#\1$(cat "$DIR/port-$1")#" \
			"$DIR/$who.kubeconfig" >"$DIR/$who-$1.kubeconfig"
	done
}

# slot SLOT WORD: its relay, pid, name or url
slot() { eval "echo \"\$$2_$1\""; }

other() { [ "$1" = a ] && echo b || echo a; }

keep_track() { OTHERS="$RELAY_a $RELAY_b ${PID_a:-} ${PID_b:-}"; }

# replica SLOT: a new one, with a name and files of its own
born=0
replica() {
	POD_NAME=ipwarden-$born
	LOG=$DIR/$POD_NAME.log
	AUDIT=$DIR/$POD_NAME.audit
	CONTROLLER_KUBECONFIG=$DIR/controller-$1.kubeconfig
	WATCHER_KUBECONFIG=$DIR/watcher-$1.kubeconfig
	start_ipwarden
	eval "NAME_$1=$POD_NAME PID_$1=$MAIN HEALTH_$1=$HEALTH_URL"
	MAIN=
	born=$((born + 1))
	keep_track
}

won() { grep -q "\"event\":\"leader_won\".*\"term\":$term}" "$DIR/$1.log"; }
acted() { grep -q "\"term\":$term," "$DIR/$1.audit"; }
sent() { grep -c '"event":"change_sent"' "$DIR/$1.log"; }
sends() { [ "$(sent "$1")" -gt "$2" ]; }
# latency MS: of operations at the cloud
latency() {
	control POST /gce/settings --data-binary '{"operation_latency_ms":'"$1"'}' >/dev/null
}
last_ms() { lines "select(.event == \"$2\") | ms" "$DIR/$1.log" | tail -1; }
# When its first write of this term was sent.
acted_ms() {
	lines "select(.term == $term) | ms - .duration_ms" "$DIR/$1.audit" | sort -n | head -1
}

kill_all() {
	# shellcheck disable=SC2046
	kill -9 "$1" $(sed -n 's/.*"event":"spawned",.*"pid":\([0-9]*\),.*/\1/p' "$2") \
		2>/dev/null
}

# strike KIND SLOT
strike() {
	case $1 in
	stopped) kill -TERM "$(slot "$2" PID)" ;;
	killed) kill_all "$(slot "$2" PID)" "$DIR/$(slot "$2" NAME).log" ;;
	cut) kill -HUP "$(slot "$2" RELAY)" ;;
	hung) kill -USR1 "$(slot "$2" RELAY)" ;;
	esac
}

# took KIND FROM TO SINCE: how long nobody acted
took() {
	[ "$1" != stopped ] || set -- "$1" "$2" "$3" "$(last_ms "$2" leader_lost)"
	echo $(($(acted_ms "$3") - $4))
}

# bury KIND SLOT TO: who led is followed by a new one, or follows itself
bury() {
	case $1 in
	stopped | killed)
		code=0
		wait "$(slot "$2" PID)" 2>/dev/null || code=$?
		[ "$1" != stopped ] || [ $code -eq 0 ] || not_ok "$what: exit code $code"
		eval "PID_$2="
		replica "$2"
		;;
	*)
		kill -USR2 "$(slot "$2" RELAY)"
		[ "$(last_ms "$(slot "$2" NAME)" leader_lost)" -lt "$(last_ms "$3" leader_won)" ] ||
			not_ok "$what: it led until the other one did"
		;;
	esac
}

# handover KIND UNDER_WAY: `led` leads, its term is `term`
handover() {
	was=$led
	led=$(other "$was")
	term=$((term + 1))
	what="handover $term, $1"
	from=$(slot "$was" NAME)
	to=$(slot "$led" NAME)
	until_true 60 curl -sSf "$(slot "$led" HEALTH)/readyz" ||
		not_ok "$what: the follower is ready"
	node=$(node_of $ONE)
	count=$(sent "$from")
	case $2$1 in 0* | *stopped) latency $STEADY ;; *) latency $SLOW ;; esac
	cordon "$node"
	[ "$2" = 0 ] || until_true 20 sends "$from" "$count" ||
		not_ok "$what: something is under way"
	since=$(now_ms)
	strike "$1" "$was"
	until_true 60 won "$to" || not_ok "$what: the other one leads"
	latency $QUICK
	until_true 60 acted "$to" || not_ok "$what: and acts"
	until_true 60 moved $ONE "$node" || not_ok "$what: the address moves"
	uncordon "$node"
	echo "$1 $(took "$1" "$from" "$to" "$since")" >>"$TIMES"
	bury "$1" "$was" "$to"
}

# Terms in the order in which their changes were sent to the cloud.
changes() {
	lines 'select(.event == "order_begun" or .event == "change_sent") |
		[input_filename, .event, .request, (.term // 0), ms] | @tsv' \
		"$DIR"/ipwarden-*.log |
		awk '$2 == "order_begun" { term[$1 $3] = $4; next }
			{ print $5, term[$1 $3] }' | sort -n -k1,1 -k2,2
}

# Per term: who, when its first and last writes and orders were sent, in its order.
acts() {
	lines '[.term, .who, ms - .duration_ms] | @tsv' "$DIR"/ipwarden-*.audit | sort -n |
		awk '!($1 in who) { who[$1] = $2; first[$1] = $3; n[++terms] = $1 }
			who[$1] != $2 { print "two in term", $1 }
			$3 < first[$1] { first[$1] = $3 }
			$3 > last[$1] { last[$1] = $3 }
			END { for (i = 1; i <= terms; i++)
				print n[i], who[n[i]], first[n[i]], last[n[i]] }'
}

# Prints what is wrong; succeeds when that is nothing.
changes_in_order() { ! changes | awk '$2 < last { print } { last = $2 }' | grep .; }
acts_in_order() { ! acts | awk '/^two/ || $3 < last { print } { last = $4 }' | grep .; }

pair() {
	start_world --nodes 3 --addresses $ONE
	install_crd
	latency $QUICK
	relay a
	relay b
	replica a
	led=a
	term=0
	eventually 30 "the first one leads" won ipwarden-0
	replica b
	allocation pool $ONE >/dev/null
	eventually 30 "attached" kc wait --for=condition=Ready nia/pool --timeout=1s
	done=0
	set -- "$1" "$2" stopped killed cut stopped killed hung
	while [ $done -lt "$2" ]; do
		kind=$(eval "echo \${$((3 + (done + $1) % 6))}")
		handover "$kind" $((done / 3 % 2))
		done=$((done + 1))
	done
	eventually 60 "Ready" kc wait --for=condition=Ready nia/pool --timeout=1s
	is "each handover is a term" "$(api GET "$LEASE" | jq .spec.leaseTransitions)" "$2"
	check "no violations" no_violations
	check "no change was sent after a later term's" changes_in_order
	check "no act was begun after a later term's" acts_in_order
	check "there were changes" [ "$(changes | wc -l)" -ge $((2 * $2)) ]
	say "# $2 handovers, $(changes | wc -l) changes at the cloud in $(acts | wc -l) terms"
}

LEASE=/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/ip-address-controller-leader
if [ "${1:-}" = pair ]; then
	pair "$2" "$3"
	exit
fi

# --- all of them --------------------------------------------------------------------

begun=$(now_ms)
export TIMES="$DIR/times"
for i in $(seq "$PAIRS"); do
	share=$(((HANDOVERS + i - 1) / PAIRS))
	sh "$0" pair "$i" $share >"$DIR/pair-$i.out" 2>&1 &
	eval "WORKER_$i=$!"
	OTHERS="$OTHERS $!"
done
for i in $(seq "$PAIRS"); do
	code=0
	wait "$(slot "$i" WORKER)" || code=$?
	is "pair $i" $code 0
	sed -n 's/^not ok/#   not ok/p; /^#/p' "$DIR/pair-$i.out"
done
OTHERS=

# taken KIND...: of those, sorted
taken() {
	kinds=$(echo "$*" | tr ' ' '|')
	awk -v kinds="^($kinds)$" '$1 ~ kinds { print $2 }' "$TIMES" | sort -n
}
middle() { awk '{ t[NR] = $1 } END { print t[int((NR + 1) / 2)] }'; }

# within WHAT LIMIT KIND...
within() {
	title=$1
	limit=$2
	shift 2
	median=$(taken "$@" | middle)
	most=$(taken "$@" | tail -1)
	say "# $title: $(taken "$@" | wc -l) times, least $(taken "$@" | head -1)," \
		"median $median, most $most of $limit ms"
	check "$title: the other one acts in time" [ "$median" -le "$limit" ]
	check "$title: also the slowest time" [ "$most" -le $((limit + SLACK)) ]
}
is "handovers" "$(wc -l <"$TIMES")" "$HANDOVERS"
within stopped $STOPPED_MAX stopped
within killed $LOST_MAX killed
within partitioned $LOST_MAX cut hung
say "# $HANDOVERS handovers by $PAIRS pairs in $((($(now_ms) - begun) / 1000)) s"
