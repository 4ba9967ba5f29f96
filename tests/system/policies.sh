#!/bin/sh
# Policies, brakes and annotations as a user sets them: who may do what, how many are
# enough, what is deprecated, and what kubectl shows of it all.
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1
TWO=34.82.10.2
THREE=34.82.10.3
FOUR=34.82.10.4
OLD=34.82.10.5
ZONE=us-west1-a

start_world --nodes 3 --addresses $ONE,$TWO,$THREE,$FOUR,$OLD
install_crd
deployment web

changes() { calls instances.addAccessConfig; calls instances.deleteAccessConfig; }
policy() { merge_patch "$NIA/$1" '{"spec":{"policy":'"$2"'}}'; }
# wide NAME: the wide columns behind AGE
wide() { kc get nia "$1" -o wide --no-headers | awk '{$1=$2=$3=$4=$5=$6=$7=""; print}' |
	sed 's/^ *//'; }
rest() { eventually 15 "at rest" kc wait --for=condition=Ready "nia/$1" --timeout=1s; }

# --- --dry-run ----------------------------------------------------------------------
start_ipwarden --dry-run
eventually 30 "all processes are ready" all_ready
WORKLOAD=web INTERVAL=3600 allocation web $ONE $TWO >/dev/null
eventually 20 "a dry run says what it would do" says web Progressing \
	"False Observing: --dry-run changes nothing; next would be: $ONE: to be attached to node-1"
check "in each entry, too" entry_is web $TWO "Pending Observing"
is "the policy in force is shown" "$(wide web | cut -c 1-7)" Observe
is "and nothing is changed" "$(changes | paste -sd' ')" "0 0"
is "nor labelled" "$(label node-1 ip.ready)" ""
stop_ipwarden

# --- IPWARDEN_DEFAULT_POLICY --------------------------------------------------------
WITH=IPWARDEN_DEFAULT_POLICY=Observe
start_ipwarden
eventually 30 "ready again" all_ready
eventually 20 "the default policy is for objects that name none" says web Progressing \
	"False Observing: policy Observe changes nothing"
is "the spec does not name one" "$(api GET "$NIA/web" | jq -r .spec.policy)" null
policy web '"Sync"'
eventually 20 "one that is named goes before it" attached $ONE
rest web
is "it is shown instead" "$(wide web)" "node-1,node-2 Sync 2 of 2 attached"
stop_ipwarden
WITH=
start_ipwarden
eventually 30 "ready with the usual default" all_ready
policy web null
in_force() { [ "$(api GET "$NIA/web" | jq -r .status.policy)" = "$1" ]; }
eventually 10 "which is Sync" in_force Sync
rest web

# --- Observe, AssignOnly ------------------------------------------------------------
policy web '"Observe"'
cordon node-1
eventually 10 "Observe names the next step" entry_says web $ONE \
	"node-1 is draining: to be moved to node-3"
policy web '"AssignOnly"'
eventually 10 "AssignOnly takes nothing off" entry_is web $ONE "Draining AssignOnly"
is "it is where it was" "$(node_of $ONE) $(label node-1 ip.ready)" "node-1 true"

# --- paused -------------------------------------------------------------------------
kc annotate nia/web netinfra.darkbrains.com/paused=true >/dev/null
policy web '"Sync"'
eventually 10 "paused, nothing is begun" entry_is web $ONE "Draining Paused"
check "the condition says so" says web Progressing \
	"False Paused: paused by annotation; next would be: $ONE: node-1 is draining"
check "it is Ready all the same" says web Ready "True AllAttached"
kc annotate nia/web netinfra.darkbrains.com/paused- >/dev/null
eventually 20 "then it goes on" moved $ONE node-1
uncordon node-1
rest web

# --- skip ---------------------------------------------------------------------------
NODE=$(node_of $ONE)
kc annotate "node/$NODE" netinfra.darkbrains.com/skip=true >/dev/null
cordon "$NODE"
eventually 10 "a node to be skipped keeps what it has" entry_is web $ONE "Draining Skipped"
kc annotate "node/$NODE" netinfra.darkbrains.com/skip- >/dev/null
eventually 20 "and loses it like others when that ends" moved $ONE "$NODE"
uncordon "$NODE"
rest web

# --- reconcile-at -------------------------------------------------------------------
lists=$(calls instances.list)
kc annotate nia/web example.org/x=1 >/dev/null
NODE=$(node_of $TWO)
control POST "/gce/foreign-detach?zone=$ZONE&name=$NODE" >/dev/null
is "nobody looks within an hour" "$(calls instances.list)" "$lists"
kc annotate nia/web netinfra.darkbrains.com/reconcile-at=12:05 >/dev/null
eventually 10 "a changed reconcile-at has the cloud looked at" attached $TWO
rest web

# --- the spec no longer means the node ----------------------------------------------
NODE=$(node_of $ONE)
FREE=$(api GET /api/v1/nodes | jq -r '[.items[] | select(.metadata.labels["ip.ready"]
	!= "true") | .metadata.name][0]')
pod default/web-abc12-a "$NODE" web
kc label "node/$NODE" pool=other --overwrite >/dev/null
eventually 10 "a node out of the pool keeps it while pods run there" \
	entry_is web $ONE "Draining InUse"
check "which says why" entry_says web $ONE \
	"on $NODE, which is no longer meant by the spec; in use by 1 pod (web-abc12-a)"
remove_object /api/v1/namespaces/default/pods/web-abc12-a
eventually 20 "and loses it then" holds $ONE "$FREE"
kc label "node/$NODE" pool=static --overwrite >/dev/null
rest web

# --- minAttached --------------------------------------------------------------------
WORKLOAD=web INTERVAL=5 allocation web $ONE $TWO $THREE $FOUR >/dev/null
eventually 20 "more addresses than nodes: the surplus is spare" \
	entry_is web $FOUR "Spare Spare"
eventually 10 "by default all are needed" says web Ready "False Spare: $FOUR: 0/3 nodes: 3 hold"
check "which is not Degraded" says web Degraded "False AsExpected"
eventually 10 "the metric says not ready" metric_is \
	'netipallocation_crd_status{crd_name="web"}' 0
eventually 10 "but nobody is woken up for a surplus" metric_is \
	'netipallocation_unattached_ips_total{crd_name="web"}' 0
merge_patch "$NIA/web" '{"spec":{"minAttached":4}}'
eventually 10 "unless the spec asks for it" metric_is \
	'netipallocation_unattached_ips_total{crd_name="web"}' 1
merge_patch "$NIA/web" '{"spec":{"minAttached":"75%"}}'
check "three quarters are enough, kubectl wait hears of it" \
	kc wait --for=condition=Ready nia/web --timeout=10s
is "and the table says it" "$(kc get nia web --no-headers | awk '{print $2, $3, $4, $5, $6}')" \
	"gcp 4 3 True EnoughAttached"
is "in the wide one, too" "$(wide web | cut -d' ' -f2-)" \
	"Sync 3 of 4 attached, 1 spare, 3 needed"
is "counted in the status" "$(api GET "$NIA/web" | jq -c '.status |
	[.reserved, .attached, .unattached, .spare]')" "[4,3,0,1]"
eventually 10 "the metric says ready" metric_is \
	'netipallocation_crd_status{crd_name="web"}' 1
eventually 10 "and none missing" metric_is \
	'netipallocation_unattached_ips_total{crd_name="web"}' 0

# --- what older manifests have ------------------------------------------------------
jq -n --arg a $OLD '{apiVersion: "netinfra.darkbrains.com/v1alpha1",
	kind: "NetIPAllocation", metadata: {name: "old"}, spec: {reservedIPs: [$a],
		deploymentRef: {name: "web"}, strategy: {maxSurge: 1, maxUnavailable: 0},
		cloud: {region: "us-west1", credentials: {secretName: "x"}}}}' |
	kc create --validate=false -f - >/dev/null
eventually 15 "deploymentRef is deprecated" event Deprecated "write workloadRef with kind Deployment"
eventually 10 "a missing provider is gcp" event ProviderAssumed "gcp is assumed"
eventually 10 "strategy is ignored" event FieldIgnored "spec.strategy has no effect"
eventually 10 "credentials are ignored" event FieldIgnored "spec.cloud.credentials has no effect"
check "it is accepted" says old Accepted "True Accepted"
eventually 10 "another allocation has the nodes" entry_is old $OLD "Spare NodeHoldsAnother"
deprecations() { api GET /apis/events.k8s.io/v1/events | jq -c \
	'[.items[] | select(.reason == "Deprecated") | .series.count // 1]'; }
is "it is told once" "$(deprecations)" "[1]"
merge_patch "$NIA/old" '{"spec":{"reconcileInterval":6}}'
told_twice() { [ "$(deprecations)" = "[2]" ]; }
eventually 10 "and again with the next generation" told_twice

is "every process lived through it" "$(grep -c '"event":"died"' "$LOG")" 0
check "no violations" no_violations
judge | sed 's/^/# /'
