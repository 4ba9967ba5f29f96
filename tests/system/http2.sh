#!/bin/sh
# The API server speaks HTTP/2 (nghttpx in front of the simulator): the main job is done,
# each process has one connection to it, and when that breaks everything goes on with
# another.
#   NGHTTPX  Debian's nghttp2-proxy (scripts/lib.sh unpacks it); without it: skipped
NGHTTPX=$(command -v "${NGHTTPX:-nghttpx}") || {
	echo "# skipped: no nghttpx"
	exit 77
}
. "$SRC/tests/system/lib.sh"

TRACKERS=/apis/networking.learntosolveit.com/v1/podtrackers
SLICES=/apis/tracking.ipwarden.dev/v1alpha1/podtrackerslices

ONE=34.82.10.1
TWO=34.82.10.2
LEASE_DURATION=60

start_world --nodes 3 --addresses $ONE,$TWO
install_crd

# --- the proxy ----------------------------------------------------------------------
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
	-subj /CN=proxy -addext subjectAltName=IP:127.0.0.1 \
	-keyout "$DIR/proxy.key" -out "$DIR/proxy.crt" 2>/dev/null

# nghttpx takes no port from the kernel: another world had this one
"$STAGE/bin/ipwarden-sim" serve --dir "$DIR/other" --nodes 0 2>/dev/null &
other=$!
until_true 20 test -f "$DIR/other/world.env"
PORT=$(sed -n 's/^ *server: .*://p' "$DIR/other/kubeconfig")
kill $other
wait $other 2>/dev/null

# start_proxy ACCESS-LOG
start_proxy() {
	"$NGHTTPX" --single-process --no-ocsp -k --conf=/dev/null \
		--frontend="127.0.0.1,$PORT" --backend="127.0.0.1,${KUBE_URL##*:};;tls" \
		--accesslog-file="$1" \
		--accesslog-format='$remote_port $alpn $status $request' \
		"$DIR/proxy.key" "$DIR/proxy.crt" 2>>"$DIR/proxy.log" &
	PROXY=$!
	until_true 10 curl -sS -f --http2 --cacert "$DIR/proxy.crt" -o "$DIR/version" \
		"https://127.0.0.1:$PORT/version" || {
		not_ok "the proxy stands"
		tail -5 "$DIR/proxy.log"
		exit 1
	}
}
start_proxy "$DIR/access.1"
OTHERS=$PROXY

CA=$(base64 -w0 <"$DIR/proxy.crt")
through_proxy() { # KUBECONFIG COPY
	sed "s|certificate-authority-data: .*|certificate-authority-data: $CA|
		s|server: .*|server: https://127.0.0.1:$PORT|" "$1" >"$2"
}
through_proxy "$CONTROLLER_KUBECONFIG" "$DIR/controller.h2"
through_proxy "$WATCHER_KUBECONFIG" "$DIR/watcher.h2"
CONTROLLER_KUBECONFIG=$DIR/controller.h2
WATCHER_KUBECONFIG=$DIR/watcher.h2

# those that stand, seen from the proxy
connections() {
	awk -v port="$(printf ':%04X' "$PORT")" \
		'$4 == "01" && index($2, port) { count++ } END { print count + 0 }' \
		/proc/net/tcp
}
connections_are() { [ "$(connections)" -eq "$1" ]; }

# watches ACCESS-LOG: of the watcher, as "port protocol path"
watches() { sed -n 's/^\([0-9]* [^ ]*\) [0-9]* GET \([^?]*\)?watch=1&.*/\1 \2/p' "$1"; }

# --- the main job -------------------------------------------------------------------
start_ipwarden
until_true 20 ready || exit 1
allocation web $ONE
eventually 20 "an address is attached" attached $ONE
eventually 10 "and the allocation says so" says web Ready "True AllAttached"
is "the watcher and the reconciler have one connection each" "$(connections)" 2

# --- it breaks ----------------------------------------------------------------------
kill -9 $PROXY
wait $PROXY 2>/dev/null
eventually 20 "the watcher tells of it" grep -q '"event":"watch_failed"' "$LOG"
start_proxy "$DIR/access.2"
OTHERS=$PROXY
eventually 40 "both are connected again" connections_are 2
allocation two $TWO
eventually 40 "the next address is attached" attached $TWO
eventually 10 "and its allocation says so" says two Ready "True AllAttached"
is "still with one connection each" "$(connections)" 2

# --- an orderly end -----------------------------------------------------------------
stop_ipwarden
eventually 10 "no connection is left" connections_are 0
kill $PROXY
wait $PROXY 2>/dev/null
is "all requests came by two connections" \
	"$(awk '$5 != "/version" { print $1, $2 }' "$DIR/access.2" | sort -u | awk '{ print $2 }' |
		paste -sd' ')" "h2 h2"
is "all watches by one" "$(watches "$DIR/access.2" | awk '{ print $1, $2 }' |
	sort -u | wc -l)" 1
is "which are those of nodes, pods and allocations" \
	"$(watches "$DIR/access.2" | awk '{ print $3 }' | sort -u | paste -sd' ')" \
	"/api/v1/nodes /api/v1/pods $NIA $TRACKERS $SLICES"
check "no violations" no_violations
