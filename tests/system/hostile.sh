#!/bin/sh
# A worker that was taken over (tests/system/evil_watcher.c stands in the watcher's place)
# attacks its neighbours and the supervisor with what it has. The others live on, can
# still connect, and only the offender is ended and waits to be started again.
if grep -q '^#define IPW_INSTRUMENTED 1' "$BUILD/config.h" 2>/dev/null; then
	echo "ok - hostile: # SKIP filters of this build log and do not kill"
	exit 0
fi
. "$SRC/tests/system/lib.sh"

LEASE_DURATION=5
LEASE_SKEW_GRACE_SEC=1
OTHERS_OF_WATCHER="resolver dialer-watcher dialer-reconciler dialer-cloud metricsd
	cloudworker reconciler"
EVIL=${EVIL:-$BUILD/tests/system/evil_watcher}

start_world
install_crd
cp -a "$STAGE" "$DIR/stage" || exit 1
STAGE=$DIR/stage
WATCHER=$STAGE/libexec/ipwarden/ipwarden-watcher
rm "$WATCHER"
cp "$EVIL" "$WATCHER" || exit 1

# --- what is looked at -------------------------------------------------------------

# line 'JQ CONDITION': the log has such a line
line() { [ "$(lines_of "$1")" -gt 0 ]; }

# lines_of 'JQ CONDITION': how many
lines_of() { jq -Rn "[inputs | fromjson? | select($1)] | length" "$LOG"; }

at_least() { [ "$(lines_of "$2")" -ge "$1" ]; }

# of_watcher EVENT WORDS: the supervisor says so of the watcher
of_watcher() { line ".event == \"$1\" and .role == \"watcher\" and .why == \"$2\""; }

leads() { line '.event == "leader_won"'; }

others_ready() { for role in $OTHERS_OF_WATCHER; do is_ready "$role" || return 1; done; }

pids() { for role in $1; do pid_of "$role"; done; }

# evil MODE: it stands there, and the others are at work
evil() {
	MODE=$1
	stop_ipwarden
	echo "idle" >"$WATCHER-mode"
	start_ipwarden
	eventually 20 "$MODE: the others start" others_ready
	eventually 20 "$MODE: one leads" leads
	BEFORE=$(pids "$OTHERS_OF_WATCHER")
	echo "$MODE" >"$WATCHER-mode"
	kill -9 "$(pid_of watcher)"
}

same_others() { is "$MODE: the others live on" "$(pids "$OTHERS_OF_WATCHER")" "$BEFORE"; }

# ms_between: from the watcher's end to its next start, the latest such pair
ms_between() {
	jq -n '[inputs | select(.role == "watcher" and
			(.event == "died" or .event == "spawned")) |
		{event, ms: ((.ts[0:19] + "Z" | fromdate) * 1000 +
			(.ts[20:23] | tonumber))}] as $all |
		[range(1; $all | length) |
			select($all[. - 1].event == "died" and
				$all[.].event == "spawned") |
			$all[.].ms - $all[. - 1].ms] | last // 0' "$LOG"
}

# the first pair is that of the kill -9 in evil
waited() { [ "$(ms_between)" -ge 4500 ]; }

# still_connects: a process that starts anew gets its connections
still_connects() {
	won=$(lines_of '.event == "leader_won"')
	kill -9 "$(pid_of reconciler)"
	eventually 20 "$MODE: a new reconciler gets a connection and leads" \
		at_least $((won + 1)) '.event == "leader_won"'
}

small_log() { [ "$(wc -c <"$LOG")" -lt 4000000 ]; }

# --- no attack: who is late and ends as it was told to --------------------------------

echo late >"$WATCHER-mode"
start_ipwarden
eventually 20 "late: the others start" others_ready
LATE=$(pid_of watcher)
ended() { grep -q '^State:.Z' "/proc/$LATE/status"; }
kill -TERM "$MAIN"
eventually 5 "late: it is told to stop" line '.event == "stopping"'
kill -STOP "$MAIN"
echo gone >"$WATCHER-mode"
eventually 5 "late: it says that it is locked, and ends" ended
kill -CONT "$MAIN"
wait "$MAIN"
is "late: nobody is blamed" "$(lines_of '.event == "killed" or .event == "not_confined"')" 0
MAIN=

# --- the attacks -------------------------------------------------------------------

evil unlocked
eventually 20 "unlocked: a filter that is only inherited is none" \
	line '.event == "not_confined" and .role == "watcher" and
		.missing == "a filter of its own"'
eventually 20 "unlocked: it is ended" of_watcher killed "not confined"
same_others

for flood in ticks relinks; do
	evil $flood
	eventually 20 "$flood: it is ended" of_watcher killed "too many records"
	eventually 20 "$flood: it waits" waited
	same_others
	check "$flood: the log stays small" small_log
done

evil unknown
eventually 20 "unknown: it is ended" of_watcher killed "unknown record"
eventually 20 "unknown: it waits" waited
same_others

evil token
eventually 20 "token: one that it hands over is taken from nobody" \
	of_watcher killed "a token that it has no business with"
eventually 20 "token: it waits" waited
same_others

evil rights-control
eventually 20 "rights-control: it is ended" of_watcher killed "malformed record"
same_others

evil sigsys
eventually 20 "sigsys: it dies" of_watcher died "forbidden system call"
eventually 20 "sigsys: it waits, however long it was ready" waited
same_others

evil rights
eventually 20 "rights: its packets are refused" \
	line '.event == "evil" and .did == "rights" and .error == "Broken pipe"'
same_others
still_connects

evil dials
eventually 40 "dials: it hoards connections" line '.event == "evil" and .did == "dials"'
same_others
still_connects

evil violations
eventually 30 "violations: it accuses metricsd" at_least 20 '.event == "violation_reported"'
check "violations: metricsd is ended twice at most" \
	[ "$(lines_of '.event == "killed" and .role == "metricsd"')" -le 2 ]
eventually 20 "violations: metricsd answers" curl -sS -f -m 2 "$HEALTH_URL/healthz"

evil hellos
eventually 60 "hellos: it begins sessions" line '.event == "evil" and .did == "hellos"'
check "hellos: few are followed" [ "$(lines_of '.event == "link_up" and
	.process == "reconciler" and .link == "LINK_FACTS"')" -lt 80 ]
same_others

evil lines
eventually 30 "lines: lost ones are told" \
	line '.event == "log_lines_lost" and .role == "watcher"'
foreign() { line ".process == \"watcher\" and .event == \"foreign_line\" and
	.level == \"warn\" and has(\"ts\") and (.raw | $1)"; }
check "lines: what poses as another's stays its own" \
	foreign 'contains("\"process\":\"reconciler\"")'
check "lines: bytes that are no text are escaped" foreign '. == "\u001b[2J\u00ff"'
is "lines: each line is JSON" \
	"$(sed '$d' "$LOG" | jq -Rn '[inputs | select((fromjson? // 0) == 0)] | length')" 0
same_others

for memory in shared stack; do
	evil $memory
	eventually 20 "$memory: it dies" of_watcher died "forbidden system call"
	same_others
done

evil mremap
eventually 20 "mremap: it gets none" line '.event == "evil" and .did == "no memory"'
same_others
