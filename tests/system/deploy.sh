#!/bin/sh
# deploy/ as a user installs it: kubectl apply -k on a cluster whose RBAC counts. The
# replicas run as the Deployment says, with its environment and its service account, as uid
# 65532 without capabilities and under the shipped seccomp profile, through the main job, an eviction and a failover, and are
# refused nothing.
. "$SRC/tests/system/lib.sh"
. "$SRC/tests/system/installed.sh"

ONE=34.82.10.1
TWO=34.82.10.2
ACCOUNT=system:serviceaccount:kube-system:ip-address-controller-sa
WATCHER=system:serviceaccount:kube-system:ipwarden-watcher

start_world --nodes 4 --addresses $ONE,$TWO
rights_count

# --- installed over the older controller, and once more -------------------------------
check "the IP Address Controller's Deployment, not applied but created" \
	kc create --validate=false -f - <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: {name: ip-address-controller, namespace: kube-system}
spec:
  replicas: 2
  selector: {matchLabels: {app: ip-address-controller}}
  template:
    metadata: {labels: {app: ip-address-controller}}
    spec:
      containers:
      - {name: ip-address-controller, image: "old:1", resources: {limits: {cpu: 1}}}
YAML
check "kubectl apply -f crds" kc apply --validate=false -f "$SRC/crds"
until_true 10 kc get nia
check "kubectl apply -k deploy" kc apply --validate=false -k "$SRC/deploy"
kc apply --validate=false -k "$SRC/deploy" >"$DIR/again" 2>&1
# kubectl sends a budget's selector each time, since its patches replace it
is "again: nothing changes" "$(grep -v ' unchanged$' "$DIR/again")" \
	"poddisruptionbudget.policy/ip-address-controller configured"
WORKLOAD=web
deployment web

is "and of one container, in which nothing of the older one runs" "$(template \
	'.spec.containers | length') $(container .image) $(container .args)" \
	"1 $(sed -n 's/^ *image: //p' "$SRC/deploy/base/deployment.yaml") null"

# --- as the kubelet would start them -------------------------------------------------
is "two replicas" "$(api GET "$DEPLOYMENT" | jq .spec.replicas)" 2
is "of pods that the selector finds" "$(api GET "$DEPLOYMENT" | jq -c '
	.spec.selector.matchLabels == {app: "ip-address-controller"} and
	(.spec.template.metadata.labels | contains({app: "ip-address-controller"}))')" true

as_pods
marked_is() {
	api GET "/api/v1/$SYSTEM/pods/$1" |
		jq -e '.metadata.annotations["controller-leader"] == "true"'
}
was_reviewed() { [ "$(grep -c '"event":"access_reviewed"' "$DIR/$1.log")" -ge 2 ]; }

# probe WHICH: what the kubelet would ask
probe() {
	curl -sS -f "http://127.0.0.1:$(port_of "$(container ".$1.httpGet.port")")$(
		container ".$1.httpGet.path")"
}
probes() {
	for which in startupProbe livenessProbe readinessProbe; do
		eventually 20 "its $which" probe $which
	done
}
replica ip-address-controller-a node-3
probes
FIRST=$MAIN
eventually 20 "takes the Lease that was shipped" holder_is ip-address-controller-a
replica ip-address-controller-b node-4
probes
[ -z "$LAUNCH" ] || is "as uid 65532, without capabilities" "$(awk '$1 == "Uid:" { print $2, $3 }
	$1 == "CapBnd:" || $1 == "CapPrm:" { print $2 }' "/proc/$MAIN/status" | tr '\n' ' ')" \
	"65532 65532 0000000000000000 0000000000000000 "

# --- the main job -------------------------------------------------------------------
allocation web $ONE $TWO >/dev/null
eventually 30 "attached" kc wait --for=condition=Ready nia/web --timeout=1s
NODE=$(node_of $ONE)
eventually 10 "labelled" label_is "$NODE" ip.ready true
eventually 10 "told" event Attached "$ONE attached"
eventually 10 "the leader is marked" marked_is ip-address-controller-a
cordon "$NODE"
eventually 30 "moved" moved $ONE "$NODE"
eventually 30 "at rest" entry_is web $ONE "Attached Attached"
uncordon "$NODE"

# --- eviction -----------------------------------------------------------------------
NODE=$(node_of $TWO)
pod default/web-1 "$NODE" web
there() { api GET /api/v1/namespaces/default/pods/web-1; }
gone() { ! there; }
cordon "$NODE"
eventually 15 "a pod holds an address" entry_is web $TWO "Draining InUse"
detach_by_hand "$NODE"
eventually 60 "without it the pod is evicted" gone
eventually 10 "which is told" event Evicted web-1
uncordon "$NODE"

# --- failover -----------------------------------------------------------------------
eventually 20 "at rest" entry_is web $ONE "Attached Attached"
# shellcheck disable=SC2046
kill -9 $(sed -n 's/.*"event":"spawned",.*"pid":\([0-9]*\),.*/\1/p' \
	"$DIR/ip-address-controller-a.log") "$FIRST" 2>/dev/null
remove_object "/api/v1/$SYSTEM/pods/ip-address-controller-a"
NODE=$(node_of $ONE)
cordon "$NODE"
eventually 20 "the leader is killed: the other one takes over" \
	holder_is ip-address-controller-b
eventually 30 "and acts" moved $ONE "$NODE"
eventually 20 "it is marked" marked_is ip-address-controller-b

# --- released -----------------------------------------------------------------------
uncordon "$NODE"
released() { ! attached $ONE && ! attached $TWO && ! api GET "$NIA/web"; }
until_true 20 entry_is web $ONE "Attached Attached"
api DELETE "$NIA/web" -o /dev/null
eventually 30 "deleted: both addresses are released" released

# --- with these identities, and refused nothing --------------------------------------
eventually 20 "both ask what they may do" was_reviewed ip-address-controller-b
for name in a b; do
	is "$name: no right is missing" "$(grep -h \
		'"event":"access_missing"' "$DIR/ip-address-controller-$name.log")" ""
	is "none is too much" "$(grep -h '"event":"access_excess"' \
		"$DIR/ip-address-controller-$name.log")" ""
done
# ours JQ: of our processes' requests
ours() { jq -r "select(.agent | startswith(\"ipwarden-\")) | $1" "$DIR/requests.jsonl" | sort -u; }
is "nothing was forbidden" "$(ours 'select(.status == 403 or .status == 401) |
	[.user, .verb, .path] | join(" ")')" ""
is "the writer is the Deployment's account, the watcher its own" \
	"$(ours '.agent[0:14] + " " + .user' | tr '\n' ' ')" \
	"ipwarden-recon $ACCOUNT ipwarden-watch $WATCHER "
check "no violations" no_violations
