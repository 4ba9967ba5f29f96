#!/bin/sh
# ipwardenctl who: who is behind a public address, or was at a time; by node and by pod;
# what is not known is said to be, and nobody else's text makes a wrong answer.
. "$SRC/tests/system/lib.sh"

start_world
install_crd

# who [words]: SAID is its exit status, $DIR/out and $DIR/err what it wrote
who() {
	"$STAGE/bin/ipwardenctl" who "$@" >"$DIR/out" 2>"$DIR/err"
	SAID=$?
}

# says WHAT STATUS LINES: as a whole
says() { is "$1" "$SAID $(cat "$DIR/out" "$DIR/err")" "$2 $3"; }

# json FILTER: of the answer
json() { jq -c "$1" "$DIR/out"; }

# map NAME JSON [WATCHED [NAMESPACE]]: a ConfigMap with that data, and when pods were watched
map() {
	put_object "$(jq -nc --arg name "$1" --argjson data "$2" --arg watched "${3:-}" \
		--arg ns "${4:-default}" '{apiVersion: "v1", kind: "ConfigMap",
		metadata: ({name: $name, namespace: $ns} + if $watched == "" then {} else
			{annotations: {"footprint.ipwarden.dev/watched": $watched}} end),
		data: $data}')" >/dev/null
}

# span FROM UNTIL [MEMBERS]: a line of that annotation, of 5 January 2026
span() {
	printf '{"from":"2026-01-05T%sZ","until":"2026-01-05T%sZ"%s}\n' "$1" "$2" "${3:+,$3}"
}
hour() { span "$1:00:00.000" "$1:59:59.999"; }

# stay NODE FROM UNTIL [SOURCE]: a line of 5 January 2026
stay() {
	printf '{"node":"%s","zone":"z","allocation":"web","from":"2026-01-05T%sZ",' "$1" "$2"
	printf '"until":"2026-01-05T%sZ","source":"%s"}\\n' "$3" "${4:-operation}"
}

# pod NAMESPACE/NAME NODE PHASE
pod() {
	put_object "$(jq -nc --arg ns "${1%/*}" --arg name "${1#*/}" --arg node "$2" \
		--arg phase "$3" '{apiVersion: "v1", kind: "Pod",
		metadata: {name: $name, namespace: $ns},
		spec: {nodeName: $node, containers: [{name: "main", image: "none"}]},
		status: {phase: $phase}}')" >/dev/null
}

# --- now ------------------------------------------------------------------------------
apply - >/dev/null <<-YAML
	apiVersion: netinfra.darkbrains.com/v1alpha1
	kind: NetIPAllocation
	metadata: {name: web}
	spec: {reservedIPs: [203.0.113.7, 203.0.113.8, 203.0.113.9], cloud: {provider: gcp}}
YAML
merge_patch /apis/netinfra.darkbrains.com/v1alpha1/netipallocations/web/status '{"status":{
	"addresses":[
	{"address":"203.0.113.7","state":"Attached","nodeName":"node-a","zone":"z",
	"lastTransitionTime":"2026-01-05T10:00:00Z"},
	{"address":"203.0.113.8","state":"Unknown","message":"the cloud \u001b[2Jdoes not answer",
	"nodeName":"node-a","lastTransitionTime":"2026-01-05T10:00:00Z"}]}}'
pod default/www-0 node-a Running
pod default/old-0 node-a Succeeded
pod default/www-1 node-b Running

who 203.0.113.7
says "a status that nobody keeps up to date is no answer" 3 "not known where 203.0.113.7 is
  why     whether an ipwarden leads is not known, for want of Lease kube-system/ip-address-controller-leader: that it is on node-a, as its status says, may be old
  for     web
  state   Attached
  source  NetIPAllocation web"
lease 200 me
who node/node-b -o json
is "nor is it that a node has none" "$SAID $(json '[.known, .node, .addresses.known,
	.addresses.why, .pods.known, (.pods.items | map(.name))]')" '3 [false,"node-b",false,'\
'"no ipwarden leads: what the statuses of the NetIPAllocations say may be old",true,["www-1"]]'
who node/node-a -o json
is "nor that it has some" "$SAID $(json '[.addresses.items[] | .address, .known, .node]')" \
	'3 ["203.0.113.7",false,null,"203.0.113.8",false,null]'
lease 10 me kube-system/ours
who 203.0.113.7 --lease kube-system/ours
is "--lease names the one that counts" "$SAID $(head -1 "$DIR/out")" "0 203.0.113.7 is on node-a"

lease 10 me
# heard NODE AGE_S: its kubelet was, so long ago
heard() { lease "$2" "$1" "kube-node-lease/$1" 40; }
heard node-b 5
who 203.0.113.7
is "whether a kubelet is heard is not known without its Lease" "$SAID $(tail -2 "$DIR/out")" \
	"0 not known whether the kubelet of node-a is alive
  why     there is no Lease kube-node-lease/node-a"
fault '{"target":"kube","path":"/kube-node-lease/","status":403}'
who 203.0.113.7 -o json
is "nor when that may not be read" "$SAID $(json '[.kubelet.state, (.kubelet.why |
	startswith("Lease kube-node-lease/node-a cannot be read: ")), .pods.known]')" \
	'0 ["unknown",true,true]'
clear_faults
heard node-a 300
who 203.0.113.7 -o json
is "of a node whose kubelet is silent it is not known what runs there" "$SAID $(json '[.kubelet.state,
	.kubelet.since == (.pods.why | capture("at (?<at>[^ ]*): what runs there since").at |
	sub("[.]000Z"; "Z")), .pods.known, (.pods.items | map(.name)), .addresses.items[0].known]')" \
	'3 ["silent",true,false,["www-0"],true]'
who pod/default/www-0
is "nor whether a pod does" "$SAID $(head -1 "$DIR/out") $(grep -c \
	'why     the kubelet of node-a was last heard at .*: it is not known whether it still runs there' \
	"$DIR/out")" "3 not known where pod default/www-0 is 1"
heard node-a 5
who 203.0.113.7
says "now: node, since when, pods, sources" 0 "203.0.113.7 is on node-a
  since   2026-01-05T10:00:00Z, when its state became what it is
  zone    z
  for     web
  state   Attached
  source  NetIPAllocation web
1 pod on node-a
  pod     default/www-0
  source  the API server's pods"
who 203.0.113.8
says "what ipwarden does not know is not known" 3 "not known where 203.0.113.8 is
  why     its state is Unknown: the cloud ?[2Jdoes not answer
  for     web
  state   Unknown
  source  NetIPAllocation web"
who 203.0.113.9
is "nor what it has not looked at" "$SAID $(head -1 "$DIR/out")" \
	"3 not known where 203.0.113.9 is"
who 203.0.113.66
says "nor what no allocation lists" 3 "not known where 203.0.113.66 is
  why     no NetIPAllocation lists it"
who node/node-a -o json
is "a node: its addresses and its pods" "$SAID $(json '[.known, .node,
	(.addresses.items | map([.address, .known, .node])), (.pods.items | map(.name))]')" \
	'3 [false,"node-a",[["203.0.113.7",true,"node-a"],["203.0.113.8",false,null]],["www-0"]]'
who node/node-b
is "a node without an address" "$SAID $(head -1 "$DIR/out")" "0 node-b has no address"
who pod/default/www-1 -o json
is "a pod: its node, and what that has" \
	"$SAID $(json '[.node, .placement.known, .addresses.items]')" '0 ["node-b",true,[]]'
who pod/default/nobody
says "a pod that is not there" 3 "not known where pod default/nobody is
  why     there is no such pod now"

# --- then -----------------------------------------------------------------------------
map ipwarden-addresses-20260104 '{"203.0.113.7":"'"$(
	stay node-a 20:00:00.000 23:59:59.999 | sed 's/05T/04T/g; s/"/\\"/g')"'"}'
map ipwarden-addresses-20260105 "$(jq -nc --arg seven "$(
	stay node-a 00:00:00.000 10:05:12.345 | tr -d '\n'
	stay node-b 10:20:00.000 12:00:00.000
	stay '' 12:00:00.001 13:00:00.000)" --arg six "$(stay node-a 09:00:00.000 11:00:00.000 \
	observed)" '{"203.0.113.7": ($seven | gsub("\\\\n"; "\n")),
	"2001_db8__1": ($six | gsub("\\\\n"; "\n")), "203.0.113.9": "scribble",
	"hostname": "x"}')"
map ipwarden-addresses-20260105-p2 "$(jq -nc --arg eight "$(
	stay node-b 00:00:00.000 23:59:59.999 observed)" \
	'{"203.0.113.8": ($eight | gsub("\\\\n"; "\n"))}')"
map pod-ashiato-2026010510 '{"voice_sip-0":"node-a","voice_sip-1":"node-b","web_new":"",
	"voice_sip-3":"node-a","voice_sip-4":"node-a"}' "$(hour 10)"
map pod-ashiato-2026010510-p2 '{"voice_sip-1":"node-a","voice_sip-2":"node-b"}'
map pod-ashiato-2026010509 '{"voice_sip-0":"node-a","voice_sip-2":"node-a","voice_old":"node-a",
	"voice_sip-3":"node-a"}' "$(hour 09)"
map pod-ashiato-2026010511 '{"voice_sip-0":"node-a","voice_sip-1":"node-a",
	"voice_sip-2":"node-b"}' "$(hour 11)"

NOISE='ipwardenctl: ConfigMap default/ipwarden-addresses-20260105: 203.0.113.9 has a line that is no stay of that day: it is not used
ipwardenctl: ConfigMap default/ipwarden-addresses-20260105: hostname is the key of no address: it is not used'
who 203.0.113.7 --at 2026-01-05T10:03:00Z
says "then: since when over midnight, until when, the pods of that hour" 0 \
	"203.0.113.7 was on node-a at 2026-01-05T10:03:00Z
  since   2026-01-04T20:00:00Z, when ipwarden changed it
  until   2026-01-05T10:05:12.345Z
  zone    z
  for     web
  source  ConfigMap default/ipwarden-addresses-20260105
5 pods on node-a between 2026-01-05T10:00:00Z and 2026-01-05T11:00:00Z
  pod     voice/sip-0
  pod     voice/sip-1, came in that hour
  pod     voice/sip-2, left in that hour
  pod     voice/sip-3, left in that hour
  pod     voice/sip-4, came and left in that hour
  source  ConfigMap default/pod-ashiato-2026010510
$NOISE"
who 203.0.113.7 --at 2026-01-05T10:10:00Z
says "a gap: what is known on both sides" 3 \
	"not known where 203.0.113.7 was at 2026-01-05T10:10:00Z
  why     no ConfigMap of that day in namespace default says where it was then
  before  on node-a until 2026-01-05T10:05:12.345Z
  after   on node-b from 2026-01-05T10:20:00Z
$NOISE"
who --at 2026-01-05T12:30:00Z 203.0.113.7
is "at no node, which is known" "$SAID $(head -1 "$DIR/out")" \
	"0 203.0.113.7 was on no node at 2026-01-05T12:30:00Z"
who 203.0.113.9 --at 2026-01-05T10:03:00Z
is "somebody else's text is no answer" "$SAID $(head -1 "$DIR/out")" \
	"3 not known where 203.0.113.9 was at 2026-01-05T10:03:00Z"
who 203.0.113.8 --at 2026-01-05T10:03:00Z -o json
is "the next part of the day; a midnight is no beginning" "$SAID $(json \
	'[.addresses.items[0] | .known, .node, .since, .sinceBy, .source]')" \
	'0 [true,"node-b","2026-01-05T00:00:00Z","observed","ConfigMap default/ipwarden-addresses-20260105-p2"]'
is "the pods of that hour, in JSON" "$(json '[.pods.known, .pods.resolutionSeconds,
	.pods.items]')" '[true,3600,[{"namespace":"voice","name":"sip-1","presence":"passed"},'\
'{"namespace":"voice","name":"sip-2","presence":"came"}]]'
who 203.0.113.7 --at 2026-01-05T12:00:00Z
is "the node is known, the pods of that hour are not" "$SAID $(head -1 "$DIR/out") $(
	grep why "$DIR/out")" "3 203.0.113.7 was on node-b at 2026-01-05T12:00:00Z \
  why     there is no ConfigMap default/pod-ashiato-2026010512"
TZ=America/New_York who 203.0.113.7 --at '2026-01-05 05:03' --local
is "hours of the local zone are looked up where they are asked for" \
	"$SAID $(sed -n 's/^  why *//p' "$DIR/out")" \
	"3 there is no ConfigMap default/pod-ashiato-2026010505"
TZ=America/New_York who 203.0.113.7 --at '2026-01-05 05:03'
is "and those of UTC else" "$SAID $(head -1 "$DIR/out")" \
	"0 203.0.113.7 was on node-a at 2026-01-05T10:03:00Z"

who node/node-a --at 2026-01-05T10:03:00Z -o json
is "a node then" "$SAID $(json '[.known, .addresses.othersNotKnown, (.addresses.items |
	map([.address, .known])), (.pods.items | map([.name, .presence]))]')" \
	'3 [false,1,[["2001:db8::1",true],["203.0.113.7",true]],[["sip-0","throughout"],["sip-1","came"],["sip-2","left"],["sip-3","left"],["sip-4","passed"]]]'
who pod/voice/sip-0 --at 2026-01-05T10:03:00Z
is "a pod then: where it was before and afterwards, and the addresses there" \
	"$(grep -v zone "$DIR/out")" "pod voice/sip-0 was on node-a at 2026-01-05T10:03:00Z
  hour    2026-01-05T10:00:00Z to 2026-01-05T11:00:00Z
  source  ConfigMap default/pod-ashiato-2026010510
2001:db8::1 was on node-a at 2026-01-05T10:03:00Z
  since   2026-01-05T09:00:00Z or before: it was first seen so then
  until   2026-01-05T11:00:00Z
  for     web
  source  ConfigMap default/ipwarden-addresses-20260105
203.0.113.7 was on node-a at 2026-01-05T10:03:00Z
  since   2026-01-04T20:00:00Z, when ipwarden changed it
  until   2026-01-05T10:05:12.345Z
  for     web
  source  ConfigMap default/ipwarden-addresses-20260105
not known where 1 other address was then"
who pod/voice/sip-2 --at 2026-01-05T10:03:00Z
is "one that moved in that hour was on either node" "$SAID $(sed -n 's/^  why *//p' \
	"$DIR/out")" "3 it moved in that hour, from node-a to node-b"
who pod/voice/sip-1 --at 2026-01-05T10:03:00Z
is "one that came in that hour, before then or after" "$SAID $(sed -n 's/^  why *//p' \
	"$DIR/out")" "3 it moved in that hour, from node-b to node-a"
who pod/voice/sip-3 --at 2026-01-05T10:03:00Z -o json
is "one that ended in it" "$SAID $(json '[.node, .placement.known, .placement.presence]')" \
	'3 [null,false,"left"]'
who pod/voice/sip-0 --at 2026-01-05T09:30:00Z -o json
is "one of which the hour before says nothing" "$SAID $(json '[.node, .placement.known,
	.placement.presence]')" '3 [null,false,"unknown"]'
who pod/voice/sip-9 --at 2026-01-05T10:03:00Z
is "a pod that was not seen" "$SAID $(sed -n 's/^  why *//p' "$DIR/out")" \
	"3 it was not seen in that hour"
who pod/web/new --at 2026-01-05T10:03:00Z
is "one that was on no node" "$SAID $(head -1 "$DIR/out")" \
	"0 pod web/new was on no node at 2026-01-05T10:03:00Z"
who 203.0.113.7 --at 2025-06-01T00:00:00Z
is "a day without a ConfigMap" "$SAID $(grep -c 'not known where' "$DIR/out")" "3 1"
who 203.0.113.7 --at 2026-01-05T10:03:00Z --cm-namespace elsewhere
is "ConfigMaps of another namespace" "$SAID" 3

# --- what the hour has, and when it was watched -------------------------------------------
# hour_says WATCHED: of node-a, whose hour has that annotation, "" none
hour_says() {
	map pod-ashiato-2026010510 '{"voice_sip-0":"node-a"}' "$1" watched
	who node/node-a --at 2026-01-05T10:03:00Z --cm-namespace watched -o json
	json '[.pods.known, (.pods.items | map([.name, .presence])), .pods.why]'
}
SIP='[["sip-0","unknown"]]'
is "all of the hour" "$(hour_says "$(hour 10)")" '[true,'"$SIP"',""]'
is "an hour that says nothing, as Pod Ashiato's" "$(hour_says "")" '[false,'"$SIP"','\
'"it does not say when, and which, pods were watched: there may have been others"]'
is "a time at which nobody watched" "$(hour_says "$(span 10:00:00.000 10:02:00.000
	span 10:05:00.000 10:59:59.999)")" '[false,'"$SIP"',"it is not known that pods were '\
'watched then, but until 2026-01-05T10:02:00.000Z, but from 2026-01-05T10:05:00.000Z on: '\
'there may have been others"]'
is "some pods only" "$(hour_says "$(span 10:00:00.000 10:59:59.999 \
	'"namespace":"voice","name":"sip","label":"app=sip"')")" '[false,'"$SIP"','\
'"only pods of namespace voice whose name begins with sip with labels app=sip were watched: '\
'there may have been others"]'
is "some, and all as well" "$(hour_says "$(span 10:00:00.000 10:59:59.999 '"name":"sip"'
	span 10:01:00.000 10:04:00.000)")" '[true,'"$SIP"',""]'
is "what is no span says nothing" "$(hour_says '{"from":"x"}') $(grep -c \
	'footprint.ipwarden.dev/watched has a line that is no span' "$DIR/err")" \
	'[false,'"$SIP"',"it is not known that pods were watched then: there may have been others"] 1'
who node/node-a --at 2026-01-05T10:03:00Z --cm-namespace watched
is "the table has it, too" "$(grep -A1 '  pod' "$DIR/out")" \
	"  pod     voice/sip-0, from when to when is not known
  why     it is not known that pods were watched then: there may have been others"

# beside MEMBERS: when that chose the pods of the hours before and after
beside() {
	map pod-ashiato-2026010509 '{}' "$(span 09:00:00.000 09:59:59.999 "${1:-}")" watched
	map pod-ashiato-2026010511 '{}' "$(span 11:00:00.000 11:59:59.999 "${1:-}")" watched
	who node/node-a --at 2026-01-05T10:03:00Z --cm-namespace watched -o json
	json '.pods.items | map(.presence)'
}
is "an hour beside it that watched all" "$(beside)" '["passed"]'
is "the pods of its namespace" "$(beside '"namespace":"voice","name":"sip"')" '["passed"]'
for other in '"namespace":"web"' '"name":"www-"' '"label":"app=sip"'; do
	is "one that watched others is no proof: $other" "$(beside "$other")" '["unknown"]'
done
map pod-ashiato-2026010510 '{"voice_sip-0":""}' "$(hour 10)" watched
who pod/voice/sip-0 --at 2026-01-05T10:03:00Z --cm-namespace watched -o json
is "nor that a pod was on no node" "$SAID $(json '[.placement.known, .node]')" '3 [false,null]'

# --- a pod that was on more nodes than one in the hour ------------------------------------
put_object "$(jq -nc --arg watched "$(hour 10)" '{apiVersion: "v1", kind: "ConfigMap",
	metadata: {name: "pod-ashiato-2026010510", namespace: "moved", annotations: {
		"footprint.ipwarden.dev/watched": $watched,
		"footprint.ipwarden.dev/earlier-nodes":
			({"voice_sip-0": ["node-a", "node-b"], "voice_sip-1": ["node-a"]} | tojson)}},
	data: {"voice_sip-0": "node-c", "voice_sip-1": "node-c"}}')" >/dev/null
map pod-ashiato-2026010509 '{"voice_sip-1":"node-a"}' "$(hour 09)" moved
for node in a b c; do
	who node/node-$node --at 2026-01-05T10:03:00Z --cm-namespace moved -o json
	json '[.pods.known, (.pods.items | map([.name, .presence]))]'
done >"$DIR/moved"
is "it is told for each" "$(cat "$DIR/moved")" '[true,[["sip-0","passed"],["sip-1","left"]]]
[true,[["sip-0","passed"]]]
[true,[["sip-0","came"],["sip-1","came"]]]'
who pod/voice/sip-0 --at 2026-01-05T10:03:00Z --cm-namespace moved
is "where it was is not known" "$SAID $(sed -n 's/^  why *//p' "$DIR/out")" \
	"3 it moved in that hour, from node-b to node-c"

# --- clocks that are set back: two hours have one name ------------------------------------
# of 26 October 2025 in Berlin, from midnight to two o'clock of UTC
for at in 01 02 03; do
	case $at in
	01) pods='{"voice_sip-0":"node-b"}' ;;
	02) pods='{"voice_sip-0":"node-a","voice_sip-1":"node-a"}' ;;
	03) pods='{"voice_sip-0":"node-a"}' ;;
	esac
	map pod-ashiato-20251026$at "$pods" \
		'{"from":"2025-10-25T20:00:00.000Z","until":"2025-10-26T04:00:00.000Z"}' back
done
for at in 00 01; do
	TZ=Europe/Berlin who node/node-a --at 2025-10-26T$at:30:00Z --local --cm-namespace back \
		-o json
	is "at $at:30 of UTC" "$(json '[.pods.known, .pods.from, .pods.until,
		.pods.resolutionSeconds, (.pods.items | map(.presence))]')" \
		'[true,"2025-10-26T00:00:00Z","2025-10-26T02:00:00Z",7200,["came","passed"]]'
done

# --- this hour: which pods are there still ------------------------------------------------
# started NAME SECONDS: on node-a, so long ago
started() {
	put_object "$(jq -nc --arg name "$1" --arg at "$(date -u -d "-$2 seconds" +%FT%TZ)" '{
		apiVersion: "v1", kind: "Pod", metadata: {name: $name, namespace: "still"},
		spec: {nodeName: "node-a", containers: [{name: "main", image: "none"}]},
		status: {phase: "Running", startTime: $at}}')" >/dev/null
}
heard node-a 5
started old 300
started young 5
map "pod-ashiato-$(date -u -d "-60 seconds" +%Y%m%d%H)" '{"still_old":"node-a",
	"still_young":"node-a","still_gone":"node-a"}' "" still
who node/node-a --at 60s --cm-namespace still -o json
is "one that is there since was there then" "$(json '.pods.items | map([.name, .presence])')" \
	'[["gone","unknown"],["old","still"],["young","unknown"]]'
who pod/still/old --at 60s --cm-namespace still
is "it is known where it was" "$(head -1 "$DIR/out" | cut -d' ' -f1-6)" \
	"pod still/old was on node-a at"
fault '{"target":"kube","path":"/api/v1/pods","status":403}'
who node/node-a --at 60s --cm-namespace still -o json
is "who may not list pods knows less" "$(json '.pods.items | map(.presence) | unique')" \
	'["unknown"]'
clear_faults
heard node-a 120
who pod/still/old --at 60s --cm-namespace still -o json
is "nor does who asks for a silent node" "$(json '[.placement.presence, .placement.known]')" \
	'["unknown",false]'
heard node-a 50
who pod/still/old --at 60s --cm-namespace still -o json
is "but of what was before" "$(json '[.placement.presence, .placement.known]')" '["still",true]'

# --- the last minutes, which nobody has written yet --------------------------------------
# ago SECONDS: as the history has times
ago() { date -u -d "-$1 seconds" +%FT%T.000Z; }
# today NAMESPACE NODE UNTIL_S: the history, in a namespace of its own, of one second
today() {
	put_object "$(jq -nc --arg ns "$1" --arg date "$(date -u -d "-$3 seconds" +%Y%m%d)" \
		--arg line "$(jq -nc --arg node "$2" --arg time "$(ago "$3")" '{node: $node,
		zone: "z", allocation: "web", from: $time, until: $time,
		source: "operation"}')" '{apiVersion: "v1", kind: "ConfigMap",
		metadata: {name: "ipwarden-addresses-\($date)", namespace: $ns},
		data: {"203.0.113.7": "\($line)\n"}}')" >/dev/null
}
today one node-a 200
who 203.0.113.7 --at 1m --cm-namespace one -o json
is "where it was last written, if it is still there" \
	"$(json '.addresses.items[0] | [.known, .node, .until, (.source | split(", ")[1])]')" \
	'[true,"node-a",null,"and its NetIPAllocation now"]'
lease 200 me
who 203.0.113.7 --at 1m --cm-namespace one -o json
is "not while nobody keeps that up to date" "$SAID $(json '.addresses.items[0] |
	[.known, .before.node, (.why | split("; ")[1])]')" '3 [false,"node-a",'\
'"no ipwarden leads: what the statuses of the NetIPAllocations say may be old"]'
lease 10 me
today two node-b 200
who 203.0.113.7 --at 1m --cm-namespace two -o json
is "not if it is elsewhere now" \
	"$(json '.addresses.items[0] | [.known, .before.node]')" '[false,"node-b"]'
today three node-a 900
who 203.0.113.7 --at 1m --cm-namespace three -o json
is "nor after a silence of ten minutes" \
	"$(json '.addresses.items[0] | [.known, .before.node]')" '[false,"node-a"]'

# --- what goes wrong ------------------------------------------------------------------
fault '{"target":"kube","path":"/configmaps/","status":403}'
who 203.0.113.7 --at 2026-01-05T10:03:00Z
is "a refusal is a failure" "$SAID $(cat "$DIR/out")" "1 "
check "that names the ConfigMap" grep -q 'ConfigMap default/ipwarden-addresses-20260105 cannot be read' \
	"$DIR/err"
fault '{"target":"kube","path":"/netipallocations","status":403}'
who 203.0.113.7
is "the same now" "$SAID $(cat "$DIR/out")" "1 "
# refused WHAT [words]: with a message that says how it is asked
refused() {
	what=$1
	shift
	who "$@"
	is "refused: $*" "$SAID $(grep -c -- "$what" "$DIR/err")" "2 1"
}
refused 'a node is asked for as node/NAME' node-a
refused 'a node is asked for as node/NAME' default/www-0
refused 'pod/NAMESPACE/NAME: pod/www-0' pod/www-0
refused 'pod/NAMESPACE/NAME: 203.0.113' 203.0.113
refused 'no name of a node' 'node/a,metadata.name=b'
refused 'one question at a time' 203.0.113.7 203.0.113.8
refused 'about what' -o json
refused 'no such form' 203.0.113.7 -o yaml
refused 'no time' 203.0.113.7 --at yesterday
refused 'no time' 203.0.113.7 --at '2026-02-30 10:00'
refused 'nothing is known of that time' 203.0.113.7 --at 2999-01-01T00:00:00Z
"$STAGE/bin/ipwardenctl" who 203.0.113.7 >/dev/full 2>/dev/null
is "a full disk is an error" $? 1
