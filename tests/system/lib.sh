# Sourced by the system tests: a world (ipwarden-sim), ipwarden on it under its real
# filters, and checks that say "ok" or "not ok". Nothing here waits for a time to pass: it
# waits for a condition, and gives up after a limit.
#
# STAGE is where `make install` put the programs, BUILD the build folder (for the test
# tools), SRC the source folder. Each test has a folder of its own and ports from the
# kernel, so that several run side by side.
set -u

: "${STAGE:?}" "${BUILD:?}" "${SRC:?}"
KUBECTL=${KUBECTL:-kubectl}
# LeakSanitizer reads /proc, which Landlock forbids the processes
[ -z "${ASAN_OPTIONS:-}" ] || ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
NAME=$(basename "$0" .sh)
DIR=$(mktemp -d "${TMPDIR:-/tmp}/ipwarden-$NAME.XXXXXX")
LOG=$DIR/ipwarden.log     # of the ipwarden that start_ipwarden starts
AUDIT=$DIR/audit.jsonl    # its standard output
WITH=                     # its environment beyond the usual: NAME=VALUE ...
# IDENTITY: options in the place of --kubeconfig and --watcher-kubeconfig, when it is set
# CLOUD: the same in the place of --gcp-endpoint
LAUNCH=                   # a command that starts it, such as setsid
passed=0
failed=0
SIM=
MAIN=
OTHERS= # more processes of a test, ended with it

say() { printf '%s\n' "$*"; }

ok() { passed=$((passed + 1)); say "ok - $NAME: $*"; }

not_ok() { failed=$((failed + 1)); say "not ok - $NAME: $*"; }

# check WHAT COMMAND...: the command's exit code decides.
check() {
	what=$1
	shift
	if "$@" >"$DIR/check.out" 2>&1; then ok "$what"; else
		not_ok "$what"
		sed 's/^/#   /' "$DIR/check.out" | tail -20
	fi
}

# is WHAT GOT WANTED
is() {
	if [ "$2" = "$3" ]; then ok "$1"; else
		not_ok "$1"
		say "#   got:    $2"
		say "#   wanted: $3"
	fi
}

# jq -e as its manual has it: 1.6 says yes when it was given nothing, as by a request that
# failed.
jq() {
	if [ "$1" != -e ]; then
		command jq "$@"
		return
	fi
	jq_said=$(command jq "$@") && [ -n "$jq_said" ] && say "$jq_said"
}

now_ms() { echo $(($(date +%s%N) / 1000000)); }

# until_true SECONDS COMMAND...: tries until it succeeds; its last answer counts. Rarer and
# rarer: what looks takes the time of what is looked at.
until_true() {
	deadline=$(($(now_ms) + $1 * 1000))
	shift
	pause=50
	until "$@" >/dev/null 2>&1; do
		[ "$(now_ms)" -lt $deadline ] || return 1
		sleep "0.$(printf %03d $pause)"
		pause=$((pause < 200 ? pause * 5 / 4 : 250))
	done
}

# eventually SECONDS WHAT COMMAND...: a check that may take that long.
eventually() {
	limit=$1
	what=$2
	shift 2
	if until_true "$limit" "$@"; then ok "$what"; else
		not_ok "$what (not within $limit s)"
		"$@" 2>&1 | tail -5 | sed 's/^/#   /'
	fi
}

finish() {
	status=$?
	trap - EXIT INT TERM
	stop_ipwarden
	for pid in $OTHERS; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	stop_world
	if [ $status -ne 0 ] && [ $failed -eq 0 ]; then
		not_ok "ended early with status $status"
	fi
	if [ $failed -gt 0 ]; then
		say "# kept: $DIR"
		[ -f "$LOG" ] && tail -25 "$LOG" | sed 's/^/#   /'
	else
		rm -rf "$DIR"
	fi
	say "# $NAME: $passed passed, $failed failed"
	[ $failed -eq 0 ] || exit 1
	exit 0
}
trap finish EXIT
trap 'exit 1' INT TERM

# --- the world ---------------------------------------------------------------------

# start_world [ipwarden-sim serve options]
start_world() {
	"$STAGE/bin/ipwarden-sim" serve --dir "$DIR" \
		--request-log "$DIR/requests.jsonl" "$@" 2>>"$DIR/sim.log" &
	SIM=$!
	until_true 20 test -f "$DIR/world.env" || {
		not_ok "the world comes up"
		tail -5 "$DIR/sim.log"
		exit 1
	}
	# shellcheck disable=SC1091
	. "$DIR/world.env"
	export KUBECONFIG
	KUBE_URL=$(sed -n 's/^ *server: //p' "$KUBECONFIG")
	KUBE_TOKEN=$(sed -n 's/^ *token: //p' "$KUBECONFIG")
}

stop_world() {
	[ -n "$SIM" ] || return 0
	kill "$SIM" 2>/dev/null
	wait "$SIM" 2>/dev/null
	SIM=
	keep_requests
}

# What ipwarden asked of the API server, each kind once, and not what a test asked with
# its tokens: api_access.sh compares that of all tests with the paper about it. Of what no
# definition serves, yet or any more, the world logs the path alone.
keep_requests() {
	mkdir -p "$BUILD/requests"
	jq -r '(.agent | capture("^ipwarden-(?<process>[a-z-]+)/").process) as $process |
		(if .resource == "" then (.path | capture(
			"^/apis/(?<group>[^/]+)/[^/]+/(?<resource>[^/]+)(?<one>/[^/]+)?$")) // {}
		else {} end) as $unserved |
		. + $unserved |
		if $unserved | has("one") and .one == null then
			.verb = (if .method == "POST" then "create" else "list" end) else . end |
		[$process, .verb, (if .resource == "" then .path else ([.resource,
			(.group | select(. != ""))] | join(".")) + (if .subresource != ""
			then "/" + .subresource else "" end) end),
		if .namespace == "" then "cluster" else "namespace" end] | join(" ")' \
		"$DIR/requests.jsonl" | sort -u >"$BUILD/requests/$NAME"
}

kc() { "$KUBECTL" --cache-dir "$DIR/kubectl" "$@"; }

# api METHOD PATH [curl options]: as kc, but a raw request, and quicker
api() {
	method=$1
	path=$2
	shift 2
	curl -sS -f -X "$method" --cacert "$SIM_CA" \
		-H "Authorization: Bearer $KUBE_TOKEN" "$KUBE_URL$path" "$@"
}

# merge_patch PATH JSON
merge_patch() {
	api PATCH "$1" -o /dev/null -H 'Content-Type: application/merge-patch+json' \
		--data-binary "$2"
}

# apply FILE (or - for standard input)
apply() { kc apply --validate=false -f "$1"; }

install_crd() {
	apply "$SRC/crds" >/dev/null
	until_true 10 kc get nia
}

control() {
	method=$1
	path=$2
	shift 2
	curl -sS -f -X "$method" "$CONTROL_URL$path" "$@"
}

# put_object JSON: as the kubelet or an administrator would
put_object() { control POST /kube/objects --data-binary "$1"; }

# many_pods COUNT NAMESPACE PREFIX NODE: PREFIX-1 and so on, each with an address; thousands
# in a second or two
many_pods() {
	jq -nr --argjson count "$1" --arg ns "$2" --arg prefix "$3" --arg node "$4" '
		range(1; $count + 1) | {apiVersion: "v1", kind: "Pod",
		metadata: {namespace: $ns, name: "\($prefix)-\(.)"},
		spec: {nodeName: $node, containers: [{name: "main", image: "none"}]},
		status: {phase: "Running", podIP: "10.1.\(. / 250 | floor).\(. % 250 + 1)"}} |
		"next\nfail\nsilent\nshow-error\noutput = /dev/null\n" +
		"url = \"'"$CONTROL_URL"'/kube/objects\"\ndata = \(tojson | tojson)"' | curl --config -
}

# many_pods_gone COUNT NAMESPACE PREFIX
many_pods_gone() {
	seq "$1" | while read -r number; do
		printf 'next\nfail\nsilent\nshow-error\nrequest = DELETE\noutput = /dev/null\nurl = "%s"\n' \
			"$CONTROL_URL/kube/objects?path=/api/v1/namespaces/$2/pods/$3-$number"
	done | curl --config -
}

# lease AGE_S HOLDER [NAMESPACE/NAME DURATION_S]: ipwarden's, renewed so long ago
lease() {
	lease_of=${3:-kube-system/ip-address-controller-leader}
	put_object "$(jq -nc --arg time "$(date -u -d "-$1 seconds" +%FT%T.000000Z)" \
		--arg holder "$2" --arg ns "${lease_of%/*}" --arg name "${lease_of#*/}" \
		--argjson duration "${4:-60}" '{apiVersion: "coordination.k8s.io/v1",
		kind: "Lease", metadata: {name: $name, namespace: $ns}, spec: {
		holderIdentity: $holder, leaseDurationSeconds: $duration,
		renewTime: $time}}')" >/dev/null
}

# remove_object PATH: at once, as when a node object is deleted
remove_object() { control DELETE "/kube/objects?path=$1" >/dev/null; }

# fault JSON: what to do to the next requests (sim/fault.c)
fault() { control POST /faults --data-binary "$1" >/dev/null; }

clear_faults() { control DELETE /faults >/dev/null; }

# calls OPERATION: how often the cloud was asked for it, such as instances.list
calls() { control GET /gce/calls | jq --arg o "$1" '.[$o] // 0'; }

# more_calls OPERATION COUNT: there were more than that
more_calls() { [ "$(calls "$1")" -gt "$2" ]; }

judge() { "$STAGE/bin/ipwarden-sim" check "$ATTACHMENTS_LOG"; }

no_violations() { judge | tail -1 | grep -qx '0 violations'; }

# --- ipwarden ----------------------------------------------------------------------

# launch_ipwarden [options]: under its real filters, on the world
launch_ipwarden() {
	: >"$LOG"
	# shellcheck disable=SC2086
	$LAUNCH env -i PATH="$PATH" HOME="$DIR" METRICS_PORT=0 HEALTH_PORT=0 \
		POD_NAME="${POD_NAME:-ipwarden-0}" \
		LEASE_DURATION="${LEASE_DURATION:-60}" \
		LEASE_SKEW_GRACE_SEC="${LEASE_SKEW_GRACE_SEC:-2}" \
		GCE_METADATA_HOST="$GCE_METADATA_HOST" \
		${ASAN_OPTIONS:+ASAN_OPTIONS="$ASAN_OPTIONS"} \
		${UBSAN_OPTIONS:+UBSAN_OPTIONS="$UBSAN_OPTIONS"} \
		$WITH \
		"$STAGE/bin/ipwarden" ${IDENTITY---kubeconfig "$CONTROLLER_KUBECONFIG"
			--watcher-kubeconfig "$WATCHER_KUBECONFIG"} \
		${CLOUD---gcp-endpoint "$GCP_ENDPOINT"} "$@" \
		>>"$AUDIT" 2>>"$LOG" &
	MAIN=$!
}

# start_ipwarden [options]: the same, and where it serves
start_ipwarden() {
	launch_ipwarden "$@"
	until_true 20 port_of metrics || {
		not_ok "ipwarden starts"
		exit 1
	}
	METRICS_URL=http://127.0.0.1:$(port_of metrics)
	HEALTH_URL=http://127.0.0.1:$(port_of health)
}

# replica_pod N NODE READY
replica_pod() {
	put_object '{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"kube-system",
		"name":"ipwarden-'"$1"'","labels":{"app":"ip-address-controller",
		"app.kubernetes.io/name":"ipwarden"}},"spec":{"nodeName":"'"$2"'",
		"containers":[{"name":"main","image":"none"}]},"status":{"phase":"Running",
		"conditions":[{"type":"Ready","status":"'"$3"'"}]}}' >/dev/null
}

# replica N NODE READY [options]: one of several; its pod, and its processes with files of
# their own. Then MAIN_N is its process and METRICS_N its address; it ends with the test.
replica() {
	number=$1
	replica_pod "$1" "$2" "$3"
	shift 3
	POD_NAME=ipwarden-$number
	LOG=$DIR/ipwarden-$number.log
	AUDIT=$DIR/audit-$number.jsonl
	start_ipwarden "$@"
	OTHERS="$OTHERS $MAIN"
	eval "MAIN_$number=$MAIN METRICS_$number=$METRICS_URL"
	MAIN=
	until_true 30 all_ready || not_ok "replica $number becomes ready"
}

# others_but PID: it has ended
others_but() {
	others=
	for pid in $OTHERS; do [ "$pid" = "$1" ] || others="$others $pid"; done
	OTHERS=$others
}

stop_ipwarden() {
	[ -n "$MAIN" ] || return 0
	kill "$MAIN" 2>/dev/null
	kill -CONT "$MAIN" 2>/dev/null # a test may have held it still
	wait "$MAIN" 2>/dev/null
	MAIN=
}

port_of() {
	sed -n 's/.*"event":"listening","name":"'"$1"'","port":\([0-9]*\)}.*/\1/p' \
		"$LOG" | tail -1 | grep .
}

# pid_of ROLE: of the process that runs now
pid_of() {
	sed -n 's/.*"event":"spawned","role":"'"$1"'","pid":\([0-9]*\),.*/\1/p' \
		"$LOG" | tail -1 | grep .
}

ROLES="resolver dialer-watcher dialer-reconciler dialer-cloud metricsd cloudworker reconciler watcher"

# is_ready ROLE: its present process has said so
is_ready() {
	pid=$(pid_of "$1") &&
		grep -q '"event":"ready","role":"'"$1"'","pid":'"$pid," "$LOG" &&
		kill -0 "$pid" 2>/dev/null
}

all_ready() {
	for role in $ROLES; do is_ready "$role" || return 1; done
}

ready() { curl -sS -f "$HEALTH_URL/readyz"; }

# reviewed: watcher and reconciler have asked all that they ask about their rights
reviewed() { [ "$(grep -c '"event":"access_reviewed"' "$LOG")" -ge 2 ]; }

# metric 'NAME{labels}' or a part of it: its values
metric() { curl -sS "$METRICS_URL/metrics" | grep -F "$1" | awk '{print $NF}'; }

metric_is() { [ "$(metric "$1")" = "$2" ]; }

# --- what the tests ask ------------------------------------------------------------

# node_of ADDRESS: the instance that holds it at the cloud, "" = none
node_of() {
	curl -sS "$CONTROL_URL/gce/state" | jq -r --arg a "$1" \
		'[.instances[] | select(.externalIP == $a or .external_ip == $a) | .name] | join(",")'
}

holds() { [ "$(node_of "$1")" = "$2" ]; }

attached() { [ -n "$(node_of "$1")" ]; }

# moved ADDRESS NODE: it is on another one
moved() {
	now_on=$(node_of "$1")
	[ -n "$now_on" ] && [ "$now_on" != "$2" ]
}

# allocation NAME [ADDRESS...]: applied with these addresses and the selector pool=static
allocation() {
	name=$1
	shift
	{
		cat <<-YAML
			apiVersion: netinfra.darkbrains.com/v1alpha1
			kind: NetIPAllocation
			metadata:
			  name: $name
			spec:
			  cloud: {provider: gcp, region: us-west1}
			  reconcileInterval: ${INTERVAL:-5}
			  nodeSelector: {pool: static}
			  ${WORKLOAD:+workloadRef: {kind: ${WORKLOAD_KIND:-Deployment}, name: $WORKLOAD\}}
			  reservedIPs:
		YAML
		for address; do echo "  - $address"; done
	} | apply -
}

NIA=/apis/netinfra.darkbrains.com/v1alpha1/netipallocations

# spec_allocation NAME JSON: created with this spec, cloud and reconcileInterval aside
spec_allocation() {
	jq -nc --arg name "$1" --argjson spec "$2" --argjson interval "${INTERVAL:-5}" '{
		apiVersion: "netinfra.darkbrains.com/v1alpha1", kind: "NetIPAllocation",
		metadata: {name: $name}, spec: ({cloud: {provider: "gcp", region: "us-west1"},
			reconcileInterval: $interval} * $spec)}' |
		api POST "$NIA" -o /dev/null -H 'Content-Type: application/json' --data-binary @-
}

# edit_allocation NAME JSON: its spec, as kubectl patch --type=merge
edit_allocation() { merge_patch "$NIA/$1" '{"spec":'"$2"'}'; }

# condition NAME TYPE: its status and reason, as "True Attached"
condition() {
	api GET "$NIA/$1" | jq -r --arg t "$2" \
		'.status.conditions[] | select(.type == $t) | .status + " " + .reason'
}

# says NAME TYPE WORDS: whether that condition's status, reason and message have them
says() {
	text=$(api GET "$NIA/$1" | jq -r --arg t "$2" '.status.conditions[] |
		select(.type == $t) | .status + " " + .reason + ": " + .message')
	say "$text"
	case $text in *"$3"*) ;; *) return 1 ;; esac
}

# entry NAME ADDRESS: its state and reason in the status, as "Attached Attached"
entry() {
	api GET "$NIA/$1" | jq -r --arg a "$2" '.status.addresses[]? |
		select(.address == $a) | .state + " " + .reason'
}

# entry_message NAME ADDRESS
entry_message() {
	api GET "$NIA/$1" | jq -r --arg a "$2" '.status.addresses[]? |
		select(.address == $a) | .message'
}

# entry_says NAME ADDRESS WORDS
entry_says() {
	text=$(entry_message "$1" "$2")
	say "$text"
	case $text in *"$3"*) ;; *) return 1 ;; esac
}

entry_is() { [ "$(entry "$1" "$2")" = "$3" ]; }

# event REASON [WORDS]: whether one has been told
event() {
	api GET /api/v1/events | jq -e --arg r "$1" --arg w "${2:-}" \
		'any(.items[]; .reason == $r and ((.message // "") | contains($w)))'
}

# label NODE KEY: its value, "" = none
label() { api GET "/api/v1/nodes/$1" | jq -r --arg k "$2" '.metadata.labels[$k] // ""'; }

label_is() { [ "$(label "$1" "$2")" = "$3" ]; }

cordon() { unschedulable "$1" true; }

uncordon() { unschedulable "$1" null; }

unschedulable() { merge_patch "/api/v1/nodes/$1" '{"spec":{"unschedulable":'"$2"'}}'; }

# owned_pod NAMESPACE/NAME NODE KIND OWNER: a running pod that this controller owns
owned_pod() {
	put_object "$(jq -n --arg ns "${1%/*}" --arg name "${1#*/}" --arg node "$2" \
		--arg kind "$3" --arg owner "$4" '{
		apiVersion: "v1", kind: "Pod",
		metadata: {name: $name, namespace: $ns,
			labels: {app: $owner, "pod-template-hash": "abc12"},
			ownerReferences: [{apiVersion: "apps/v1", kind: $kind,
				name: $owner, uid: ("uid-" + $owner), controller: true}]},
		spec: {nodeName: $node, containers: [{name: "main", image: "none"}]},
		status: {phase: "Running", podIP: "10.0.0.9"}}')" >/dev/null
}

# pod NAMESPACE/NAME NODE DEPLOYMENT: a running pod of a Deployment's ReplicaSet
pod() { owned_pod "$1" "$2" ReplicaSet "$3-abc12"; }

# workload KIND NAME: the object alone, nothing makes pods of it
workload() {
	put_object "$(jq -n --arg kind "$1" --arg name "$2" '{
		apiVersion: "apps/v1", kind: $kind,
		metadata: {name: $name, namespace: "default"},
		spec: {replicas: 1, selector: {matchLabels: {app: $name}},
			template: {metadata: {labels: {app: $name}},
				spec: {containers: [{name: "main", image: "none"}]}}}}')" >/dev/null
}

deployment() { workload Deployment "$1"; }

# node_labels NODE JSON: set; null takes one off
node_labels() { merge_patch "/api/v1/nodes/$1" '{"metadata":{"labels":'"$2"'}}'; }

# taint NODE KEY [EFFECT]
taint() {
	merge_patch "/api/v1/nodes/$1" \
		'{"spec":{"taints":[{"key":"'"$2"'","effect":"'"${3:-NoSchedule}"'"}]}}'
}

# node_ready NODE STATUS [SECONDS]: as the kubelet or the node controller says, since then
node_ready() {
	put_object "$(api GET "/api/v1/nodes/$1" | jq --arg status "$2" \
		--arg at "$(date -u -d "-${3:-0} seconds" +%FT%TZ)" '
		(.status.conditions[] | select(.type == "Ready")) |=
			(.status = $status | .lastTransitionTime = $at)')" >/dev/null
}

# attach_by_hand NODE ADDRESS [CONFIG] [ZONE]: a foreign hand
attach_by_hand() {
	control POST /gce/foreign-attach --data-binary "$(jq -n --arg n "$1" --arg a "$2" \
		--arg c "${3:-External NAT}" --arg z "${4:-us-west1-a}" \
		'{zone: $z, name: $n, address: $a, access_config: $c}')" >/dev/null
}

# detach_by_hand NODE [ZONE]
detach_by_hand() {
	control POST "/gce/foreign-detach?zone=${2:-us-west1-a}&name=$1" >/dev/null
}

# facts FACT ADDRESS: how often that became true of the address, by calls of the cloud's API
facts() {
	jq -s --arg f "$1" --arg a "$2" 'map(select(.fact == $f and .address == $a and
		.by == "api")) | length' "$ATTACHMENTS_LOG"
}
