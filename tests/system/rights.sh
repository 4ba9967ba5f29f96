#!/bin/sh
# The least rights: where the writer may send what docs/api-access.md says and nothing
# more (no delete of anything, leases and pods of its own namespace) ipwarden attaches,
# moves and evicts, and is refused nothing.
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1
TWO=34.82.10.2
RBAC=/apis/rbac.authorization.k8s.io/v1
BINDINGS=$RBAC/clusterrolebindings
LEASE=ip-address-controller-leader

start_world --nodes 4 --addresses $ONE,$TWO
install_crd
deployment web
# what the world gives the writer goes
WIDE=$(api GET $BINDINGS | jq -c '.items[] | select(.roleRef.name == "ipwarden")')
USER_NAME=$(say "$WIDE" | jq -r '.subjects[0].name')
check "the writer's own role is taken away" \
	api DELETE "$BINDINGS/$(say "$WIDE" | jq -r .metadata.name)"
apply - >/dev/null <<YAML
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: least}
rules:
- {apiGroups: [""], resources: [nodes], verbs: [get, patch]}
- {apiGroups: [""], resources: [pods], verbs: [list]}
- {apiGroups: [""], resources: [pods/eviction], verbs: [create]}
- {apiGroups: [apps], resources: [deployments, statefulsets, daemonsets], verbs: [get]}
- {apiGroups: [events.k8s.io], resources: [events], verbs: [create, patch]}
- {apiGroups: [netinfra.darkbrains.com], resources: [netipallocations], verbs: [get, list, patch]}
- {apiGroups: [netinfra.darkbrains.com], resources: [netipallocations/status], verbs: [patch]}
- {apiGroups: [networking.learntosolveit.com], resources: [podtrackers], verbs: [get, patch]}
- {apiGroups: [networking.learntosolveit.com], resources: [podtrackers/status], verbs: [patch]}
- {apiGroups: [tracking.ipwarden.dev], resources: [podtrackerslices], verbs: [create, patch, delete]}
- {apiGroups: [apiextensions.k8s.io], resources: [customresourcedefinitions], resourceNames: [netipallocations.netinfra.darkbrains.com], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: least, namespace: kube-system}
rules:
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, list, watch, create, update]}
- {apiGroups: [""], resources: [pods], verbs: [patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: least}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: least}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: $USER_NAME}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: least, namespace: kube-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: least}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: $USER_NAME}]
YAML
put_object '{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"kube-system",
	"name":"ipwarden-0","labels":{"app":"ip-address-controller",
	"app.kubernetes.io/name":"ipwarden"}},"spec":{"nodeName":"elsewhere",
	"containers":[{"name":"main","image":"none"}]},"status":{"phase":"Running"}}' >/dev/null

# --- it works -------------------------------------------------------------------------

start_ipwarden
eventually 30 "all processes are ready" all_ready
eventually 20 "it has asked what it may do" reviewed
is "and misses nothing" "$(grep '"event":"access_missing"' "$LOG")" ""
WORKLOAD=web
allocation web $ONE $TWO >/dev/null
eventually 30 "both addresses are attached" kc wait --for=condition=Ready nia/web --timeout=1s
NODE=$(node_of $ONE)
eventually 10 "the node is labelled" label_is "$NODE" ip.ready true
cordon "$NODE"
eventually 30 "a drained node's address moves" moved $ONE "$NODE"
eventually 30 "and is at rest" entry_is web $ONE "Attached Attached"

NODE=$(node_of $TWO)
zone_of() { control GET /gce/state | jq -r --arg n "$1" \
	'.instances[] | select(.name == $n) | .zone'; }
there() { api GET /api/v1/namespaces/default/pods/web-1; }
gone() { ! there; }
pod default/web-1 "$NODE" web
cordon "$NODE"
eventually 15 "a pod keeps the other one" entry_is web $TWO "Draining InUse"
control POST "/gce/foreign-detach?zone=$(zone_of "$NODE")&name=$NODE" >/dev/null
eventually 60 "a pod that has lost its address is evicted" gone
eventually 10 "which is told" event Evicted web-1

# --- and is refused nothing -----------------------------------------------------------

# asked JQ-CONDITION: the requests of ours that fit, one a line
asked() {
	jq -r 'select(.agent | startswith("ipwarden-reconciler/")) | select('"$1"') |
		[.status, .verb, .resource, .namespace, .name] | join(" ")' \
		"$DIR/requests.jsonl" | sort -u
}
is "no request was forbidden" "$(asked '.status == 403')" ""
is "nothing was deleted" "$(asked '.method == "DELETE" or (.verb | startswith("delete"))')" ""
is "no lease but the one was asked for" "$(asked '.resource == "leases" and
	(.namespace != "kube-system" or (.name != "" and .name != "'$LEASE'"))')" ""
check "that one was" test -n "$(asked '.resource == "leases" and .verb == "update"')"
is "no secret was read" "$(asked '.resource == "secrets"')" ""
check "no violations" no_violations
judge | sed 's/^/# /'
