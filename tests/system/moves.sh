#!/bin/sh
# A move, by its logs: in which order things are done, what becomes of it when the target
# fails, which request ids are used again, what it needs to begin, and that one bad
# address holds up nobody: SEMANTICS "A move" and what a move needs.
. "$SRC/tests/system/lib.sh"

ADDRESS=34.82.10.
# longer than a label's value may be
LONG=$(printf 'a%.0s' $(seq 40)).$(printf 'b%.0s' $(seq 40))
CONTROLLER=system:serviceaccount:kube-system:ip-address-controller-sa

start_world --nodes 16 --addresses "$(seq -s, -f $ADDRESS%g 10)" --ephemeral
install_crd
deployment web
control POST /gce/settings --data-binary '{"operation_latency_ms":200}' >/dev/null
start_ipwarden
eventually 30 "all processes are ready" all_ready

# allocate NAME SET "NODE..." ADDRESS... : for those nodes only
allocate() {
	name=$1
	set=$2
	for node in $3; do node_labels "node-$node" '{"pool":null,"set":"'"$set"'"}'; done
	shift 3
	spec_allocation "$name" "$(jq -nc --arg set "$set" --arg prefix $ADDRESS \
		'{nodeSelector: {set: $set}, reservedIPs: ($ARGS.positional | map($prefix + .))}' \
		--args "$@")"
}
on() { holds "$ADDRESS$2" "$3" && entry_is "$1" "$ADDRESS$2" "Attached Attached"; }
id_of() { control GET /gce/state | jq -r --arg n "$1" \
	'.instances[] | select(.name == $n) | .id'; }
ip_of() { control GET /gce/state | jq -r --arg n "$1" \
	'.instances[] | select(.name == $n) | .external_ip'; }
has_ephemeral() { ip_of "$1" | grep -q '^203\.'; }
# fails NODE N [COUNT]: attaching that address there ends with an error
fails() {
	fault '{"target":"gce","path":"/instances/'"$(id_of "$1")"'/addAccessConfig",
		"contains":"'$ADDRESS"$2"'","operation_error":"INTERNAL_ERROR","count":'"${3:-1}"'}'
}
# last FACT ADDRESS KEY: of its last such fact
last() { jq -rs --arg f "$1" --arg a "$2" --arg k "$3" 'map(select(.fact == $f and
	.address == $a and .by == "api")) | last | .[$k] // ""' "$ATTACHMENTS_LOG"; }

allocate "$LONG" order "1 2" 1
allocate back back "3 4" 2
allocate next next "5 6 7" 3
allocate lost lost "8 9" 4
allocate mixed mixed "10 11 12" 5 6 7
allocate alone alone "13" 8
allocate missing missing "14 15" 9
edit_allocation missing '{"workloadRef":{"kind":"StatefulSet","name":"web"}}'
eventually 30 "all are attached" kc wait --for=condition=Ready nia --all --timeout=1s

# --- the order of a move --------------------------------------------------------------
LABEL=netinfra.darkbrains.com/allocation
is "a long name is cut and hashed in the label" \
	"$(label node-1 $LABEL | sed 's/-[0-9a-f]\{16\}$/-HASH/')" \
	"$(echo "$LONG" | cut -c1-46)-HASH"
cordon node-1
eventually 15 "it moves" on "$LONG" 1 node-2
is "the new node has the same label" "$(label node-2 $LABEL | cut -c1-46)" \
	"$(echo "$LONG" | cut -c1-46)"
eventually 10 "the old node has its ephemeral address back" has_ephemeral node-1
# what was done, by the logs of the API server and the cloud
{
	jq -c --arg n "$LONG" 'select(.user == "'$CONTROLLER'" and .verb == "patch" and
		((.resource == "nodes" and (.name | IN("node-1", "node-2"))) or
		(.subresource == "status" and .name == $n))) |
		{ms, what: ((.subresource | if . == "" then "label" else . end) + " " +
			(.name | if . == $n then "" else . end))}' "$DIR/requests.jsonl"
	jq -c 'select(.by == "api" and (.fact | IN("attach", "detach")) and
		(.instance | IN("node-1", "node-2"))) | {ms, what: (.fact + " " +
		(if .ephemeral then "ephemeral " else "" end) + .instance)}' "$ATTACHMENTS_LOG"
} | jq -rs 'sort_by(.ms) | .[].what' >"$DIR/story"
# the first attachment is another story
sed '1,/^label node-1$/d' "$DIR/story" >"$DIR/move"
is "labels off, detach, room, attach, labels on, the ephemeral address back" \
	"$(grep -v ^status "$DIR/move" | paste -sd';')" \
	"label node-1;detach node-1;detach ephemeral node-2;attach node-2;label node-2;attach ephemeral node-1"
# before each step of these the journal was written, and at the end
is "the journal was written before the first, between, and after the last" \
	"$(uniq "$DIR/move" | sed 's/^status $/J/; s/^label.*/L/; s/^detach eph.*/E/
		s/^detach.*/D/; s/^attach eph.*/G/; s/^attach.*/A/' | tr -d '\n' |
		sed 's/JLDJ\(J\?\)EJALG\?J.*/as it should be/; s/^J*as/as/')" "as it should be"

# --- the target fails: the next one, or back -------------------------------------------
fails node-4 2 -1
fails node-6 3
cordon node-3
cordon node-5
eventually 15 "the next eligible node gets it" on next 3 node-7
is "under a fresh request id" \
	"$([ "$(last refuse ${ADDRESS}3 request_id)" != "$(last attach ${ADDRESS}3 request_id)" ] &&
		echo fresh)" fresh
eventually 10 "what failed is told" event Refused "${ADDRESS}3 cannot go to node-6"
eventually 10 "who failed got its ephemeral address back" has_ephemeral node-6
refused() { [ -n "$(last refuse ${ADDRESS}2 request_id)" ]; }
eventually 15 "the only target fails" refused
back_home() { holds ${ADDRESS}2 node-3 && label_is node-3 ip.ready true &&
	entry_says back ${ADDRESS}2 "refused it just now"; }
eventually 15 "it goes back, is labelled, and says why it stays" back_home
is "taken off once, put back once" "$(facts detach ${ADDRESS}2) $(facts attach ${ADDRESS}2)" "1 2"
eventually 10 "the target has its ephemeral address again" has_ephemeral node-4

# --- an unknown outcome: the same request id ------------------------------------------
fault '{"target":"gce","path":"/instances/'"$(id_of node-9)"'/addAccessConfig",
	"contains":"'${ADDRESS}4'","drop_after":true}'
fault '{"target":"gce","path":"/instances/'"$(id_of node-8)"'/deleteAccessConfig",
	"drop_after":true}'
cordon node-8
eventually 30 "moved, although both answers were lost" on lost 4 node-9
is "each was done once, and nothing was refused" "$(facts detach ${ADDRESS}4) $(
	facts attach ${ADDRESS}4) $(facts refuse ${ADDRESS}4)" "1 2 0"

# --- a live node loses nothing without a target ---------------------------------------
cordon node-13
eventually 15 "without an eligible node it stays" entry_says alone ${ADDRESS}8 "0/15 nodes: "
is "where it is" "$(node_of ${ADDRESS}8) $(label node-13 ip.ready)" "node-13 true"

# --- a workload that does not exist ---------------------------------------------------
home=$(node_of ${ADDRESS}9)
pod default/web-abc12-a "$home" web
put_object "$(api GET /api/v1/namespaces/default/pods/web-abc12-a | jq \
	'del(.metadata.resourceVersion) | .metadata.labels.app = "web"')" >/dev/null
cordon "$home"
eventually 15 "a workload that does not exist: nothing moves" \
	entry_is missing ${ADDRESS}9 "Draining WorkloadNotFound"
check "a pod of that name is a hint" entry_says missing ${ADDRESS}9 "web-abc12-a"
is "it is where it was" "$(node_of ${ADDRESS}9)" "$home"

# --- one bad address ------------------------------------------------------------------
BAD=${ADDRESS}5
fault '{"target":"gce","path":"addAccessConfig","contains":"'$BAD'","status":403,
	"count":-1,"body":{"error":{"code":403,"message":"no","errors":[{"reason":"forbidden"}]}}}'
for n in 10 11 12; do detach_by_hand node-$n; done
merge_patch "$NIA/mixed" '{"metadata":{"annotations":{
	"netinfra.darkbrains.com/reconcile-at":"now"}}}'
both() { attached ${ADDRESS}6 && attached ${ADDRESS}7; }
eventually 15 "one bad address holds up no other" both
check "the bad one is nowhere" [ -z "$(node_of $BAD)" ]
check "no violations" no_violations
