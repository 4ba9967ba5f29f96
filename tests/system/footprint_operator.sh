#!/bin/sh
# ipwarden --store-in-cm: Pod Ashiato's ConfigMaps of the hours, kept by who leads.
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1
MAPS=/api/v1/namespaces/default/configmaps
LEASE_DURATION=5
LEASE_SKEW_GRACE_SEC=1

start_world --nodes 3 --addresses $ONE
install_crd
# as a real server has them: they name each key, and are its own
control POST /kube/settings --data-binary '{"managed_fields":true}' >/dev/null
NODES=$(api GET /api/v1/nodes | jq -r '[.items[].metadata.name] | sort | .[]')
# shellcheck disable=SC2086
set -- $NODES
N1=$1 N2=$2

# The hour must not turn while this runs.
turns_in=$((3600 - $(date +%s) % 3600))
[ $turns_in -gt 120 ] || sleep $turns_in
HOUR=pod-ashiato-$(date -u +%Y%m%d%H)

# a_pod NAMESPACE/NAME NODE [LABELS]
a_pod() {
	put_object "$(jq -nc --arg ns "${1%/*}" --arg name "${1#*/}" --arg node "$2" \
		--argjson labels "${3:-null}" '{apiVersion: "v1", kind: "Pod",
		metadata: {name: $name, namespace: $ns, labels: $labels},
		spec: {nodeName: $node, containers: [{name: "main", image: "none"}]},
		status: {phase: "Running", podIP: "10.1.1.1"}}')" >/dev/null
}
gone() { remove_object "/api/v1/namespaces/${1%/*}/pods/${1#*/}"; }
# short POD: it comes and goes between two writes
short() {
	a_pod "$1" "$N1"
	gone "$1"
}

map() { api GET "$MAPS/$HOUR"; }
value_is() { [ "$(map | jq -r --arg k "$1" '.data[$k]')" = "$2" ]; }
has() { map | jq -e --arg k "$1" '.data | has($k)'; }
# truth: what the API's own list has, where pods have names of usual length
truth() {
	api GET /api/v1/pods | jq -cS '[.items[] | {key: (.metadata.namespace + "_" +
		.metadata.name), value: (.spec.nodeName // "")}] | from_entries'
}
is_true() {
	wanted=$(truth)
	got=$(map | jq -cS .data)
	say "$got"
	[ "$got" = "$wanted" ]
}
# writes: of ConfigMaps, that were carried out
writes() {
	jq -c 'select(.resource == "configmaps" and .status < 300 and
		(.verb == "create" or .verb == "update" or .verb == "delete"))' \
		"$DIR/requests.jsonl" | wc -l
}
rounds() { metric 'ipwarden_footprint_writes_total{result="'"$1"'"}'; }
more_rounds() { [ "$(rounds "$1")" -gt "$2" ]; }
told() { grep -q "$1" "$LOG"; }

a_pod default/web-1 "$N1"
a_pod default/web-2 "$N2"
a_pod default/waits ""
a_pod voice/sip-0 "$N2" '{"app":"sip"}'
a_pod voice/sip-1 "$N1" '{"app":"sip","tier":"dev"}'
a_pod voice/rtp-0 "$N1" '{"app":"rtp"}'

# --- off, and in a dry run ------------------------------------------------------------
start_ipwarden --store-in-cm --dry-run
eventually 30 "a dry run: ready" ready
check "it says that nothing is stored" told '"event":"footprints_not_stored","why":"a dry run"'
stop_ipwarden

# --- refused --------------------------------------------------------------------------
start_ipwarden --store-in-cm --interval 1s --utc
allocation web $ONE >/dev/null
eventually 30 "without the right to ConfigMaps addresses are attached all the same" \
	kc wait --for=condition=Ready nia/web --timeout=1s
eventually 20 "it is ready" ready
eventually 10 "the log says which right is missing" told \
	'"event":"right_missing","rule":"get configmaps"'
check "and what was not stored" told \
	'"event":"footprint_not_stored".*"configmap":"'"$HOUR"'".*"status":403'
eventually 10 "a metric counts it" more_rounds error 0
eventually 40 "the review of rights has it, too" eval \
	'[ "$(metric "ipwarden_access_missing{process=\"reconciler\",verb=\"update\",resource=\"configmaps\",namespace=\"default\"}")" = 1 ]'
is "nothing was written" "$(writes)" 0

# --- kept -----------------------------------------------------------------------------
put_object "$(jq -nc --arg at "$(date -u -d "-100 hours" +%FT%TZ)" '{apiVersion: "v1",
	kind: "ConfigMap", metadata: {name: "pod-ashiato-2020010100", namespace: "default",
	creationTimestamp: $at, labels: {app: "pod-ashiato", type: "pod-node-mapping"}},
	data: {n_p: "node-1"}}')" >/dev/null
kc apply --validate=false -f "$SRC/deploy/components/footprints/rbac.yaml" >/dev/null
eventually 10 "with the component's Role the hour's map is what the API lists" is_true
is "the server says who wrote which key" "$(map | jq -c '(.data | keys) ==
	(.metadata.managedFields[0].fieldsV1["f:data"] | keys - ["."] | map(.[2:]))')" true
is "its labels are Pod Ashiato's" "$(map | jq -cS .metadata.labels)" \
	'{"app":"pod-ashiato","type":"pod-node-mapping"}'
eventually 10 "what is older than 72 h is deleted" eval '! api GET $MAPS/pod-ashiato-2020010100'
eventually 5 "the audit stream has both" eval '[ "$(jq -r "select(.what |
	startswith(\"footprints\")) | [.what, .object, .why, (.before | tojson),
	(.after | tojson), (.result | split(\" \")[0])] | join(\" \")" "$AUDIT" |
	grep -v 403 | sort -u | head -2)" = "footprints default/$HOUR pods were seen null {\"keys\":6} 201
footprints off default/pod-ashiato-2020010100 older than the retention {\"keys\":1} null 200" ]'

short default/short
eventually 5 "a pod that came and went between two writes is there" value_is default_short "$N1"
a_pod default/web-1 "$N2"
eventually 5 "a pod that has moved is where it is" value_is default_web-1 "$N2"
# knows TIME: all pods of a node at that time
knows() {
	env -u KUBECONFIG "$STAGE/bin/ipwardenctl" who node/"$N2" --at "$1" \
		--kubeconfig "$KUBECONFIG" -o json | jq -e .pods.known
}
WHEN=$(date -u +%FT%T.%3NZ)
a_pod default/web-1 "$N1"
eventually 5 "the next one moves it back" value_is default_web-1 "$N1"
a_pod default/web-1 "$N2"
eventually 15 "it tells when pods were watched: which there were is known" knows "$WHEN"
is "of all pods" "$(map | jq -c '.metadata.annotations["footprint.ipwarden.dev/watched"] |
	fromjson | keys')" '["from","until"]'
LONG=$(printf 'a%.0s' $(seq 250))
a_pod "voice/$LONG" "$N1"
eventually 5 "an over-long key is shortened, and listed" eval '[ "$(map | jq -r ".metadata.annotations[
	\"footprint.ipwarden.dev/long-keys\"] | fromjson | .[]")" = "voice_$LONG" ]'
gone "voice/$LONG"
asked() { grep -c '"resource":"configmaps"' "$DIR/requests.jsonl"; }
done=$(rounds success)
eventually 10 "what was last noted is written" more_rounds success $((done + 1))
count=$(asked)
done=$(rounds success)
eventually 10 "some intervals pass" more_rounds success $((done + 2))
is "in which nothing changed: no request" "$(asked)" "$count"

# --- another process, another leader --------------------------------------------------
gone default/web-2
stop_ipwarden
replica 0 elsewhere False --store-in-cm --interval 1s --utc
a_pod default/after "$N1"
eventually 10 "a restart goes on with the hour" value_is default_after "$N1"
check "what was seen before is still there" has default_web-2
replica 1 elsewhere False --store-in-cm --interval 1s --utc
leads() { grep -q '"event":"leader_won"' "$DIR/ipwarden-$1.log"; }
is "the second one only looks on" "$(leads 1 && echo leads)" ""
kill -STOP "$(LOG=$DIR/ipwarden-0.log pid_of reconciler)"
short default/shorter
kill -KILL "$MAIN_0"
others_but "$MAIN_0"
eventually 20 "the leader is killed: the other one leads" leads 1
eventually 10 "a pod that came and went before is not lost" value_is default_shorter "$N1"
check "nor is the rest" has default_short
kill "$MAIN_1"
wait "$MAIN_1" 2>/dev/null
others_but "$MAIN_1"

# --- the end --------------------------------------------------------------------------
LOG=$DIR/ipwarden.log
AUDIT=$DIR/audit.jsonl
POD_NAME=ipwarden-0
TRACKERS=/apis/networking.learntosolveit.com/v1/podtrackers
# stop: with SIGTERM, how long it took
stop() {
	begun=$(now_ms)
	stop_ipwarden
	took=$(($(now_ms) - begun))
}
# since LINE: what ipwarden asked for besides reads since then, and of which kind
since() {
	tail -n +"$1" "$DIR/requests.jsonl" | jq -r 'select(.resource | IN("configmaps", "leases")) |
		select(.verb | IN("update", "create", "delete")) | .resource' | uniq | xargs
}
holder() {
	api GET /apis/coordination.k8s.io/v1/namespaces/kube-system/leases/ip-address-controller-leader |
		jq -r .spec.holderIdentity
}
api POST "$TRACKERS" -o /dev/null -H 'Content-Type: application/json' --data-binary '{
	"apiVersion":"networking.learntosolveit.com/v1","kind":"PodTracker",
	"metadata":{"name":"voice"},"spec":{"namespace":"voice"}}'
# seen POD: the leader knows of it, and so of what came before
seen() { api GET "$TRACKERS/voice" | grep -q "\"podName\":\"$1\""; }
start_ipwarden --store-in-cm --interval 1h --utc
eventually 20 "an interval of an hour: its first write" more_rounds success 0
short default/late
a_pod voice/next "$N1"
eventually 10 "pods come and go" seen next
from=$(($(wc -l <"$DIR/requests.jsonl") + 1))
stop
is "what was noted since is written at SIGTERM" "$(map | jq -r '.data.default_late')" "$N1"
is "before the lease is given back" "$(since "$from" | grep -o 'configmaps.*')" "configmaps leases"
is "which it is" "$(holder)" ""
start_ipwarden --store-in-cm --interval 1h --utc
eventually 20 "once more" more_rounds success 0
a_pod voice/later "$N1"
eventually 10 "one more" seen later
fault '{"target":"kube","path":"/configmaps","hold":"before","count":-1}'
stop
clear_faults
check "nobody answers: the end does not wait for it ($took ms)" test $took -lt 5000
is "and the lease is given back" "$(holder)" ""
check "what is lost is told" told '"event":"footprint_not_stored".*"configmap":"'"$HOUR"

# --- of which pods --------------------------------------------------------------------
remove_object "$MAPS/$HOUR"
WITH="IPWARDEN_STORE_IN_CM=true IPWARDEN_NAMESPACE=voice IPWARDEN_INTERVAL=1s IPWARDEN_UTC=true"
start_ipwarden --label 'app in (sip,rtp),tier!=dev' --name sip
eventually 30 "--namespace, --name and --label choose" value_is voice_sip-0 "$N2"
is "and nothing else is there" "$(map | jq -c '.data | keys')" '["voice_sip-0"]'
merge_patch /api/v1/namespaces/voice/pods/sip-1 '{"metadata":{"labels":{"tier":"live"}}}'
eventually 5 "a label that changes counts" value_is voice_sip-1 "$N1"
merge_patch /api/v1/namespaces/voice/pods/sip-1 '{"spec":{"nodeName":"'"$N2"'"}}'
eventually 15 "the hour says which pods were watched" eval '[ "$(map | jq -c ".metadata.annotations[
	\"footprint.ipwarden.dev/watched\"] | fromjson | [.namespace, .name, .label]")" = \
	"[\"voice\",\"sip\",\"app in (sip,rtp),tier!=dev\"]" ]'
stop_ipwarden
check "no violations" no_violations
