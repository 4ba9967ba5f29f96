#!/bin/sh
# ipwardenctl footprint: the commands that were recorded of Pod Ashiato give the same
# lines, byte for byte but for the time, and the same exit status; streams, signals,
# outages, and events.
. "$SRC/tests/system/lib.sh"

start_world
. "$SRC/tests/system/footprint_lib.sh"

for name in voice voice-lab; do namespace $name; done
put_pods pods-all-1.json

# --- one-shot: lines, filters, zones, options, errors --------------------------------
for file in "$SAMPLES"/[0-9]*.txt; do
	case=$(basename "$file" .txt)
	case $case in
	2[0-3]* | 50-* | 6[79]*) ;; # below: streams, and what a server has to be told to say
	*) check "$case" recorded "$case" ;;
	esac
done
# No API server lists pods without a name, nor without a resourceVersion.
mkdir "$DIR/67"
cp "$SAMPLES/67-odd-strings.txt" "$DIR/67"
grep -v '"pod_name":""' "$SAMPLES/67-odd-strings.stdout" >"$DIR/67/67-odd-strings.stdout"
cp kubeconfig oddpods.kubeconfig
fault "$(jq -c '{target: "kube", path: "/api/v1/pods", status: 200,
	body: (.metadata.resourceVersion = "1" | .items |= map(select(.metadata.name)))}' \
	"$SAMPLES/inputs/reply-67-oddpods.json")"
check 67-odd-strings recorded 67-odd-strings "$DIR/67"
fault '{"target":"kube","path":"/api/v1/pods","status":403}'
check 50-forbidden-oneshot recorded 50-forbidden-oneshot
pod-ashiato --oneshot --name web-new >/dev/null 2>&1
is "without a kubeconfig it fails" $? 1
KUBECONFIG=$CONFIG pod-ashiato --oneshot --name web-new >/dev/null 2>&1
is "KUBECONFIG is heeded, which Pod Ashiato ignores" $? 0
pod-ashiato --kubeconfig kubeconfig --oneshot >/dev/full 2>/dev/null
is "a full disk is an error, which Pod Ashiato hides" $? 1
is "--utc wins over the zone" "$(TZ=Asia/Kolkata pod-ashiato --kubeconfig kubeconfig \
	--oneshot --utc --name gw-0 2>/dev/null | grep -c \
	'"timestamp":"[^"]*Z","conditions":.*T10:20:30Z"')" 1

# --- streams --------------------------------------------------------------------------
started=$(now_ms)
stream --interval=700ms --namespace voice-lab
eventually 5 "the first line" lines 1
check "comes after one interval, not at once" [ $(($(now_ms) - started)) -ge 690 ]
eventually 5 "the third line" lines 3
end_stream TERM
is "SIGTERM ends a stream with 0" $SAID 0
without_time "$SAMPLES/20-continuous-sigterm.stdout" | sort -u >"$DIR/wanted"
without_time "$DIR/lines" | sort -u >"$DIR/got"
check "20-continuous: its lines" diff "$DIR/wanted" "$DIR/got"

stream --namespace voice-lab
eventually 5 "a stream runs" told footprint_filters
end_stream INT
is "SIGINT ends it with 0" $SAID 0
is "before the first interval there is no line" "$(wc -l <"$DIR/lines")" 0
stream --namespace voice-lab
eventually 5 "a stream runs" told footprint_filters
end_stream HUP
is "SIGHUP kills it" $SAID 129

fault '{"target":"kube","path":"/pods","hold":"before","count":-1}'
stream --interval=1s --namespace voice-lab
eventually 5 "a stream runs" told footprint_filters
end_stream TERM
is "a server that says nothing: SIGTERM ends a stream with 0" $SAID 0
stream --oneshot --namespace voice-lab
eventually 5 "it looks" told footprint_filters
end_stream TERM
is "and with 1 what was to look once" $SAID 1
clear_faults

mkfifo "$DIR/pipe"
pod-ashiato --kubeconfig kubeconfig --interval=100ms >"$DIR/pipe" 2>/dev/null &
STREAM=$!
head -1 "$DIR/pipe" >/dev/null
wait $STREAM 2>/dev/null
is "whose reader leaves is ended by SIGPIPE" $? 141

# --- what is not known is not told ----------------------------------------------------
stream --interval=300ms --namespace voice-lab
eventually 5 "lines come" lines 1
fault '{"target":"kube","path":"/pods","status":500,"count":-1}'
control POST /kube/restart >/dev/null
eventually 5 "an outage is told, each interval" told footprint_not_seen 4
was=$(wc -l <"$DIR/lines")
sleep 0.7
is "no line is made of what is not known" "$(wc -l <"$DIR/lines")" "$was"
clear_faults
eventually 5 "lines come again" lines $((was + 2))
fault '{"target":"kube","path":"/pods","verb":"watch","status":403,"count":-1}'
control POST /kube/restart >/dev/null
eventually 5 "the watch is refused" told '"event":"footprint_not_seen","status":403'
was=$(wc -l <"$DIR/lines")
eventually 5 "who may list and not watch lists each interval" lines $((was + 3))
end_stream TERM
clear_faults

# --- events, and pods that come and go between two intervals --------------------------
watched() {
	jq -e -s 'map(select(.verb == "watch" and .resource == "pods")) | length >= '"$1" \
		"$DIR/requests.jsonl"
}
watches=$(jq -s 'map(select(.verb == "watch" and .resource == "pods")) | length' \
	"$DIR/requests.jsonl")
stream --interval=1h --namespace voice-lab --events
eventually 5 "the pods are watched" watched $((watches + 1))
one voice-lab/ev-0 node-a uid-1 10.0.0.1
gone voice-lab/ev-0
one voice-lab/ev-0 "" uid-2
one voice-lab/ev-0 node-b uid-2
one voice-lab/ev-0 node-b uid-2 10.0.0.2
gone voice-lab/ev-0
eventually 5 "events come as they happen" lines 7
is "created, deleted, moved, ip_changed" "$(jq -r '[.event, .node_name, .pod_ip,
	.previous_node, .previous_ip] | map(. // "") | join(",")' "$DIR/lines")" \
	"created,node-a,10.0.0.1,,
ip_changed,node-a,10.0.0.1,,
deleted,node-a,10.0.0.1,,
created,,,,
moved,node-b,,node-a,
ip_changed,node-b,10.0.0.2,,10.0.0.1
deleted,node-b,10.0.0.2,,"
end_stream TERM

stream --interval=2s --namespace voice
watches=$((watches + 1))
eventually 5 "the pods are watched" watched $((watches + 1))
one voice/short-0 node-b uid-3 10.0.0.3
gone voice/short-0
eventually 5 "an interval ends" lines 7
is "a pod that came and went between two intervals has its line" \
	"$(head -7 "$DIR/lines" | grep -c '"pod_name":"short-0","node_name":"node-b"')" 1
eventually 5 "another ends" lines 13
is "and only one" "$(grep -c short-0 "$DIR/lines")" 1
end_stream TERM
