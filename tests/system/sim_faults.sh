#!/bin/sh
# What the simulated API server does to connections: restarts with and without its data,
# a certificate that nobody knows, answers that are cut, slow or never end.
. "$(dirname "$0")/lib.sh"

# curl_ends CODE PATH: curl ends so, as a client of another kind would see it
curl_ends() {
	curl -sS -o "$DIR/out" -m 20 --cacert "$SIM_CA" \
		-H "Authorization: Bearer $KUBE_TOKEN" "$KUBE_URL$2" 2>"$DIR/err"
	code=$?
	say "curl ended with $code, not $1"
	[ $code -eq "$1" ]
}

# watch_nodes: in the background, its lines go to $DIR/watch, its end is curl's code
watch_nodes() {
	: >"$DIR/watch"
	curl -sSN -m 120 --cacert "$SIM_CA" -H "Authorization: Bearer $KUBE_TOKEN" \
		"$KUBE_URL/api/v1/nodes?watch=1" >"$DIR/watch" 2>/dev/null &
	watcher=$!
	OTHERS=$watcher
	until_true 20 grep -q ADDED "$DIR/watch"
}

# watch_ends: the watch of the line above was broken off
watch_ends() {
	wait "$watcher"
	code=$?
	OTHERS=
	say "curl ended with $code"
	[ $code -ne 0 ]
}

version() { api GET /api/v1/nodes | jq -r .metadata.resourceVersion; }

start_world --nodes 2
put_object '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}' \
	>/dev/null
before=$(version)

check "a watch stands" watch_nodes
check "restart with data" control POST /kube/restart
check "the watch was broken off" watch_ends
check "the data is there" curl_ends 0 /api/v1/namespaces/default/configmaps/c
is "and its version" "$(version)" "$before"

check "a watch stands again" watch_nodes
check "restart without data" control POST '/kube/restart?data=lost'
check "that watch was broken off, too" watch_ends
is "the nodes are lost" "$(api GET /api/v1/nodes | jq '.items | length')" 0
check "versions begin anew" [ "$(version)" -lt "$before" ]
check "the identities' rights are there" kc --kubeconfig "$WATCHER_KUBECONFIG" get nodes
is "a restart of another kind is refused" \
	"$(curl -s "$CONTROL_URL/kube/restart?data=some" -X POST -o /dev/null \
		-w '%{http_code}')" 400

check "a certificate that nobody knows" control POST '/kube/restart?certificate=foreign'
check "is refused by a client" curl_ends 60 /version
check "restart with the right one" control POST /kube/restart
check "is accepted" curl_ends 0 /version

fault '{"target": "kube", "tls_failure": true, "count": 2}'
check "a connection ends before TLS" curl_ends 35 /version
check "and the next one" curl_ends 35 /version
check "the third one does not" curl_ends 0 /version

fault '{"target": "kube", "path": "/api/v1", "cut_after": 25}'
check "an answer is cut" curl_ends 18 /api/v1/nodes
is "after so many bytes" "$(wc -c <"$DIR/out")" 25
fault '{"target": "kube", "path": "/healthz", "trickle_ms": 5}'
check "an answer trickles" curl_ends 0 /healthz
is "and is whole" "$(cat "$DIR/out")" ok
fault '{"target": "kube", "path": "/healthz", "stall_after": 1}'
check "an answer never ends" sh -c "! curl -sS -m 1 --cacert '$SIM_CA' \
	'$KUBE_URL/healthz'"
check "the server goes on" curl_ends 0 /healthz
