# Sourced by the tests of `ipwardenctl footprint` when their world is there: it stands in
# Pod Ashiato's place, under its name, among the pods that were recorded
# (tests/contracts/footprints).

SAMPLES=$SRC/tests/contracts/footprints
export TZ=UTC
CONFIG=$KUBECONFIG
unset KUBECONFIG

# the place of the recordings: the program's name, the kubeconfigs, no home
mkdir "$DIR/bin" "$DIR/at"
ln -s "$STAGE/bin/ipwardenctl" "$DIR/bin/pod-ashiato"
PATH=$DIR/bin:$PATH
export HOME=/home/op
cp "$CONFIG" "$DIR/at/kubeconfig"
cp "$SAMPLES"/inputs/*.kubeconfig "$DIR/at"
sed 's/^\( *token: \).*/\1wrong/' "$CONFIG" >"$DIR/at/badtoken.kubeconfig"
cp "$WATCHER_KUBECONFIG" "$DIR/at/norights.kubeconfig" # reads pods, writes nothing
cd "$DIR/at" || exit 1

namespace() {
	put_object '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"'"$1"'"}}' >/dev/null
}

# put_pods FILE: the pods of a list
put_pods() {
	jq -c '.items[] | .apiVersion = "v1" | .kind = "Pod"' "$SAMPLES/inputs/$1" \
		>"$DIR/pods.jsonl"
	while read -r pod; do put_object "$pod" >/dev/null; done <"$DIR/pods.jsonl"
}

# one NAMESPACE/NAME NODE UID [IP]: a running pod
one() {
	put_object "$(jq -nc --arg ns "${1%/*}" --arg name "${1#*/}" --arg node "$2" \
		--arg uid "$3" --arg ip "${4:-}" '{apiVersion: "v1", kind: "Pod",
		metadata: {name: $name, namespace: $ns, uid: $uid},
		spec: {nodeName: $node, containers: [{name: "main", image: "none"}]},
		status: {phase: "Running", podIP: $ip}}')" >/dev/null
}

gone() { remove_object "/api/v1/namespaces/${1%/*}/pods/${1#*/}"; }

# without_time FILE: lines as they are but for the time at which they were made
without_time() { sed -E 's/"timestamp":"[^"]*"/"timestamp":""/' "$1"; }

# zone FILE: that of the times
zone() { sed -nE 's/.*"timestamp":"[^"]*(Z|[+-][0-9:]{5})".*/\1/p' "$1" | sort -u; }

# recorded CASE [FOLDER]: its command gives the same lines and the same exit status
recorded() {
	samples=${2:-$SAMPLES}/$1
	eval "$(sed -n 's/^command: //p' "$samples.txt")" >"$DIR/out" 2>"$DIR/err"
	status=$?
	cat "$DIR/err"
	wanted=$(sed -n 's/^exit: //p' "$samples.txt")
	[ $status = "$wanted" ] || {
		echo "exit $status in the place of $wanted"
		return 1
	}
	if [ -f "$samples.stdout-short" ]; then # time, pod and node alone
		cut -d ' ' -f 2- "$samples.stdout-short" >"$DIR/wanted"
		jq -r '"\(.namespace)/\(.pod_name) node=\(.node_name)"' "$DIR/out" |
			diff "$DIR/wanted" -
		return
	fi
	samples=$samples.stdout
	[ -f "$samples" ] || samples=/dev/null
	without_time "$samples" >"$DIR/wanted"
	without_time "$DIR/out" | diff "$DIR/wanted" - &&
		[ "$(zone "$DIR/out")" = "$(zone "$samples")" ]
}

# stream [options]: in the background; its lines in $DIR/lines, its log in $DIR/log
stream() {
	: >"$DIR/log"
	pod-ashiato --kubeconfig kubeconfig "$@" >"$DIR/lines" 2>"$DIR/log" &
	STREAM=$!
	OTHERS=$STREAM
}

# end_stream SIGNAL: SAID is its exit status
end_stream() {
	kill -"$1" $STREAM
	wait $STREAM 2>/dev/null
	SAID=$?
	OTHERS=
}

# lines COUNT: so many at least
lines() { [ "$(wc -l <"$DIR/lines")" -ge "$1" ]; }

# told WORDS [COUNT]: in its log, so often at least
told() { [ "$(grep -c "$1" "$DIR/log")" -ge "${2:-1}" ]; }
