#!/bin/sh
# The watcher's identity: a token of its own, minted by the reconciler, kept by the
# supervisor and renewed while the watch goes on; what happens when it is refused, in a pod
# and with a kubeconfig; and what each identity finds out about its rights.
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1
LEASE_DURATION=10
TOKEN_PATH=serviceaccounts/ipwarden-watcher/token
EVIL=${EVIL:-$BUILD/tests/system/evil_watcher}

start_world --nodes 3 --addresses $ONE
install_crd
WRITE_TOKEN=$(sed -n 's/^ *token: //p' "$CONTROLLER_KUBECONFIG")
put_object '{"apiVersion":"v1","kind":"ServiceAccount",
	"metadata":{"name":"ipwarden-watcher","namespace":"kube-system"}}' >/dev/null

# --- what is looked at -----------------------------------------------------------------

# line 'JQ CONDITION': the log has such a line
line() { [ "$(lines_of "$1")" -gt 0 ]; }
lines_of() { jq -Rn "[inputs | fromjson? | select($1)] | length" "$LOG"; }
at_least() { [ "$(lines_of "$2")" -ge "$1" ]; }
MINTED='.event == "watcher_token_minted" and .process == "reconciler"'
REFUSED='.event == "watcher_token_failed" and .refused == "yes"'
SHARED='.event == "watcher_shares_identity"'
readyz() { curl -sS "$HEALTH_URL/readyz"; }
readyz_says() { readyz | grep -F "$1"; }
spawned() { lines_of '.event == "spawned" and .role == "watcher"'; }
# who TOKEN: whom the server takes it for
who() {
	curl -sS --cacert "$SIM_CA" -H "Authorization: Bearer $1" \
		-H 'Content-Type: application/json' \
		"$KUBE_URL/apis/authentication.k8s.io/v1/selfsubjectreviews" --data-binary \
		'{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}' |
		jq -r .status.userInfo.username
}
# granted SECONDS: an answer to a TokenRequest with a real token, which lives that long as
# far as is said
granted() {
	api POST /api/v1/namespaces/kube-system/$TOKEN_PATH \
		-H 'Content-Type: application/json' --data-binary \
		'{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}}' |
		jq -c --argjson s "$1" '{apiVersion, kind, spec: {expirationSeconds: $s},
			status: {token: .status.token,
				expirationTimestamp: .status.expirationTimestamp}}'
}
# answer_mints COUNT STATUS BODY
answer_mints() {
	fault "$(jq -n -c --argjson n "$1" --argjson s "$2" --argjson b "$3" '{target: "kube",
		method: "POST", path: "'$TOKEN_PATH'", status: $s, count: $n, body: $b}')"
}
FORBIDDEN='{"apiVersion":"v1","kind":"Status","status":"Failure","reason":"Forbidden",
	"code":403,"message":"serviceaccounts \"ipwarden-watcher\" is forbidden: no"}'
KUBECONFIG_ALONE="--kubeconfig $CONTROLLER_KUBECONFIG"
# no_secret WHAT TOKEN: it is in no output of ours
no_secret() { check "$1 is in no log" not_in_logs "$2"; }
not_in_logs() { [ -n "$1" ] && ! grep -qF "$1" "$LOG" "$AUDIT"; }

# --- a token of its own ------------------------------------------------------------------
IDENTITY=$KUBECONFIG_ALONE
start_ipwarden
eventually 30 "it is minted, the watcher starts with it: ready" ready
check "once" [ "$(lines_of "$MINTED")" -eq 1 ]
check "nothing is shared" [ "$(lines_of "$SHARED")" -eq 0 ]
first_is() { jq -e -n '[inputs | select(.role == "watcher" and .event == "spawned" or
	.event == "watcher_token_minted") | .event] | .[0] == "watcher_token_minted"' "$LOG"; }
check "the watcher was not started before" first_is
allocation pool $ONE >/dev/null
eventually 20 "it works" attached $ONE

leader=$MAIN
OTHERS=$leader
LOG=$DIR/follower.log
POD_NAME=ipwarden-1
start_ipwarden
eventually 30 "a replica that does not lead mints as well: ready" ready
check "for its own watcher" line "$MINTED"
check "it does not lead" [ "$(lines_of '.event == "leader_won"')" -eq 0 ]
stop_ipwarden
MAIN=$leader
OTHERS=
LOG=$DIR/ipwarden.log
POD_NAME=ipwarden-0
HEALTH_URL=http://127.0.0.1:$(port_of health)

watcher_again() { is_ready watcher && [ "$(spawned)" -eq 2 ]; }
kill -9 "$(pid_of watcher)"
eventually 20 "a watcher that starts again" watcher_again
check "gets the token that was kept" [ "$(lines_of "$MINTED")" -eq 1 ]
kill -9 "$(pid_of reconciler)"
eventually 20 "a reconciler that starts again mints another" at_least 2 "$MINTED"
eventually 20 "ready" ready
check "and the watcher goes on" [ "$(spawned)" -eq 2 ]
stop_ipwarden

# --- what the watcher is handed: a program in its place tells everything -----------------
if ! grep -q '^#define IPW_INSTRUMENTED 1' "$BUILD/config.h"; then
	REAL_STAGE=$STAGE
	cp -a "$STAGE" "$DIR/stage" || exit 1
	STAGE=$DIR/stage
	WATCHER=$STAGE/libexec/ipwarden/ipwarden-watcher
	rm "$WATCHER"
	cp "$EVIL" "$WATCHER" || exit 1
	echo tell >"$WATCHER-mode"
	start_ipwarden
	eventually 30 "it tells what it was handed" line '.event == "handed" and .kind == 1'
	# kind 1 is FILE_KUBE_TOKEN, 0 the CA, 2 and 3 a client certificate and its key
	is "which is a CA and a token" \
		"$(jq -n -c '[inputs | select(.event == "handed") | .kind] | sort' "$LOG")" "[0,1]"
	HANDED=$(jq -n -r 'first(inputs | select(.event == "handed" and .kind == 1)) | .text' \
		"$LOG")
	is "the token that was minted for it" "$(who "$HANDED")" \
		system:serviceaccount:kube-system:ipwarden-watcher
	check "the token that can write never came" not_in_logs "$WRITE_TOKEN"
	stop_ipwarden

	echo token >"$WATCHER-mode"
	start_ipwarden
	eventually 30 "a watcher that hands over a token itself is ended" line \
		'.event == "killed" and .role == "watcher" and
			.why == "a token that it has no business with"'
	check "and the token taken from nobody" [ "$(lines_of "$MINTED")" -eq 1 ]
	stop_ipwarden
	STAGE=$REAL_STAGE
fi

# --- renewed: by a server that grants five seconds ---------------------------------------
FIRST=$(granted 5)
SECOND=$(granted 5)
answer_mints 1 201 "$FIRST"
answer_mints 1 201 "$SECOND"
start_ipwarden
eventually 30 "a short life: ready" ready
kept() { find "/proc/$MAIN/fd" -lname '*ipwarden-credential*' | wc -l; }
before=$(kept)
eventually 30 "it is renewed, and again" at_least 3 "$MINTED"
keeps_one() { [ "$(kept)" -eq "$before" ]; }
eventually 5 "the supervisor keeps the last one only" keeps_one
check "without a new watcher" [ "$(spawned)" -eq 1 ]
check "while the watch goes on" [ "$(lines_of '.event == "watch_failed"')" -eq 0 ]
NODE=$(node_of $ONE)
cordon "$NODE"
eventually 20 "and what it sees counts" moved $ONE "$NODE"
no_secret "the first token" "$(printf %s "$FIRST" | jq -r .status.token)"
no_secret "the second" "$(printf %s "$SECOND" | jq -r .status.token)"
stop_ipwarden
uncordon "$NODE"

# --- it shows what it was handed, right or wrong -----------------------------------------
GOOD=$(granted 600)
answer_mints 1 201 '{"kind":"TokenRequest","spec":{"expirationSeconds":5},
	"status":{"token":"nobodys"}}'
answer_mints 1 201 "$GOOD"
start_ipwarden
eventually 30 "a token that nobody knows is what the watcher shows" line '.process == "watcher"
	and .event == "watch_failed" and .status == 401'
eventually 30 "and then the one after it: ready" ready
check "in the same watcher" [ "$(spawned)" -eq 1 ]
stop_ipwarden

# --- renewal that fails: told, tried again, and nothing else -----------------------------
answer_mints 1 201 "$FIRST"
answer_mints 2 500 '{"kind":"Status","status":"Failure","message":"etcd is tired"}'
start_ipwarden
eventually 30 "a renewal that fails is told" line '.event == "watcher_token_failed" and
	.error == "etcd is tired" and .refused == "no"'
check "by then the watcher is at work" line '.event == "ready" and .role == "watcher"'
eventually 30 "and is tried again" at_least 2 "$MINTED"
eventually 10 "ready" ready
stop_ipwarden

# --- bound to the node, where the server can ----------------------------------------------
WITH="NODE_NAME=$NODE"
start_ipwarden
eventually 30 "bound to the node" line "$MINTED and .bound_to == \"node\""
stop_ipwarden
answer_mints 1 400 '{"kind":"Status","status":"Failure","reason":"BadRequest","code":400,
	"message":"cannot bind token for serviceaccount to object of type /v1, Kind=Node"}'
start_ipwarden
eventually 30 "a server that cannot is asked again without" \
	line "$MINTED and .bound_to == \"nothing\""
check "which is told" line '.event == "watcher_token_unbound" and
	(.error | startswith("cannot bind token"))'
stop_ipwarden
WITH=

# --- refused, with a kubeconfig: it goes on and says so ----------------------------------
answer_mints 1 500 '{"kind":"Status","status":"Failure","message":"etcd is tired"}'
answer_mints -1 403 "$FORBIDDEN"
start_ipwarden
eventually 30 "refused with a kubeconfig: ready all the same" ready
check "one loud warning" [ "$(lines_of "$SHARED and .level == \"warn\"")" -eq 1 ]
check "with the server's reason" line "$REFUSED and (.error | contains(\"is forbidden\"))"
clear_faults
eventually 90 "once it may, the watcher starts anew with a token of its own" \
	line '.event == "killed" and .why == "has a token of its own now"'
eventually 30 "and is ready" ready
stop_ipwarden

# --- in a pod ------------------------------------------------------------------------------
# the folder of the service account, in a mount namespace of its own
in_pod() {
	mkdir -p "$DIR/account" "$DIR/run"
	printf %s "$WRITE_TOKEN" >"$DIR/account/token"
	printf kube-system >"$DIR/account/namespace"
	cp "$SIM_CA" "$DIR/account/ca.crt"
	cat >"$DIR/in-pod" <<-'SH'
		#!/bin/sh
		mount -t tmpfs none /run &&
			mkdir -p /run/secrets/kubernetes.io/serviceaccount &&
			mount --bind "$1" /run/secrets/kubernetes.io/serviceaccount || exit 9
		shift
		exec "$@"
	SH
	chmod +x "$DIR/in-pod"
	LAUNCH="unshare --mount $DIR/in-pod $DIR/account"
	port=${KUBE_URL##*:}
	WITH="KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT=$port $1"
	IDENTITY=$2
}
if [ "$(readlink -f /var/run)" = /run ] && unshare --mount true 2>/dev/null; then
	in_pod "" ""
	start_ipwarden
	eventually 30 "in a pod: ready with a token of its own" ready
	check "which was minted" line "$MINTED"
	stop_ipwarden

	answer_mints -1 403 "$FORBIDDEN"
	start_ipwarden
	eventually 30 "refused in a pod: /readyz says why" readyz_says \
		'watcher: no token: serviceaccounts "ipwarden-watcher" is forbidden'
	eventually 20 "the others run" is_ready cloudworker
	check "no watcher is started" [ "$(spawned)" -eq 0 ]
	check "nothing is shared" [ "$(lines_of "$SHARED")" -eq 0 ]
	stop_ipwarden

	in_pod "" --allow-shared-token
	start_ipwarden
	eventually 30 "--allow-shared-token: ready" ready
	check "with one loud warning" [ "$(lines_of "$SHARED and .level == \"warn\"")" -eq 1 ]
	stop_ipwarden
	clear_faults
	LAUNCH=
	WITH=
else
	say "ok - identity: in a pod # SKIP no mount namespace of our own, or /var/run is no link"
fi

# --- given by a kubeconfig: nothing is minted ----------------------------------------------
unset IDENTITY
start_ipwarden
eventually 30 "with --watcher-kubeconfig: ready" ready
eventually 30 "each has reviewed its rights" reviewed
check "nothing is minted" [ "$(lines_of "$MINTED")" -eq 0 ]
check "the watcher has what it needs" line '.event == "access_reviewed" and
	.process == "watcher" and .missing == 0'
check "and may change nothing" [ "$(lines_of '.event == "access_excess" and
	.process == "watcher" and (.remove | test("verbs: .(get|list)") | not)')" -eq 0 ]
check "the reconciler has what it needs" line '.event == "access_reviewed" and
	.process == "reconciler" and .missing == 0'
stop_ipwarden

# --- rights that are wrong -----------------------------------------------------------------
REVIEWS=selfsubjectaccessreviews
answer_reviews() {
	fault '{"target":"kube","method":"POST","path":"'$REVIEWS'","status":201,"count":-1,
		"body":{"kind":"SelfSubjectAccessReview","status":{"allowed":'"$1"'}}}'
}
answer_reviews false
start_ipwarden
eventually 30 "all is denied: both have asked" reviewed
check "a missing right is named as the rule to add" line '.process == "reconciler" and
	.event == "access_missing" and .namespace == "" and
	.add == "apiGroups: [\"\"], resources: [nodes], verbs: [patch]"'
check "with its namespace" line '.process == "reconciler" and .event == "access_missing" and
	.namespace == "kube-system" and .add ==
		"apiGroups: [\"coordination.k8s.io\"], resources: [leases], verbs: [update], resourceNames: [ip-address-controller-leader]"'
check "each once" [ "$(lines_of '.event == "access_missing" and .process == "watcher" and
	(.add | contains("resources: [pods], verbs: [watch]"))')" -eq 1 ]
check "nothing is too much" [ "$(lines_of '.event == "access_excess"')" -eq 0 ]
missing='process="watcher",verb="list",resource="nodes",namespace=""'
eventually 10 "a metric says so" metric_is "ipwarden_access_missing{$missing}" 1
eventually 20 "none of which keeps it from its work" ready
stop_ipwarden
clear_faults

answer_reviews true
start_ipwarden
eventually 30 "all is allowed: both have asked" reviewed
for process in watcher reconciler; do
	check "what the $process has too much is warned of" line ".process == \"$process\" and
		.event == \"access_excess\" and .level == \"warn\" and
		.remove == \"apiGroups: [\\\"\\\"], resources: [secrets], verbs: [get]\""
	excess="process=\"$process\",verb=\"create\",resource=\"pods\",namespace=\"kube-system\""
	eventually 10 "and a metric" metric_is "ipwarden_access_excess{$excess}" 1
done
check "the watcher that may write" line '.process == "watcher" and .event == "access_excess"
	and .remove == "apiGroups: [\"\"], resources: [nodes], verbs: [patch]"'
check "nothing is missing" [ "$(lines_of '.event == "access_missing"')" -eq 0 ]
stop_ipwarden
clear_faults

fault '{"target":"kube","method":"POST","path":"'$REVIEWS'","status":404,"count":-1}'
start_ipwarden
eventually 30 "a server that cannot answer" at_least 2 '.event == "access_not_reviewed"'
eventually 30 "is no failure: ready" ready
stop_ipwarden
clear_faults
check "no violations" no_violations
