#!/bin/sh
# ipwardenctl pods: pods by node, namespace and name, of the PodTrackerSlices that there
# are, and what is told when these are not all, or none.
. "$SRC/tests/system/lib.sh"

SLICES=/apis/tracking.ipwarden.dev/v1alpha1/podtrackerslices

start_world

# pods [options]: SAID is its exit status, $DIR/out and $DIR/err what it wrote
pods() {
	"$STAGE/bin/ipwardenctl" pods "$@" >"$DIR/out" 2>"$DIR/err"
	SAID=$?
}

# told WORDS: on its standard error
told() { grep -q -- "$1" "$DIR/err"; }

# asked STATUS: how often it was answered so when it asked for slices
asked() {
	jq -s 'map(select(.resource == "podtrackerslices" and .status == '"$1"' and
		(.agent | startswith("ipwarden-ctl/")))) | length' "$DIR/requests.jsonl"
}

# slice NAME NODE PART PARTS PODCOUNT AGE_S POD...: each NAMESPACE/NAME=IP; its WRITER
WRITER=Leader
slice() {
	jq -nc --arg name "$1" --arg node "$2" --argjson part "$3" --argjson parts "$4" \
		--argjson count "$5" --arg time "$(date -u -d "-$6 seconds" +%FT%TZ)" \
		--arg pods "$(shift 6; echo "$*")" --arg writer $WRITER '{
		apiVersion: "tracking.ipwarden.dev/v1alpha1", kind: "PodTrackerSlice",
		metadata: {name: $name}, nodeName: $node, nodeUID: "uid-\($node)",
		nodeIP: "10.0.0.9", writer: $writer, part: $part, parts: $parts,
		podCount: $count, lastUpdateTime: $time, pods: [$pods | splits(" ") |
		capture("(?<namespace>.*)/(?<podName>.*)=(?<ip>.*)") | . + {nodeName: $node,
		uid: "uid-\(.podName)", phase: "Running", ips: [.ip, "fd00::1"],
		creationTimestamp: "2026-01-02T03:04:05Z"}]}' |
		api POST $SLICES -o /dev/null -H 'Content-Type: application/json' \
			--data-binary @-
}

# --- nothing to answer from -----------------------------------------------------------
pods
is "without the definition it fails" $SAID 1
check "and says what to apply" told 'apply crds/, and create a PodTracker'

# a server that does not know the field, as those before Kubernetes 1.31
sed '/^    # Kubernetes 1.31/d; /^    selectableFields:/,/jsonPath: .writer/d' \
	"$SRC/crds/podtrackerslice.yaml" | apply - >/dev/null
eventually 10 "PodTrackerSlice is served" kc get podtrackerslices.tracking.ipwarden.dev
pods
is "without slices it fails" $SAID 1
check "and says what makes them" told 'create a PodTracker'

slice node-a node-a 1 1 3 10 voice/sip-1=10.1.0.2 web/www-0=10.1.0.3 voice/sip-0=10.1.0.1
slice node-b node-b 1 1 1 10 voice/gw-0=10.2.0.1

lease 10 me
# heard NODE AGE_S: its kubelet was, so long ago
heard() { lease "$2" "$1" "kube-node-lease/$1" 40; }
for node in a b d; do heard node-$node 10; done
pods --node node-b -o name
is "a server that does not know the field: the node's pods" \
	"$SAID $(cat "$DIR/out" "$DIR/err")" "0 voice/gw-0"
is "it was asked by that field, then for all" "$(asked 400) $(asked 200)" "1 2"

apply "$SRC/crds/podtrackerslice.yaml" >/dev/null
selects() { kc get podtrackerslices --field-selector nodeName=node-a; }
eventually 10 "the field is served" selects

# --- which pods -----------------------------------------------------------------------
before=$(asked 200)
pods --node node-b -o name
is "one that knows it is asked once" \
	"$SAID $(cat "$DIR/out" "$DIR/err") $(($(asked 200) - before))" "0 voice/gw-0 1"
pods
is "all, by namespace and name" "$SAID $(sed -E 's/ +[0-9]+d[0-9]*h?$/ AGE/' "$DIR/out")" \
	"0 NAMESPACE  NAME   IP        NODE    PHASE    AGE
voice      gw-0   10.2.0.1  node-b  Running AGE
voice      sip-0  10.1.0.1  node-a  Running AGE
voice      sip-1  10.1.0.2  node-a  Running AGE
web        www-0  10.1.0.3  node-a  Running AGE"
check "with nothing to say about it" [ ! -s "$DIR/err" ]
pods --namespace voice --name sip -o name
is "of a namespace, by the beginning of their name" "$SAID $(cat "$DIR/out")" \
	"0 voice/sip-0
voice/sip-1"
pods -o wide -name=www
is "wide" "$(head -1 "$DIR/out" | tr -s ' ') $(awk 'NR == 2 { print $7, $8, $9, $10 }' \
	"$DIR/out")" "NAMESPACE NAME IP NODE PHASE AGE IPS HOSTNETWORK NODE-IP WRITER UPDATED \
10.1.0.3,fd00::1 false 10.0.0.9 Leader"
pods -o json --node node-a
is "JSON" "$(jq -c '[.complete, .leads, (.pods | map(.podName)), .pods[0].ips, .pods[0].nodeName,
	.problems]' "$DIR/out")" \
	'[true,"yes",["sip-0","sip-1","www-0"],["10.1.0.1","fd00::1"],"node-a",[]]'
pods --name nobody
is "none of that name is an answer" "$SAID $(cat "$DIR/out" "$DIR/err")" \
	"0 ipwardenctl: no such pods"
pods --node nowhere
is "a node without a slice is none" $SAID 1
check "and it is said" told 'node nowhere has no PodTrackerSlice'

# --- slices that are not all ----------------------------------------------------------
slice node-c node-c 1 2 2 10 web/www-1=10.3.0.1
WRITER=Agent
slice node-d node-d 1 1 1 4000 web/www-2=10.4.0.1
WRITER=Leader
slice node-e node-e 1 1 7 10 web/www-3=10.5.0.1
for node in a b c d e; do heard node-$node 5; done
pods --namespace web -o name
is "what there is is shown" "$SAID $(wc -l <"$DIR/out")" "0 4"
is "and of which nodes that is not all, or old" "$(cat "$DIR/err")" \
	"ipwardenctl: not sure of node node-c: it has 1 of 2 slices
ipwardenctl: not sure of node node-d: it was last written by its agent 66m ago
ipwardenctl: not sure of node node-e: it has 1 of 7 pods"
pods --node node-a
check "of other nodes nothing is said" [ ! -s "$DIR/err" ]
pods -o json
is "JSON has them too" "$(jq -c '[.complete, (.problems | map(.nodeName))]' "$DIR/out")" \
	'[false,["node-c","node-d","node-e"]]'

# --- who keeps them up to date --------------------------------------------------------
lease 200 me
pods --node node-a -o json
is "no ipwarden leads" "$SAID $(jq -c '[.leads, .byLeader, .complete]' "$DIR/out")" \
	'0 ["no",1,false]'
check "it is told" told 'no ipwarden leads: the 1 slices'
pods --node node-d
check "an agent needs none" [ "$(grep -c 'leads' "$DIR/err")" = 0 ]
lease 10 ""
pods --node node-a
check "one that was given back is nobody's" told 'no ipwarden leads'
lease 10 me
pods --node node-a -o json --lease kube-system/elsewhere
is "without that Lease it is not known" "$(jq -c '[.leads, .complete]' "$DIR/out")" \
	'["unknown",false]'
check "and told" told 'for want of Lease kube-system/elsewhere'

# --- which nodes are heard ------------------------------------------------------------
heard node-a 3610
heard node-b 5
pods --node node-a -o json
is "a node whose kubelet is silent" "$(cat "$DIR/err") $(jq -c '[.silentKubelets[].nodeName,
	(.silentKubelets[0].since | length), .kubeletsNotKnown, .complete]' "$DIR/out")" \
	'ipwardenctl: not sure of node node-a: it has a kubelet that was last heard 60m ago ["node-a",20,0,false]'
pods --node node-b -o json
is "one that is heard" "$(cat "$DIR/err") $(jq -c '[.silentKubelets, .complete]' "$DIR/out")" \
	' [[],true]'
remove_object /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-b
for node in c d e; do heard node-$node 5; done
pods -o json
is "one that has no Lease" "$(grep -c 'whether the kubelets of 1 nodes are alive is not known, for '\
'want of a Lease in kube-node-lease: node-b' "$DIR/err") $(jq -c '[.kubeletsNotKnown,
	(.silentKubelets | length)]' "$DIR/out")" "1 [1,1]"
heard node-a 5
heard node-b 5
fault '{"target":"kube","path":"/kube-node-lease/","status":403}'
pods --node node-a -o json
is "who may not read it knows less, and goes on" "$SAID $(grep -c 'kubelets are alive is not known, '\
'their Leases in kube-node-lease cannot be read: ' "$DIR/err") $(jq -c .kubeletsNotKnown "$DIR/out")" \
	"0 1 1"
clear_faults

# --- what goes wrong ------------------------------------------------------------------
fault '{"target":"kube","path":"/podtrackerslices","status":403}'
pods
is "a refusal is a failure" $SAID 1
check "with the server's words" told 'cannot be listed: '
fault '{"target":"kube","path":"/podtrackerslices","status":429}'
pods -o name
is "a server that has too much to do is asked again" "$SAID $(wc -l <"$DIR/out")" "0 7"
fault "$(jq -nc '{target: "kube", path: "/podtrackerslices", status: 200, body: {
	apiVersion: "tracking.ipwarden.dev/v1alpha1", kind: "PodTrackerSliceList",
	metadata: {resourceVersion: "1"}, items: [{nodeName: "n1", pods: 7},
	{nodeName: "n2", lastUpdateTime: (now | todate), pods: [{podName: "\u001b[2J",
	namespace: "x"}]}]}}')"
pods -o name
is "what a terminal would obey is not passed on" "$(cat "$DIR/out")" 'x/?[2J'
check "a slice that is none is told" told '1 slices cannot be read'
for words in "-o yaml" "--nope" "web" "--node"; do
	# shellcheck disable=SC2086
	pods $words
	is "pods $words is refused" $SAID 2
done
pods --help
is "its help" "$SAID $(grep -c -- --namespace "$DIR/err")" "0 1"
"$STAGE/bin/ipwardenctl" pods >/dev/full 2>/dev/null
is "a full disk is an error" $? 1
