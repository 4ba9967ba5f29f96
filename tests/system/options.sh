#!/bin/sh
# Every option and variable: what is wrong is refused at the start with exit code 2 and one
# line that says what; what is right takes effect.
. "$SRC/tests/system/lib.sh"

start_world --nodes 1
install_crd

# run VARIABLE=VALUE... -- OPTION...: ipwarden with this alone; stderr goes to the log
run() {
	env=
	while [ "$1" != -- ]; do
		env="$env $1"
		shift
	done
	shift
	# shellcheck disable=SC2086
	timeout 10 env -i PATH="$PATH" HOME="$DIR" \
		${ASAN_OPTIONS:+ASAN_OPTIONS="$ASAN_OPTIONS"} $env \
		"$STAGE/bin/ipwarden" "$@" >"$DIR/out" 2>"$LOG"
}

# refuses WORDS VARIABLE=VALUE... -- OPTION...: exit code 2, one line of complaint
refuses() {
	words=$1
	shift
	code=0
	run "$@" || code=$?
	cat "$LOG" "$DIR/out"
	say "exit code $code"
	[ $code -eq 2 ] && [ ! -s "$DIR/out" ] &&
		[ "$(grep -vcE '"level":"(info|warn)"' "$LOG")" -eq 1 ] &&
		grep -qF -- "$words" "$LOG"
}

# --- the command line ---------------------------------------------------------------
check "an unknown option" refuses "--bogus" -- --bogus
check "an unknown short option" refuses "'x'" -- -x
check "an argument" refuses 'unexpected argument "more"' -- more
check "a missing value" refuses "--kubeconfig" -- --kubeconfig
check "a log level" refuses '--log-level must be info or debug, not "loud"' -- \
	--log-level loud
check "no URL" refuses '--gcp-endpoint must be a https:// URL, not "ftp://x"' -- \
	--gcp-endpoint ftp://x
check "a URL without a host" refuses "no valid host" -- --gcp-endpoint https://
check "a port that is none" refuses '"0"' -- --gcp-endpoint https://example.com:0
check "plain http to the world" refuses "plain http is for loopback only" -- \
	--gcp-endpoint http://example.com/compute/v1
check "plain http from the environment" refuses "plain http is for loopback only" \
	IPWARDEN_GCP_ENDPOINT=http://10.0.0.1 --

check "a namespace that is none" refuses '--cm-namespace must be a Kubernetes name, not "A_B"' \
	-- --cm-namespace A_B
check "no label selector" refuses '--label is no label selector: "app=a b"' -- --label 'app=a b'
check "an interval that is too short" refuses \
	'--interval must be a duration from 1s to 1h, not "500ms"' -- --interval 500ms
check "a retention without a unit" refuses \
	'--cm-retention must be a duration such as 72h, not "72"' -- --cm-retention=72
check "a total that is no number" refuses '--cm-total must be a number of MiB, not "all"' \
	-- --cm-total all
check "neither true nor false" refuses '--store-in-cm must be true or false, not "yes"' \
	-- --store-in-cm=yes
check "the same in a variable" refuses 'IPWARDEN_INTERVAL must be a duration' \
	IPWARDEN_INTERVAL=soon --

help() { run -- --help && grep -q '^Usage: ipwarden' "$DIR/out" && [ ! -s "$LOG" ]; }
check "--help ends with 0, on stdout alone" help
names_all() {
	for option in kubeconfig watcher-kubeconfig allow-shared-token gcp-endpoint \
		insecure-skip-tls-verify cloud-ca dry-run log-level store-in-cm cm-namespace \
		interval namespace name label utc cm-retention cm-total history-retention help version; do
		grep -q -- "--$option" "$DIR/out" || { say "$option"; return 1; }
	done
	for name in KUBECONFIG IPWARDEN_GCP_ENDPOINT SSL_CERT_FILE GCE_METADATA_HOST \
		METRICS_PORT HEALTH_PORT POD_NAME NODE_NAME LEASE_NAME LEASE_NAMESPACE LEASE_DURATION \
		LEASE_SKEW_GRACE_SEC CLUSTER_NAME CONTROLLER_VERSION \
		IPWARDEN_DEFAULT_POLICY LOG_FORMAT SEPARATE_UIDS IPWARDEN_STORE_IN_CM; do
		grep -qw "$name" "$DIR/out" || { say "$name"; return 1; }
	done
}
check "it names every option and variable" names_all
version() { run -- --version && grep -qx 'ipwarden [0-9.]*' "$DIR/out" && [ ! -s "$LOG" ]; }
check "--version" version

# --- the environment ----------------------------------------------------------------
for port in x 70000 -1 99999999999999999999 80.5 '8080x'; do
	check "METRICS_PORT=$port" refuses "METRICS_PORT must be a number from 0 to 65535" \
		METRICS_PORT=$port --
	check "HEALTH_PORT=$port" refuses "HEALTH_PORT must be a number" HEALTH_PORT=$port --
done
check "a default policy" refuses \
	'IPWARDEN_DEFAULT_POLICY must be Sync, AssignOnly or Observe, not "sync"' \
	IPWARDEN_DEFAULT_POLICY=sync --
check "a format of the log" refuses 'LOG_FORMAT must be json or logfmt, not "text"' \
	LOG_FORMAT=text --
check "separate uids" refuses 'SEPARATE_UIDS must be true or false, not "yes"' \
	SEPARATE_UIDS=yes --
check "the same port twice" refuses "METRICS_PORT and HEALTH_PORT must differ" \
	METRICS_PORT=8081 HEALTH_PORT=8081 --
check "the metrics' port is the other's default" refuses "must differ" METRICS_PORT=8080 --
for time in 4 0 -5 3601 1h 60s; do
	check "LEASE_DURATION=$time" refuses "LEASE_DURATION must be a number from 5 to 3600" \
		LEASE_DURATION=$time --
done
check "a grace that is no number" refuses "LEASE_SKEW_GRACE_SEC" LEASE_SKEW_GRACE_SEC=x --
check "a grace that is half of the duration" refuses \
	"LEASE_SKEW_GRACE_SEC (5) must be less than half of LEASE_DURATION (10)" \
	LEASE_SKEW_GRACE_SEC=5 LEASE_DURATION=10 --
check "a lease's name" refuses 'LEASE_NAME must be a Kubernetes name, not "No_Name"' \
	LEASE_NAME=No_Name --
check "a pod's name" refuses "POD_NAME must be a Kubernetes name" POD_NAME=a/b --
check "a node's name" refuses "NODE_NAME must be a Kubernetes name" NODE_NAME=a_b --
check "a namespace" refuses "LEASE_NAMESPACE must be a Kubernetes name" \
	LEASE_NAMESPACE=-a --
check "a metadata host" refuses 'GCE_METADATA_HOST must be HOST[:PORT]' \
	GCE_METADATA_HOST=http://metadata --
check "a key file for the cloud" refuses \
	"GOOGLE_APPLICATION_CREDENTIALS: key files are not supported" \
	GOOGLE_APPLICATION_CREDENTIALS=/key.json --
check "nothing: neither kubeconfig nor cluster" refuses \
	"neither --kubeconfig nor KUBERNETES_SERVICE_HOST and _PORT" \
	METRICS_PORT=0 HEALTH_PORT=0 --
if [ ! -e /var/run/secrets/kubernetes.io/serviceaccount/token ]; then
	check "a cluster without a mounted token" refuses "no readable token and ca.crt" \
		METRICS_PORT=0 HEALTH_PORT=0 KUBERNETES_SERVICE_HOST=127.0.0.1 \
		KUBERNETES_SERVICE_PORT=443 --
fi

# --- files --------------------------------------------------------------------------
USUAL="METRICS_PORT=0 HEALTH_PORT=0"
# bad_file WHAT WORDS OPTION...
bad_file() {
	what=$1
	words=$2
	shift 2
	# shellcheck disable=SC2086
	check "$what" refuses "$words" $USUAL -- "$@"
}
bad_file "a kubeconfig that is not there" "No such file" --kubeconfig "$DIR/none"
check "KUBECONFIG that is not there" refuses "No such file" METRICS_PORT=0 HEALTH_PORT=0 \
	KUBECONFIG=/nonexistent --
bad_file "a watcher's kubeconfig that is not there" "No such file" \
	--kubeconfig "$CONTROLLER_KUBECONFIG" --watcher-kubeconfig "$DIR/none"
bad_file "a CA bundle that is not there" '"path":"/none/ca.crt","error":"No such file' \
	--kubeconfig "$CONTROLLER_KUBECONFIG" --cloud-ca /none/ca.crt
# shellcheck disable=SC2086
check "SSL_CERT_FILE that is not there" refuses '"path":"/none/ca.crt"' $USUAL \
	SSL_CERT_FILE=/none/ca.crt -- --kubeconfig "$CONTROLLER_KUBECONFIG"
bad_file "a CA bundle that is a folder" "not a regular file" \
	--kubeconfig "$CONTROLLER_KUBECONFIG" --cloud-ca "$DIR"

# kubeconfig WHAT WORDS SED-SCRIPT: two lines, the parser's and the supervisor's, which
# names the file
kubeconfig() {
	sed "$3" "$CONTROLLER_KUBECONFIG" >"$DIR/edited"
	check "a kubeconfig $1" kubeconfig_refused "$2"
}
kubeconfig_refused() {
	code=0
	run METRICS_PORT=0 HEALTH_PORT=0 -- --kubeconfig "$DIR/edited" || code=$?
	cat "$LOG"
	[ $code -eq 2 ] && jq -es --arg w "$1" --arg p "$DIR/edited" '
		map(select(.level == "error")) | length == 2 and
		(.[0].process == "config" and (.[0].error | contains($w))) and
		(.[1].process == "supervisor" and .[1].path == $p)' "$LOG"
}
CA=certificate-authority
kubeconfig "with an exec plugin" "exec is not supported" \
	's/token: .*/exec: {command: gke-gcloud-auth-plugin}/'
kubeconfig "with an auth-provider" "auth-provider is not supported" \
	's/token: .*/auth-provider: {name: gcp}/'
kubeconfig "with a password" "is not supported" 's/token: .*/password: x/'
kubeconfig "that skips verification, in quotes" \
	"insecure-skip-tls-verify is neither true nor false" \
	"s/$CA-data: .*/insecure-skip-tls-verify: 'true'/"
kubeconfig "that skips verification and has a CA" \
	"has a certificate-authority and insecure-skip-tls-verify" \
	"s/\($CA-data: .*\)/\1\n    insecure-skip-tls-verify: true/"
kubeconfig "with a CA that is no base64" "is not base64" "s/$CA-data: .*/$CA-data: '@@'/"
kubeconfig "with plain http" "it is no https:// address" 's/https:/http:/'
kubeconfig "without that context" 'there is no context "other"' \
	's/current-context: .*/current-context: other/'
kubeconfig "without a server" "has no server" 's|server: .*|proxy-url: http://127.0.0.1:1|'
kubeconfig "that is no YAML" "line " 's/name: sim/name: [/'
kubeconfig "that is empty" "the file is empty" '1,$d'
sed "s/$CA-data: .*/$CA: none.crt/" "$CONTROLLER_KUBECONFIG" >"$DIR/edited"
bad_file "a kubeconfig's CA file that is not there" "$DIR/none.crt" \
	--kubeconfig "$DIR/edited"
sed "s/token: .*/tokenFile: none.token/" "$CONTROLLER_KUBECONFIG" >"$DIR/edited"
bad_file "a kubeconfig's token file that is not there" "$DIR/none.token" \
	--kubeconfig "$DIR/edited"

# The parser takes it: whether it may be is for the supervisor to say.
insecure() { sed "s/$CA-data: .*/insecure-skip-tls-verify: true/" "$1"; }
insecure "$CONTROLLER_KUBECONFIG" >"$DIR/edited"
bad_file "a kubeconfig that skips verification" \
	"only with the option --insecure-skip-tls-verify" --kubeconfig "$DIR/edited"
bad_file "the watcher's" "only with the option --insecure-skip-tls-verify" \
	--kubeconfig "$CONTROLLER_KUBECONFIG" --watcher-kubeconfig "$DIR/edited"

# --- what is right ------------------------------------------------------------------
WITH="LEASE_NAME=some-lease LEASE_NAMESPACE=default CLUSTER_NAME=blue CONTROLLER_VERSION=9.8.7"
POD_NAME=some-pod LEASE_DURATION=33 LEASE_SKEW_GRACE_SEC=3
start_ipwarden --log-level debug --cloud-ca "$SIM_CA"
eventually 30 "all good: all processes are ready" all_ready
LEASE=/apis/coordination.k8s.io/v1/namespaces/default/leases/some-lease
as_asked() { api GET $LEASE |
	jq -e '.spec.holderIdentity == "some-pod" and .spec.leaseDurationSeconds == 33'; }
eventually 10 "the lease is where and as it was asked for" as_asked
eventually 10 "CLUSTER_NAME and CONTROLLER_VERSION show" metric_is \
	'netipallocation_controller_info{cluster="blue",version="9.8.7",pod_name="some-pod"}' 1
check "--log-level debug shows more" grep -q '"level":"debug"' "$LOG"
kill -TERM "$MAIN"
code=0
wait "$MAIN" || code=$?
MAIN=
is "it ends with 0" $code 0

# --- an API server that is not verified -----------------------------------------------
insecure "$WATCHER_KUBECONFIG" >"$DIR/edited.watcher"
WITH=
IDENTITY="--kubeconfig $DIR/edited --watcher-kubeconfig $DIR/edited.watcher"
POD_NAME=another-pod
start_ipwarden --insecure-skip-tls-verify
eventually 30 "with --insecure-skip-tls-verify: all are ready" all_ready
eventually 10 "it leads, by a server whose CA it was not given" \
	grep -q '"event":"leader_won"' "$LOG"
eventually 10 "and sees the cluster" ready
is "one warning for each kubeconfig" \
	"$(grep '"level":"warn"' "$LOG" | jq -r 'select(.event == "api_server_not_verified") |
		.process + " " + .path' | xargs)" \
	"supervisor $DIR/edited supervisor $DIR/edited.watcher"
stop_ipwarden
