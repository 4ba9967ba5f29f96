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
NAME=$(basename "$0" .sh)
DIR=$(mktemp -d "${TMPDIR:-/tmp}/ipwarden-$NAME.XXXXXX")
passed=0
failed=0
SIM=
MAIN=

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

now_ms() { echo $(($(date +%s%N) / 1000000)); }

# until_true SECONDS COMMAND...: tries until it succeeds; its last answer counts.
until_true() {
	deadline=$(($(now_ms) + $1 * 1000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(now_ms)" -lt $deadline ] || return 1
		sleep 0.05
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
	stop_world
	if [ $status -ne 0 ] && [ $failed -eq 0 ]; then
		not_ok "ended early with status $status"
	fi
	if [ $failed -gt 0 ]; then
		say "# kept: $DIR"
		[ -f "$DIR/ipwarden.log" ] && tail -25 "$DIR/ipwarden.log" | sed 's/^/#   /'
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
	"$STAGE/bin/ipwarden-sim" serve --dir "$DIR" "$@" 2>>"$DIR/sim.log" &
	SIM=$!
	until_true 20 test -f "$DIR/world.env" || {
		not_ok "the world comes up"
		tail -5 "$DIR/sim.log"
		exit 1
	}
	# shellcheck disable=SC1091
	. "$DIR/world.env"
	export KUBECONFIG
}

stop_world() {
	[ -n "$SIM" ] || return 0
	kill "$SIM" 2>/dev/null
	wait "$SIM" 2>/dev/null
	SIM=
}

kc() { "$KUBECTL" --cache-dir "$DIR/kubectl" "$@"; }

# apply FILE (or - for standard input)
apply() { kc apply --validate=false -f "$1"; }

install_crd() {
	apply "$SRC/crds/netipallocation.yaml" >/dev/null
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

judge() { "$STAGE/bin/ipwarden-sim" check "$ATTACHMENTS_LOG"; }

no_violations() { judge | tail -1 | grep -qx '0 violations'; }

# --- ipwarden ----------------------------------------------------------------------

# start_ipwarden [options]: under its real filters, on the world
start_ipwarden() {
	: >"$DIR/ipwarden.log"
	env -i PATH="$PATH" HOME="$DIR" METRICS_PORT=0 HEALTH_PORT=0 \
		POD_NAME="${POD_NAME:-ipwarden-0}" \
		LEASE_DURATION="${LEASE_DURATION:-60}" \
		LEASE_SKEW_GRACE_SEC="${LEASE_SKEW_GRACE_SEC:-2}" \
		GCE_METADATA_HOST="$GCE_METADATA_HOST" \
		${ASAN_OPTIONS:+ASAN_OPTIONS="$ASAN_OPTIONS"} \
		${UBSAN_OPTIONS:+UBSAN_OPTIONS="$UBSAN_OPTIONS"} \
		"$STAGE/bin/ipwarden" --kubeconfig "$CONTROLLER_KUBECONFIG" \
		--watcher-kubeconfig "$WATCHER_KUBECONFIG" \
		--gcp-endpoint "$GCP_ENDPOINT" "$@" \
		>>"$DIR/audit.jsonl" 2>>"$DIR/ipwarden.log" &
	MAIN=$!
	until_true 20 port_of metrics || {
		not_ok "ipwarden starts"
		exit 1
	}
	METRICS_URL=http://127.0.0.1:$(port_of metrics)
	HEALTH_URL=http://127.0.0.1:$(port_of health)
}

stop_ipwarden() {
	[ -n "$MAIN" ] || return 0
	kill "$MAIN" 2>/dev/null
	wait "$MAIN" 2>/dev/null
	MAIN=
}

port_of() {
	sed -n 's/.*"event":"listening","name":"'"$1"'","port":\([0-9]*\)}.*/\1/p' \
		"$DIR/ipwarden.log" | tail -1 | grep .
}

# pid_of ROLE: of the process that runs now
pid_of() {
	sed -n 's/.*"event":"spawned","role":"'"$1"'","pid":\([0-9]*\),.*/\1/p' \
		"$DIR/ipwarden.log" | tail -1 | grep .
}

ROLES="resolver dialer-watcher dialer-reconciler dialer-cloud metricsd cloudworker reconciler watcher"

# is_ready ROLE: its present process has said so
is_ready() {
	pid=$(pid_of "$1") &&
		grep -q '"event":"ready","role":"'"$1"'","pid":'"$pid," "$DIR/ipwarden.log" &&
		kill -0 "$pid" 2>/dev/null
}

all_ready() {
	for role in $ROLES; do is_ready "$role" || return 1; done
}

ready() { curl -sS -f "$HEALTH_URL/readyz"; }

# metric 'NAME{labels}' or a part of it: its values
metric() { curl -sS "$METRICS_URL/metrics" | grep -F "$1" | awk '{print $NF}'; }

# --- what the tests ask ------------------------------------------------------------

# node_of ADDRESS: the instance that holds it at the cloud, "" = none
node_of() {
	curl -sS "$CONTROL_URL/gce/state" | jq -r --arg a "$1" \
		'[.instances[] | select(.externalIP == $a or .external_ip == $a) | .name] | join(",")'
}

holds() { [ "$(node_of "$1")" = "$2" ]; }

attached() { [ -n "$(node_of "$1")" ]; }

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
			  ${WORKLOAD:+workloadRef: {kind: Deployment, name: $WORKLOAD\}}
			  reservedIPs:
		YAML
		for address; do echo "  - $address"; done
	} | apply -
}

# condition NAME TYPE: its status and reason, as "True Attached"
condition() {
	kc get nia "$1" -o json | jq -r --arg t "$2" \
		'.status.conditions[] | select(.type == $t) | .status + " " + .reason'
}

# pod NAMESPACE/NAME NODE DEPLOYMENT: a running pod of a Deployment's ReplicaSet
pod() {
	put_object "$(jq -n --arg ns "${1%/*}" --arg name "${1#*/}" --arg node "$2" \
		--arg owner "$3" '{
		apiVersion: "v1", kind: "Pod",
		metadata: {name: $name, namespace: $ns,
			labels: {app: $owner, "pod-template-hash": "abc12"},
			ownerReferences: [{apiVersion: "apps/v1", kind: "ReplicaSet",
				name: ($owner + "-abc12"), uid: ("rs-" + $owner), controller: true}]},
		spec: {nodeName: $node, containers: [{name: "main", image: "none"}]},
		status: {phase: "Running", podIP: "10.0.0.9"}}')" >/dev/null
}

deployment() {
	put_object "$(jq -n --arg name "$1" '{
		apiVersion: "apps/v1", kind: "Deployment",
		metadata: {name: $name, namespace: "default"},
		spec: {replicas: 1, selector: {matchLabels: {app: $name}},
			template: {metadata: {labels: {app: $name}},
				spec: {containers: [{name: "main", image: "none"}]}}}}')" >/dev/null
}
