#!/bin/sh
# /healthz and /readyz say what is wrong, as the API server's own do: processes that do
# not answer, the supervisor among them, and one that is started anew too often.
. "$SRC/tests/system/lib.sh"

start_world --nodes 2 --addresses 34.82.10.1
install_crd
start_ipwarden
eventually 30 "all processes are ready" all_ready
eventually 10 "ready" ready

# answer ENDPOINT: status and body, its lines in one
answer() {
	curl -sS -m 2 -o "$DIR/body" -w '%{http_code} ' "$HEALTH_URL/$1"
	paste -sd '|' "$DIR/body"
}
answers() { [ "$(answer "$1")" = "$2" ]; }
GOOD="[+]supervisor ok|[+]resolver ok|[+]dialer-watcher ok|[+]dialer-reconciler ok|[+]dialer-cloud ok|[+]metricsd ok|[+]cloudworker ok|[+]reconciler ok|[+]watcher ok|"

is "healthz, verbose" "$(answer 'healthz?verbose')" "200 ${GOOD}healthz check passed"
is "readyz, verbose" "$(answer 'readyz?verbose')" "200 ${GOOD}readyz check passed"

# --- a process that does not answer ---------------------------------------------------
watcher=$(pid_of watcher)
kill -STOP "$watcher"
BAD=$(echo "$GOOD" | sed 's/\[+\]watcher ok/[-]watcher failed: does not answer/')
eventually 15 "stopped for 10 s: not healthy" answers healthz "503 unhealthy"
is "not ready, and named" "$(answer readyz)" \
	"503 not-ready: watcher: does not answer"
is "beside /metrics as well" "$(curl -sS "$METRICS_URL/readyz")" \
	"not-ready: watcher: does not answer"
is "healthz, verbose" "$(answer 'healthz?verbose')" "503 ${BAD}healthz check failed"
is "readyz, verbose" "$(answer 'readyz?verbose')" "503 ${BAD}readyz check failed"
kill -CONT "$watcher"
eventually 10 "it goes on: ready again" ready
is "healthy again" "$(answer healthz)" "200 ok"
is "without a restart" "$(pid_of watcher)" "$watcher"

# --- the supervisor -------------------------------------------------------------------
kill -STOP "$MAIN"
eventually 15 "a stopped supervisor: not healthy" answers healthz "503 unhealthy"
is "not ready, and named" "$(answer readyz)" \
	"503 not-ready: supervisor: does not answer"
eventually 5 "the gauge says so" \
	metric_is 'netipallocation_controller_healthy{pod_name="ipwarden-0"}' 0
kill -CONT "$MAIN"
eventually 10 "it goes on: healthy again" answers healthz "200 ok"
is "its children were not ended" "$(pid_of watcher)" "$watcher"

# --- who answers these questions ------------------------------------------------------
metricsd=$(pid_of metricsd)
kill -STOP "$metricsd"
eventually 5 "a stopped metricsd does not answer" \
	eval '! curl -sS -m 1 "$HEALTH_URL/healthz"'
eventually 30 "it is started anew" answers healthz "200 ok"
eventually 5 "and why" metric_is \
	'ipwarden_process_restarts_total{process="metricsd",reason="wedged"}' 1

# --- restarts -------------------------------------------------------------------------
# The waits between restarts double, and begin anew after 2 s of being ready.
restarts=0
while [ $restarts -lt 10 ]; do
	resolver=$(pid_of resolver)
	kill -KILL "$resolver"
	restarts=$((restarts + 1))
	until_true 10 eval '[ "$(pid_of resolver)" != "$resolver" ] && ready'
	[ $restarts -eq 9 ] && is "9 restarts are borne" "$(answer healthz)" "200 ok"
	[ $((restarts % 3)) -ne 0 ] || sleep 2
done
eventually 5 "10 restarts in 10 minutes are not" answers healthz "503 unhealthy"
is "which process it is" "$(answer 'healthz?verbose' | tr '|' '\n' | grep '^\[-\]')" \
	"[-]resolver failed: started anew 10 times in 10 minutes"
is "it works all the same" "$(answer readyz)" "200 ready"
eventually 5 "the reason is counted" metric_is \
	'ipwarden_process_restarts_total{process="resolver",reason="signal"}' 10
check "no violations" no_violations
