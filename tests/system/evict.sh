#!/bin/sh
# Pods on a node that has lost its address: evicted when another node has one, one at a
# time, as the PodDisruptionBudget allows it, and never any other pod.
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1
TWO=34.82.10.2
PODS=/api/v1/namespaces/default/pods

start_world --nodes 4 --addresses $ONE,$TWO
install_crd
deployment web
start_ipwarden
eventually 30 "all processes are ready" all_ready
WORKLOAD=web
allocation web $ONE $TWO >/dev/null
eventually 20 "both are attached" kc wait --for=condition=Ready nia/web --timeout=1s
NODE=$(node_of $ONE)

# ready_pod NAME: the kubelet says so
ready_pod() {
	put_object "$(api GET $PODS/"$1" | jq 'del(.metadata.resourceVersion) |
		.status.conditions = [{type: "Ready", status: "True"}]')" >/dev/null
}
pod default/web-abc12-a "$NODE" web
pod default/web-abc12-b "$NODE" web
pod default/other-abc12-c "$NODE" other
owned_pod default/web-d "$NODE" DaemonSet web
pod default/web-abc12-e "$(node_of $TWO)" web
for name in web-abc12-a web-abc12-b web-abc12-e; do ready_pod $name; done
put_object '{"apiVersion":"policy/v1","kind":"PodDisruptionBudget",
	"metadata":{"name":"web","namespace":"default"},
	"spec":{"minAvailable":3,"selector":{"matchLabels":{"app":"web-abc12"}}}}' >/dev/null
# there NAME: and not on its way out
there() { api GET $PODS | jq -e --arg n "$1" 'any(.items[];
	.metadata.name == $n and .metadata.deletionTimestamp == null)'; }
going() { api GET $PODS | jq -e --arg n "$1" 'all(.items[];
	.metadata.name != $n or .metadata.deletionTimestamp != null)'; }

# --- somebody takes the address away, and the node cannot have it back ---------------
cordon "$NODE"
eventually 15 "the pods keep it" entry_is web $ONE "Draining InUse"
zone_of() { control GET /gce/state | jq -r --arg n "$1" \
	'.instances[] | select(.name == $n) | .zone'; }
control POST "/gce/foreign-detach?zone=$(zone_of "$NODE")&name=$NODE" >/dev/null
eventually 30 "the address goes on to another node" moved $ONE "$NODE"
eventually 60 "the budget blocks the eviction, and is named" event EvictionBlocked \
	"The disruption budget web needs 3 healthy pods and has 3 currently"
check "the first pod is still there" there web-abc12-a
check "so is the second" there web-abc12-b

merge_patch /apis/policy/v1/namespaces/default/poddisruptionbudgets/web \
	'{"spec":{"minAvailable":1}}'
eventually 60 "when the budget allows it, a pod goes" going web-abc12-a
eventually 60 "then the next one" going web-abc12-b
eventually 15 "which is told" event Evicted "web-abc12-b"
check "a pod of another workload stays" there other-abc12-c
check "one of a DaemonSet stays" there web-d
check "one on another node stays" there web-abc12-e
evictions() { jq -c 'select(.what == "evict" and (.result | startswith("201")))' "$AUDIT"; }
is "two were evicted, by the audit" "$(evictions | wc -l)" 2
eventually 10 "and by the metric" \
	metric_is 'ipwarden_evictions_total{crd_name="web",result="evicted"}' 2
check "no violations" no_violations
