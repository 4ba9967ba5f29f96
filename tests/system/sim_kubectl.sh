#!/bin/sh
# kubectl against the simulated API server: what users type, and what they then read.
#   SIM      the installed ipwarden-sim
#   KUBECTL  kubectl, 1.20 or newer (default: the one in PATH)
# Prints "ok N name" or "not ok N name" for each step; ends with 0 when all are ok.
set -u

: "${SIM:?the path of ipwarden-sim}"
: "${KUBECTL:=kubectl}"

dir=$(mktemp -d) || exit 1
sim_pid=
watch_pid=
count=0
failed=0

cleanup() {
	[ -z "$watch_pid" ] || kill "$watch_pid" 2>/dev/null
	[ -z "$sim_pid" ] || { kill "$sim_pid" && wait "$sim_pid"; } 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# until SECONDS COMMAND...: true as soon as the command is.
until_true() {
	tries=$(($1 * 10))
	shift
	while ! "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.1
	done
}

result() { # STATUS NAME
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count $2"
	else
		echo "not ok $count $2"
		sed 's/^/# /' "$dir/out"
		failed=$((failed + 1))
	fi
}

# kc ARGUMENTS...: runs kubectl, its output goes to $dir/out.
kc() {
	"$KUBECTL" "$@" </dev/null >"$dir/out" 2>&1
}

# shows NAME PATTERN ARGUMENTS...: kubectl succeeds, a line of its output fits.
shows() {
	name=$1 pattern=$2
	shift 2
	kc "$@" && grep -Eq -e "$pattern" "$dir/out"
	result $? "$name"
}

# refuses NAME PATTERN ARGUMENTS...: kubectl fails, a line of its output fits.
refuses() {
	name=$1 pattern=$2
	shift 2
	! kc "$@" && grep -Eq -e "$pattern" "$dir/out"
	result $? "$name"
}

# is NAME WANTED ARGUMENTS...: kubectl succeeds with exactly that output.
is() {
	name=$1 wanted=$2
	shift 2
	kc "$@" && [ "$(cat "$dir/out")" = "$wanted" ]
	result $? "$name"
}

# edit_status PATH SCRIPT: a status is written as a controller would, the object goes
# through sed in between.
edit_status() {
	"$KUBECTL" get --raw "$1" >"$dir/object" &&
		sed -e "$2" "$dir/object" >"$dir/edited" &&
		kc replace --validate=false --raw "$1/status" -f "$dir/edited"
}

"$SIM" serve --dir "$dir/world" --nodes 3 2>"$dir/sim.log" &
sim_pid=$!
until_true 20 test -e "$dir/world/world.env" || {
	cat "$dir/sim.log"
	echo "not ok 1 the world stands"
	exit 1
}
. "$dir/world/world.env"
export KUBECONFIG HOME="$dir" NO_PROXY=127.0.0.1 no_proxy=127.0.0.1

cat >"$dir/roles.yaml" <<'EOF'
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: r, namespace: x}
rules:
- {apiGroups: [""], resources: [configmaps], verbs: [delete, get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: b, namespace: x}
subjects:
- {kind: ServiceAccount, name: ip-address-watcher-sa, namespace: kube-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}
EOF

cat >"$dir/crd.yaml" <<'EOF'
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: pools.test.example
spec:
  group: test.example
  scope: Cluster
  names: {plural: pools, singular: pool, kind: Pool, shortNames: [pl]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    additionalPrinterColumns:
    - {name: Count, type: integer, jsonPath: .status.count}
    - {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
    - {name: Every, type: integer, jsonPath: .spec.every, priority: 1}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    schema:
      openAPIV3Schema:
        type: object
        required: [spec]
        properties:
          spec:
            type: object
            required: [ips]
            properties:
              ips:
                type: array
                x-kubernetes-list-type: set
                items: {type: string, format: ipv4}
              every: {type: integer, minimum: 5, default: 30}
          status:
            type: object
            x-kubernetes-preserve-unknown-fields: true
EOF
cat >"$dir/pool.yaml" <<'EOF'
apiVersion: test.example/v1
kind: Pool
metadata: {name: a}
spec:
  ips: [203.0.113.1]
EOF
sed 's/203.0.113.1/203.0.113.1, 203.0.113.2/' "$dir/pool.yaml" >"$dir/pool2.yaml"
sed 's/203.0.113.1/203.0.113.999/' "$dir/pool.yaml" >"$dir/pool3.yaml"
cat >"$dir/pods.yaml" <<'EOF'
apiVersion: v1
kind: Pod
metadata: {name: web-1, labels: {app: web}}
spec: {nodeName: node-1, containers: [{name: c, image: example.test/c}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web-2, labels: {app: web}}
spec: {nodeName: node-2, containers: [{name: c, image: example.test/c}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec:
  minAvailable: 2
  selector: {matchLabels: {app: web}}
EOF
cat >"$dir/event.yaml" <<'EOF'
apiVersion: events.k8s.io/v1
kind: Event
metadata: {name: e1, namespace: default}
eventTime: "2026-01-01T00:00:00.000000Z"
type: Normal
reason: Attached
action: Attach
note: 203.0.113.1 is on node-1
reportingController: test
reportingInstance: test-1
regarding: {apiVersion: test.example/v1, kind: Pool, name: a}
EOF

# the server
shows "version" "v1\.36" version
shows "api-resources" "^pods +po " api-resources
is "readyz" "ok" get --raw /readyz

# nodes
shows "get nodes" "^node-1 +Ready +" get nodes
shows "get nodes -o wide" "INTERNAL-IP" get nodes -o wide
shows "cordon" "node/node-1 cordoned" cordon node-1
shows "cordoned nodes are shown" "^node-1 +Ready,SchedulingDisabled" get node node-1
shows "cordon again" "already cordoned" cordon node-1
shows "uncordon" "node/node-1 uncordoned" uncordon node-1
shows "label" "node/node-1 labeled" label node node-1 role=x
is "labels select" "node/node-1" get nodes -l role=x -o name
shows "label, overwritten" "labeled" label node node-1 role=y --overwrite
shows "label, removed" "node/node-1 (unlabeled|labeled)" label node node-1 role-
is "no label is left" "" get nodes -l role -o name
shows "taint" "node/node-1 tainted" taint node node-1 k=v:NoSchedule
is "the taint is there" "k=v:NoSchedule" get node node-1 \
	-o 'jsonpath={range .spec.taints[*]}{.key}={.value}:{.effect}{end}'
shows "taint, removed" "untainted" taint node node-1 k-
shows "annotate" "node/node-1 annotated?" annotate node node-1 note=text
shows "describe node" "^Name: +node-1" describe node node-1
shows "patch --type strategic" "patched" patch node node-1 --type strategic \
	-p '{"spec":{"taints":[{"key":"a","effect":"NoExecute"}]}}'
shows "patch --type json" "patched" patch node node-1 --type json \
	-p '[{"op":"remove","path":"/spec/taints/0"}]'
refuses "patch --type json that does not apply" "[Tt]he request is invalid|server rejected" \
	patch node node-1 --type json -p '[{"op":"remove","path":"/spec/none"}]'
refuses "get what is not there" 'nodes "none" not found' get node none

# a custom resource
shows "apply a definition" "created" apply --validate=false -f "$dir/crd.yaml"
shows "wait for the definition" "condition met" \
	wait --for=condition=Established crd/pools.test.example --timeout=10s
shows "apply" "pool.test.example/a created" apply --validate=false -f "$dir/pool.yaml"
shows "apply again" "unchanged" apply --validate=false -f "$dir/pool.yaml"
shows "apply a change" "configured" apply --validate=false -f "$dir/pool2.yaml"
is "the generation counts" "2" get pool a -o 'jsonpath={.metadata.generation}'
refuses "apply what does not fit" 'spec.ips\[0\]' apply --validate=false -f "$dir/pool3.yaml"
shows "get, by the short name" "^a +" get pl
shows "the columns" "^NAME +COUNT +READY +AGE" get pools
shows "the wide columns" "^NAME +COUNT +READY +EVERY +AGE" get pools -o wide
is "a default" "30" get pool a -o 'jsonpath={.spec.every}'
shows "get -o yaml" "^  - 203.0.113.2" get pool a -o yaml
shows "patch --type merge" "patched" patch pool a --type merge -p '{"spec":{"every":60}}'
refuses "patch below the minimum" "greater than or equal to 5" \
	patch pool a --type merge -p '{"spec":{"every":1}}'
shows "patch that changes nothing" "no change" \
	patch pool a --type merge -p '{"spec":{"every":60}}'
uid=$("$KUBECTL" get pool a -o 'jsonpath={.metadata.uid}')
sed -i "s/name: a}/name: a, uid: $uid}/" "$dir/event.yaml"
shows "apply an event" "created" apply --validate=false -f "$dir/event.yaml"
shows "get events" "Attached +pool/a +203.0.113.1 is on node-1" get events
shows "describe shows the events" "Attached" describe pool a
refuses "wait in vain" "timed out" wait --for=condition=Ready pool/a --timeout=1s

# a watch sees what happens
: >"$dir/watch"
"$KUBECTL" get pools -w >>"$dir/watch" 2>&1 &
watch_pid=$!
until_true 10 grep -q '^a ' "$dir/watch"
result $? "get -w begins with what is there"
edit_status /apis/test.example/v1/pools/a \
	's/}$/,"status":{"count":7,"conditions":[{"type":"Ready","status":"True"}]}}/'
result $? "replace --raw of a status"
until_true 10 grep -Eq '^a +7 +True' "$dir/watch"
result $? "get -w sees a change"
kill "$watch_pid"
wait "$watch_pid" 2>/dev/null
watch_pid=
shows "wait for a condition" "condition met" \
	wait --for=condition=Ready pool/a --timeout=10s

# pods, budgets and drain
shows "apply pods" "pod/web-1 created" apply --validate=false -f "$dir/pods.yaml"
shows "get pods" "^web-1 +0/1 +Pending" get pods
shows "pods of a node" " web-2 " get pods -A --field-selector spec.nodeName=node-2
ready='s/"phase":"Pending"/"phase":"Running","conditions":[{"type":"Ready","status":"True"}]/'
edit_status /api/v1/namespaces/default/pods/web-1 "$ready" &&
	edit_status /api/v1/namespaces/default/pods/web-2 "$ready"
result $? "the pods are ready"
refuses "drain against a budget" "violate the pod's disruption budget" \
	drain node-1 --force --ignore-daemonsets --timeout=2s
shows "the pod is still there" "^web-1 +0/1 +Running" get pod web-1
shows "delete the budget" "deleted" delete pdb web
shows "drain" "node/node-1 (drained|evicted)" \
	drain node-1 --force --ignore-daemonsets --timeout=20s
refuses "the pod is gone" "not found" get pod web-1
shows "a drained node is cordoned" "SchedulingDisabled" get node node-1
shows "delete a pod" 'pod "web-2" deleted' delete pod web-2 --timeout=20s
refuses "and it is gone" "not found" get pod web-2

# namespaces, configuration, who may
shows "create namespace" "namespace/x created" create namespace x
shows "create configmap" "configmap/c created" create configmap c -n x --from-literal=a=b
is "get configmap" "b" get configmap c -n x -o 'jsonpath={.data.a}'
is "auth can-i" "yes" auth can-i delete pods
is "auth can-i, for everything" "yes" auth can-i '*' '*'
shows "apply roles" "rolebinding.rbac.authorization.k8s.io/b created" \
	apply --validate=false -f "$dir/roles.yaml"
shows "apply roles again" "rolebinding.rbac.authorization.k8s.io/b unchanged" \
	apply --validate=false -f "$dir/roles.yaml"
shows "get roles" "^NAME +CREATED AT" get roles -n x
shows "get rolebindings" "^b +Role/r +" get rolebindings -n x
shows "get clusterroles" "^ipwarden " get clusterroles
shows "create clusterrole" "created" \
	create clusterrole c --verb=get --resource=nodes --resource-name=node-2
shows "create clusterrolebinding" "created" create clusterrolebinding c \
	--clusterrole=c --user=system:serviceaccount:kube-system:ip-address-watcher-sa
shows "describe clusterrole" "nodes +\[\] +\[node-2\] +\[get\]" describe clusterrole c
export KUBECONFIG=$WATCHER_KUBECONFIG
is "a role, in its namespace" "yes" auth can-i delete configmaps/c -n x
refuses "and not beside it" "no$" auth can-i delete configmaps/c -n default
shows "delete by a role" "deleted" delete configmap c -n x
shows "auth can-i --list" "configmaps +\[\] +\[\] +\[delete get\]" \
	auth can-i --list -n x
export KUBECONFIG="$dir/world/kubeconfig"
shows "delete rolebinding" "deleted" delete rolebinding b -n x
KUBECONFIG=$WATCHER_KUBECONFIG refuses "the right has gone" "no$" \
	auth can-i delete configmaps/c -n x
shows "delete namespace" 'namespace "x" deleted' delete namespace x --timeout=20s
KUBECONFIG=$WATCHER_KUBECONFIG refuses "a reader may not write" "[Ff]orbidden" \
	label node node-1 a=b
KUBECONFIG=$CONTROLLER_KUBECONFIG refuses "the controller may not delete pods" \
	"no$" auth can-i delete pods

# the end of a custom resource
shows "a finalizer" "patched" \
	patch pool a --type merge -p '{"metadata":{"finalizers":["test.example/hold"]}}'
shows "delete, held" 'deleted' delete pool a --wait=false
shows "still there" "^a " get pool a
shows "the finalizer goes" "patched" \
	patch pool a --type merge -p '{"metadata":{"finalizers":null}}'
refuses "gone" "not found" get pool a
is "delete what is gone" "" delete pool a --ignore-not-found
shows "delete the definition" "deleted" delete crd pools.test.example --timeout=10s
refuses "and its kind" "doesn't have a resource type|could not find the requested" get pools

echo "1..$count"
[ "$failed" -eq 0 ]
