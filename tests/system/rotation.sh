#!/bin/sh
# Credentials in files are read anew when they change, as the kubelet swaps them (a
# symbolic link to a folder), without a restart of any process; a client certificate
# works as well, inline and from files.
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1
LEASE_DURATION=10

start_world --nodes 3 --addresses $ONE
install_crd
GOOD_TOKEN=$(sed -n 's/^ *token: //p' "$CONTROLLER_KUBECONFIG")
WATCHER_TOKEN=$(sed -n 's/^ *token: //p' "$WATCHER_KUBECONFIG")
# another world's CA
"$STAGE/bin/ipwarden-sim" serve --dir "$DIR/other" --nodes 0 2>/dev/null &
other=$!
until_true 20 test -f "$DIR/other/world.env"
kill $other

# swap CONTROLLER-TOKEN WATCHER-TOKEN CA-FILE: all at once
generation=0
swap() {
	generation=$((generation + 1))
	mkdir "$DIR/secrets/$generation"
	printf '%s' "$1" >"$DIR/secrets/$generation/token"
	printf '%s\n' "$2" >"$DIR/secrets/$generation/watcher-token"
	cp "$3" "$DIR/secrets/$generation/ca.crt"
	ln -s $generation "$DIR/secrets/..next"
	mv -T "$DIR/secrets/..next" "$DIR/secrets/..data"
}
mkdir "$DIR/secrets"
for file in token watcher-token ca.crt; do
	ln -s "..data/$file" "$DIR/secrets/$file"
done
# by_files FROM TO TOKEN: paths that are relative to the kubeconfig's folder
by_files() {
	sed "s|certificate-authority-data: .*|certificate-authority: secrets/ca.crt|
		s|token: .*|tokenFile: secrets/$3|" "$1" >"$2"
}
by_files "$CONTROLLER_KUBECONFIG" "$DIR/controller.files" token
by_files "$WATCHER_KUBECONFIG" "$DIR/watcher.files" watcher-token

all_pids() { for role in $ROLES; do pid_of "$role"; done; }
leads() { metric_is 'netipallocation_controller_is_leader{pod_name="ipwarden-0"}' 1; }
complains() { # WORDS LINES: the log says so in a line after those
	tail -n "+$(($2 + 1))" "$LOG" | grep -q "$1"
}
lines() { wc -l <"$LOG"; }

# --- nothing is right at first ------------------------------------------------------
CERT_KUBECONFIG=$DIR/cert.kubeconfig
CONTROLLER_KUBECONFIG=$DIR/controller.files
WATCHER_KUBECONFIG=$DIR/watcher.files
swap wrong wrong "$DIR/other/ca.crt"
start_ipwarden
eventually 20 "all processes run" all_ready
pids=$(all_pids)
eventually 10 "a CA that is not the server's is told by the reconciler" \
	complains '"reconciler".*"lease_trouble".*certificate' 0
eventually 10 "and by the watcher" complains '"watch_failed","kind":"nodes".*certificate' 0
not_ready() { curl -sS "$HEALTH_URL/readyz" | grep '^not-ready: '; }
eventually 5 "it is not ready" not_ready

lines=$(lines)
swap wrong wrong "$SIM_CA"
eventually 15 "the right CA is picked up: now the reconciler's token is refused" \
	complains '"reconciler".*"lease_trouble".*401' "$lines"
eventually 15 "and the watcher's" complains '"watch_failed","kind":"nodes","status":401' \
	"$lines"

swap "$GOOD_TOKEN" "$WATCHER_TOKEN" "$SIM_CA"
eventually 20 "the right token is picked up: it leads" leads
eventually 20 "the watcher's as well: ready" ready
allocation pool $ONE >/dev/null
eventually 15 "and works" kc wait --for=condition=Ready nia/pool --timeout=1s

# --- a token that is taken away, and one that was minted ----------------------------
lines=$(lines)
swap revoked "$WATCHER_TOKEN" "$SIM_CA"
eventually 15 "a token that is refused later is told" complains \
	'"lease_trouble".*401' "$lines"
put_object '{"apiVersion":"v1","kind":"ServiceAccount",
	"metadata":{"name":"ip-address-controller-sa","namespace":"kube-system"}}' >/dev/null
minted=$(api POST \
	/api/v1/namespaces/kube-system/serviceaccounts/ip-address-controller-sa/token \
	-H 'Content-Type: application/json' --data-binary \
	'{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}}' |
	jq -r .status.token)
swap "$minted" "$WATCHER_TOKEN" "$SIM_CA"
eventually 15 "a new one is picked up: it leads" leads
NODE=$(node_of $ONE)
cordon "$NODE"
eventually 20 "and works" moved $ONE "$NODE"
is "all that without a restart" "$(all_pids)" "$pids"
is "of any process" "$(grep -c '"event":"spawned"' "$LOG")" 8
kill -TERM "$MAIN"
code=0
wait "$MAIN" || code=$?
MAIN=
is "it ends with 0" $code 0

# --- client certificates ------------------------------------------------------------
WATCHER_KUBECONFIG=$CERT_KUBECONFIG
CONTROLLER_KUBECONFIG=$CERT_KUBECONFIG
start_ipwarden
eventually 20 "with a client certificate in the kubeconfig it leads" leads
NODE=$(node_of $ONE)
cordon "$NODE"
eventually 20 "and works" moved $ONE "$NODE"
stop_ipwarden
for part in client-certificate client-key; do
	sed -n "s/^ *$part-data: //p" "$CERT_KUBECONFIG" | base64 -d >"$DIR/$part.pem"
done
sed "s|\(client-[a-z]*\)-data: .*|\1: \1.pem|" "$CERT_KUBECONFIG" >"$DIR/cert.files"
CONTROLLER_KUBECONFIG=$DIR/cert.files
start_ipwarden
eventually 20 "with one in files it leads as well" leads
is "which is who it says" "$(api GET \
	/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/ip-address-controller-leader |
	jq -r .spec.holderIdentity)" ipwarden-0
check "no violations" no_violations
